/** The rules of protoc-gen-validate that the contract uses, one check each. Values in, a broken rule with its text out. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";

type Broken = { rule: string; message: string };
type Check = (value: unknown) => Broken | null;

type StringRules = {
  minLen?: bigint;
  maxLen?: bigint;
  prefix?: string;
  pattern?: string;
  in?: string[];
  ignoreEmpty?: boolean;
  wellKnown?: { case?: string; value?: unknown };
};
type NumberRules = { gte?: number | bigint; lte?: number | bigint; gt?: number | bigint; lt?: number | bigint };
type EnumRules = { definedOnly?: boolean; notIn?: number[] };
type BytesRules = { minLen?: bigint; maxLen?: bigint };
type RepeatedRules = { minItems?: bigint; maxItems?: bigint; items?: FieldRules };

/** A validate.rules option as dynamic reflection gives it. */
export type FieldRules = {
  message?: { required?: boolean };
  type?:
    | { case: "string"; value: StringRules }
    | { case: "enum"; value: EnumRules }
    | { case: "bytes"; value: BytesRules }
    | { case: "repeated"; value: RepeatedRules }
    | { case: "int32" | "int64" | "uint32" | "uint64"; value: NumberRules }
    | { case: undefined };
};

/** What a client-given set option means here: proto2 optional fields keep their defaults on the prototype. */
function own<T extends object, K extends keyof T>(rules: T, name: K): T[K] | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}

// A mailbox as HTML's <input type=email> accepts it, with a dot-atom local part; nothing that a mail server would need quoting for.
const mailbox =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** The check of one value of a field that is not a list. */
export function checkScalar(field: DescField, rules: FieldRules): Check {
  const checks: Check[] = [];
  if (field.scalar === ScalarType.STRING && !/(^|_)ids?$/.test(field.name)) checks.push(storable);
  if (rules.type?.case === "string") checks.push(checkString(rules.type.value));
  if (rules.type?.case === "enum") checks.push(checkEnum(field, rules.type.value));
  if (rules.type?.case === "bytes") checks.push(checkBytes(rules.type.value));
  if (rules.type?.case && /int/.test(rules.type.case)) checks.push(checkNumber(rules.type.value as NumberRules));
  return (value) => {
    for (const check of checks) {
      const broken = check(value);
      if (broken) return broken;
    }
    return null;
  };
}

/** The check of a list as a whole. */
export function checkRepeated(rules: FieldRules): Check {
  if (rules.type?.case !== "repeated") return () => null;
  const min = own(rules.type.value, "minItems") ?? 0n;
  const max = own(rules.type.value, "maxItems");
  return (value) => {
    const count = BigInt((value as unknown[]).length);
    if (count < min) return { rule: "MIN_ITEMS", message: `value must contain at least ${min} item(s)` };
    if (max !== undefined && count > max) return { rule: "MAX_ITEMS", message: `value must contain no more than ${max} item(s)` };
    return null;
  };
}

function storable(value: unknown): Broken | null {
  const text = String(value);
  if (text.includes("\0")) return { rule: "TEXT", message: "value must not contain NUL characters" };
  return text.isWellFormed() ? null : { rule: "TEXT", message: "value must be well-formed Unicode" };
}

function checkString(rules: StringRules): Check {
  const min = own(rules, "minLen");
  const max = own(rules, "maxLen");
  const pattern = own(rules, "pattern");
  const expression = pattern === undefined ? null : new RegExp(pattern, "u");
  const allowed = own(rules, "in") ?? [];
  return (value) => {
    const text = String(value);
    if (text === "" && rules.ignoreEmpty === true) return null;
    // Runes, not UTF-16 units; a text of more units than twice the limit is too long however they pair up.
    const length = BigInt(max !== undefined && BigInt(text.length) > max * 2n ? text.length : [...text].length);
    if ((min !== undefined && length < min) || (max !== undefined && length > max))
      return { rule: lengthRule(length, min), message: lengthText(min, max) };
    if (rules.wellKnown?.case === "email" && !mailbox.test(text)) return { rule: "EMAIL", message: "value must be a valid email address" };
    if (own(rules, "prefix") !== undefined && !text.startsWith(rules.prefix ?? "")) {
      return { rule: "PREFIX", message: `value does not have prefix "${rules.prefix}"` };
    }
    if (expression && !expression.test(text)) return { rule: "PATTERN", message: `value does not match regex pattern "${pattern}"` };
    if (allowed.length > 0 && !allowed.includes(text)) return { rule: "IN", message: `value must be in list [${allowed.join(" ")}]` };
    return null;
  };
}

function lengthRule(length: bigint, min: bigint | undefined): string {
  return min !== undefined && length < min ? "MIN_LEN" : "MAX_LEN";
}

function lengthText(min: bigint | undefined, max: bigint | undefined): string {
  if (min !== undefined && max !== undefined) return `value length must be between ${min} and ${max} runes, inclusive`;
  return min !== undefined ? `value length must be at least ${min} runes` : `value length must be at most ${max} runes`;
}

function checkEnum(field: DescField, rules: EnumRules): Check {
  const forbidden = own(rules, "notIn") ?? [];
  return (value) => {
    const number = Number(value);
    if (forbidden.includes(number)) return { rule: "NOT_IN", message: `value must not be in list [${forbidden.join(" ")}]` };
    if (rules.definedOnly && !field.enum?.value[number])
      return { rule: "DEFINED_ONLY", message: "value must be one of the defined enum values" };
    return null;
  };
}

function checkBytes(rules: BytesRules): Check {
  return (value) => {
    const length = BigInt((value as Uint8Array).length);
    const min = own(rules, "minLen") ?? 0n;
    const max = own(rules, "maxLen");
    if (length < min || (max !== undefined && length > max)) {
      return { rule: length < min ? "MIN_LEN" : "MAX_LEN", message: `value length must be between ${min} and ${max} bytes, inclusive` };
    }
    return null;
  };
}

function checkNumber(rules: NumberRules): Check {
  const low = own(rules, "gte");
  const high = own(rules, "lte");
  return (value) => {
    const number = value as number | bigint;
    if (low !== undefined && number < low) return { rule: "GTE", message: `value must be greater than or equal to ${low}` };
    if (high !== undefined && number > high) return { rule: "LTE", message: `value must be less than or equal to ${high}` };
    return null;
  };
}
