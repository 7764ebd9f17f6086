/**
 * Reads what the proto's rules cannot say of Infisical's requests: texts are trimmed before they are measured, pairs may
 * come as plain JSON, and roles are for good or for a time. All that is wrong is told at once, as Zod does.
 */
import type { MetadataPair, RoleAssignment } from "../../../proto/gen/infisical/identity/v1/identity.ts";
import { rolesOf } from "../../access/roles.ts";
import type { WishedRole } from "../../grants/memberships.ts";
import { failure, invalid, type Violation } from "../../kernel/failure.ts";

const nameMax = 255;
const withoutRights = "no-access";
const systemRoles: ReadonlySet<string> = new Set(rolesOf("infisical").map((role) => role.name));

/** Collects what is wrong with a request while it is read; fields in proto names, rules and messages in Zod's words. */
export class Issues {
  readonly #found: Violation[] = [];

  add(field: string, rule: string, message: string): void {
    this.#found.push({ field, rule, message });
  }

  /** @throws Failure REQUEST_INVALID if anything was wrong */
  refuse(): void {
    if (this.#found.length > 0) throw invalid(this.#found);
  }
}

/** A name, trimmed. */
export function readName(raw: string, issues: Issues): string {
  return readText("name", raw, issues, nameMax);
}

/** Pairs as a message has them. */
export function readPairs(pairs: readonly MetadataPair[], issues: Issues): MetadataPair[] {
  return pairs.map(({ key, value }, index) => ({
    key: readText(`metadata[${index}].key`, key, issues),
    value: readText(`metadata[${index}].value`, value, issues),
  }));
}

/** Pairs as plain JSON has them; members beyond the two are ignored. */
export function readJsonPairs(items: readonly unknown[], issues: Issues): MetadataPair[] {
  return items.map((item, index) => {
    const isObject = typeof item === "object" && item !== null && !Array.isArray(item);
    if (!isObject) issues.add(`metadata[${index}]`, "INVALID_TYPE", `Expected object, received ${kindOf(item)}`);
    const member = (name: "key" | "value"): string => {
      const value = isObject ? (item as Record<string, unknown>)[name] : "";
      const field = `metadata[${index}].${name}`;
      if (!isObject) return "";
      if (typeof value === "string") return readText(field, value, issues);
      issues.add(field, "INVALID_TYPE", value === undefined ? "Required" : `Expected string, received ${kindOf(value)}`);
      return "";
    };
    return { key: member("key"), value: member("value") };
  });
}

function readText(field: string, raw: string, issues: Issues, max = Number.POSITIVE_INFINITY): string {
  const text = raw.trim();
  if (text === "") issues.add(field, "TOO_SMALL", "String must contain at least 1 character(s)");
  if (text.length > max) issues.add(field, "TOO_BIG", `String must contain at most ${max} character(s)`);
  // What Postgres cannot store; texts inside plain JSON are not seen by the rules that refuse it elsewhere.
  if (text.includes("\0")) issues.add(field, "INVALID_STRING", "Invalid");
  return text;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

/** The older way to give one role, for good; unset it is the role without rights. */
export function readSingleRole(slug: string | undefined, issues: Issues): WishedRole[] {
  return [wish(slug === undefined ? withoutRights : readText("role", slug, issues))];
}

/** Roles to give; none of them read as the role without rights. */
export function readRoles(assignments: readonly RoleAssignment[], issues: Issues): WishedRole[] {
  if (assignments.length === 0) return [wish(withoutRights)];
  return assignments.map((assignment, index) => readRole(assignment, `roles[${index}]`, issues));
}

/**
 * Roles that end do not suffice: an identity must not turn into a member without a role.
 *
 * @throws Failure REQUEST_INVALID
 */
export function requirePermanent(roles: readonly WishedRole[]): void {
  if (roles.every(({ temporary }) => temporary !== undefined)) throw failure("REQUEST_INVALID", { rule: "PERMANENT_ROLE_MISSING" });
}

function wish(name: string): WishedRole {
  return { name, isCustom: !systemRoles.has(name) };
}

/** Official clients fill in the members of a temporary role for a permanent one, too, with zero values: they do not count. */
function readRole(assignment: RoleAssignment, at: string, issues: Issues): WishedRole {
  const role = wish(readText(`${at}.role`, assignment.role, issues));
  if (!assignment.isTemporary) return role;
  const { temporaryMode = "", temporaryRange = "", temporaryAccessStartTime = "" } = assignment;
  if (temporaryMode !== "relative") {
    issues.add(`${at}.temporary_mode`, "INVALID_ENUM_VALUE", "Invalid enum value. Expected 'relative'");
  }
  const length = lengthOf(temporaryRange);
  if (!(length > 0)) issues.add(`${at}.temporary_range`, "CUSTOM", "Temporary range must be a positive duration such as 30m, 1h or 2d");
  const start = rfc3339.test(temporaryAccessStartTime) ? Date.parse(temporaryAccessStartTime) : Number.NaN;
  if (!(start >= firstMoment)) issues.add(`${at}.temporary_access_start_time`, "INVALID_STRING", "Invalid datetime");
  if (start + length > lastMoment) issues.add(`${at}.temporary_range`, "TOO_BIG", "Temporary range must end before the year 10000");
  return { ...role, temporary: { range: temporaryRange, startsAt: new Date(start), endsAt: new Date(start + length) } };
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
/** There was no year 0, and a zone can lead there; Postgres knows no such moment. */
const firstMoment = Date.parse("0001-01-01T00:00:00Z");
/** The last moment that JSON can name (RFC 3339 has four digits for the year). */
const lastMoment = Date.UTC(9999, 11, 31);

const range = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d|w|y)$/;
const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_557_600_000,
};

/** Milliseconds of a range such as "1h"; NaN when it is none. */
function lengthOf(text: string): number {
  const [, count, unit = ""] = range.exec(text) ?? [];
  return Number(count) * (milliseconds[unit] ?? Number.NaN);
}
