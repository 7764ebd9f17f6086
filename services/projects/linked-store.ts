/**
 * Reads of projects with the groups that they list. Live ones, with one exception: {@link readUntilGone} also shows a project
 * that is being deleted, as long as its org lives.
 */
import { type RawBuilder, sql } from "kysely";
import { type Authors, actorOf, authors } from "../audit/authors.ts";
import type { Database } from "../kernel/database.ts";
import type { GroupId, OrgId, ProjectId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type LinkedProject = Authors & {
  readonly org_id: OrgId;
  readonly id: ProjectId;
  readonly name: string;
  readonly description: string | null;
  readonly tags: Tag[];
  readonly created_at: Date;
  readonly updated_at: Date | null;
  readonly deleted_at: Date | null;
  readonly group_ids: GroupId[];
};

const columns = sql`p.org_id, p.id, p.name, p.description, p.tags, p.created_at, p.deleted_at,
  array(select k.group_id from project_groups k join live_groups g on g.org_id = k.org_id and g.id = k.group_id
        where k.org_id = p.org_id and k.project_id = p.id order by k.group_id) as group_ids`;

/**
 * Projects of an org, by id.
 *
 * @param only of these; null: all
 */
export async function listLinkedProjects(db: Database, orgId: OrgId, only: readonly string[] | null): Promise<LinkedProject[]> {
  const { rows } = await sql<LinkedProject>`
    select ${columns}, p.updated_at, ${authors("p")} from live_projects p
    where p.org_id = ${orgId}::uuid and ${only === null ? sql`true` : sql`p.id = any(${only}::uuid[])`} order by p.id`.execute(db);
  return rows;
}

/** A project of a live org, alive or being deleted; null before it was and after it is gone. */
export async function readUntilGone(db: Database, orgId: OrgId, id: ProjectId): Promise<LinkedProject | null> {
  // Accepting a delete wrote the row, too: the last change before it is the newest event of that type.
  const { rows } = await sql<LinkedProject>`
    select ${columns}, changed.created_at as updated_at, ${actorOf(sql.ref("p.org_id"), sql.ref("p.id"), sql`1`)} as created_by,
      ${actorOf(sql.ref("p.org_id"), sql.ref("p.id"), sql.ref("changed.sequence"))} as modified_by
    from projects p join live_orgs o on o.id = p.org_id
    left join lateral (
      select e.sequence, e.created_at from audit_events e
      where e.org_id = p.org_id and e.aggregate_id = p.id and e.type = 'project.changed' order by e.sequence desc limit 1
    ) changed on true
    where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}

/** A condition on a project `t`: its org lives. For deletes, which find what is being deleted, too. */
export const inLiveOrg: RawBuilder<boolean> = sql<boolean>`exists (select from live_orgs o where o.id = t.org_id)`;

/** Whether the project is there at all, alive or dead, whatever became of its org. */
export async function isPresent(db: Database, orgId: OrgId, id: ProjectId): Promise<boolean> {
  const { rows } = await sql`select 1 from projects p where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid`.execute(db);
  return rows.length > 0;
}
