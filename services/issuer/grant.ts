/** The grant of a user to a client: made at the first login, widened by what the client asks for later. */
import type { Grant, KoaContextWithOIDC } from "oidc-provider";
import { readAccount } from "./accounts.ts";
import { mintGrantId } from "./pointers.ts";
import type { Transactions } from "./transaction.ts";

/** The grant that the session has for the client, or a new one; undefined when the user is gone. */
export async function existingGrant(ctx: KoaContextWithOIDC, store: Transactions): Promise<Grant | undefined> {
  const { provider, session, client, requestParamOIDCScopes } = ctx.oidc;
  const accountId = session?.accountId;
  if (!client || !accountId) return undefined;
  const known = session.grantIdFor(client.clientId);
  const grant = (known && (await provider.Grant.find(known))) || (await newGrant(ctx, accountId, client.clientId, store));
  if (!grant) return undefined;
  const granted = new Set(grant.getOIDCScope().split(" "));
  const asked = [...requestParamOIDCScopes];
  if (grant.exp === undefined || asked.some((scope) => !granted.has(scope))) {
    grant.addOIDCScope(asked.join(" "));
    await grant.save();
  }
  return grant;
}

async function newGrant(
  { oidc }: KoaContextWithOIDC,
  accountId: string,
  clientId: string,
  store: Transactions,
): Promise<Grant | undefined> {
  const account = await readAccount(store.db, accountId);
  if (!account) return undefined;
  const grant = new oidc.provider.Grant({ accountId, clientId });
  grant.jti = mintGrantId(account.org_id);
  return grant;
}
