/**
 * Postgres errors -> core failures, in one table. The last branch hides the driver's text: it goes to the log as the cause,
 * never to a caller.
 */
import { Failure, failure, type ReasonName } from "./failure.ts";

/** Constraint names whose violation has a meaning of its own. */
const constraints: Readonly<Record<string, ReasonName>> = {
  aggregates_pkey: "ID_USED",
  principals_user_name: "USER_NAME_TAKEN",
  projects_name: "PROJECT_NAME_TAKEN",
  project_roles_key: "PROJECT_ROLE_TAKEN",
  project_grants_once: "PROJECT_GRANT_TAKEN",
  grants_once: "GRANT_TAKEN",
  // A new org whose domain could not be claimed leaves its name claim without an org.
  claims_org_id_fkey: "DOMAIN_TAKEN",
};

/** Two statements in each other's way; the caller may simply try again. */
const contention = new Set(["40001", "40P01", "55P03"]);
/** What a row was about to point at has gone meanwhile; asked again, the statement finds it missing. */
const parentGone = "23503";

/** Texts of the caller's that no column or index holds: a NUL, as text or in JSON, or too long for the key that it is part of. */
const unstorable = new Set(["22021", "22P05", "54000"]);

/** Nothing listens, the connection broke, the server is starting or stopping, or it has no room for us. */
const socketErrors = new Set(["ECONNREFUSED", "ECONNRESET", "ENOENT", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH", "EACCES"]);
const serverAway = /^(08|57P|53)/;
const driverAway =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|connection ended/i;

/** Whether the error says that the database cannot be reached right now. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && (socketErrors.has(code) || serverAway.test(code))) return true;
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  return driverAway.test(error.message);
}

/** Any thrown value as a failure; failures pass through. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  if ((code === "23505" || code === parentGone) && typeof constraint === "string" && constraints[constraint])
    return failure(constraints[constraint]);
  if (typeof code === "string" && (contention.has(code) || code === parentGone)) return wrap("CONFLICT", error);
  if (typeof code === "string" && unstorable.has(code)) return wrap("REQUEST_INVALID", error);
  if (code === "57014") return wrap("DEADLINE_EXCEEDED", error);
  if (isDatabaseAway(error)) return wrap("DATABASE_UNAVAILABLE", error);
  return wrap("INTERNAL", error);
}

function wrap(reason: ReasonName, cause: unknown): Failure {
  return new Failure(failure(reason).code, reason, {}, { cause });
}
