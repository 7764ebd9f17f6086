/** The part of ZITADEL's ManagementService that is about members of the context org. */
import { type RawBuilder, sql } from "kysely";
import {
  AddOrgMemberResponse,
  ListOrgMembersResponse,
  type ManagementServiceServer,
  RemoveOrgMemberResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { Member, SearchQuery } from "../../../proto/gen/zitadel/member/v1/member.ts";
import { addMember, removeOrgMember } from "../../grants/members.ts";
import { isMember, listOrgMembers, memberColumns, type StoredMember } from "../../grants/members-store.ts";
import type { Core } from "../../kernel/core.ts";
import { failure, invalid } from "../../kernel/failure.ts";
import { type OrgId, type PrincipalId, parseId } from "../../kernel/ids.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails, readDetails } from "./details.ts";
import { orgRoles } from "./member-roles.ts";
import { every, matches, pageOf } from "./search.ts";
import { loginName, userTypes } from "./user-message.ts";

type MemberHandlers = Pick<Handlers<ManagementServiceServer>, "addOrgMember" | "listOrgMembers" | "removeOrgMember">;

/** Gives roles in the context org, lists who holds some, and takes them back. */
export function members(core: Core): MemberHandlers {
  return {
    addOrgMember: async ({ userId, roles: names }, call) => {
      const roles = orgRoles(names, call.rights);
      if (roles.length === 0) throw invalid([{ field: "roles", rule: "MIN_ITEMS", message: "value must contain at least 1 item(s)" }]);
      const principalId = parseId<PrincipalId>(userId);
      if (!principalId) throw failure("USER_NOT_FOUND", { kind: "user", id: userId });
      const added = await addMember(core.db, { orgId: call.orgId, principalId, roles }, call.actor);
      return AddOrgMemberResponse.create({ details: addedDetails(added, call.orgId) });
    },
    listOrgMembers: async ({ query, queries }, call) => {
      const { rows, total } = await listOrgMembers(core.db, call.orgId, every(queries.map(condition)), pageOf(query));
      return ListOrgMembersResponse.create({ details: listDetails(total), result: rows.map((row) => toMember(row, call.orgId)) });
    },
    removeOrgMember: async ({ userId }, call) => {
      const principalId = parseId<PrincipalId>(userId);
      if (!principalId) throw failure("GRANT_NOT_FOUND", { kind: "member", id: userId });
      const above = call.rights.outranking().org;
      const removed = await removeOrgMember(core, { orgId: call.orgId, principalId, above }, call.actor);
      const changed = { sequence: removed.sequence, changedAt: removed.changed_at };
      return RemoveOrgMemberResponse.create({ details: changedDetails(changed, call.orgId) });
    },
  };
}

function condition({ query }: SearchQuery): RawBuilder<boolean> {
  switch (query?.$case) {
    case "firstNameQuery":
      return matches(memberColumns.firstName, query.value.firstName, query.value.method);
    case "lastNameQuery":
      return matches(memberColumns.lastName, query.value.lastName, query.value.method);
    case "emailQuery":
      return matches(memberColumns.email, query.value.email, query.value.method);
    case "userIdQuery":
      return isMember(parseId<PrincipalId>(query.value.userId));
    default:
      return sql`true`;
  }
}

function toMember(row: StoredMember, orgId: OrgId): Member {
  return {
    userId: row.principal_id,
    details: readDetails(row, orgId),
    roles: [...row.roles],
    preferredLoginName: loginName(row),
    email: row.email ?? "",
    firstName: row.first_name ?? "",
    lastName: row.last_name ?? "",
    displayName: row.display_name,
    avatarUrl: "",
    userType: userTypes[row.kind],
    userResourceOwner: row.principal_org_id,
  };
}
