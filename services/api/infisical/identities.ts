/** Infisical's identities that a project owns. Messages in, commands called, messages out; no SQL, no rules. */
import {
  CreateProjectIdentityResponse,
  DeleteProjectIdentityResponse,
  GetProjectIdentityResponse,
  ListProjectIdentitiesResponse,
  UpdateProjectIdentityResponse,
} from "../../../proto/gen/infisical/identity/v1/identity.ts";
import type { ManagementServiceServer } from "../../../proto/gen/infisical/identity/v1/management.ts";
import { refuseRolesBeyond } from "../../access/boundary.ts";
import { addMembership } from "../../grants/memberships.ts";
import { createIdentity } from "../../identities/commands.ts";
import { findProjectIdentity, listProjectIdentities } from "../../identities/project-store.ts";
import { deleteProjectIdentity } from "../../identities/removal.ts";
import { changeProjectIdentity } from "../../identities/update.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import type { PrincipalId } from "../../kernel/ids.ts";
import type { Handlers } from "../registry.ts";
import { toIdentity } from "./convert.ts";
import { identityId, named, projectOf } from "./place.ts";
import { Issues, readJsonPairs, readName, readPairs, readRoles, requirePermanent } from "./request.ts";

type Part = Pick<
  Handlers<ManagementServiceServer>,
  "createProjectIdentity" | "listProjectIdentities" | "getProjectIdentity" | "updateProjectIdentity" | "deleteProjectIdentity"
>;

export const defaultLimit = 20;

/** The handlers. */
export function projectIdentities(core: Core): Part {
  return {
    createProjectIdentity: async (request, call) => {
      const issues = new Issues();
      const name = readName(request.name, issues);
      const metadata = readPairs(request.metadata, issues);
      const roles = readRoles(request.roles, issues);
      issues.refuse();
      requirePermanent(roles);
      const projectId = projectOf(request.projectId, call);
      refuseRolesBeyond(
        call.rights,
        projectId,
        roles.map((role) => role.name),
      );
      const { orgId, actor } = call;
      const made = await core.db.transaction().execute(async (tx) => {
        const { id } = await createIdentity(tx, { orgId, projectId, name, protected: request.hasDeleteProtection, metadata }, actor);
        await addMembership(tx, { orgId, projectId, identityId: id }, roles, actor, true);
        return findProjectIdentity(tx, orgId, projectId, id);
      });
      if (!made) throw failure("INTERNAL");
      return CreateProjectIdentityResponse.fromPartial({ identity: toIdentity(made) });
    },
    listProjectIdentities: async (request, call) => {
      const projectId = projectOf(request.projectId, call);
      const { offset, limit = defaultLimit, search } = request;
      const { total, identities } = await listProjectIdentities(core.db, call.orgId, projectId, { offset, limit, search });
      return ListProjectIdentitiesResponse.fromPartial({ identities: identities.map(toIdentity), totalCount: total });
    },
    getProjectIdentity: async (request, call) => {
      const projectId = projectOf(request.projectId, call);
      const found = await findProjectIdentity(core.db, call.orgId, projectId, identityOf(request.identityId));
      if (!found) throw missing(request.identityId);
      return GetProjectIdentityResponse.fromPartial({ identity: toIdentity(found) });
    },
    updateProjectIdentity: async (request, call) => {
      const issues = new Issues();
      const name = request.name === undefined ? undefined : readName(request.name, issues);
      const metadata = request.metadata && readJsonPairs(request.metadata, issues);
      issues.refuse();
      const projectId = projectOf(request.projectId, call);
      const subject = { orgId: call.orgId, projectId, id: identityOf(request.identityId) };
      const change = { name, protected: request.hasDeleteProtection, metadata };
      const changed = await changeProjectIdentity(core.db, subject, change, call.rights.outranking(projectId), call.actor);
      return UpdateProjectIdentityResponse.fromPartial({ identity: toIdentity(changed) });
    },
    deleteProjectIdentity: async (request, call) => {
      const projectId = projectOf(request.projectId, call);
      const { orgId, actor } = call;
      const id = identityOf(request.identityId);
      const gone = await deleteProjectIdentity(core, projectId, { orgId, id, actor, outranking: call.rights.outranking(projectId) });
      return DeleteProjectIdentityResponse.fromPartial({ identity: toIdentity(gone) });
    },
  };
}

function identityOf(text: string): PrincipalId {
  const id = identityId(text);
  if (!id) throw missing(text);
  return id;
}

function missing(id: string) {
  return failure("IDENTITY_NOT_FOUND", named("identity", id));
}
