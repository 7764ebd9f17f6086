/**
 * Verbs of authorizations: grants of roles that a project defines, to a principal of any org. The org that owns the project
 * gives them, or an org that the project was granted to, through that project grant.
 */
import { sql } from "kysely";
import { recordFirst } from "../audit/record.ts";
import { type Removed, removeLeaf } from "../deletion/leaves.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GrantId, mintId, type OrgId, type PrincipalId, type ProjectGrantId, type ProjectId } from "../kernel/ids.ts";
import { isTo } from "./members-store.ts";

export type NewAuthorization = {
  /** The org that gives it. */
  readonly ownerOrgId: OrgId;
  readonly principalId: PrincipalId | null;
  readonly projectId: ProjectId | null;
  /** Unset: the owner's own project, or else the grant through which it has the project. Null names none. */
  readonly projectGrantId: ProjectGrantId | null | undefined;
  readonly roleKeys: readonly string[];
  /** Ids of the projects and project grants that the caller may give roles of; null: all of the org. */
  readonly only: readonly string[] | null;
};

export type CreatedAuthorization = { readonly id: GrantId; readonly sequence: bigint; readonly createdAt: Date };

type Found = {
  permitted: boolean;
  owner: boolean;
  person: boolean;
  project: boolean;
  place: boolean;
  made: bigint | null;
  created_at: Date;
};

/**
 * Gives a principal roles of a project. Takes FOR SHARE on everything it hangs on: both orgs and the principal's, project,
 * project grant, roles, principal, and the project that owns the principal.
 *
 * @throws Failure PERMISSION_DENIED, USER_NOT_FOUND, PROJECT_NOT_FOUND (neither owned by the org nor granted to it),
 *   PROJECT_GRANT_NOT_FOUND, PROJECT_ROLE_NOT_FOUND, GRANT_TAKEN
 */
export async function addAuthorization(db: Database, wish: NewAuthorization, actor: Actor): Promise<CreatedAuthorization> {
  const id = mintId<GrantId>();
  const keys = [...new Set(wish.roleKeys)];
  const held = keys.map((key) => ({ key, id: mintId<GrantId>() }));
  const facts = { principalId: wish.principalId, projectId: wish.projectId, projectGrantId: wish.projectGrantId ?? undefined };
  const { rows } = await sql<Found>`
    with ${ancestors(wish)}, place as (
      select j.org_id, j.id as project_id, v.id as project_grant_id
      from project j left join via v on true where v.id is not null or (j.org_id = ${wish.ownerOrgId}::uuid and ${unnamed(wish)})
    ), permission as (
      select ${wish.only === null} or ${wish.projectId}::uuid = any(${wish.only ?? []}::uuid[])
        or exists (select from via where via.id = any(${wish.only ?? []}::uuid[])) as permitted
    ), roles as (
      select r.id, r.key from project_roles r join place p on p.org_id = r.org_id and p.project_id = r.project_id
      where r.key = any(${keys}::text[]) and r.deleted_at is null and (p.project_grant_id is null or exists (
        select from project_grant_roles l where l.org_id = r.org_id and l.project_grant_id = p.project_grant_id and l.project_role_id = r.id)) for share of r
    ), subject as (
      select o.id as org_id, ${id}::uuid as id from owner o cross join grantee cross join place cross join permission m
      where m.permitted and (select count(*) from roles) = ${keys.length}
    ), ${recordFirst("subject", { kind: "grant", actor }, ["user.grant.added", facts])}, made as (
      insert into grants (org_id, id, kind, scope, project_id, project_grant_id, owner_org_id, principal_org_id, principal_id, sequence)
      select p.org_id, s.id, 'authorization', case when p.project_grant_id is null then 'project' else 'project_grant' end,
        p.project_id, p.project_grant_id, s.org_id, g.org_id, g.id, s.sequence
      from subject_sequence s cross join place p cross join grantee g returning org_id, id, sequence, created_at
    ), held as (
      insert into grant_roles (org_id, grant_id, id, project_role_id) select m.org_id, m.id, h.id, r.id from made m cross join roles r
      join jsonb_to_recordset(${JSON.stringify(held)}::jsonb) as h (id uuid, key text) on h.key = r.key
    )
    select m.permitted, exists (select from owner) as owner, exists (select from grantee) as person, exists (select from project) as project,
      exists (select from place) as place, made.sequence as made, made.created_at from permission m left join made on true`.execute(db);
  const row = rows[0];
  if (row?.made != null) return { id, sequence: row.made, createdAt: row.created_at };
  if (!row?.permitted) throw failure("PERMISSION_DENIED", { permission: "user.grant.write", context: "object" });
  if (!row.owner) throw failure("ORG_NOT_FOUND", { kind: "org", id: wish.ownerOrgId });
  if (!row.person) throw failure("USER_NOT_FOUND", { kind: "user" });
  if (!row.project) throw failure("PROJECT_NOT_FOUND", { kind: "project" });
  if (!row.place) throw failure("PROJECT_GRANT_NOT_FOUND", { kind: "project_grant" });
  throw failure("PROJECT_ROLE_NOT_FOUND", { kind: "project_role" });
}

