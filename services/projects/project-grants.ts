/** Verbs of project grants: a project, with some of its roles, lent to another org. */
import { sql } from "kysely";
import type { Outranking } from "../access/rights.ts";
import { recordFirst } from "../audit/record.ts";
import { type Accepted, requestDeleteOnce } from "../deletion/commands.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { mintId, type OrgId, type ProjectGrantId, type ProjectId } from "../kernel/ids.ts";
import { findProject } from "./store.ts";

export type NewProjectGrant = {
  readonly orgId: OrgId;
  readonly projectId: ProjectId;
  readonly grantedOrgId: OrgId | null;
  readonly roleKeys: readonly string[];
};

export type CreatedProjectGrant = { readonly id: ProjectGrantId; readonly sequence: bigint; readonly createdAt: Date };

type Found = { project: boolean; granted: boolean; roles: number; sequence: bigint | null; created_at: Date | null };

/**
 * Grants a project to an org. Takes FOR SHARE on both orgs, the project and the roles, so that nothing is granted below a
 * parent that is being deleted.
 *
 * @throws Failure PROJECT_NOT_FOUND, ORG_NOT_FOUND (the granted one), PROJECT_ROLE_NOT_FOUND, PROJECT_GRANT_TAKEN
 */
export async function addProjectGrant(db: Database, grant: NewProjectGrant, actor: Actor): Promise<CreatedProjectGrant> {
  const id = mintId<ProjectGrantId>();
  const keys = [...new Set(grant.roleKeys)];
  const facts = { projectId: grant.projectId, grantedOrgId: grant.grantedOrgId };
  const { rows } = await sql<Found>`
    with project as (
      select p.org_id, p.id from projects p join orgs o on o.id = p.org_id
      where p.org_id = ${grant.orgId}::uuid and p.id = ${grant.projectId}::uuid and p.deleted_at is null and o.deleted_at is null for share of p, o
    ), granted as (
      select o.id from orgs o where o.id = ${grant.grantedOrgId}::uuid and o.deleted_at is null for share
    ), roles as (
      select r.org_id, r.id from project_roles r join project p on p.org_id = r.org_id and p.id = r.project_id
      where r.key = any(${keys}::text[]) and r.deleted_at is null for share of r
    ), subject as (
      select p.org_id, ${id}::uuid as id from project p cross join granted where (select count(*) from roles) = ${keys.length}
    ), ${recordFirst("subject", { kind: "project_grant", actor }, ["project.grant.added", facts])}, made as (
      insert into project_grants (org_id, id, project_id, granted_org_id, sequence)
      select s.org_id, s.id, ${grant.projectId}::uuid, g.id, s.sequence from subject_sequence s cross join granted g
      returning org_id, id, sequence, created_at
    ), lent as (
      insert into project_grant_roles (org_id, project_grant_id, project_role_id) select m.org_id, m.id, r.id from made m cross join roles r
    )
    select exists (select from project) as project, exists (select from granted) as granted, (select count(*)::int from roles) as roles,
      m.sequence, m.created_at from (select) one left join made m on true`.execute(db);
  const row = rows[0];
  if (row?.sequence != null && row.created_at) return { id, sequence: row.sequence, createdAt: row.created_at };
  if (!row?.project) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: grant.projectId });
  if (!row.granted) throw failure("ORG_NOT_FOUND", { kind: "org", id: grant.grantedOrgId ?? "" });
  throw failure("PROJECT_ROLE_NOT_FOUND", { kind: "project_role" });
}

export type ProjectGrantRemoval = {
  readonly orgId: OrgId;
  readonly projectId: ProjectId | null;
  readonly id: ProjectGrantId | null;
  readonly actor: Actor;
  readonly outranking: Outranking;
};

/**
 * Ends a project grant; every grant to a principal that was made through it ends in the same statement.
 *
 * @throws Failure PROJECT_NOT_FOUND, PROJECT_GRANT_NOT_FOUND
 */
export async function removeProjectGrant(core: Core, { orgId, projectId, id, actor, outranking }: ProjectGrantRemoval): Promise<Accepted> {
  const project = projectId && (await findProject(core.db, orgId, projectId));
  if (!project) throw failure("PROJECT_NOT_FOUND", { kind: "project" });
  if (!id) throw failure("PROJECT_GRANT_NOT_FOUND", { kind: "project_grant" });
  const where = sql<boolean>`t.project_id = ${project.id}::uuid`;
  return requestDeleteOnce(core, { kind: "project_grant", orgId, id, actor, outranking, where });
}
