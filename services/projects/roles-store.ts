/** Reads of the roles that a project defines. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, ProjectId, ProjectRoleId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";

export type ProjectRole = {
  readonly id: ProjectRoleId;
  readonly org_id: OrgId;
  readonly key: string;
  readonly display_name: string;
  readonly role_group: string;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** What conditions on listed roles are made of. */
export const projectRoleColumns = { key: sql.ref<string>("r.key"), displayName: sql.ref<string>("r.display_name") };

/** The id of the living role under a key, or null. */
export async function findProjectRoleId(db: Database, orgId: OrgId, projectId: ProjectId, key: string): Promise<ProjectRoleId | null> {
  const { rows } = await sql<{ id: ProjectRoleId }>`
    select r.id from live_project_roles r
    where r.org_id = ${orgId}::uuid and r.project_id = ${projectId}::uuid and r.key = ${key}`.execute(db);
  return rows[0]?.id ?? null;
}

/**
 * Roles of a project; none for a project that the org does not own.
 *
 * @param where a condition over {@link projectRoleColumns}
 */
export function listProjectRoles(
  db: Database,
  orgId: OrgId,
  projectId: ProjectId | null,
  where: RawBuilder<boolean>,
  page: Page,
): Promise<Listed<ProjectRole>> {
  return readPage(
    db,
    sql`select r.org_id, r.id from live_project_roles r where r.org_id = ${orgId}::uuid and r.project_id = ${projectId}::uuid and ${where}`,
    sql<ProjectRole>`
      select r.id, r.org_id, r.key, r.display_name, r.role_group, r.sequence, r.created_at, r.updated_at
      from page k join project_roles r on r.org_id = k.org_id and r.id = k.id`,
    page,
  );
}
