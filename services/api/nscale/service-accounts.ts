/** Service accounts: every identity of the org, whoever made it. One may list and rotate itself. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { ServiceAccount } from "../../../proto/gen/nscale/identity/v1/service_account.ts";
import type { Outranking } from "../../access/rights.ts";
import { rotateToken, tokenEnd } from "../../credentials/rotate.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import { replaceMemberships } from "../../groups/memberships.ts";
import { createIdentity } from "../../identities/commands.ts";
import { describeIdentity } from "../../identities/describe.ts";
import { listServiceAccounts, type ServiceAccount as Row, readServiceAccount } from "../../identities/service-accounts-store.ts";
import type { Core } from "../../kernel/core.ts";
import type { Database } from "../../kernel/database.ts";
import { type PrincipalId, parseId } from "../../kernel/ids.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataInOrg, stated, writtenOf } from "./metadata.ts";

type Part = Pick<
  Handlers<ManagementServiceServer>,
  "listServiceAccounts" | "createServiceAccount" | "updateServiceAccount" | "deleteServiceAccount" | "rotateServiceAccount"
>;

/** The wire wants an end of every token; this one says that there is none. */
const never = new Date("9999-12-31T23:59:59Z");

/** Nobody outranks themselves. */
const nobody: Outranking = { instance: [], org: [], project: [], elsewhere: [] };

export function serviceAccounts(core: Core): Part {
  const { db } = core;
  return {
    listServiceAccounts: async (_request, call) => {
      const rows = await listServiceAccounts(db, call.orgId, call.selfOnly ? call.caller.id : null);
      return { serviceAccounts: rows.map((row) => toServiceAccount(row)) };
    },
    createServiceAccount: (request, call) =>
      db.transaction().execute(async (tx) => {
        const { id } = await createIdentity(tx, { orgId: call.orgId, ...writtenOf(request.metadata) }, call.actor);
        await replaceMemberships(tx, membershipsOf(id, stated(request.spec).groupIds, call), call.actor);
        const token = await rotateToken(tx, rotationOf(id, call), call.actor);
        return toServiceAccount(await read(tx, id, call), token);
      }),
    updateServiceAccount: (request, call) =>
      db.transaction().execute(async (tx) => {
        const id = accountIdOf(request);
        await replaceMemberships(tx, membershipsOf(id, stated(request.spec).groupIds, call), call.actor);
        await describeIdentity(tx, { orgId: call.orgId, id }, writtenOf(request.metadata), call.actor);
        return toServiceAccount(await read(tx, id, call));
      }),
    deleteServiceAccount: async (request, call) => {
      const outranking = call.rights.outranking();
      await requestDeleteOnce(core, { kind: "identity", orgId: call.orgId, id: accountIdOf(request), actor: call.actor, outranking });
      return Empty.create();
    },
    rotateServiceAccount: (request, call) => {
      const itself = request.serviceAccountId.toLowerCase() === call.caller.id;
      if (call.selfOnly && !itself) throw call.rights.refusal("identity.write");
      return db.transaction().execute(async (tx) => {
        const id = accountIdOf(request);
        const rotation = rotationOf(id, call);
        const token = await rotateToken(tx, itself ? { ...rotation, outranking: nobody } : rotation, call.actor);
        return toServiceAccount(await read(tx, id, call), token);
      });
    },
  };
}

async function read(db: Database, id: PrincipalId, call: Call): Promise<Row> {
  return found(await readServiceAccount(db, call.orgId, id), "IDENTITY_NOT_FOUND", id);
}

function rotationOf(principalId: PrincipalId, { orgId, rights }: Call) {
  return { orgId, principalId, expiresAt: tokenEnd(), outranking: rights.outranking() };
}

function membershipsOf(principalId: PrincipalId, groupIds: readonly string[], { orgId, rights }: Call) {
  return { orgId, principalId, kind: "identity", groupIds, bounds: rights.groupBounds(), outranking: rights.outranking() } as const;
}

function accountIdOf(request: { readonly serviceAccountId: string }): PrincipalId {
  return found(parseId<PrincipalId>(request.serviceAccountId), "IDENTITY_NOT_FOUND");
}

function toServiceAccount(row: Row, accessToken?: string): ServiceAccount {
  return ServiceAccount.fromPartial({
    metadata: metadataInOrg(row),
    spec: { groupIds: row.group_ids },
    status: { expiry: row.expires_at ?? never, accessToken },
  });
}
