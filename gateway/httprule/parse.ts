// The grammar of google.api.http path templates (google/api/http.proto, "Path template syntax"):
//   Template = "/" Segments [ ":" LITERAL ]     Segments = Segment { "/" Segment }
//   Segment  = "*" | "**" | LITERAL | Variable   Variable = "{" FieldPath [ "=" Segments ] "}"
// Boot work only: a template that breaks the grammar stops the gateway, with the position of the fault.

/** What one segment of a request path must be: exactly this text, any one segment, or all that is left. */
export type Segment = { readonly kind: "literal"; readonly text: string } | { readonly kind: "one" } | { readonly kind: "rest" };

export interface Variable {
  /** Dotted path of the request field that the variable fills, as written in the template. */
  readonly fieldPath: readonly string[];
  /** Index of the variable's first segment. */
  readonly start: number;
  /** Index after its last segment; undefined when it ends with "**" and takes the rest of the path. */
  readonly end: number | undefined;
  /** Whether it may span several segments, which changes how it is percent-decoded. */
  readonly spansSegments: boolean;
}

export interface Template {
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly variables: readonly Variable[];
  /** The custom verb after the last colon, without the colon; "" when there is none. */
  readonly verb: string;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Parses a path template.
 *
 * @throws Error that names the template, the position and the broken rule
 */
export function parseTemplate(text: string): Template {
  const cursor: Cursor = { text, at: 0, segments: [], variables: [] };
  expect(cursor, "/");
  parseSegments(cursor, false);
  const verb = parseVerb(cursor);
  if (cursor.at < text.length) {
    fail(cursor, `"${text[cursor.at]}" does not belong here`);
  }
  const rest = cursor.segments.findIndex((segment) => segment.kind === "rest");
  if (rest >= 0 && rest < cursor.segments.length - 1) {
    fail(cursor, `"**" must be the last segment`);
  }
  return { text, segments: cursor.segments, variables: cursor.variables, verb };
}

interface Cursor {
  readonly text: string;
  at: number;
  readonly segments: Segment[];
  readonly variables: Variable[];
}

function parseSegments(cursor: Cursor, insideVariable: boolean): void {
  parseSegment(cursor, insideVariable);
  while (cursor.text[cursor.at] === "/") {
    cursor.at++;
    parseSegment(cursor, insideVariable);
  }
}

function parseSegment(cursor: Cursor, insideVariable: boolean): void {
  if (cursor.text.startsWith("**", cursor.at)) {
    cursor.at += 2;
    cursor.segments.push({ kind: "rest" });
  } else if (cursor.text[cursor.at] === "*") {
    cursor.at++;
    cursor.segments.push({ kind: "one" });
  } else if (cursor.text[cursor.at] === "{") {
    if (insideVariable) {
      fail(cursor, "a variable must not hold another");
    }
    parseVariable(cursor);
  } else {
    cursor.segments.push({ kind: "literal", text: parseLiteral(cursor) });
  }
}

function parseVariable(cursor: Cursor): void {
  expect(cursor, "{");
  const fieldPath = parseFieldPath(cursor);
  const start = cursor.segments.length;
  if (cursor.text[cursor.at] === "=") {
    cursor.at++;
    parseSegments(cursor, true);
  } else {
    cursor.segments.push({ kind: "one" });
  }
  expect(cursor, "}");
  const own = cursor.segments.slice(start);
  const takesRest = own.at(-1)?.kind === "rest";
  cursor.variables.push({
    fieldPath,
    start,
    end: takesRest ? undefined : cursor.segments.length,
    spansSegments: takesRest || own.length > 1,
  });
}

function parseFieldPath(cursor: Cursor): readonly string[] {
  const start = cursor.at;
  while (cursor.at < cursor.text.length && !"=}/{*:".includes(cursor.text[cursor.at] ?? "")) {
    cursor.at++;
  }
  const written = cursor.text.slice(start, cursor.at);
  const fieldPath = written.split(".");
  if (!fieldPath.every((name) => IDENTIFIER.test(name))) {
    cursor.at = start;
    fail(cursor, `"${written}" is not a field path`);
  }
  if (cursor.variables.some((variable) => variable.fieldPath.join(".") === written)) {
    cursor.at = start;
    fail(cursor, `"${written}" is bound twice`);
  }
  return fieldPath;
}

/** A literal runs to the next slash or brace; in the last segment the verb's colon ends it too. */
function parseLiteral(cursor: Cursor): string {
  const start = cursor.at;
  while (cursor.at < cursor.text.length && !"/{}*=".includes(cursor.text[cursor.at] ?? "")) {
    cursor.at++;
  }
  const isLast = cursor.at === cursor.text.length;
  const colon = isLast ? cursor.text.lastIndexOf(":") : -1;
  if (colon >= start) {
    cursor.at = colon;
  }
  if (cursor.at === start) {
    fail(cursor, "a segment is empty");
  }
  return cursor.text.slice(start, cursor.at);
}

function parseVerb(cursor: Cursor): string {
  if (cursor.text[cursor.at] !== ":") {
    return "";
  }
  cursor.at++;
  const verb = cursor.text.slice(cursor.at);
  if (verb === "" || /[/{}*=:]/.test(verb)) {
    fail(cursor, "the verb after the colon is not a literal");
  }
  cursor.at = cursor.text.length;
  return verb;
}

function expect(cursor: Cursor, character: string): void {
  if (cursor.text[cursor.at] !== character) {
    fail(cursor, `"${character}" expected`);
  }
  cursor.at++;
}

function fail(cursor: Cursor, rule: string): never {
  throw new Error(`path template "${cursor.text}", position ${cursor.at}: ${rule}`);
}
