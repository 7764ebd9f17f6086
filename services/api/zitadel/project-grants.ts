/** ZITADEL's project grants: a project lent to another org. */
import {
  AddProjectGrantResponse,
  ListProjectGrantsResponse,
  type ManagementServiceServer,
  RemoveProjectGrantResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { GrantedProject, type ProjectGrantQuery, ProjectGrantState } from "../../../proto/gen/zitadel/project/v1/project.ts";
import type { Permission } from "../../access/permissions.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type OrgId, type ProjectGrantId, type ProjectId, parseId } from "../../kernel/ids.ts";
import { addProjectGrant, removeProjectGrant } from "../../projects/project-grants.ts";
import { lendsRole, listProjectGrants, type ProjectGrant, projectGrantColumns } from "../../projects/project-grants-store.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails, readDetails } from "./details.ts";
import { every, matches, pageOf } from "./search.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "addProjectGrant" | "listProjectGrants" | "removeProjectGrant">;

/** The handlers of project grants. */
export function projectGrants(core: Core): Part {
  return {
    addProjectGrant: async (request, call) => {
      requireOn(call, "project.grant.write", request.projectId);
      const projectId = parseId<ProjectId>(request.projectId);
      if (!projectId) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: request.projectId });
      const grantedOrgId = parseId<OrgId>(request.grantedOrgId);
      const wish = { orgId: call.orgId, projectId, grantedOrgId, roleKeys: request.roleKeys };
      const made = await addProjectGrant(core.db, wish, call.actor);
      return AddProjectGrantResponse.fromPartial({ grantId: made.id, details: addedDetails(made, call.orgId) });
    },
    listProjectGrants: async (request, call) => {
      const page = pageOf(request.query);
      const projectId = parseId<ProjectId>(request.projectId);
      const where = every(request.queries.map(toCondition));
      const { rows, total } = await listProjectGrants(core.db, call.orgId, projectId, where, page);
      return ListProjectGrantsResponse.fromPartial({ details: listDetails(total), result: rows.map(toGrantedProject) });
    },
    removeProjectGrant: async (request, call) => {
      requireOn(call, "project.grant.delete", request.projectId);
      const { orgId, actor, rights } = call;
      const projectId = parseId<ProjectId>(request.projectId);
      const id = parseId<ProjectGrantId>(request.grantId);
      const gone = await removeProjectGrant(core, { orgId, projectId, id, actor, outranking: rights.outranking() });
      return RemoveProjectGrantResponse.fromPartial({ details: changedDetails({ ...gone, changedAt: gone.deletedAt }, orgId) });
    },
  };
}

/** These RPCs declare no project, so a right on any single one lets a caller in; here it must be on this one. */
function requireOn(call: Call, permission: Permission, projectId: string): void {
  if (!call.rights.on(permission, { projectId: projectId.toLowerCase() })) throw call.rights.refusal(permission);
}

function toCondition({ query }: ProjectGrantQuery) {
  if (query?.$case === "projectNameQuery") return matches(projectGrantColumns.projectName, query.value.name, query.value.method);
  return lendsRole((key) => matches(key, query?.value.roleKey ?? "", query?.value.method ?? 0));
}

const states = {
  active: ProjectGrantState.PROJECT_GRANT_STATE_ACTIVE,
  inactive: ProjectGrantState.PROJECT_GRANT_STATE_INACTIVE,
} as const;

function toGrantedProject(row: ProjectGrant): GrantedProject {
  return GrantedProject.fromPartial({
    grantId: row.id,
    grantedOrgId: row.granted_org_id,
    grantedOrgName: row.granted_org_name,
    grantedRoleKeys: row.role_keys,
    state: states[row.state],
    projectId: row.project_id,
    projectName: row.project_name,
    projectOwnerId: row.org_id,
    projectOwnerName: row.org_name,
    details: readDetails(row, row.org_id),
  });
}
