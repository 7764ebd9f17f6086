/** ZITADEL's roles of projects. */
import {
  AddProjectRoleResponse,
  ListProjectRolesResponse,
  type ManagementServiceServer,
  RemoveProjectRoleResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { Role, type RoleQuery } from "../../../proto/gen/zitadel/project/v1/project.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type ProjectId, parseId } from "../../kernel/ids.ts";
import { addProjectRole } from "../../projects/roles.ts";
import { findProjectRoleId, listProjectRoles, projectRoleColumns } from "../../projects/roles-store.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails, readDetails } from "./details.ts";
import { every, matches, pageOf } from "./search.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "addProjectRole" | "listProjectRoles" | "removeProjectRole">;

/** The handlers of project roles. */
export function projectRoles(core: Core): Part {
  return {
    addProjectRole: async ({ projectId: text, roleKey: key, displayName, group }, call) => {
      const projectId = parseId<ProjectId>(text);
      if (!projectId) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: text });
      const made = await addProjectRole(core.db, { orgId: call.orgId, projectId, key, displayName, group }, call.actor);
      return AddProjectRoleResponse.fromPartial({ details: addedDetails(made, call.orgId) });
    },
    listProjectRoles: async (request, call) => {
      const page = pageOf(request.query);
      const projectId = parseId<ProjectId>(request.projectId);
      const where = every(request.queries.map(toCondition));
      const { rows, total } = await listProjectRoles(core.db, call.orgId, projectId, where, page);
      const result = rows.map((row) =>
        Role.fromPartial({ key: row.key, details: readDetails(row, row.org_id), displayName: row.display_name, group: row.role_group }),
      );
      return ListProjectRolesResponse.fromPartial({ details: listDetails(total), result });
    },
    removeProjectRole: async (request, call) => {
      const { orgId, actor, rights } = call;
      const projectId = parseId<ProjectId>(request.projectId);
      const id = projectId && (await findProjectRoleId(core.db, orgId, projectId, request.roleKey));
      if (!id) throw failure("PROJECT_ROLE_NOT_FOUND", { kind: "project_role", id: request.roleKey });
      const gone = await requestDeleteOnce(core, { kind: "project_role", orgId, id, actor, outranking: rights.outranking() });
      return RemoveProjectRoleResponse.fromPartial({ details: changedDetails({ ...gone, changedAt: gone.deletedAt }, orgId) });
    },
  };
}

function toCondition({ query }: RoleQuery) {
  if (query?.$case === "keyQuery") return matches(projectRoleColumns.key, query.value.key, query.value.method);
  return matches(projectRoleColumns.displayName, query?.value.displayName ?? "", query?.value.method ?? 0);
}
