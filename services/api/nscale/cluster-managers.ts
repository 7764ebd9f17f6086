/** Cluster managers of a project. Made and unmade in the background of the wire, hence 202. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import { ClusterManager } from "../../../proto/gen/nscale/identity/v1/cluster_manager.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { requestDelete } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { type ClusterManagerId, parseId } from "../../kernel/ids.ts";
import { createClusterManager, updateClusterManager } from "../../resources/commands.ts";
import { findClusterManager, inProject, listClusterManagers, type ClusterManager as Row } from "../../resources/store.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataInProject, writtenOf } from "./metadata.ts";
import { siteOf } from "./site.ts";

type Part = Pick<
  Handlers<ManagementServiceServer>,
  "createClusterManager" | "listClusterManagers" | "getClusterManager" | "updateClusterManager" | "deleteClusterManager"
>;

export function clusterManagers(core: Core): Part {
  const { db } = core;
  return {
    createClusterManager: async (request, call) => {
      const site = siteOf(request, call);
      const id = await createClusterManager(db, site, { ...writtenOf(request.metadata), spec: {} }, call.actor);
      return toClusterManager(found(await findClusterManager(db, site, id), "CLUSTER_MANAGER_NOT_FOUND", id));
    },
    listClusterManagers: async (request, call) => ({
      clusterManagers: (await listClusterManagers(db, siteOf(request, call))).map(toClusterManager),
    }),
    getClusterManager: async (request, call) => {
      const site = siteOf(request, call);
      const id = managerIdOf(request);
      return toClusterManager(found(await findClusterManager(db, site, id), "CLUSTER_MANAGER_NOT_FOUND", id));
    },
    updateClusterManager: async (request, call) => {
      const content = { ...writtenOf(request.metadata), spec: {} };
      await updateClusterManager(db, siteOf(request, call), managerIdOf(request), content, call.actor);
      return Empty.create();
    },
    deleteClusterManager: async (request, call) => {
      const { orgId, projectId } = siteOf(request, call);
      const outranking = call.rights.outranking();
      const id = managerIdOf(request);
      await requestDelete(core, { kind: "cluster_manager", orgId, id, actor: call.actor, outranking, where: inProject(projectId) });
      return Empty.create();
    },
  };
}

function managerIdOf(request: { readonly clusterManagerId: string }): ClusterManagerId {
  return found(parseId<ClusterManagerId>(request.clusterManagerId), "CLUSTER_MANAGER_NOT_FOUND");
}

function toClusterManager(row: Row): ClusterManager {
  return ClusterManager.fromPartial({ metadata: metadataInProject(row) });
}
