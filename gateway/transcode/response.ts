// The bytes of a response message -> the JSON text of an answer.
import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { create, fromBinary, toJson } from "@bufbuild/protobuf";
import { isObject } from "./fields.ts";
import { DEPTH_MAX } from "./json.ts";

export interface ResponseRule {
  readonly message: DescMessage;
  /** Name of the top-level field that is the whole answer; "" for the whole message. */
  readonly responseBody: string;
  /** Whether fields with implicit presence are printed when they hold nothing. */
  readonly printsEmpty: boolean;
  /** Whether a field is left out when it holds nothing, even so. */
  readonly omitsEmpty: (field: DescField) => boolean;
}

/** A JSON list or object of google.protobuf.Value is two messages deep for each level, and requests may nest a hundred. */
const READ_OPTIONS = { recursionLimit: 2 * DEPTH_MAX };

export type ResponsePrinter = (bytes: Uint8Array) => JsonValue;

/**
 * Prepares the printing of responses; boot work.
 *
 * @throws Error when response_body names a field that the message does not have
 */
export function planResponse(rule: ResponseRule, registry: Registry): ResponsePrinter {
  const options = { registry, alwaysEmitImplicit: rule.printsEmpty };
  const prune = rule.printsEmpty ? planPruning(rule.message, rule.omitsEmpty, new Map()) : undefined;
  const print: ResponsePrinter = (bytes) => {
    const json = toJson(rule.message, fromBinary(rule.message, bytes, READ_OPTIONS), options);
    prune?.(json);
    return json;
  };
  if (rule.responseBody === "") {
    return print;
  }
  const field = rule.message.fields.find(({ name }) => name === rule.responseBody);
  if (field === undefined) {
    throw new Error(`${rule.message.typeName} has no field "${rule.responseBody}" for the response body`);
  }
  const zero = zeroJson(field) ?? null;
  return (bytes) => {
    const json = print(bytes);
    return (isObject(json) ? json[field.jsonName] : undefined) ?? zero;
  };
}

/** How a field that holds nothing is printed; undefined for an unset message. */
function zeroJson(field: DescField): JsonValue | undefined {
  const printed = toJson(field.parent, create(field.parent), { alwaysEmitImplicit: true });
  return isObject(printed) ? printed[field.jsonName] : undefined;
}

type Pruner = (json: JsonValue | undefined) => void;

/** Undefined for a message that has nothing to prune at any depth, which is nearly all of them. */
function planPruning(
  message: DescMessage,
  omitsEmpty: (field: DescField) => boolean,
  planned: Map<DescMessage, Pruner | undefined>,
): Pruner | undefined {
  if (planned.has(message)) {
    return planned.get(message);
  }
  if (!holdsOmissions(message, omitsEmpty, new Set())) {
    planned.set(message, undefined);
    return undefined;
  }
  const steps: ((object: JsonObject) => void)[] = [];
  const prune: Pruner = (json) => {
    if (isObject(json)) {
      for (const step of steps) {
        step(json);
      }
    }
  };
  planned.set(message, prune);
  for (const field of message.fields) {
    const inner = field.message && planPruning(field.message, omitsEmpty, planned);
    if (inner !== undefined) {
      steps.push((object) => {
        for (const value of valuesOf(field, object[field.jsonName])) {
          inner(value);
        }
      });
    }
    if (omitsEmpty(field)) {
      const zero = zeroJson(field);
      steps.push((object) => {
        if (isEmpty(object[field.jsonName], zero)) {
          delete object[field.jsonName];
        }
      });
    }
  }
  return prune;
}

function holdsOmissions(message: DescMessage, omitsEmpty: (field: DescField) => boolean, seen: Set<DescMessage>): boolean {
  if (seen.has(message)) {
    return false;
  }
  seen.add(message);
  return message.fields.some(
    (field) => omitsEmpty(field) || (field.message !== undefined && holdsOmissions(field.message, omitsEmpty, seen)),
  );
}

function valuesOf(field: DescField, json: JsonValue | undefined): JsonValue[] {
  if (json === undefined) {
    return [];
  }
  if (field.fieldKind === "list" && Array.isArray(json)) {
    return json;
  }
  return field.fieldKind === "map" && isObject(json) ? Object.values(json) : [json];
}

function isEmpty(json: JsonValue | undefined, zero: JsonValue | undefined): boolean {
  return json === null || json === zero || (typeof json === "object" && Object.keys(json).length === 0);
}
