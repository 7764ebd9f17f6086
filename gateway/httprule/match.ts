// Finds the route of a request: a trie of path segments, walked without regular expressions, so that no template and no
// path can make matching slow (path-to-regexp's CVE-2024-45296 and kin). A literal beats "*", "*" beats "**"; the walk
// backs out of a branch that has no route for the request's method. It visits each trie node at most once a request.
import type { Template } from "./parse.ts";

/** Anything that can be routed to. */
export interface Routable {
  /** HTTP method in capitals, or "*" for any. */
  readonly verb: string;
  readonly template: Template;
}

export type Match<R> =
  | { readonly kind: "route"; readonly route: R; readonly captures: readonly string[] }
  /** The path is known, the HTTP method is not; `allow` lists those that are. */
  | { readonly kind: "wrong-verb"; readonly allow: readonly string[] }
  | { readonly kind: "unknown" };

export type Matcher<R> = (verb: string, path: string) => Match<R>;

/** Routes that end at one place, by HTTP method. */
type Leaf<R> = Map<string, R>;

interface Node<R> {
  readonly literals: Map<string, Node<R>>;
  one: Node<R> | undefined;
  /** Routes ending here, and routes ending here in "**"; both by custom verb. */
  readonly ends: Map<string, Leaf<R>>;
  readonly rests: Map<string, Leaf<R>>;
}

const UNKNOWN = { kind: "unknown" } as const;

/**
 * Builds the matcher of a set of routes.
 *
 * A HEAD request is served by the GET route of its path unless it has a route of its own (RFC 9110 section 9.3.2).
 * The path is matched as it was sent: captures are still percent-encoded, and an encoded literal does not match.
 *
 * @throws Error when two routes claim the same requests
 */
export function buildMatcher<R extends Routable>(routes: readonly R[]): Matcher<R> {
  const root = emptyNode<R>();
  const verbs = new Set<string>();
  for (const route of routes) {
    plant(root, route);
    verbs.add(route.template.verb);
  }
  return (verb, path) => {
    if (!path.startsWith("/")) {
      return UNKNOWN;
    }
    const segments = path.slice(1).split("/");
    const custom = splitVerb(segments, verbs);
    return find(root, segments, custom, verb) ?? findAllowed(root, segments, custom);
  };
}

interface Custom {
  readonly verb: string;
  readonly segments: readonly string[];
}

/** The custom verb is split off only when some template has it, so that "/people/jason:other" can be an id. */
function splitVerb(segments: readonly string[], verbs: ReadonlySet<string>): Custom | undefined {
  const last = segments.at(-1) ?? "";
  const colon = last.lastIndexOf(":");
  const verb = last.slice(colon + 1);
  if (colon < 0 || verb === "" || !verbs.has(verb)) {
    return undefined;
  }
  return { verb, segments: [...segments.slice(0, -1), last.slice(0, colon)] };
}

function find<R extends Routable>(
  root: Node<R>,
  segments: readonly string[],
  custom: Custom | undefined,
  verb: string,
): Match<R> | undefined {
  const pick = (leaf: Leaf<R>): R | undefined => leaf.get(verb) ?? (verb === "HEAD" ? leaf.get("GET") : undefined) ?? leaf.get("*");
  if (custom !== undefined) {
    const route = descend(root, custom.segments, 0, custom.verb, pick);
    if (route !== undefined) {
      return { kind: "route", route, captures: capture(route.template, custom.segments) };
    }
  }
  const route = descend(root, segments, 0, "", pick);
  return route && { kind: "route", route, captures: capture(route.template, segments) };
}

function findAllowed<R>(root: Node<R>, segments: readonly string[], custom: Custom | undefined): Match<R> {
  const allow = new Set<string>();
  const collect = (leaf: Leaf<R>): undefined => {
    for (const verb of leaf.keys()) {
      allow.add(verb);
    }
  };
  if (custom !== undefined) {
    descend(root, custom.segments, 0, custom.verb, collect);
  }
  descend(root, segments, 0, "", collect);
  if (allow.has("GET")) {
    allow.add("HEAD");
  }
  return allow.size === 0 ? UNKNOWN : { kind: "wrong-verb", allow: [...allow].sort() };
}

function descend<R>(
  node: Node<R>,
  segments: readonly string[],
  at: number,
  custom: string,
  pick: (leaf: Leaf<R>) => R | undefined,
): R | undefined {
  const segment = segments[at];
  if (segment === undefined) {
    const leaf = node.ends.get(custom);
    const route = leaf && pick(leaf);
    if (route !== undefined) {
      return route;
    }
  } else {
    const literal = node.literals.get(segment);
    const route =
      (literal && descend(literal, segments, at + 1, custom, pick)) ??
      (node.one && segment !== "" ? descend(node.one, segments, at + 1, custom, pick) : undefined);
    if (route !== undefined) {
      return route;
    }
  }
  const rest = node.rests.get(custom);
  return rest && pick(rest);
}

function capture(template: Template, segments: readonly string[]): readonly string[] {
  return template.variables.map(({ start, end }) =>
    end === start + 1 ? (segments[start] ?? "") : segments.slice(start, end ?? segments.length).join("/"),
  );
}

function plant<R extends Routable>(root: Node<R>, route: R): void {
  let node = root;
  let leaves = node.ends;
  for (const segment of route.template.segments) {
    if (segment.kind === "rest") {
      leaves = node.rests;
      break;
    }
    node = segment.kind === "literal" ? childOf(node, segment.text) : onlyChildOf(node);
    leaves = node.ends;
  }
  const leaf = leaves.get(route.template.verb) ?? new Map<string, R>();
  leaves.set(route.template.verb, leaf);
  const rival = leaf.get(route.verb);
  if (rival !== undefined) {
    throw new Error(`two routes claim the same requests: ${route.verb} ${rival.template.text} and ${route.verb} ${route.template.text}`);
  }
  leaf.set(route.verb, route);
}

function childOf<R>(node: Node<R>, text: string): Node<R> {
  const child = node.literals.get(text) ?? emptyNode<R>();
  node.literals.set(text, child);
  return child;
}

function onlyChildOf<R>(node: Node<R>): Node<R> {
  node.one ??= emptyNode<R>();
  return node.one;
}

function emptyNode<R>(): Node<R> {
  return { literals: new Map(), one: undefined, ends: new Map(), rests: new Map() };
}
