/** Verbs of projects: workspaces in an org. */
import { sql } from "kysely";
import { recordFirst } from "../audit/record.ts";
import type { Actor, Caller } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure, invalid } from "../kernel/failure.ts";
import { type GrantId, type GroupId, mintId, type OrgId, type ProjectId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type NewProject = {
  readonly orgId: OrgId;
  readonly name: string;
  readonly description?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
  readonly roleAssertion?: boolean;
  readonly roleCheck?: boolean;
  readonly hasProjectCheck?: boolean;
  readonly privateLabeling?: number;
  /** Groups that the project lists; all must be live groups of the org. */
  readonly groupIds?: readonly GroupId[];
  /** Becomes owner in the same statement. */
  readonly owner?: Pick<Caller, "orgId" | "id">;
};

export type CreatedProject = { readonly id: ProjectId; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Makes a project. Takes FOR SHARE on the org and the listed groups.
 *
 * @throws Failure REQUEST_INVALID (a blank name), ORG_NOT_FOUND, PROJECT_NAME_TAKEN (case-insensitive, per org), GROUP_UNKNOWN
 */
export async function createProject(db: Database, project: NewProject, actor: Actor): Promise<CreatedProject> {
  const id = mintId<ProjectId>();
  const name = project.name.trim();
  if (name === "") throw invalid([{ field: "name", rule: "REQUIRED", message: "value is required" }]);
  const groupIds = [...new Set(project.groupIds ?? [])];
  const { rows } = await sql<{ org_live: boolean; sequence: bigint | null; created_at: Date | null }>`
    with org as (
      select o.id from orgs o where o.id = ${project.orgId}::uuid and o.deleted_at is null for share
    ), listed as (
      select g.id from groups g join org on org.id = g.org_id where g.id = any(${groupIds}::uuid[]) and g.deleted_at is null for share of g
    ), subject as (
      select o.id as org_id, ${id}::uuid as id from org o where (select count(*) from listed) = ${groupIds.length}
    ), ${recordFirst("subject", { kind: "project", actor }, ["project.added"])}, made as (
      insert into projects (org_id, id, name, description, tags, role_assertion, role_check, has_project_check, private_labeling, sequence)
      select s.org_id, s.id, ${name}, ${project.description ?? null}, ${JSON.stringify(project.tags ?? [])}::jsonb,
        ${project.roleAssertion ?? false}, ${project.roleCheck ?? false}, ${project.hasProjectCheck ?? false}, ${project.privateLabeling ?? 0}, s.sequence
      from subject_sequence s returning org_id, id, sequence, created_at
    ), links as (
      insert into project_groups (org_id, project_id, group_id) select m.org_id, m.id, l.id from made m cross join listed l
    ) ${project.owner ? ownership(project.owner) : sql``}
    select exists (select from org) as org_live, m.sequence, m.created_at from (select) one left join made m on true`.execute(db);
  const row = rows[0];
  if (!row?.org_live) throw failure("ORG_NOT_FOUND", { kind: "org", id: project.orgId });
  if (row.sequence === null || !row.created_at) throw failure("GROUP_UNKNOWN", { kind: "group" });
  return { id, sequence: row.sequence, createdAt: row.created_at };
}

function ownership(owner: Pick<Caller, "orgId" | "id">) {
  const grantId = mintId<GrantId>();
  return sql`, ownership as (
    insert into grants (org_id, id, kind, scope, project_id, owner_org_id, principal_org_id, principal_id, sequence)
    select m.org_id, ${grantId}::uuid, 'member', 'project', m.id, m.org_id, ${owner.orgId}::uuid, ${owner.id}::uuid, m.sequence from made m
  ), ownership_role as (
    insert into grant_roles (org_id, grant_id, id, role) select m.org_id, ${grantId}::uuid, ${mintId<GrantId>()}::uuid, 'PROJECT_OWNER' from made m
  )`;
}
