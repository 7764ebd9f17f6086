/** Tenure's own words: google.rpc.Status with the usual code and one plain sentence. Machines read the ErrorInfo. */
import type { Failure, ReasonName } from "../../kernel/failure.ts";
import type { Spoken } from "../words.ts";

const sentences: Partial<Record<ReasonName, string>> = {
  CREDENTIAL_MISSING: "The call carries no bearer token.",
  CREDENTIAL_INVALID: "The bearer token opens nothing: it is malformed, unknown, expired or revoked.",
  PERMISSION_DENIED: "The caller does not have the permission for this call.",
  MEMBERSHIP_MISSING: "The caller holds no role here.",
  CONTEXT_ORG_UNKNOWN: "The organization in whose context the call acts is not there.",
  PRIVILEGE_BOUNDARY: "The principal outranks the caller: it holds a role that the caller does not dominate.",
  REQUEST_INVALID: "The request breaks a rule of this method.",
  REQUEST_MALFORMED: "The request cannot be read.",
  EXPIRY_IN_PAST: "The expiry must lie in the future.",
  ORG_NOT_FOUND: "The organization is not there.",
  PROJECT_NOT_FOUND: "The project is not there.",
  USER_NOT_FOUND: "The organization has no such principal.",
  CREDENTIAL_NOT_FOUND: "The principal has no such token.",
  OPERATION_NOT_FOUND: "The operation is not there.",
  DELETE_PROTECTED: "It is protected from deletion.",
  BEING_DELETED: "It is being deleted.",
  CONFLICT: "Another request is changing the same thing; try again.",
  DEADLINE_EXCEEDED: "The deadline passed before there was an answer.",
  DATABASE_UNAVAILABLE: "The database cannot be reached; try again later.",
  INTERNAL: "Something went wrong on our side; the log has it under the request id.",
};

/** Speaks of a failure in a sentence; of a request, with the first thing that is wrong with it. */
export function words(failure: Failure): Spoken {
  const sentence = sentences[failure.reason] ?? plain(failure.reason);
  const [violation] = failure.violations;
  const what = violation ? `${violation.field}: ${violation.message}` : failure.facts.text;
  return { code: failure.code, message: what === undefined ? sentence : `${sentence.slice(0, -1)}: ${what}.`, detail: null };
}

function plain(reason: ReasonName): string {
  return `${reason.charAt(0)}${reason.slice(1).toLowerCase().replaceAll("_", " ")}.`;
}
