/** Clusters of a project, each below a manager of the same project. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import { Cluster, type ClusterSpec } from "../../../proto/gen/nscale/identity/v1/cluster.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import type { ResourceWriteMetadata } from "../../../proto/gen/nscale/identity/v1/metadata.ts";
import { requestDelete } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { type ClusterId, type ClusterManagerId, parseId } from "../../kernel/ids.ts";
import { createCluster, updateCluster } from "../../resources/commands.ts";
import { findCluster, inProject, listClusters, type Cluster as Row } from "../../resources/store.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataInProject, stated, writtenOf } from "./metadata.ts";
import { siteOf } from "./site.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "createCluster" | "listClusters" | "getCluster" | "updateCluster" | "deleteCluster">;

export function clusters(core: Core): Part {
  const { db } = core;
  return {
    createCluster: async (request, call) => {
      const site = siteOf(request, call);
      const id = await createCluster(db, site, managerOf(request.spec), contentOf(request), call.actor);
      return toCluster(found(await findCluster(db, site, id), "CLUSTER_NOT_FOUND", id));
    },
    listClusters: async (request, call) => ({ clusters: (await listClusters(db, siteOf(request, call))).map(toCluster) }),
    getCluster: async (request, call) => {
      const site = siteOf(request, call);
      const id = clusterIdOf(request);
      return toCluster(found(await findCluster(db, site, id), "CLUSTER_NOT_FOUND", id));
    },
    updateCluster: async (request, call) => {
      await updateCluster(db, siteOf(request, call), clusterIdOf(request), managerOf(request.spec), contentOf(request), call.actor);
      return Empty.create();
    },
    deleteCluster: async (request, call) => {
      const { orgId, projectId } = siteOf(request, call);
      const outranking = call.rights.outranking();
      const id = clusterIdOf(request);
      await requestDelete(core, { kind: "cluster", orgId, id, actor: call.actor, outranking, where: inProject(projectId) });
      return Empty.create();
    },
  };
}

function clusterIdOf(request: { readonly clusterId: string }): ClusterId {
  return found(parseId<ClusterId>(request.clusterId), "CLUSTER_NOT_FOUND");
}

function managerOf(spec: ClusterSpec | undefined): ClusterManagerId | null {
  return parseId<ClusterManagerId>(stated(spec).clusterManagerId);
}

function contentOf(request: { readonly metadata: ResourceWriteMetadata | undefined; readonly spec: ClusterSpec | undefined }) {
  const { regionId, version } = stated(request.spec);
  return { ...writtenOf(request.metadata), spec: { regionId, version } };
}

function toCluster(row: Row): Cluster {
  return Cluster.fromPartial({ metadata: metadataInProject(row), spec: { ...row.spec, clusterManagerId: row.cluster_manager_id } });
}
