/**
 * The provider's storage: one adapter a model, over our tables. Nothing that is presented is stored, so what is found gets
 * its id back from whoever presented it.
 */
import { type Adapter, type AdapterPayload, errors } from "oidc-provider";
import { type ArtifactModel, findArtifact, findArtifactByUid, removeArtifact, storeArtifact } from "./artifacts-store.ts";
import { metadataOf } from "./client-metadata.ts";
import { readClient } from "./clients-store.ts";
import { consumeIssued, findIssued, removeFamily, removeIssued, replaceSession, storeIssued, takeTurn } from "./families-store.ts";
import { type IssuedModel, issuedModels, parseGrantId, placeOf } from "./pointers.ts";
import type { Transactions } from "./transaction.ts";

/** The adapter of a model, by name. A model that no enabled feature needs has none. */
export function adapterFactory(store: Transactions): (model: string) => Adapter {
  return (model) => {
    if (model === "Client") return clients(store);
    if (model === "Session" || model === "Interaction") return artifacts(store, model);
    if (isIssued(model)) return issued(store, model);
    return unsupported(model);
  };
}

function isIssued(model: string): model is IssuedModel {
  return Object.hasOwn(issuedModels, model);
}

function unsupported(model: string): Adapter {
  const refuse = async () => {
    throw new Error(`${model} is not stored`);
  };
  return {
    upsert: refuse,
    find: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}

function clients(store: Transactions): Adapter {
  return {
    ...unsupported("Client"),
    find: async (id) => {
      const client = await readClient(store.db, id);
      return client ? metadataOf(client) : undefined;
    },
  };
}

function artifacts(store: Transactions, model: ArtifactModel): Adapter {
  return {
    ...unsupported(model),
    upsert: async (id, { jti: _, ...payload }, lifetimeSeconds = 0) => {
      const artifact = { model, id, uid: model === "Session" ? (payload.uid ?? null) : null, accountId: accountOf(payload) };
      // Its user may be gone by now; then there is nothing to keep, and the next look finds nothing.
      await storeArtifact(store.db, { ...artifact, payload: withoutCookie(payload), lifetimeSeconds });
    },
    find: async (id) => withId(id, await findArtifact(store.db, model, id)),
    findByUid: async (uid) => (await findArtifactByUid(store.db, model, uid)) ?? undefined,
    destroy: (id) => removeArtifact(store.db, model, id),
  };
}

/** The user that an artifact speaks of, wherever it does. */
function accountOf({ accountId, session, result }: AdapterPayload): string | null {
  return accountId ?? result?.login?.accountId ?? session?.accountId ?? null;
}

/** An interaction repeats the session's cookie, which is a secret. */
function withoutCookie({ session, ...payload }: AdapterPayload): Record<string, unknown> {
  if (session === undefined) return payload;
  const { cookie: _, ...rest } = session;
  return { ...payload, session: rest };
}

/** What is good for one use. */
const usedUp: ReadonlySet<IssuedModel> = new Set<IssuedModel>(["AuthorizationCode", "RefreshToken"]);

function issued(store: Transactions, model: IssuedModel): Adapter {
  const kind = issuedModels[model];
  return {
    ...unsupported(model),
    upsert: async (id, { jti: _, ...payload }, lifetimeSeconds = 0) => {
      const place = placeOf(model, id);
      const grant = model === "Grant" ? place : parseGrantId(payload.grantId ?? "");
      const { accountId, clientId } = payload;
      if (!place || !grant || !accountId || !clientId) throw new Error(`a ${kind} without a grant, an account or a client`);
      const scopes = payload.scope?.split(" ") ?? [];
      const stored = await storeIssued(store.db, place, { kind, grantId: grant.id, accountId, clientId, scopes, payload, lifetimeSeconds });
      if (!stored) throw new errors.InvalidGrant("the user, the client or the grant is gone");
      if (model === "AccessToken") await replaceSession(store.db, place);
    },
    find: async (id) => {
      const place = placeOf(model, id);
      if (place && store.isOpen && usedUp.has(model)) await takeTurn(store.db, place);
      const found = place && (await findIssued(store.db, place, kind));
      if (!found) return undefined;
      const consumed = found.consumed_at ? { consumed: Math.floor(found.consumed_at.getTime() / 1000) } : {};
      return { ...found.payload, ...consumed, jti: id };
    },
    consume: async (id) => {
      const place = placeOf(model, id);
      if (!place || !(await consumeIssued(store.db, place))) throw new errors.InvalidGrant(`${kind} already used`);
    },
    destroy: async (id) => {
      const place = placeOf(model, id);
      if (!place) return;
      if (model === "Grant") await removeFamily(store.db, place.orgId, place.id, null);
      else await removeIssued(store.db, place);
    },
    revokeByGrantId: async (grantId) => {
      const grant = parseGrantId(grantId);
      if (grant) await removeFamily(store.db, grant.orgId, grant.id, kind);
    },
  };
}

function withId(id: string, payload: Record<string, unknown> | null): AdapterPayload | undefined {
  return payload ? { ...payload, jti: id } : undefined;
}
