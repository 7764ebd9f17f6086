/** Verbs of what a project contains. A cluster belongs to a manager of the same project, and goes with it. */
import { sql } from "kysely";
import { record, recordFirst } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure, invalid } from "../kernel/failure.ts";
import { type ClusterId, type ClusterManagerId, mintId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";
import type { Site } from "./store.ts";

export type Content = {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
  /** Kept and shown as given. */
  readonly spec: Readonly<Record<string, unknown>>;
};

/**
 * Makes a cluster manager. Takes FOR SHARE on org and project.
 *
 * @throws Failure PROJECT_NOT_FOUND
 */
export async function createClusterManager(db: Database, site: Site, content: Content, actor: Actor): Promise<ClusterManagerId> {
  const id = mintId<ClusterManagerId>();
  const { rows } = await sql`
    with ${ancestors(site)}, subject as (
      select p.org_id, ${id}::uuid as id from project p
    ), ${recordFirst("subject", { kind: "cluster_manager", actor }, ["cluster_manager.added", { projectId: site.projectId }])}
    insert into cluster_managers (org_id, id, project_id, name, description, tags, spec, sequence)
    select s.org_id, s.id, ${site.projectId}::uuid, ${described(content)}, s.sequence from subject_sequence s returning 1`.execute(db);
  if (rows.length === 0) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: site.projectId });
  return id;
}

/**
 * Makes a cluster. Takes FOR SHARE on org, project and manager, so that none is born under a manager that is being deleted.
 *
 * @throws Failure PROJECT_NOT_FOUND; REQUEST_INVALID when the project has no such manager
 */
export async function createCluster(
  db: Database,
  site: Site,
  managerId: ClusterManagerId | null,
  content: Content,
  actor: Actor,
): Promise<ClusterId> {
  const id = mintId<ClusterId>();
  const { rows } = await sql<{ project: boolean; made: boolean }>`
    with ${ancestors(site)}, manager as (
      select m.org_id, m.id from project p join cluster_managers m on m.org_id = p.org_id and m.project_id = p.id
      where m.id = ${managerId}::uuid and m.deleted_at is null for share of m
    ), subject as (
      select m.org_id, ${id}::uuid as id from manager m
    ), ${recordFirst("subject", { kind: "cluster", actor }, ["cluster.added", { projectId: site.projectId, clusterManagerId: managerId }])}, made as (
      insert into clusters (org_id, id, project_id, cluster_manager_id, name, description, tags, spec, sequence)
      select s.org_id, s.id, ${site.projectId}::uuid, ${managerId}::uuid, ${described(content)}, s.sequence
      from subject_sequence s returning 1
    )
    select exists (select from project) as project, exists (select from made) as made`.execute(db);
  if (rows[0]?.made) return id;
  if (!rows[0]?.project) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: site.projectId });
  throw wrongManager("names no cluster manager of this project");
}

/**
 * Replaces all that a write says of a cluster manager.
 *
 * @throws Failure CLUSTER_MANAGER_NOT_FOUND
 */
export async function updateClusterManager(db: Database, site: Site, id: ClusterManagerId, content: Content, actor: Actor): Promise<void> {
  const { rows } = await sql`
    with subject as (
      select t.org_id, t.id from cluster_managers t where ${live("live_cluster_managers", site, id)} for update of t
    ), ${record("subject", { kind: "cluster_manager", actor }, ["cluster_manager.changed"])}
    update cluster_managers t set (name, description, tags, spec) = row (${described(content)}), sequence = s.sequence, updated_at = now()
    from subject_sequence s where t.org_id = s.org_id and t.id = s.id returning 1`.execute(db);
  if (rows.length === 0) throw failure("CLUSTER_MANAGER_NOT_FOUND", { kind: "cluster_manager", id });
}

/**
 * Replaces all that a write says of a cluster; it stays with its manager.
 *
 * @param managerId the manager that the write names
 * @throws Failure CLUSTER_NOT_FOUND; REQUEST_INVALID when the write names another manager
 */
export async function updateCluster(
  db: Database,
  site: Site,
  id: ClusterId,
  managerId: ClusterManagerId | null,
  content: Content,
  actor: Actor,
): Promise<void> {
  const { rows } = await sql<{ found: boolean; changed: boolean }>`
    with target as (
      select t.org_id, t.id, t.cluster_manager_id from clusters t where ${live("live_clusters", site, id)} for update of t
    ), subject as (
      select t.org_id, t.id from target t where t.cluster_manager_id = ${managerId}::uuid
    ), ${record("subject", { kind: "cluster", actor }, ["cluster.changed"])}, changed as (
      update clusters t set (name, description, tags, spec) = row (${described(content)}), sequence = s.sequence, updated_at = now()
      from subject_sequence s where t.org_id = s.org_id and t.id = s.id returning 1
    )
    select exists (select from target) as found, exists (select from changed) as changed`.execute(db);
  if (rows[0]?.changed) return;
  if (!rows[0]?.found) throw failure("CLUSTER_NOT_FOUND", { kind: "cluster", id });
  throw wrongManager("is not the cluster's manager, and a cluster cannot be moved");
}

/** CTEs `org` and `project`, both FOR SHARE. */
function ancestors({ orgId, projectId }: Site) {
  return sql`org as (
      select o.id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    ), project as (
      select p.org_id, p.id from org join projects p on p.org_id = org.id
      where p.id = ${projectId}::uuid and p.deleted_at is null for share of p
    )`;
}

/** A condition on the row `t`: it is this one, in this project, and nothing above it is dead. */
function live(view: "live_cluster_managers" | "live_clusters", { orgId, projectId }: Site, id: string) {
  return sql`t.org_id = ${orgId}::uuid and t.id = ${id}::uuid and t.project_id = ${projectId}::uuid and t.deleted_at is null
    and exists (select from ${sql.table(view)} v where v.org_id = t.org_id and v.id = t.id)`;
}

/** Values of name, description, tags, spec. */
function described({ name, description, tags, spec }: Content) {
  return sql`${name}::text, ${description ?? null}::text, ${JSON.stringify(tags)}::jsonb, ${JSON.stringify(spec)}::jsonb`;
}

function wrongManager(message: string) {
  return invalid([{ field: "spec.cluster_manager_id", rule: "UNKNOWN", message }]);
}
