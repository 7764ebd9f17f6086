/** What a project is called and labelled, and which groups it lists. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GroupId, type OrgId, type ProjectId, parseId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type ProjectContent = {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
  /** All groups that the project shall list, as the caller names them. */
  readonly groupIds: readonly string[];
};

/**
 * Replaces name, description, tags and listed groups. Takes FOR SHARE on the org, FOR UPDATE on the project, FOR SHARE on the
 * groups, in this order, before it reads what it replaces.
 *
 * @throws Failure PROJECT_NOT_FOUND, PROJECT_NAME_TAKEN, GROUP_UNKNOWN with the id that names no live group of the org
 */
export async function updateProject(
  db: Database,
  { orgId, id }: { readonly orgId: OrgId; readonly id: ProjectId },
  content: ProjectContent,
  actor: Actor,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockProject(tx, orgId, id);
    const groupIds = await lockGroups(tx, orgId, content.groupIds);
    await sql`
      with subject as (
        select ${orgId}::uuid as org_id, ${id}::uuid as id
      ), ${record("subject", { kind: "project", actor }, ["project.changed", { groupIds }])}, changed as (
        update projects p set name = ${content.name}, description = ${content.description ?? null}, tags = ${JSON.stringify(content.tags)}::jsonb,
          sequence = s.sequence, updated_at = now()
        from subject_sequence s where p.org_id = s.org_id and p.id = s.id returning p.org_id, p.id
      ), unlinked as (
        delete from project_groups k using changed c where k.org_id = c.org_id and k.project_id = c.id and k.group_id <> all(${groupIds}::uuid[])
      )
      insert into project_groups (org_id, project_id, group_id)
      select c.org_id, c.id, n.id from changed c cross join unnest(${groupIds}::uuid[]) as n (id) on conflict do nothing`.execute(tx);
  });
}

async function lockProject(tx: Database, orgId: OrgId, id: ProjectId): Promise<void> {
  const { rows } = await sql`
    with org as (
      select o.id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    )
    select p.id from org join projects p on p.org_id = org.id where p.id = ${id}::uuid and p.deleted_at is null for update of p`.execute(
    tx,
  );
  if (rows.length === 0) throw failure("PROJECT_NOT_FOUND", { kind: "project", id });
}

async function lockGroups(tx: Database, orgId: OrgId, named: readonly string[]): Promise<GroupId[]> {
  const ids = named.map((id) => parseId<GroupId>(id)).filter((id) => id !== null);
  const { rows } = await sql<{ id: GroupId }>`
    select g.id from groups g where g.org_id = ${orgId}::uuid and g.id = any(${ids}::uuid[]) and g.deleted_at is null
    order by g.id for share of g`.execute(tx);
  const found = new Set<string>(rows.map((row) => row.id));
  const unknown = named.find((id) => !found.has(id.toLowerCase()));
  if (unknown !== undefined) throw failure("GROUP_UNKNOWN", { kind: "group", id: unknown.slice(0, 64) });
  return rows.map((row) => row.id);
}
