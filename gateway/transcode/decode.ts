// JSON tree -> message, with every fault found and named. The codec says only that something is wrong, in words that repeat
// the client's values; those who call deserve the field, and logs and answers are better without the values.
import type { DescField, DescMessage, JsonObject, JsonValue, Message, Registry } from "@bufbuild/protobuf";
import { fromJson, ScalarType } from "@bufbuild/protobuf";
import type { Violation } from "../status.ts";
import { invalid } from "../status.ts";
import { fieldNamed, isObject } from "./fields.ts";

export interface DecodeOptions {
  readonly registry: Registry;
  /** Whether members that the message does not have are dropped instead of refused. */
  readonly ignoreUnknown: boolean;
}

/** A field's name in a violation is cut here: it comes from the client. */
const FIELD_LENGTH_MAX = 200;

/**
 * Reads a message from its JSON tree.
 *
 * Unknown members may be ignored; an unknown name of an enum value never is, because a filter that is not understood must
 * not become no filter.
 *
 * @throws Refusal REQUEST_INVALID that names every field at fault
 */
export function decodeMessage(message: DescMessage, tree: JsonObject, options: DecodeOptions): Message {
  try {
    return fromJson(message, tree, { registry: options.registry });
  } catch {
    const faults = new FaultFinder(options);
    faults.inspect(message, tree, "");
    if (faults.violations.length > 0) {
      throw invalid("the request does not fit this method", faults.violations);
    }
  }
  try {
    return fromJson(message, tree, { registry: options.registry });
  } catch {
    throw invalid("the request contradicts itself: it sets two fields of which only one can be set", []);
  }
}

/** Tries every member on its own, goes into those that fail, and drops unknown ones where that is allowed. */
class FaultFinder {
  readonly violations: Violation[] = [];
  readonly #options: DecodeOptions;

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  inspect(message: DescMessage, tree: JsonObject, prefix: string): void {
    for (const [name, value] of Object.entries(tree)) {
      const path = prefix === "" ? name : `${prefix}.${name}`;
      const field = fieldNamed(message, name);
      if (field === undefined) {
        this.#meetUnknown(tree, name, path);
      } else if (!this.#reads(message, name, value)) {
        const before = this.violations.length;
        this.#goInto(field, value, path);
        if (this.violations.length === before && !this.#reads(message, name, value)) {
          this.#blame(path, "INVALID_TYPE", expectation(field));
        }
      }
    }
  }

  #meetUnknown(tree: JsonObject, name: string, path: string): void {
    if (this.#options.ignoreUnknown) {
      delete tree[name];
    } else {
      this.#blame(path, "UNRECOGNIZED_KEYS", "is no field of this request");
    }
  }

  #reads(message: DescMessage, name: string, value: JsonValue): boolean {
    try {
      fromJson(message, { [name]: value }, { registry: this.#options.registry });
      return true;
    } catch {
      return false;
    }
  }

  #goInto(field: DescField, value: JsonValue, path: string): void {
    const inner = field.message;
    if (inner === undefined || inner.typeName.startsWith("google.protobuf.")) {
      return;
    }
    for (const [key, item] of itemsOf(field, value)) {
      if (isObject(item)) {
        this.inspect(inner, item, path + key);
      }
    }
  }

  #blame(path: string, reason: string, description: string): void {
    this.violations.push({ field: path.slice(0, FIELD_LENGTH_MAX), reason, description });
  }
}

/** The messages inside a value, each with what follows the field's name in its path. */
function itemsOf(field: DescField, value: JsonValue): readonly (readonly [key: string, item: JsonValue])[] {
  if (field.fieldKind === "list") {
    return Array.isArray(value) ? value.map((item, index) => [`[${index}]`, item]) : [];
  }
  if (field.fieldKind === "map") {
    return isObject(value) ? Object.entries(value).map(([key, item]) => [`[${key}]`, item]) : [];
  }
  return [["", value]];
}

const SCALAR_WORDS: Partial<Readonly<Record<ScalarType, string>>> = {
  [ScalarType.STRING]: "must be a string",
  [ScalarType.BOOL]: "must be true or false",
  [ScalarType.BYTES]: "must be base64 text",
  [ScalarType.DOUBLE]: "must be a number",
  [ScalarType.FLOAT]: "must be a number",
};

const MESSAGE_WORDS: Readonly<Record<string, string>> = {
  "google.protobuf.Timestamp": "must be a time as in RFC 3339",
  "google.protobuf.Duration": 'must be a duration such as "1.5s"',
  "google.protobuf.FieldMask": "must be field names in lowerCamelCase, separated by commas",
};

function expectation(field: DescField): string {
  const one = expectationOfOne(field);
  return field.fieldKind === "list"
    ? `must be a list; each item ${one}`
    : field.fieldKind === "map"
      ? `must be an object; each value ${one}`
      : one;
}

function expectationOfOne(field: DescField): string {
  if (field.enum !== undefined) {
    return `must be one of ${field.enum.values.map(({ name }) => name).join(", ")}`;
  }
  if (field.message !== undefined) {
    return MESSAGE_WORDS[field.message.typeName] ?? "must be an object";
  }
  return (field.scalar !== undefined && SCALAR_WORDS[field.scalar]) || "must be an integer in range";
}
