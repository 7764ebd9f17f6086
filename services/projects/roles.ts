/** Verbs of the roles that a project defines. */
import { sql } from "kysely";
import { recordFirst } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { mintId, type OrgId, type ProjectId, type ProjectRoleId } from "../kernel/ids.ts";

export type NewProjectRole = {
  readonly orgId: OrgId;
  readonly projectId: ProjectId;
  /** Unique in the project among its living roles. */
  readonly key: string;
  readonly displayName: string;
  /** For display only. */
  readonly group: string;
};

export type CreatedProjectRole = { readonly id: ProjectRoleId; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Defines a role. Takes FOR SHARE on org and project. A role under the key of a removed one is another role: nobody holds it.
 *
 * @throws Failure PROJECT_NOT_FOUND, PROJECT_ROLE_TAKEN
 */
export async function addProjectRole(db: Database, role: NewProjectRole, actor: Actor): Promise<CreatedProjectRole> {
  const id = mintId<ProjectRoleId>();
  const { rows } = await sql<{ sequence: bigint; created_at: Date }>`
    with project as (
      select p.org_id, p.id from projects p join orgs o on o.id = p.org_id
      where p.org_id = ${role.orgId}::uuid and p.id = ${role.projectId}::uuid and p.deleted_at is null and o.deleted_at is null for share of p, o
    ), subject as (
      select org_id, ${id}::uuid as id from project
    ), ${recordFirst("subject", { kind: "project_role", actor }, ["project.role.added", { projectId: role.projectId }])}, made as (
      insert into project_roles (org_id, id, project_id, key, display_name, role_group, sequence)
      select s.org_id, s.id, ${role.projectId}::uuid, ${role.key}, ${role.displayName}, ${role.group}, s.sequence from subject_sequence s
      returning sequence, created_at
    )
    select sequence, created_at from made`.execute(db);
  const row = rows[0];
  if (!row) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: role.projectId });
  return { id, sequence: row.sequence, createdAt: row.created_at };
}
