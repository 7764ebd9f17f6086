/** Infisical's identities of an org, by id. Messages in, commands called, messages out; no SQL, no rules. */
import { type AdminServiceServer, AdminServiceService } from "../../../proto/gen/infisical/identity/v1/admin.ts";
import { DeleteIdentityResponse, GetIdentityResponse } from "../../../proto/gen/infisical/identity/v1/identity.ts";
import { findOrgMembership } from "../../identities/org-store.ts";
import { deleteOrgIdentity } from "../../identities/removal.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import type { PrincipalId } from "../../kernel/ids.ts";
import type { Call } from "../call.ts";
import { type Handlers, type Row, serve } from "../registry.ts";
import { toOrgMembership, toRow } from "./convert.ts";
import { identityId, named } from "./place.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function infisicalAdmin(core: Core): Row {
  const handlers: Handlers<AdminServiceServer> = {
    getIdentity: async (request, call) => {
      const id = enter(request.identityId, call);
      const found = await findOrgMembership(core.db, call.orgId, id);
      if (!found) throw missing(request.identityId);
      if (found.identity.projectId) throw failure("PRINCIPAL_KIND_WRONG", named("identity", id));
      return GetIdentityResponse.fromPartial({ identity: toOrgMembership(found) });
    },
    deleteIdentity: async (request, call) => {
      const id = enter(request.identityId, call);
      const gone = await deleteOrgIdentity(core, { orgId: call.orgId, id, actor: call.actor, outranking: call.rights.outranking() });
      return DeleteIdentityResponse.fromPartial({ identity: toRow(gone) });
    },
  };
  return serve<AdminServiceServer>(AdminServiceService, words, handlers);
}

/** A right on single projects lets a call of the context org in, but says nothing about identities of the org. */
function enter(id: string, { rpc, rights }: Call): PrincipalId {
  if (rpc.permission && !rights.on(rpc.permission)) throw rights.refusal(rpc.permission);
  const parsed = identityId(id);
  if (!parsed) throw missing(id);
  return parsed;
}

function missing(id: string) {
  return failure("IDENTITY_NOT_FOUND", named("identity", id));
}
