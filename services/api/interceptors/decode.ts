/**
 * The message and what is wrong with it, found before authorization (which reads the fields that name the place) and told
 * after it: 401 and 403 come before 400. The gateway sends what it would refuse the same way, in `tenure-refusal-bin`.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo } from "../../../proto/gen/google/rpc/error_details.ts";
import { Status } from "../../../proto/gen/google/rpc/status.ts";
import { Failure, failure, invalid } from "../../kernel/failure.ts";
import type { Envelope } from "../call.ts";
import { validate } from "../validate.ts";

const refusalHeader = "tenure-refusal-bin";

export type Decoded = {
  /** Fields by local name; empty when the bytes are no such message. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What to refuse the request with, once the caller may know. */
  readonly refusal: Failure | null;
};

/** Decodes and validates; never throws. */
export function decode(envelope: Envelope): Decoded {
  let message: object;
  try {
    message = fromBinary(envelope.rpc.input, envelope.bytes);
  } catch {
    return { fields: {}, refusal: refused("the message cannot be decoded") };
  }
  const fields = message as Record<string, unknown>;
  const sent = refusalOf(envelope);
  if (sent) return { fields, refusal: sent };
  const verdict = validate(envelope.rpc.input, message);
  if (!verdict) return { fields, refusal: null };
  const plain = invalid(verdict.violations);
  return { fields, refusal: new Failure(plain.code, plain.reason, { text: verdict.sentence }, { violations: verdict.violations }) };
}

function refused(text: string): Failure {
  return failure("REQUEST_MALFORMED", { text });
}

/** What the gateway found wrong. Fails closed: unreadable means refused. */
function refusalOf(envelope: Envelope): Failure | null {
  const [value] = envelope.metadata.get(refusalHeader);
  if (value === undefined) return null;
  try {
    const sent = Status.decode(Buffer.from(value));
    const detail = (name: string) => sent.details.find((any) => any.typeUrl.endsWith(`/${name}`))?.value;
    const info = ErrorInfo.decode(detail("google.rpc.ErrorInfo") ?? new Uint8Array());
    const bad = BadRequest.decode(detail("google.rpc.BadRequest") ?? new Uint8Array());
    const violations = bad.fieldViolations.map((violation) => ({
      field: violation.field,
      rule: violation.reason || "CUSTOM",
      message: violation.description,
    }));
    const reason = info.reason === "REQUEST_INVALID" ? "REQUEST_INVALID" : "REQUEST_MALFORMED";
    return new Failure(status.INVALID_ARGUMENT, reason, { text: sent.message }, { violations });
  } catch {
    return refused("the request was refused at the edge");
  }
}
