/** ZITADEL's user grants: roles of a project, held by a user. */
import {
  AddUserGrantResponse,
  ListUserGrantResponse,
  type ManagementServiceServer,
  RemoveUserGrantResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { Type, UserGrant, type UserGrantQuery, UserGrantState } from "../../../proto/gen/zitadel/user/v1/user.ts";
import { addAuthorization, removeAuthorization } from "../../grants/authorizations.ts";
import { type Authorization, authorizationColumns as columns, holdsRole, listAuthorizations } from "../../grants/authorizations-store.ts";
import type { Core } from "../../kernel/core.ts";
import { type GrantId, type PrincipalId, type ProjectGrantId, type ProjectId, parseId } from "../../kernel/ids.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails, readDetails } from "./details.ts";
import { equals, every, matches, namesId, pageOf } from "./search.ts";
import { only } from "./sight.ts";
import { loginName, userTypes } from "./user-message.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "addUserGrant" | "listUserGrants" | "removeUserGrant">;

/** The handlers of user grants. */
export function userGrants(core: Core): Part {
  return {
    addUserGrant: async (request, call) => {
      const wish = {
        ownerOrgId: call.orgId,
        principalId: parseId<PrincipalId>(request.userId),
        projectId: parseId<ProjectId>(request.projectId),
        projectGrantId: request.projectGrantId === "" ? undefined : parseId<ProjectGrantId>(request.projectGrantId),
        roleKeys: request.roleKeys,
        only: only(call, "user.grant.write"),
      };
      const made = await addAuthorization(core.db, wish, call.actor);
      return AddUserGrantResponse.fromPartial({ userGrantId: made.id, details: addedDetails(made, call.orgId) });
    },
    listUserGrants: async (request, call) => {
      const withGranted = request.queries.some(({ query }) => query?.$case === "withGrantedQuery");
      const sight = { orgId: call.orgId, withGranted, only: only(call, "user.grant.read") };
      const where = every(request.queries.map(toCondition));
      const { rows, total } = await listAuthorizations(core.db, sight, where, pageOf(request.query));
      return ListUserGrantResponse.fromPartial({ details: listDetails(total), result: rows.map(toUserGrant) });
    },
    removeUserGrant: async (request, call) => {
      const gone = await removeAuthorization(core, {
        ownerOrgId: call.orgId,
        principalId: parseId<PrincipalId>(request.userId),
        id: parseId<GrantId>(request.grantId),
        only: only(call, "user.grant.delete"),
        actor: call.actor,
      });
      return RemoveUserGrantResponse.fromPartial({
        details: changedDetails({ sequence: gone.sequence, changedAt: gone.changed_at }, call.orgId),
      });
    },
  };
}

function toCondition({ query }: UserGrantQuery) {
  switch (query?.$case) {
    case "projectIdQuery":
      return namesId(columns.projectId, query.value.projectId);
    case "userIdQuery":
      return namesId(columns.principalId, query.value.userId);
    case "projectGrantIdQuery":
      return namesId(columns.projectGrantId, query.value.projectGrantId);
    case "roleKeyQuery":
      return holdsRole((key) => matches(key, query.value.roleKey, query.value.method));
    case "userNameQuery":
      return matches(columns.userName, query.value.userName, query.value.method);
    case "firstNameQuery":
      return matches(columns.firstName, query.value.firstName, query.value.method);
    case "lastNameQuery":
      return matches(columns.lastName, query.value.lastName, query.value.method);
    case "emailQuery":
      return matches(columns.email, query.value.email, query.value.method);
    case "displayNameQuery":
      return matches(columns.displayName, query.value.displayName, query.value.method);
    case "orgNameQuery":
      return matches(columns.orgName, query.value.orgName, query.value.method);
    case "orgDomainQuery":
      return matches(columns.orgDomain, query.value.orgDomain, query.value.method);
    case "projectNameQuery":
      return matches(columns.projectName, query.value.projectName, query.value.method);
    case "userTypeQuery":
      return equals(columns.principalKind, kinds[query.value.type]);
    // It widens what is listed and narrows nothing; its boolean says nothing to ZITADEL either.
    case "withGrantedQuery":
    case undefined:
      return every([]);
  }
}

const kinds: Partial<Record<Type, Authorization["principal_kind"]>> = { [Type.TYPE_HUMAN]: "user", [Type.TYPE_MACHINE]: "identity" };
const states = { active: UserGrantState.USER_GRANT_STATE_ACTIVE, inactive: UserGrantState.USER_GRANT_STATE_INACTIVE } as const;

function toUserGrant(row: Authorization): UserGrant {
  return UserGrant.fromPartial({
    id: row.id,
    details: readDetails(row, row.owner_org_id),
    roleKeys: row.role_keys,
    state: states[row.state],
    userId: row.principal_id,
    userName: row.user_name,
    firstName: row.first_name ?? "",
    lastName: row.last_name ?? "",
    email: row.email ?? "",
    displayName: row.display_name ?? "",
    orgId: row.owner_org_id,
    orgName: row.owner_org_name,
    orgDomain: row.owner_org_domain,
    projectId: row.project_id,
    projectName: row.project_name,
    projectGrantId: row.project_grant_id ?? "",
    preferredLoginName: loginName(row),
    userType: userTypes[row.principal_kind],
    grantedOrgId: row.granted_org_id ?? "",
    grantedOrgName: row.granted_org_name ?? "",
    grantedOrgDomain: row.granted_org_domain ?? "",
  });
}
