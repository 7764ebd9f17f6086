/** ZITADEL's AdminService: the instance and its orgs. Messages in, commands called, messages out; no SQL, no rules. */
import {
  type AdminServiceServer,
  AdminServiceService,
  HealthzResponse,
  RemoveOrgResponse,
} from "../../../proto/gen/zitadel/admin/v1/admin.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type OrgId, parseId } from "../../kernel/ids.ts";
import { type Handlers, type Row, serve } from "../registry.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function zitadelAdmin(core: Core): Row {
  const handlers: Partial<Handlers<AdminServiceServer>> = {
    healthz: async () => HealthzResponse.create(),
    removeOrg: async (request, call) => {
      const id = parseId<OrgId>(request.orgId);
      if (!id) throw failure("ORG_NOT_FOUND", { kind: "org", id: request.orgId });
      const gone = await requestDeleteOnce(core, { kind: "org", orgId: id, id, actor: call.actor, outranking: call.rights.outranking() });
      return RemoveOrgResponse.fromPartial({
        details: { sequence: gone.sequence, creationDate: gone.createdAt, changeDate: gone.deletedAt, resourceOwner: gone.instanceId },
      });
    },
  };
  return serve<AdminServiceServer>(AdminServiceService, words, handlers as Handlers<AdminServiceServer>);
}
