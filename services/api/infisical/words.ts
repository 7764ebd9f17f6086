/**
 * Infisical's words: every failure has the error's name and, on a refusal of rights, what was missing; violations are told
 * as the issues of the validator that its clients know. Which name and text belong to a reason is in errors.ts.
 */
import { ErrorDetail } from "../../../proto/gen/infisical/identity/v1/error.ts";
import type { Failure } from "../../kernel/failure.ts";
import type { Rpc } from "../contract.ts";
import { pack, type Spoken } from "../words.ts";
import { phraseOf } from "./errors.ts";
import { toIssue } from "./issues.ts";

/** Speaks of a failure as Infisical does. */
export function words(failure: Failure, rpc: Rpc): Spoken {
  const { error, text, code, details } = phraseOf(failure, rpc);
  const detail = ErrorDetail.encode({ error, details }).finish();
  return {
    code: code ?? failure.code,
    message: text,
    detail: pack("infisical.identity.v1.ErrorDetail", detail),
    violations: failure.violations.map(toIssue),
  };
}
