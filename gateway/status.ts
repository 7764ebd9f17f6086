// The neutral failure: what google.rpc.Status says, plus the place in the gateway where it arose. Every dialect spells
// the same failure in its own body; nothing here knows how.
import type { JsonObject, Registry } from "@bufbuild/protobuf";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import type { Any } from "../proto/gen/google/protobuf/any.ts";
import { Code } from "../proto/gen/google/rpc/code.ts";
import { BadRequest, ErrorInfo } from "../proto/gen/google/rpc/error_details.ts";
import { Status } from "../proto/gen/google/rpc/status.ts";

/**
 * Where a failure arose: in the call itself (the services, or the way to them), or before any RPC was known or sent:
 * unknown path, wrong HTTP method, body too large, body in an encoding that cannot be read.
 */
export type Seam = "call" | "route" | "verb" | "size" | "media";

export interface Failure {
  readonly seam: Seam;
  /** google.rpc.Code; never OK. */
  readonly code: number;
  readonly message: string;
  readonly details: readonly Any[];
}

/** One broken rule about one field. */
export interface Violation {
  /** JSON names, "metadata[0].key". */
  readonly field: string;
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  readonly description: string;
}

/** The reasons that the gateway itself gives: names of tenure.errors.v1.Reason, which it reads no types of. */
export const REASONS = [
  "REQUEST_INVALID",
  "REQUEST_MALFORMED",
  "BODY_TOO_LARGE",
  "ROUTE_UNKNOWN",
  "METHOD_UNKNOWN",
  "SERVICES_UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "INTERNAL",
] as const;

const TYPE_PREFIX = "type.googleapis.com/";
const ERROR_INFO = `${TYPE_PREFIX}google.rpc.ErrorInfo`;
const BAD_REQUEST = `${TYPE_PREFIX}google.rpc.BadRequest`;
const DOMAIN = "tenure";

/** Violations beyond these add nothing for a reader, and a status must fit into HTTP/2 metadata. */
const VIOLATIONS_MAX = 16;

/** google/rpc/code.proto, "HTTP Mapping". FAILED_PRECONDITION is 400 and not 412: no HTTP precondition was sent. */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [Code.OK]: 200,
  [Code.CANCELLED]: 499,
  [Code.UNKNOWN]: 500,
  [Code.INVALID_ARGUMENT]: 400,
  [Code.DEADLINE_EXCEEDED]: 504,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.PERMISSION_DENIED]: 403,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.ABORTED]: 409,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNIMPLEMENTED]: 501,
  [Code.INTERNAL]: 500,
  [Code.UNAVAILABLE]: 503,
  [Code.DATA_LOSS]: 500,
  [Code.UNAUTHENTICATED]: 401,
};

/** HTTP statuses of the failures that no RPC answered. */
const SEAM_STATUS: Readonly<Record<Exclude<Seam, "call">, number>> = { route: 404, verb: 405, size: 413, media: 415 };

/** The usual HTTP status of a failure; dialects deviate from it where their documents do. */
export function httpStatus(failure: Failure): number {
  return failure.seam === "call" ? (HTTP_STATUS[failure.code] ?? 500) : SEAM_STATUS[failure.seam];
}

/** A failure of the gateway's own, with one ErrorInfo (AIP-193) and, if fields are to blame, one BadRequest. */
export function failureOf(
  code: number,
  reason: (typeof REASONS)[number],
  message: string,
  options: { readonly seam?: Seam; readonly violations?: readonly Violation[] } = {},
): Failure {
  const info = ErrorInfo.encode({ reason, domain: DOMAIN, metadata: {} }).finish();
  const details: Any[] = [{ typeUrl: ERROR_INFO, value: Buffer.from(info) }];
  const violations = options.violations ?? [];
  if (violations.length > 0) {
    const fieldViolations = violations.slice(0, VIOLATIONS_MAX).map((violation) => ({ ...violation, localizedMessage: undefined }));
    details.push({ typeUrl: BAD_REQUEST, value: Buffer.from(BadRequest.encode({ fieldViolations }).finish()) });
  }
  return { seam: options.seam ?? "call", code, message, details };
}

/** A request that must be refused; thrown by whatever reads it, answered in one place. */
export class Refusal extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** The refusal of bytes that cannot be read as a request: not JSON, not UTF-8, not percent-encoded. */
export function malformed(message: string): Refusal {
  return new Refusal(failureOf(Code.INVALID_ARGUMENT, "REQUEST_MALFORMED", message));
}

/** The refusal of a readable request that the method's contract does not allow. */
export function invalid(message: string, violations: readonly Violation[]): Refusal {
  return new Refusal(failureOf(Code.INVALID_ARGUMENT, "REQUEST_INVALID", message, { violations }));
}

/** The wire form of a failure: google.rpc.Status. */
export function statusBytes(failure: Failure): Buffer {
  const { code, message, details } = failure;
  return Buffer.from(Status.encode({ code, message, details: [...details] }).finish());
}

/** The violations of a failure's BadRequest, if it has one. */
export function violationsOf(failure: Failure): readonly Violation[] {
  const detail = failure.details.find(({ typeUrl }) => typeUrl === BAD_REQUEST);
  return detail === undefined ? [] : BadRequest.decode(detail.value).fieldViolations;
}

/** The first detail of the named message type, as proto3 JSON. */
export function detailOf(failure: Failure, typeName: string, registry: Registry): JsonObject | undefined {
  const detail = failure.details.find(({ typeUrl }) => typeUrl === TYPE_PREFIX + typeName);
  return detail && detailJson(detail, registry);
}

/** The details as proto3 JSON, each with its "@type". */
export function detailsJson(failure: Failure, registry: Registry): JsonObject[] {
  return failure.details.map((detail) => detailJson(detail, registry));
}

/** A type that the registry does not know keeps its bytes: losing the whole status for one detail would be worse. */
function detailJson({ typeUrl, value }: Any, registry: Registry): JsonObject {
  const message = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  try {
    const json = message && toJson(message, fromBinary(message, value), { registry });
    if (json !== undefined) {
      return json !== null && typeof json === "object" && !Array.isArray(json)
        ? { "@type": typeUrl, ...json }
        : { "@type": typeUrl, value: json };
    }
  } catch {
    // Bytes that are not a message of that type are passed on like those of an unknown type.
  }
  return { "@type": typeUrl, value: Buffer.from(value).toString("base64") };
}

/** Percent-encodes a message for the header or trailer grpc-message (gRPC over HTTP/2, "Responses"). */
export function encodeMessage(message: string): string {
  return /^[\x20-\x24\x26-\x7e]*$/.test(message) ? message : Array.from(Buffer.from(message), encodeByte).join("");
}

function encodeByte(byte: number): string {
  const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
  return isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
