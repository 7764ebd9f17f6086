// Members that a JSON body must not leave out. A list on the wire cannot tell "left out" from "empty", so a contract that
// takes its absence for a mistake says so on the field, and the edge, which alone sees the JSON, looks.
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Violation } from "../status.ts";
import { isObject } from "./fields.ts";

/** Names every required member that is missing from an object of the message. */
export type PresenceCheck = (object: JsonObject, prefix: string) => Violation[];

/** Prepares the check of a message at any depth; boot work. Undefined for one that requires nothing, which is nearly all. */
export function planPresence(
  message: DescMessage,
  isRequired: (field: DescField) => boolean,
  planned: Map<DescMessage, PresenceCheck> = new Map(),
): PresenceCheck | undefined {
  if (!requires(message, isRequired, new Set())) {
    return undefined;
  }
  const known = planned.get(message);
  if (known !== undefined) {
    return known;
  }
  const checks: PresenceCheck[] = [];
  const check: PresenceCheck = (object, prefix) => checks.flatMap((one) => one(object, prefix));
  planned.set(message, check);
  for (const field of message.fields) {
    if (isRequired(field)) {
      checks.push((object, prefix) => (memberOf(object, field) === undefined ? [missing(prefix, field)] : []));
    }
    const inner = field.message && planPresence(field.message, isRequired, planned);
    if (inner !== undefined) {
      checks.push((object, prefix) =>
        objectsOf(memberOf(object, field)).flatMap((value, index, all) =>
          inner(value, `${prefix}${field.jsonName}${all.length > 1 ? `[${index}]` : ""}.`),
        ),
      );
    }
  }
  return check;
}

function requires(message: DescMessage, isRequired: (field: DescField) => boolean, seen: Set<DescMessage>): boolean {
  if (seen.has(message)) {
    return false;
  }
  seen.add(message);
  return message.fields.some((field) => isRequired(field) || (field.message !== undefined && requires(field.message, isRequired, seen)));
}

/** JSON null is the same as leaving a member out. */
function memberOf(object: JsonObject, field: DescField): JsonValue | undefined {
  return object[field.jsonName] ?? object[field.name] ?? undefined;
}

function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => isObject(item));
}

function missing(prefix: string, field: DescField): Violation {
  return { field: `${prefix}${field.jsonName}`, reason: "REQUIRED", description: "must be there" };
}
