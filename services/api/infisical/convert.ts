/** Our rows as Infisical's messages. Pure. */
import { Identity, IdentityRow, OrgMembership } from "../../../proto/gen/infisical/identity/v1/identity.ts";
import {
  AssignedRole,
  IdentityMembershipDetail,
  IdentityMembershipItem,
  MembershipRole,
} from "../../../proto/gen/infisical/identity/v1/membership.ts";
import type { Membership, MembershipRole as StoredRole } from "../../grants/memberships-store.ts";
import type { OrgMembership as StoredOrgMembership } from "../../identities/org-store.ts";
import type { MetadataEntry, Portrait } from "../../identities/portrait.ts";

/** The ways to authenticate that are set up: tokens are the one that there is. Nothing here locks after failures. */
function authMethods({ hasToken }: { readonly hasToken: boolean }): string[] {
  return hasToken ? ["token-auth"] : [];
}

/** An identity, all ten members. */
export function toIdentity(portrait: Portrait): Identity {
  return Identity.fromPartial({ ...toRow(portrait), authMethods: authMethods(portrait), metadata: [...portrait.metadata] });
}

/** An identity without what hangs on it. */
export function toRow({ id, name, orgId, projectId, createdAt, updatedAt, protected: isProtected }: Portrait): IdentityRow {
  return IdentityRow.fromPartial({
    id,
    name,
    orgId,
    projectId: projectId ?? undefined,
    createdAt,
    updatedAt,
    hasDeleteProtection: isProtected,
  });
}

/** An identity's place in its org. Where the org gave no role, the identity itself stands for the membership. */
export function toOrgMembership({ identity, grant }: StoredOrgMembership): OrgMembership {
  const { id, name, orgId, metadata } = identity;
  const { createdAt, updatedAt } = grant ?? identity;
  const role = !grant || grant.roles.length === 0 ? "no-access" : grant.roles.includes("ORG_OWNER") ? "admin" : "member";
  return OrgMembership.fromPartial({
    id: grant?.id ?? id,
    role,
    orgId,
    createdAt,
    updatedAt,
    identityId: id,
    metadata: [...metadata],
    identity: { id, name, orgId, hasDeleteProtection: identity.protected, authMethods: authMethods(identity) },
  });
}

/** A membership by itself, with the identity's pairs. */
export function toDetail(
  { id, createdAt, updatedAt, roles, identity }: Membership,
  metadata: readonly MetadataEntry[],
): IdentityMembershipDetail {
  return IdentityMembershipDetail.fromPartial({
    id,
    createdAt,
    updatedAt,
    roles: roles.map(toRole),
    identity: { ...toMember(identity), metadata: [...metadata] },
  });
}

/** A membership in a list. */
export function toItem({ id, createdAt, updatedAt, roles, identity }: Membership): IdentityMembershipItem {
  const member = toMember(identity);
  return IdentityMembershipItem.fromPartial({
    id,
    identityId: identity.id,
    createdAt,
    updatedAt,
    roles: roles.map(toRole),
    identity: member,
  });
}

function toMember(identity: Membership["identity"]) {
  const { id, name, orgId, projectId } = identity;
  return { id, name, orgId, projectId: projectId ?? undefined, authMethods: authMethods(identity) };
}

function toRole(role: StoredRole): MembershipRole {
  const { customRoleId, ...shared } = toShared(role);
  return MembershipRole.fromPartial({
    ...shared,
    customRoleId,
    customRoleName: role.custom?.displayName,
    customRoleSlug: role.custom?.key,
  });
}

/** A role as the call shows it that gave it. */
export function toAssigned(role: StoredRole, membershipId: string): AssignedRole {
  return AssignedRole.fromPartial({
    ...toShared(role),
    projectMembershipId: membershipId,
    createdAt: role.createdAt,
    updatedAt: role.updatedAt,
  });
}

function toShared({ id, name, custom, temporary }: StoredRole) {
  return {
    id,
    role: name ?? "custom",
    customRoleId: custom?.id,
    isTemporary: temporary !== null,
    temporaryMode: temporary ? "relative" : undefined,
    temporaryRange: temporary?.range,
    temporaryAccessStartTime: temporary?.startsAt,
    temporaryAccessEndTime: temporary?.endsAt,
  };
}
