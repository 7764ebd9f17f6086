/** ZITADEL's projects. */
import {
  AddProjectResponse,
  GetProjectByIDResponse,
  ListProjectsResponse,
  type ManagementServiceServer,
  RemoveProjectResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { type PrivateLabelingSetting, Project, type ProjectQuery, ProjectState } from "../../../proto/gen/zitadel/project/v1/project.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type ProjectId, parseId } from "../../kernel/ids.ts";
import { createProject } from "../../projects/commands.ts";
import { findProject, listProjects, projectColumns, type Project as StoredProject } from "../../projects/store.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails, readDetails } from "./details.ts";
import { every, matches, namesAny, namesId, pageOf } from "./search.ts";
import { only } from "./sight.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "addProject" | "getProjectById" | "listProjects" | "removeProject">;

/** The handlers of projects. */
export function projects(core: Core): Part {
  return {
    addProject: async (request, call) => {
      const made = await createProject(
        core.db,
        {
          orgId: call.orgId,
          name: request.name,
          roleAssertion: request.projectRoleAssertion,
          roleCheck: request.projectRoleCheck,
          hasProjectCheck: request.hasProjectCheck,
          privateLabeling: request.privateLabelingSetting,
          owner: call.caller,
        },
        call.actor,
      );
      return AddProjectResponse.fromPartial({ id: made.id, details: addedDetails(made, call.orgId) });
    },
    getProjectById: async (request, call) => {
      const id = parseId<ProjectId>(request.id);
      const found = id && (await findProject(core.db, call.orgId, id));
      if (!found) throw missing(request.id);
      return GetProjectByIDResponse.fromPartial({ project: toProject(found) });
    },
    listProjects: async (request, call) => {
      const sight = only(call, "project.read");
      const where = every([...(sight ? [namesAny(projectColumns.id, sight)] : []), ...request.queries.map(toCondition)]);
      const { rows, total } = await listProjects(core.db, call.orgId, where, pageOf(request.query));
      return ListProjectsResponse.fromPartial({ details: listDetails(total), result: rows.map(toProject) });
    },
    removeProject: async (request, call) => {
      const id = parseId<ProjectId>(request.id);
      if (!id) throw missing(request.id);
      const { orgId, actor, rights } = call;
      const gone = await requestDeleteOnce(core, { kind: "project", orgId, id, actor, outranking: rights.outranking() });
      return RemoveProjectResponse.fromPartial({ details: changedDetails({ ...gone, changedAt: gone.deletedAt }, orgId) });
    },
  };
}

function missing(id: string) {
  return failure("PROJECT_NOT_FOUND", { kind: "project", id });
}

function toCondition({ query }: ProjectQuery) {
  if (query?.$case === "nameQuery") return matches(projectColumns.name, query.value.name, query.value.method);
  return namesId(projectColumns.orgId, query?.value.resourceOwner ?? "");
}

const states = { active: ProjectState.PROJECT_STATE_ACTIVE, inactive: ProjectState.PROJECT_STATE_INACTIVE } as const;

function toProject(row: StoredProject): Project {
  return Project.fromPartial({
    id: row.id,
    details: readDetails(row, row.org_id),
    name: row.name,
    state: states[row.state],
    projectRoleAssertion: row.role_assertion,
    projectRoleCheck: row.role_check,
    hasProjectCheck: row.has_project_check,
    privateLabelingSetting: row.private_labeling as PrivateLabelingSetting,
  });
}
