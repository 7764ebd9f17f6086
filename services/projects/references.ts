/** References: while one exists, its project stays. They are released through the one door of deletion. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import type { OrgId, ProjectId } from "../kernel/ids.ts";

/**
 * Holds a project. Takes FOR SHARE on org and project: a delete that was accepted before is not held up any more. A repeat
 * changes nothing.
 *
 * @throws Failure PROJECT_NOT_FOUND, BEING_DELETED
 */
export async function holdProject(
  db: Database,
  { orgId, id }: { readonly orgId: OrgId; readonly id: ProjectId },
  reference: string,
  actor: Actor,
): Promise<void> {
  const { rows } = await sql<{ live: boolean; present: boolean }>`
    with org as (
      select o.id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    ), project as (
      select p.org_id, p.id from org join projects p on p.org_id = org.id
      where p.id = ${id}::uuid and p.deleted_at is null for share of p
    ), held as (
      insert into project_references (org_id, project_id, reference) select p.org_id, p.id, ${reference} from project p
      on conflict do nothing returning org_id, project_id as id
    ), ${record("held", { kind: "project", actor }, ["project.reference.added", { reference }])}
    select exists (select from project) as live,
      exists (select from org join projects p on p.org_id = org.id where p.id = ${id}::uuid) as present`.execute(db);
  if (rows[0]?.live) return;
  throw failure(rows[0]?.present ? "BEING_DELETED" : "PROJECT_NOT_FOUND", { kind: "project", id });
}
