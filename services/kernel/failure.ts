/**
 * The one error type of the core. It says what went wrong as a gRPC code, a reason from the closed enum in
 * proto/tenure/errors/v1/reason.proto, and facts; the words are chosen per dialect at the boundary (api/). It never carries
 * driver text.
 */
import { status } from "@grpc/grpc-js";
import type { Reason } from "../../proto/gen/tenure/errors/v1/reason.ts";

export type ReasonName = Exclude<keyof typeof Reason, "REASON_UNSPECIFIED">;

/** Facts of a failure, for ErrorInfo.metadata: lowerCamel names, values that the caller sent or may see. */
export type Facts = Readonly<Record<string, string>>;

/** One thing wrong with a request; `rule` is UPPER_SNAKE, `field` a dotted path in proto names. */
export type Violation = { readonly field: string; readonly rule: string; readonly message: string };

export class Failure extends Error {
  readonly code: status;
  readonly reason: ReasonName;
  readonly facts: Facts;
  readonly violations: readonly Violation[];

  constructor(code: status, reason: ReasonName, facts: Facts = {}, options: { violations?: readonly Violation[]; cause?: unknown } = {}) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = reason;
    this.facts = facts;
    this.violations = options.violations ?? [];
  }
}

/** The gRPC code a reason usually travels with. A dialect may choose another one for an RPC. */
const codes: Record<ReasonName, status> = {
  CREDENTIAL_MISSING: status.UNAUTHENTICATED,
  CREDENTIAL_INVALID: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  MEMBERSHIP_MISSING: status.PERMISSION_DENIED,
  CONTEXT_ORG_UNKNOWN: status.PERMISSION_DENIED,
  ROLE_PROTECTED: status.PERMISSION_DENIED,
  ROLE_NOT_GRANTABLE: status.PERMISSION_DENIED,
  PRIVILEGE_BOUNDARY: status.PERMISSION_DENIED,
  REQUEST_INVALID: status.INVALID_ARGUMENT,
  REQUEST_MALFORMED: status.INVALID_ARGUMENT,
  BODY_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  PAGE_TOO_LARGE: status.INVALID_ARGUMENT,
  ROLE_UNKNOWN: status.INVALID_ARGUMENT,
  EXPIRY_IN_PAST: status.INVALID_ARGUMENT,
  GROUP_UNKNOWN: status.INVALID_ARGUMENT,
  MEMBER_UNKNOWN: status.INVALID_ARGUMENT,
  ROUTE_UNKNOWN: status.NOT_FOUND,
  ORG_NOT_FOUND: status.NOT_FOUND,
  PROJECT_NOT_FOUND: status.NOT_FOUND,
  USER_NOT_FOUND: status.NOT_FOUND,
  IDENTITY_NOT_FOUND: status.NOT_FOUND,
  GROUP_NOT_FOUND: status.NOT_FOUND,
  GRANT_NOT_FOUND: status.NOT_FOUND,
  PROJECT_ROLE_NOT_FOUND: status.NOT_FOUND,
  PROJECT_GRANT_NOT_FOUND: status.NOT_FOUND,
  CREDENTIAL_NOT_FOUND: status.NOT_FOUND,
  CLUSTER_MANAGER_NOT_FOUND: status.NOT_FOUND,
  CLUSTER_NOT_FOUND: status.NOT_FOUND,
  OPERATION_NOT_FOUND: status.NOT_FOUND,
  ORG_NAME_TAKEN: status.ALREADY_EXISTS,
  DOMAIN_TAKEN: status.ALREADY_EXISTS,
  USER_NAME_TAKEN: status.ALREADY_EXISTS,
  PROJECT_NAME_TAKEN: status.ALREADY_EXISTS,
  PROJECT_ROLE_TAKEN: status.ALREADY_EXISTS,
  PROJECT_GRANT_TAKEN: status.ALREADY_EXISTS,
  GRANT_TAKEN: status.ALREADY_EXISTS,
  ID_USED: status.ALREADY_EXISTS,
  ORG_IS_DEFAULT: status.FAILED_PRECONDITION,
  ORG_HOLDS_IAM_PROJECT: status.FAILED_PRECONDITION,
  DELETE_PROTECTED: status.FAILED_PRECONDITION,
  BEING_DELETED: status.FAILED_PRECONDITION,
  PRINCIPAL_KIND_WRONG: status.FAILED_PRECONDITION,
  CONFLICT: status.ABORTED,
  CANCELLED: status.CANCELLED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  METHOD_UNKNOWN: status.UNIMPLEMENTED,
  DATABASE_UNAVAILABLE: status.UNAVAILABLE,
  SERVICES_UNAVAILABLE: status.UNAVAILABLE,
  INTERNAL: status.INTERNAL,
};

/**
 * A failure with the usual code of its reason.
 *
 * @param facts values for the message and for machines
 */
export function failure(reason: ReasonName, facts: Facts = {}): Failure {
  return new Failure(codes[reason], reason, facts);
}

/** A refused request: INVALID_ARGUMENT with one entry a broken rule. */
export function invalid(violations: readonly Violation[]): Failure {
  return new Failure(status.INVALID_ARGUMENT, "REQUEST_INVALID", {}, { violations });
}
