/** Ids, texts and codes of ZITADEL's errors: by RPC where the RPC has its own, else by reason. Clients switch on the id. */
import type { status } from "@grpc/grpc-js";
import type { Failure, ReasonName } from "../../kernel/failure.ts";
import type { Rpc } from "../contract.ts";

export type Phrase = {
  readonly id: string;
  readonly text: string;
  /** Where ZITADEL's code differs from the reason's usual one. */
  readonly code?: status;
};

type Phrases = Partial<Record<ReasonName, Phrase>>;

const removeOrg: Phrases = {
  ORG_IS_DEFAULT: { id: "COMMA-wG9p1", text: "Default Organisation must not be deleted" },
  ORG_HOLDS_IAM_PROJECT: { id: "COMMA-AF3JW", text: "Organisation with ZITADEL project must not be deleted" },
  ORG_NOT_FOUND: { id: "COMMA-aps2n", text: "Organisation not found" },
};

/** By RPC name: Admin's and Management's namesakes speak alike. */
const byRpc: Readonly<Record<string, Phrases>> = {
  RemoveOrg: removeOrg,
};

const byReason: Phrases = {
  CREDENTIAL_INVALID: { id: "AUTH-7fs1e", text: "Errors.Token.Invalid" },
  PERMISSION_DENIED: { id: "AUTH-5mWD2", text: "No matching permissions found" },
  MEMBERSHIP_MISSING: { id: "AUTHZ-cdgFk", text: "membership not found" },
  CONTEXT_ORG_UNKNOWN: { id: "AUTH-Bs7Ds", text: "Organisation doesn't exist" },
  ORG_NOT_FOUND: { id: "QUERY-iTTGJ", text: "Organisation not found" },
  ORG_NAME_TAKEN: { id: "V3-DKcYh", text: "Organisation's name or id already taken" },
  DOMAIN_TAKEN: { id: "V3-DKcYh", text: "Organisation's name or id already taken" },
};

/** Right held only on another object than the one that the call names. */
const otherObject: Phrase = { id: "AUTH-3jknH", text: "No matching permissions found" };

/** The phrase for a failure of an RPC; a reason without words of its own is told by its name under one id. */
export function phraseOf(failure: Failure, rpc: Rpc): Phrase {
  if (failure.reason === "PERMISSION_DENIED" && failure.facts["context"] === "object") return otherObject;
  return byRpc[rpc.name]?.[failure.reason] ?? byReason[failure.reason] ?? { id: "TENURE-0", text: plain(failure.reason) };
}

function plain(reason: ReasonName): string {
  return reason.charAt(0) + reason.slice(1).toLowerCase().replaceAll("_", " ");
}
