/** Projects. One that is being deleted is still read, and deleted again, until it is gone. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { Project } from "../../../proto/gen/nscale/identity/v1/project.ts";
import { requestDelete } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type GroupId, type ProjectId, parseId } from "../../kernel/ids.ts";
import { createProject } from "../../projects/commands.ts";
import { inLiveOrg, type LinkedProject, listLinkedProjects, readUntilGone } from "../../projects/linked-store.ts";
import { updateProject } from "../../projects/update.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataInOrg, stated, writtenOf } from "./metadata.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "createProject" | "listProjects" | "getProject" | "updateProject" | "deleteProject">;

export function projects(core: Core): Part {
  const { db } = core;
  return {
    createProject: async (request, call) => {
      const groupIds = stated(request.spec).groupIds.map(groupIdOf);
      const { id } = await createProject(db, { orgId: call.orgId, ...writtenOf(request.metadata), groupIds }, call.actor);
      return toProject(found(await readUntilGone(db, call.orgId, id), "PROJECT_NOT_FOUND", id));
    },
    listProjects: async (_request, call) => {
      const only = call.rights.on("project.read") ? null : call.rights.objects("project.read");
      return { projects: (await listLinkedProjects(db, call.orgId, only)).map(toProject) };
    },
    getProject: async (request, call) => {
      const id = projectIdOf(request);
      return toProject(found(await readUntilGone(db, call.orgId, id), "PROJECT_NOT_FOUND", id));
    },
    updateProject: async (request, call) => {
      const content = { ...writtenOf(request.metadata), groupIds: stated(request.spec).groupIds };
      await updateProject(db, { orgId: call.orgId, id: projectIdOf(request) }, content, call.actor);
      return Empty.create();
    },
    deleteProject: async (request, call) => {
      const outranking = call.rights.outranking();
      const id = projectIdOf(request);
      await requestDelete(core, { kind: "project", orgId: call.orgId, id, actor: call.actor, outranking, where: inLiveOrg });
      return Empty.create();
    },
  };
}

/** The project that the path names. */
export function projectIdOf(request: { readonly projectId: string }): ProjectId {
  return found(parseId<ProjectId>(request.projectId), "PROJECT_NOT_FOUND");
}

function groupIdOf(text: string): GroupId {
  const id = parseId<GroupId>(text);
  if (!id) throw failure("GROUP_UNKNOWN");
  return id;
}

function toProject(row: LinkedProject): Project {
  return Project.fromPartial({ metadata: metadataInOrg(row), spec: { groupIds: row.group_ids } });
}
