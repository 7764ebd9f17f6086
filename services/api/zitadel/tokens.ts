/** The part of ZITADEL's ManagementService that is about personal access tokens of machine users. */
import {
  AddPersonalAccessTokenResponse,
  ListPersonalAccessTokensResponse,
  type ManagementServiceServer,
  RemovePersonalAccessTokenResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { PersonalAccessToken } from "../../../proto/gen/zitadel/user/v1/user.ts";
import { mintCredential } from "../../credentials/commands.ts";
import { removePersonalToken } from "../../credentials/personal-tokens.ts";
import { listPersonalTokens, type StoredPersonalToken } from "../../credentials/store.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type CredentialId, type OrgId, type PrincipalId, parseId } from "../../kernel/ids.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails, readDetails } from "./details.ts";
import { broken } from "./rules.ts";
import { pageOf } from "./search.ts";
import { readUser } from "./users.ts";

type TokenHandlers = Pick<
  Handlers<ManagementServiceServer>,
  "addPersonalAccessToken" | "listPersonalAccessTokens" | "removePersonalAccessToken"
>;

/** What ZITADEL tells as the expiry of a token that does not expire; also the last moment that JSON can tell. */
const never = new Date("9999-12-31T23:59:59Z");

/** Makes, lists and removes tokens. */
export function tokens(core: Core): TokenHandlers {
  return {
    addPersonalAccessToken: async ({ userId, expirationDate }, call) => {
      const expiresAt = expiryOf(expirationDate);
      const principalId = parseId<PrincipalId>(userId);
      // The one id of this dialect without a greatest length: told back, a long one would not fit into the trailers.
      if (!principalId) throw failure("USER_NOT_FOUND", { kind: "user", id: userId.slice(0, 200) });
      const { orgId } = call;
      const outranking = call.rights.outranking();
      const wish = { orgId, principalId, kind: "pat", principalKind: "identity", expiresAt, outranking } as const;
      const minted = await mintCredential(core.db, wish, call.actor);
      return AddPersonalAccessTokenResponse.create({ tokenId: minted.id, token: minted.token, details: addedDetails(minted, orgId) });
    },
    listPersonalAccessTokens: async ({ userId, query }, call) => {
      const page = pageOf(query);
      const user = await readUser(core, userId, call);
      if (!mayReadTokens(call, user.project_id)) throw failure("USER_NOT_FOUND", { kind: "user", id: userId });
      const { rows, total } = await listPersonalTokens(core.db, call.orgId, user.id, page);
      return ListPersonalAccessTokensResponse.create({ details: listDetails(total), result: rows.map((row) => toToken(row, call.orgId)) });
    },
    removePersonalAccessToken: async ({ userId, tokenId }, call) => {
      const [principalId, id] = [parseId<PrincipalId>(userId), parseId<CredentialId>(tokenId)];
      if (!principalId || !id) throw failure("CREDENTIAL_NOT_FOUND", { kind: "token", id: tokenId });
      const outranking = call.rights.outranking();
      const removed = await removePersonalToken(core, { orgId: call.orgId, principalId, id, outranking }, call.actor);
      const details = changedDetails({ sequence: removed.sequence, changedAt: removed.changed_at }, call.orgId);
      return RemovePersonalAccessTokenResponse.create({ details });
    },
  };
}

/** Tokens are no part of the directory: a right on a single project shows only those of the machines that it owns. */
function mayReadTokens(call: Call, projectId: string | null): boolean {
  return call.rights.on("user.read", projectId === null ? {} : { projectId });
}

function expiryOf(asked: Date | undefined): Date | undefined {
  if (asked === undefined) return undefined;
  if (asked.getTime() <= Date.now()) throw failure("EXPIRY_IN_PAST");
  if (asked.getTime() < never.getTime() + 1_000) return asked;
  throw broken("AddPersonalAccessTokenRequest", "expiration_date", "TIMESTAMP", "value must be a time before the year 10000");
}

function toToken(row: StoredPersonalToken, orgId: OrgId): PersonalAccessToken {
  return { id: row.id, details: readDetails(row, orgId), expirationDate: row.expires_at ?? never, scopes: [...row.scopes] };
}