/**
 * CTEs that lock what a new authorization hangs on: `owner`, `grantee`, `project` (as far as the owner may know of it) and
 * `via`, the project grant that gives the owner the project. Locked rows are looked at again after a wait, subqueries are
 * not: so each row that could be dying is locked itself.
 */
function ancestors(wish: NewAuthorization) {
  const owner = sql`${wish.ownerOrgId}::uuid`;
  return sql`owner as (
      select o.id from orgs o where o.id = ${owner} and o.deleted_at is null for share
    ), person as (
      select p.org_id, p.id, p.project_id from principals p join orgs o on o.id = p.org_id
      where p.id = ${wish.principalId}::uuid and p.deleted_at is null and o.deleted_at is null for share of p, o
    ), home as (
      select j.id from person p join projects j on j.org_id = p.org_id and j.id = p.project_id where j.deleted_at is null for share of j
    ), grantee as (
      select p.org_id, p.id from person p where p.project_id is null or exists (select from home)
    ), project as (
      select j.org_id, j.id from projects j join orgs o on o.id = j.org_id
      where j.id = ${wish.projectId}::uuid and j.deleted_at is null and o.deleted_at is null and (j.org_id = ${owner} or exists (
        select from project_grants x where x.org_id = j.org_id and x.project_id = j.id and x.granted_org_id = ${owner} and x.deleted_at is null)) for share of j, o
    ), via as (
      select x.id from project j join project_grants x on x.org_id = j.org_id and x.project_id = j.id
      where x.granted_org_id = ${owner} and x.deleted_at is null
        and case when ${unnamed(wish)} then j.org_id <> ${owner} else x.id = ${wish.projectGrantId ?? null}::uuid end for share of x
    )`;
}

function unnamed(wish: NewAuthorization) {
  return sql`${wish.projectGrantId === undefined}::boolean`;
}

export type AuthorizationRemoval = {
  readonly ownerOrgId: OrgId;
  readonly principalId: PrincipalId | null;
  readonly id: GrantId | null;
  /** Ids of the projects and project grants that the caller may take roles of; null: all of the org. */
  readonly only: readonly string[] | null;
  readonly actor: Actor;
};

/**
 * Takes an authorization back.
 *
 * @throws Failure GRANT_NOT_FOUND, PERMISSION_DENIED
 */
export async function removeAuthorization(core: Core, removal: AuthorizationRemoval): Promise<Removed> {
  const { ownerOrgId, principalId, id, only, actor } = removal;
  const named = sql<boolean>`${isTo("t", principalId)} and t.id = ${id}::uuid and t.owner_org_id = ${ownerOrgId}::uuid and t.kind = 'authorization'`;
  const mine = sql`t.project_id = any(${only ?? []}::uuid[]) or t.project_grant_id = any(${only ?? []}::uuid[])`;
  const removed = await removeLeaf(core, {
    leaf: "grants",
    where: only === null ? named : sql<boolean>`${named} and (${mine})`,
    actor,
    aggregate: { kind: "grant", orgId: sql`t.owner_org_id`, id: sql`t.id` },
    event: "user.grant.removed",
  });
  if (removed) return removed;
  const { rows } = await sql`select from live_grants t where ${named}`.execute(core.db);
  if (only !== null && rows.length > 0) throw failure("PERMISSION_DENIED", { permission: "user.grant.delete", context: "object" });
  throw failure("GRANT_NOT_FOUND", { kind: "grant" });
}
