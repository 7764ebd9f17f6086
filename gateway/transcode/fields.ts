// Request fields as REST names them: found by JSON or proto name, read from text, put into a JSON tree. The tree is then
// read by the protobuf JSON codec, which is the only judge of values: text that fits no field stays as it is and is refused
// there.
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

const fieldsByName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** Finds a field by its JSON name or its proto name; protobuf JSON accepts both. */
export function fieldNamed(message: DescMessage, name: string): DescField | undefined {
  let fields = fieldsByName.get(message);
  if (fields === undefined) {
    fields = new Map(message.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]));
    fieldsByName.set(message, fields);
  }
  return fields.get(name);
}

/** Follows a dotted path through singular message fields; undefined when it names nothing. */
export function fieldsAlong(message: DescMessage, names: readonly string[]): readonly DescField[] | undefined {
  const path: DescField[] = [];
  let inside: DescMessage | undefined = message;
  for (const name of names) {
    const field: DescField | undefined = inside && fieldNamed(inside, name);
    if (field === undefined) {
      return undefined;
    }
    path.push(field);
    inside = field.fieldKind === "message" ? field.message : undefined;
  }
  return path;
}

/** Turns text from a path or a query into the JSON value that a field reads. */
export type TextReader = (text: string) => JsonValue;

/** How a field's value (of a list: each item; of a map: each value) is read from text; undefined when it has no text form. */
export function textReader(field: DescField): TextReader | undefined {
  if (field.enum !== undefined) {
    return enumOrText;
  }
  return field.message === undefined ? scalarReader(field.scalar) : messageReader(field.message);
}

const WRAPPER = /^google\.protobuf\.(?:Bool|Bytes|Double|Float|Int32|Int64|String|UInt32|UInt64)Value$/;

/** The messages whose JSON is a scalar. */
function messageReader(message: DescMessage): TextReader | undefined {
  switch (message.typeName) {
    case "google.protobuf.Timestamp":
    case "google.protobuf.Duration":
      return asText;
    case "google.protobuf.FieldMask":
      return maskOfText;
    default:
      return WRAPPER.test(message.typeName) ? scalarReader(message.fields[0]?.scalar) : undefined;
  }
}

function scalarReader(scalar: ScalarType | undefined): TextReader {
  return scalar === ScalarType.BOOL ? booleanOrText : asText;
}

function asText(text: string): JsonValue {
  return text;
}

function booleanOrText(text: string): JsonValue {
  return text === "true" ? true : text === "false" ? false : text;
}

function enumOrText(text: string): JsonValue {
  return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
}

/** Masks are written in lowerCamelCase in JSON, but people write the names they know from the proto too. */
function maskOfText(text: string): JsonValue {
  return text.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Opens the objects along a path and returns the innermost; undefined when something else is already there. */
export function objectAt(root: JsonObject, path: readonly DescField[]): JsonObject | undefined {
  let inside = root;
  for (const field of path) {
    const present = inside[field.jsonName] ?? inside[field.name] ?? {};
    if (!isObject(present)) {
      return undefined;
    }
    put(inside, field, present);
    inside = present;
  }
  return inside;
}

/** Sets a field, in place of whatever either of its names held. */
export function put(object: JsonObject, field: DescField, value: JsonValue): void {
  if (field.name !== field.jsonName) {
    delete object[field.name];
  }
  object[field.jsonName] = value;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
