/**
 * Failure -> gRPC status with details (AIP-193): the dialect's own detail first, one ErrorInfo, then what applies. Every
 * error carries the request id, so that a caller can name the log line. Driver text is left behind in `cause`.
 */
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo } from "../../proto/gen/google/rpc/error_details.ts";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import type { Failure } from "../kernel/failure.ts";
import type { Rpc } from "./contract.ts";
import { pack, type Spoken, type Words } from "./words.ts";

const domain = "tenure";

/**
 * The status that ends a call.
 *
 * @param words how the dialect of the RPC speaks
 */
export function toServiceError(failure: Failure, rpc: Rpc, words: Words, requestId: string): ServiceError {
  const spoken = words(failure, rpc);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(Status.encode(toStatus(failure, spoken, requestId)).finish()));
  metadata.set("x-request-id", requestId);
  return Object.assign(new Error(spoken.message), { code: spoken.code, details: spoken.message, metadata });
}

function toStatus(failure: Failure, spoken: Spoken, requestId: string): Status {
  const { text: _, ...facts } = failure.facts;
  const info = ErrorInfo.fromPartial({ reason: failure.reason, domain, metadata: { ...facts, requestId } });
  const violations = spoken.violations ?? failure.violations;
  const details = [pack("google.rpc.ErrorInfo", ErrorInfo.encode(info).finish())];
  if (spoken.detail) details.unshift(spoken.detail);
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, rule, message }) => ({ field, description: message, reason: rule }));
    details.push(pack("google.rpc.BadRequest", BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish()));
  }
  if (spoken.code === 9) {
    const violation = { type: failure.reason, subject: facts.id ?? "", description: spoken.message };
    details.push(
      pack(
        "google.rpc.PreconditionFailure",
        PreconditionFailure.encode(PreconditionFailure.fromPartial({ violations: [violation] })).finish(),
      ),
    );
  }
  if (spoken.code === 5 && facts.id !== undefined) {
    const resource = { resourceType: facts.kind ?? "", resourceName: facts.id, owner: "", description: "" };
    details.push(pack("google.rpc.ResourceInfo", ResourceInfo.encode(ResourceInfo.fromPartial(resource)).finish()));
  }
  return { code: spoken.code, message: spoken.message, details };
}
