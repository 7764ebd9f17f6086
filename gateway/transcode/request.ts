// Path, query and body of an HTTP request -> the bytes of a request message, by the rules of one binding.
import type { DescField, DescMessage, JsonObject, Registry } from "@bufbuild/protobuf";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { Variable } from "../httprule/parse.ts";
import { invalid, malformed } from "../status.ts";
import { decodeMessage } from "./decode.ts";
import type { TextReader } from "./fields.ts";
import { fieldsAlong, isObject, objectAt, put, textReader } from "./fields.ts";
import { parseJson } from "./json.ts";
import { planPresence } from "./presence.ts";
import { readQuery } from "./query.ts";

/** What a google.api.HttpRule says about the request. */
export interface RequestRule {
  readonly message: DescMessage;
  readonly variables: readonly Variable[];
  /** "", "*" or the name of a top-level field. */
  readonly body: string;
  /** Whether a JSON body that leaves the field out is refused. */
  readonly isRequired: (field: DescField) => boolean;
}

export interface RawRequest {
  /** One for each variable, still percent-encoded. */
  readonly captures: readonly string[];
  /** What follows the question mark; "" when nothing does. */
  readonly query: string;
  readonly body: Buffer;
  /** Whether unknown query names, unknown members and a body that the rule does not have are refused: on DELETE. */
  readonly strict: boolean;
}

export interface RequestPlan {
  /** Whether the rule has a body. */
  readonly takesBody: boolean;
  /** @throws Refusal when the request breaks the method's contract */
  read(request: RawRequest): Uint8Array;
  /** What the path alone says; a part of it that cannot be read is left out. */
  readPath(captures: readonly string[]): Uint8Array;
}

interface PathField {
  readonly variable: Variable;
  readonly path: readonly DescField[];
  readonly parents: readonly DescField[];
  readonly leaf: DescField;
  readonly read: TextReader;
}

/**
 * Prepares the reading of requests; boot work.
 *
 * @throws Error when the rule names a field that the message does not have, or one that cannot stand where it is put
 */
export function planRequest(rule: RequestRule, registry: Registry): RequestPlan {
  const pathFields = rule.variables.map((variable) => planPathField(rule.message, variable));
  const body = planBody(rule);
  const presence = body === undefined ? undefined : planPresence(rule.message, rule.isRequired);
  const scope = { message: rule.message, pathFields: pathFields.map(({ path }) => path), body };
  const readPathInto = (tree: JsonObject, captures: readonly string[]): void => {
    for (const [index, field] of pathFields.entries()) {
      writePathField(tree, field, captures[index] ?? "");
    }
  };
  return {
    takesBody: body !== undefined,
    read: ({ captures, query, body: bytes, strict }) => {
      if (body === undefined && strict && bytes.length > 0) {
        throw invalid("this method takes no body", []);
      }
      const tree = body === undefined || bytes.length === 0 ? {} : readBody(body, bytes);
      if (query !== "") {
        readQuery(tree, query, scope, strict);
      }
      const absent = presence?.(tree, "") ?? [];
      if (absent.length > 0) {
        throw invalid("the body leaves out what it must hold", absent);
      }
      readPathInto(tree, captures);
      return toBinary(rule.message, decodeMessage(rule.message, tree, { registry, ignoreUnknown: !strict }));
    },
    readPath: (captures) => {
      const tree: JsonObject = {};
      for (const [index, field] of pathFields.entries()) {
        if (isReadable(rule.message, field, captures[index] ?? "")) {
          writePathField(tree, field, captures[index] ?? "");
        }
      }
      return toBinary(rule.message, fromJson(rule.message, tree));
    },
  };
}

/** Whether one variable, alone, makes a message. */
function isReadable(message: DescMessage, field: PathField, capture: string): boolean {
  const tree: JsonObject = {};
  try {
    writePathField(tree, field, capture);
    fromJson(message, tree);
    return true;
  } catch {
    return false;
  }
}

/** Path fields are singular and have a text form (http.proto: not repeated, not a message). */
function planPathField(message: DescMessage, variable: Variable): PathField {
  const path = fieldsAlong(message, variable.fieldPath);
  const leaf = path?.at(-1);
  const read = leaf && textReader(leaf);
  if (path === undefined || leaf === undefined || read === undefined || leaf.fieldKind === "list" || leaf.fieldKind === "map") {
    throw new Error(`${message.typeName} has no singular scalar field "${variable.fieldPath.join(".")}" for a path variable`);
  }
  return { variable, path, parents: path.slice(0, -1), leaf, read };
}

function planBody({ message, body }: RequestRule): DescField | "all" | undefined {
  if (body === "" || body === "*") {
    return body === "*" ? "all" : undefined;
  }
  const field = message.fields.find(({ name }) => name === body);
  if (field === undefined) {
    throw new Error(`${message.typeName} has no field "${body}" for the body`);
  }
  return field;
}

function readBody(body: DescField | "all", bytes: Buffer): JsonObject {
  const value = parseJson(bytes);
  if (body !== "all") {
    return { [body.jsonName]: value };
  }
  if (!isObject(value)) {
    throw invalid("the body must be a JSON object", []);
  }
  return value;
}

function writePathField(tree: JsonObject, { variable, parents, leaf, read }: PathField, capture: string): void {
  const object = objectAt(tree, parents);
  if (object === undefined) {
    throw invalid("the request does not fit this method", [
      { field: parents.map(({ jsonName }) => jsonName).join("."), reason: "INVALID_TYPE", description: "must be an object" },
    ]);
  }
  put(object, leaf, read(decodeCapture(variable, capture)));
}

/** http.proto: "%2F" stays encoded where a variable spans segments, because it is not one of the slashes between them. */
function decodeCapture({ spansSegments }: Variable, capture: string): string {
  if (!capture.includes("%")) {
    return capture;
  }
  try {
    return spansSegments
      ? capture
          .split(/(%2f)/i)
          .map((part, index) => (index % 2 === 0 ? decodeURIComponent(part) : part))
          .join("")
      : decodeURIComponent(capture);
  } catch {
    throw malformed("the path is not percent-encoded UTF-8");
  }
}
