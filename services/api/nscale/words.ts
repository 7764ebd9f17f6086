/**
 * nscale's words: a gRPC code and one sentence. The gateway makes the sentence the `error_description` and chooses `error`
 * by the HTTP status of the code. Which statuses an operation may answer with is the documents' choice, hence the codes here
 * that differ from a reason's usual one.
 */
import { status } from "@grpc/grpc-js";
import type { Failure, ReasonName } from "../../kernel/failure.ts";
import type { Rpc } from "../contract.ts";
import type { Spoken } from "../words.ts";

/** The sentence of every failure with this code that has no words of its own. */
const byCode: Partial<Record<status, string>> = {
  [status.UNAUTHENTICATED]: "authentication failed",
  [status.PERMISSION_DENIED]: "user credentials do not have the required privileges",
  [status.NOT_FOUND]: "the requested resource does not exist",
  [status.ALREADY_EXISTS]: "the requested resource already exists",
  [status.ABORTED]: "the request got in the way of another one; it may be repeated",
  [status.INVALID_ARGUMENT]: "request body invalid",
};

/** Nothing of what went wrong inside is told. */
const internal: Spoken = { code: status.INTERNAL, message: "an internal error has occurred, please contact support", detail: null };

type Sentence = (facts: Failure["facts"]) => string;

const byReason: Partial<Record<ReasonName, Sentence>> = {
  ROLE_UNKNOWN: ({ id }) => `role ID ${id} does not exist`,
  ROLE_PROTECTED: () => "requested role is protected",
  ROLE_NOT_GRANTABLE: () => "requested role cannot be granted",
  GROUP_UNKNOWN: ({ id }) => (id === undefined ? "a group ID does not exist" : `group ID ${id} does not exist`),
  MEMBER_UNKNOWN: ({ kind = "", id }) => `${members[kind] ?? kind} ${id} does not exist`,
  BEING_DELETED: () => "unable to add reference, resource is being deleted",
  DELETE_PROTECTED: () => "the resource is protected from deletion",
};

const members: Readonly<Record<string, string>> = { user: "user ID", identity: "service account ID", subject: "subject" };

/** The documents of the deletes know no refusal for what a resource is, only for what the caller may do. */
const codes: Partial<Record<ReasonName, status>> = { DELETE_PROTECTED: status.PERMISSION_DENIED };

/** Speaks of a failure as nscale does. */
export function words(failure: Failure, _rpc: Rpc): Spoken {
  if (failure.code === status.INTERNAL || failure.code === status.UNAVAILABLE) return internal;
  const code = codes[failure.reason] ?? failure.code;
  return { code, message: sentence(failure, code), detail: null };
}

function sentence(failure: Failure, code: status): string {
  const own = byReason[failure.reason]?.(failure.facts);
  if (own !== undefined) return own;
  const [violation] = failure.violations;
  if (code === status.INVALID_ARGUMENT && violation) return `${byCode[code]}: "${violation.field}" ${violation.message}`;
  return failure.facts.text ?? byCode[code] ?? plain(failure.reason);
}

function plain(reason: ReasonName): string {
  return reason.toLowerCase().replaceAll("_", " ");
}
