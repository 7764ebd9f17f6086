/** Reads of project grants, as the org sees them that owns the project. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, ProjectGrantId, ProjectId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";

export type ProjectGrant = {
  readonly id: ProjectGrantId;
  readonly org_id: OrgId;
  readonly org_name: string;
  readonly project_id: ProjectId;
  readonly project_name: string;
  readonly granted_org_id: OrgId;
  readonly granted_org_name: string;
  /** Living roles that came along, by key. */
  readonly role_keys: string[];
  readonly state: "active" | "inactive";
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** What conditions on listed project grants are made of. */
export const projectGrantColumns = { projectName: sql.ref<string>("p.name") };

/** Living roles of the grant `g`, served by the primary key of project_grant_roles. */
const lent = sql`from project_grant_roles l join live_project_roles r on r.org_id = l.org_id and r.id = l.project_role_id
  where l.org_id = g.org_id and l.project_grant_id = g.id`;

/** The condition that some role of the grant has such a key. */
export function lendsRole(key: (column: RawBuilder<string>) => RawBuilder<boolean>): RawBuilder<boolean> {
  return sql<boolean>`exists (select ${lent} and ${key(sql.ref<string>("r.key"))})`;
}

/**
 * Grants of a project to other orgs; none for a project that the org does not own.
 *
 * @param where a condition over {@link projectGrantColumns} and {@link lendsRole}
 */
export function listProjectGrants(
  db: Database,
  orgId: OrgId,
  projectId: ProjectId | null,
  where: RawBuilder<boolean>,
  page: Page,
): Promise<Listed<ProjectGrant>> {
  return readPage(
    db,
    sql`select g.org_id, g.id from live_project_grants g join projects p on p.org_id = g.org_id and p.id = g.project_id
      where g.org_id = ${orgId}::uuid and g.project_id = ${projectId}::uuid and ${where}`,
    sql<ProjectGrant>`
      select g.id, g.org_id, o.name as org_name, g.project_id, p.name as project_name, g.granted_org_id, w.name as granted_org_name,
        array(select r.key ${lent} order by r.key) as role_keys, g.state, g.sequence, g.created_at, g.updated_at
      from page k
      join project_grants g on g.org_id = k.org_id and g.id = k.id
      join projects p on p.org_id = g.org_id and p.id = g.project_id
      join orgs o on o.id = g.org_id
      join orgs w on w.id = g.granted_org_id`,
    page,
  );
}
