/** Infisical's memberships of identities in a project. Messages in, commands called, messages out; no SQL, no rules. */
import type { ManagementServiceServer } from "../../../proto/gen/infisical/identity/v1/management.ts";
import {
  CreateIdentityMembershipResponse,
  DeleteIdentityMembershipResponse,
  GetIdentityMembershipResponse,
  ListIdentityMembershipsResponse,
  UpdateIdentityMembershipResponse,
} from "../../../proto/gen/infisical/identity/v1/membership.ts";
import { refuseRolesBeyond } from "../../access/boundary.ts";
import { addMembership, changeMembership, type MembershipPlace, removeMembership, type WishedRole } from "../../grants/memberships.ts";
import { findMembership, listMemberships } from "../../grants/memberships-store.ts";
import { findIdentity } from "../../identities/project-store.ts";
import type { Core } from "../../kernel/core.ts";
import { failure, type ReasonName } from "../../kernel/failure.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { toAssigned, toDetail, toItem } from "./convert.ts";
import { defaultLimit } from "./identities.ts";
import { identityId, named, projectOf } from "./place.ts";
import { Issues, readRoles, readSingleRole, requirePermanent } from "./request.ts";

type Part = Pick<
  Handlers<ManagementServiceServer>,
  "createIdentityMembership" | "listIdentityMemberships" | "getIdentityMembership" | "updateIdentityMembership" | "deleteIdentityMembership"
>;

type Named = { readonly projectId: string; readonly identityId: string };

/** The handlers. */
export function identityMemberships(core: Core): Part {
  return {
    createIdentityMembership: async (request, call) => {
      const roles = read((issues) => (request.roles.length > 0 ? readRoles(request.roles, issues) : readSingleRole(request.role, issues)));
      const place = placeOf(request, call, "MEMBER_UNKNOWN");
      refuseBeyond(roles, place, call);
      const { id, createdAt } = await addMembership(core.db, place, roles, call.actor);
      const { projectId, identityId } = place;
      return CreateIdentityMembershipResponse.fromPartial({
        identityMembership: { id, projectId, identityId, createdAt, updatedAt: createdAt },
      });
    },
    listIdentityMemberships: async (request, call) => {
      const projectId = projectOf(request.projectId, call);
      const { offset, limit = defaultLimit, identityName: name } = request;
      const roles = request.roles.split(",").flatMap((slug) => (slug.trim() === "" ? [] : [slug.trim()]));
      const { total, memberships } = await listMemberships(core.db, call.orgId, projectId, { offset, limit, name, roles });
      return ListIdentityMembershipsResponse.fromPartial({ identityMemberships: memberships.map(toItem), totalCount: total });
    },
    getIdentityMembership: async (request, call) => {
      const place = placeOf(request, call, "GRANT_NOT_FOUND");
      const found = await findMembership(core.db, place.orgId, place.projectId, place.identityId);
      const identity = found && (await findIdentity(core.db, found.identity.orgId, found.identity.id));
      if (!identity) throw failure("GRANT_NOT_FOUND", named("membership", request.identityId));
      return GetIdentityMembershipResponse.fromPartial({ identityMembership: toDetail(found, identity.metadata) });
    },
    updateIdentityMembership: async (request, call) => {
      const roles = read((issues) => readRoles(request.roles, issues));
      const place = placeOf(request, call, "GRANT_NOT_FOUND");
      refuseBeyond(roles, place, call);
      const changed = await changeMembership(core.db, place, roles, call.rights.outranking(place.projectId), call.actor);
      return UpdateIdentityMembershipResponse.fromPartial({ roles: changed.roles.map((role) => toAssigned(role, changed.id)) });
    },
    deleteIdentityMembership: async (request, call) => {
      const place = placeOf(request, call, "GRANT_NOT_FOUND");
      if (place.identityId === call.caller.id) throw failure("REQUEST_INVALID", { rule: "OWN_MEMBERSHIP" });
      const { id, createdAt, updatedAt } = await removeMembership(core, place, call.rights.outranking(place.projectId), call.actor);
      const { projectId, identityId } = place;
      return DeleteIdentityMembershipResponse.fromPartial({ identityMembership: { id, projectId, identityId, createdAt, updatedAt } });
    },
  };
}

/** @param missing what it means that the identity's id is none */
function placeOf(request: Named, call: Call, missing: ReasonName): MembershipPlace {
  const projectId = projectOf(request.projectId, call);
  const id = identityId(request.identityId);
  if (!id) throw failure(missing, named("identity", request.identityId));
  return { orgId: call.orgId, projectId, identityId: id };
}

function read(reader: (issues: Issues) => WishedRole[]): WishedRole[] {
  const issues = new Issues();
  const roles = reader(issues);
  issues.refuse();
  requirePermanent(roles);
  return roles;
}

function refuseBeyond(roles: readonly WishedRole[], place: MembershipPlace, call: Call): void {
  refuseRolesBeyond(
    call.rights,
    place.projectId,
    roles.map((role) => role.name),
  );
}
