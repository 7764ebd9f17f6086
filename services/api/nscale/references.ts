/** References: what holds a project, said and unsaid by the platform's services. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { releaseReference } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { isPresent } from "../../projects/linked-store.ts";
import { holdProject } from "../../projects/references.ts";
import type { Handlers } from "../registry.ts";
import { projectIdOf } from "./projects.ts";

export function references(core: Core): Pick<Handlers<ManagementServiceServer>, "putProjectReference" | "deleteProjectReference"> {
  const { db } = core;
  return {
    putProjectReference: async (request, call) => {
      await holdProject(db, { orgId: call.orgId, id: projectIdOf(request) }, request.reference, call.actor);
      return Empty.create();
    },
    deleteProjectReference: async (request, call) => {
      const id = projectIdOf(request);
      const released = await releaseReference(core, { orgId: call.orgId, projectId: id }, request.reference, call.actor);
      if (!released && !(await isPresent(db, call.orgId, id))) throw failure("PROJECT_NOT_FOUND");
      return Empty.create();
    },
  };
}
