/**
 * ZITADEL's words: every failure of a handler has an id, and the message is "text (ID)". Which id, text and code belong to
 * a reason depends on the RPC; the tables in errors.ts say so. Failures of the request itself carry no detail.
 */
import { status } from "@grpc/grpc-js";
import { ErrorDetail } from "../../../proto/gen/zitadel/v1/details.ts";
import type { Failure } from "../../kernel/failure.ts";
import type { Rpc } from "../contract.ts";
import { pack, type Spoken } from "../words.ts";
import { phraseOf } from "./errors.ts";

/** Speaks of a failure as ZITADEL does. */
export function words(failure: Failure, rpc: Rpc): Spoken {
  if (failure.reason === "CREDENTIAL_MISSING") return { code: status.UNAUTHENTICATED, message: "auth header missing", detail: null };
  if (failure.code === status.INVALID_ARGUMENT && failure.facts.text !== undefined) {
    return { code: failure.code, message: failure.facts.text, detail: null };
  }
  const { id, text, code } = phraseOf(failure, rpc);
  const detail = ErrorDetail.encode({ id, message: text }).finish();
  return { code: code ?? failure.code, message: `${text} (${id})`, detail: pack("zitadel.v1.ErrorDetail", detail) };
}
