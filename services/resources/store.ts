/** Reads of what a project contains: cluster managers and clusters. Only live ones of live projects. */
import { type RawBuilder, sql } from "kysely";
import { type Authors, authors } from "../audit/authors.ts";
import type { Database } from "../kernel/database.ts";
import type { ClusterId, ClusterManagerId, OrgId, ProjectId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

/** Where a resource is. */
export type Site = { readonly orgId: OrgId; readonly projectId: ProjectId };

type Resource<Id> = Authors & {
  readonly org_id: OrgId;
  readonly project_id: ProjectId;
  readonly id: Id;
  readonly name: string;
  readonly description: string | null;
  readonly tags: Tag[];
  readonly spec: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

export type ClusterManager = Resource<ClusterManagerId>;
export type Cluster = Resource<ClusterId> & { readonly cluster_manager_id: ClusterManagerId };

/** All cluster managers of a project, by id. */
export function listClusterManagers(db: Database, site: Site): Promise<ClusterManager[]> {
  return select<ClusterManager>(db, "live_cluster_managers", site, null);
}

/** One cluster manager of a project, or null. */
export async function findClusterManager(db: Database, site: Site, id: ClusterManagerId): Promise<ClusterManager | null> {
  return (await select<ClusterManager>(db, "live_cluster_managers", site, id))[0] ?? null;
}

/** All clusters of a project, by id. */
export function listClusters(db: Database, site: Site): Promise<Cluster[]> {
  return select<Cluster>(db, "live_clusters", site, null);
}

/** One cluster of a project, or null. */
export async function findCluster(db: Database, site: Site, id: ClusterId): Promise<Cluster | null> {
  return (await select<Cluster>(db, "live_clusters", site, id))[0] ?? null;
}

// by cluster_managers_by_project and clusters_by_project
async function select<Row>(
  db: Database,
  view: "live_cluster_managers" | "live_clusters",
  { orgId, projectId }: Site,
  id: string | null,
): Promise<Row[]> {
  const manager: RawBuilder<unknown> = view === "live_clusters" ? sql`, r.cluster_manager_id` : sql``;
  const { rows } = await sql<Row>`
    select r.org_id, r.project_id, r.id, r.name, r.description, r.tags, r.spec, r.created_at, r.updated_at, ${authors("r")} ${manager}
    from ${sql.table(view)} r
    where r.org_id = ${orgId}::uuid and r.project_id = ${projectId}::uuid and ${id === null ? sql`true` : sql`r.id = ${id}::uuid`}
    order by r.id`.execute(db);
  return rows;
}

/** A condition on a resource `t`: it is in this project. */
export function inProject(projectId: ProjectId): RawBuilder<boolean> {
  return sql<boolean>`t.project_id = ${projectId}::uuid`;
}
