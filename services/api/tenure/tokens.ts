/** TokenService: tokens of any principal of an org. Messages in, commands called, messages out; no SQL, no rules. */
import {
  ListTokensResponse,
  MintTokenResponse,
  type TokenServiceServer,
  TokenServiceService,
} from "../../../proto/gen/tenure/access/v1/token.ts";
import { mintCredential } from "../../credentials/commands.ts";
import { removePersonalToken } from "../../credentials/personal-tokens.ts";
import { listTokens, type StoredToken } from "../../credentials/tokens-store.ts";
import type { Core } from "../../kernel/core.ts";
import { failure, invalid } from "../../kernel/failure.ts";
import { type CredentialId, type PrincipalId, parseId } from "../../kernel/ids.ts";
import { type Handlers, type Row, serve } from "../registry.ts";
import { pageToken, readPageToken, sizeOf } from "./page.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function tenureTokens(core: Core): Row {
  const handlers: Handlers<TokenServiceServer> = {
    mintToken: async ({ principalId, name, expireTime }, call) => {
      checkExpiry(expireTime);
      const minted = await mintCredential(
        core.db,
        {
          orgId: call.orgId,
          principalId: principalOf(principalId),
          kind: "pat",
          name: name === "" ? undefined : name,
          expiresAt: expireTime,
          outranking: call.rights.outranking(),
        },
        call.actor,
      );
      return MintTokenResponse.fromPartial({ id: minted.id, token: minted.token, expireTime });
    },
    listTokens: async ({ principalId, pageSize, pageToken: token }, call) => {
      const after = readPageToken(token, principalId);
      const size = sizeOf(pageSize);
      const principal = principalOf(principalId);
      // One more than the page shows whether there is another.
      const found = await listTokens(core.db, call.orgId, principal, { after, limit: size + 1 });
      if (!found) throw missing(principalId);
      const tokens = found.slice(0, size);
      const last = tokens.at(-1);
      const nextPageToken = last && found.length > size ? pageToken(principalId, last.id) : "";
      return ListTokensResponse.fromPartial({ tokens: tokens.map(toToken), nextPageToken });
    },
    revokeToken: async ({ principalId, tokenId }, call) => {
      const [principal, id] = [parseId<PrincipalId>(principalId), parseId<CredentialId>(tokenId)];
      if (!principal || !id) throw failure("CREDENTIAL_NOT_FOUND", { kind: "token", id: tokenId.slice(0, 64) });
      const token = { orgId: call.orgId, principalId: principal, id, outranking: call.rights.outranking() };
      await removePersonalToken(core, token, call.actor);
      return {};
    },
  };
  return serve<TokenServiceServer>(TokenServiceService, words, handlers);
}

/** What JSON and Postgres can both hold of the future. */
const lastMoment = Date.UTC(9999, 11, 31);

function checkExpiry(expireTime: Date | undefined): void {
  if (expireTime === undefined) return;
  if (expireTime.getTime() <= Date.now()) throw failure("EXPIRY_IN_PAST");
  if (!(expireTime.getTime() <= lastMoment)) {
    throw invalid([{ field: "expire_time", rule: "TIMESTAMP", message: "must be a time before the year 10000" }]);
  }
}

function principalOf(id: string): PrincipalId {
  const principal = parseId<PrincipalId>(id);
  if (!principal) throw missing(id);
  return principal;
}

function missing(id: string) {
  return failure("USER_NOT_FOUND", { kind: "principal", id: id.slice(0, 64) });
}

function toToken({ id, name, createdAt, expiresAt }: StoredToken) {
  return { id, name: name ?? "", createTime: createdAt, expireTime: expiresAt ?? undefined };
}
