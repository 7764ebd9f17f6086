// Query parameters -> request fields (google/api/http.proto, "Rules for HTTP mapping"): all that neither the path nor the
// body covers. Beyond those rules: maps as `m[key]=value`, timestamps, durations, field masks and wrappers as text.
import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import type { Violation } from "../status.ts";
import { invalid, malformed } from "../status.ts";
import { fieldsAlong, isObject, objectAt, textReader } from "./fields.ts";

export interface QueryScope {
  readonly message: DescMessage;
  /** Field paths that the path template fills; no query parameter can reach them. */
  readonly pathFields: readonly (readonly DescField[])[];
  /** The top-level field that the body fills; "all" when the body is the whole message. */
  readonly body: DescField | "all" | undefined;
}

/**
 * Puts query parameters into a JSON tree.
 *
 * @param strict whether an unknown name is refused instead of ignored
 * @throws Refusal for text that is not percent-encoded UTF-8, for a singular field given twice, and for unknown names when
 * strict
 */
export function readQuery(tree: JsonObject, query: string, scope: QueryScope, strict: boolean): void {
  const violations: Violation[] = [];
  for (const pair of query.split("&")) {
    if (pair === "") {
      continue;
    }
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
    const target = findTarget(name, scope);
    if (target !== undefined) {
      violations.push(...write(tree, name, value, target));
    } else if (strict) {
      violations.push({ field: name, reason: "UNRECOGNIZED_KEYS", description: "is no query parameter of this method" });
    }
  }
  if (violations.length > 0) {
    throw invalid("the query does not fit this method", violations);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw malformed("the query is not percent-encoded UTF-8");
  }
}

interface Target {
  readonly path: readonly DescField[];
  readonly leaf: DescField;
  readonly mapKey: string | undefined;
}

function findTarget(name: string, scope: QueryScope): Target | undefined {
  const bracket = name.endsWith("]") ? name.indexOf("[") : -1;
  const mapKey = bracket < 0 ? undefined : name.slice(bracket + 1, -1);
  const path = fieldsAlong(scope.message, (bracket < 0 ? name : name.slice(0, bracket)).split("."));
  const leaf = path?.at(-1);
  if (path === undefined || leaf === undefined || (leaf.fieldKind === "map") !== (mapKey !== undefined)) {
    return undefined;
  }
  const isCovered = scope.body === "all" || scope.body === path[0] || scope.pathFields.some((bound) => isSamePath(bound, path));
  return isCovered ? undefined : { path: path.slice(0, -1), leaf, mapKey };
}

function isSamePath(one: readonly DescField[], other: readonly DescField[]): boolean {
  return one.length === other.length && one.every((field, index) => field === other[index]);
}

function write(tree: JsonObject, name: string, text: string, { path, leaf, mapKey }: Target): Violation[] {
  const read = textReader(leaf);
  const object = objectAt(tree, path);
  if (read === undefined || object === undefined) {
    return [{ field: name, reason: "INVALID_TYPE", description: "is a message; name one of its fields" }];
  }
  const value = read(text);
  const present = object[leaf.jsonName];
  if (leaf.fieldKind === "list") {
    object[leaf.jsonName] = Array.isArray(present) ? [...present, value] : [value];
    return [];
  }
  const container = mapKey === undefined ? object : isObject(present) ? present : emptyMap();
  const key = mapKey ?? leaf.jsonName;
  if (Object.hasOwn(container, key)) {
    return [{ field: name, reason: "INVALID_TYPE", description: "takes one value" }];
  }
  container[key] = value;
  if (mapKey !== undefined) {
    object[leaf.jsonName] = container;
  }
  return [];
}

/** Keys come from the client: an object without a prototype has no special ones. */
function emptyMap(): JsonObject {
  return Object.create(null) as JsonObject;
}
