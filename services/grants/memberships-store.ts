/**
 * Reads of memberships: the roles that an identity holds on one project, system roles and the project's own. Roles that
 * have ended are shown, though they give nothing any more.
 */
import { type RawBuilder, sql } from "kysely";
import { hasLiveToken } from "../access/live-token.ts";
import type { Database } from "../kernel/database.ts";
import type { GrantId, OrgId, PrincipalId, ProjectId } from "../kernel/ids.ts";
import { isLive } from "./members-store.ts";

export type MembershipRole = {
  readonly id: string;
  /** The name of a system role; null for one of the project's own. */
  readonly name: string | null;
  readonly custom: { readonly id: string; readonly key: string; readonly displayName: string } | null;
  /** For a role that ends by itself. */
  readonly temporary: { readonly range: string; readonly startsAt: Date; readonly endsAt: Date } | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export type Membership = {
  readonly id: GrantId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly roles: readonly MembershipRole[];
  readonly identity: {
    readonly orgId: OrgId;
    readonly id: PrincipalId;
    readonly name: string;
    /** The project that owns it; null for an identity of the org. */
    readonly projectId: ProjectId | null;
    readonly hasToken: boolean;
  };
};

type RoleJson = {
  id: string;
  name: string | null;
  custom: { id: string; key: string; displayName: string } | null;
  range: string | null;
  startsAt: string | null;
  endsAt: string | null;
  createdAt: string;
  updatedAt: string;
};

type Row = {
  id: GrantId;
  created_at: Date;
  updated_at: Date;
  roles: RoleJson[];
  identity_org_id: OrgId;
  identity_id: PrincipalId;
  name: string;
  project_id: ProjectId | null;
  has_token: boolean;
};

/** The membership of one identity in a project, or null. */
export async function findMembership(
  db: Database,
  orgId: OrgId,
  projectId: ProjectId,
  identityId: PrincipalId,
): Promise<Membership | null> {
  const { rows } = await sql<Row>`${memberships(orgId, projectId)} and p.id = ${identityId}::uuid`.execute(db);
  return rows[0] ? toMembership(rows[0]) : null;
}

export type MembershipQuery = {
  readonly offset: number;
  readonly limit: number;
  /** Part of the identity's name, without regard to case; empty matches all. */
  readonly name: string;
  /** Names of system roles and keys of the project's own; whoever holds any of them matches. Empty matches all. */
  readonly roles: readonly string[];
};

/** One page of the memberships of identities in a project, oldest first, and how many match on all pages. By grants_by_project. */
export async function listMemberships(
  db: Database,
  orgId: OrgId,
  projectId: ProjectId,
  query: MembershipQuery,
): Promise<{ total: number; memberships: Membership[] }> {
  const named = sql`strpos(lower(i.name), lower(${query.name})) > 0`;
  const holding =
    query.roles.length === 0 ? sql`true` : sql`exists (select from ${heldRoles} and coalesce(r.role, c.key) = any(${query.roles}::text[]))`;
  const { rows } = await sql<Row & { total: bigint; id: GrantId | null }>`
    with matching as (
      select g.org_id, g.id from ${inProject(orgId, projectId)} and ${named} and ${holding}
    ), page as (
      select * from matching order by id offset ${query.offset} limit ${query.limit}
    )
    select (select count(*) from matching) as total, shown.* from (select) one
    left join (${memberships(orgId, projectId)} and g.id in (select id from page)) shown on true order by shown.id`.execute(db);
  return { total: Number(rows[0]?.total ?? 0), memberships: rows.flatMap((row) => (row.id === null ? [] : [toMembership(row)])) };
}

/** The effective roles `r` of the grant `g`, with the project's own role `c` that they are, if they are one. */
const heldRoles = sql`grant_roles r left join live_project_roles c on c.org_id = r.org_id and c.id = r.project_role_id
  where r.org_id = g.org_id and r.grant_id = g.id and (r.project_role_id is null or c.id is not null)`;

/** All memberships of identities in a project, up to a WHERE that can be continued. */
function memberships(orgId: OrgId, projectId: ProjectId): RawBuilder<Row> {
  return sql<Row>`
    select g.id, g.created_at, coalesce(g.updated_at, g.created_at) as updated_at, p.org_id as identity_org_id, p.id as identity_id, i.name, p.project_id,
      ${hasLiveToken("p")} as has_token,
      (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'name', r.role, 'range', r.temporary_range, 'startsAt', r.starts_at, 'endsAt', r.ends_at,
          'createdAt', r.created_at, 'updatedAt', coalesce(r.updated_at, r.created_at),
          'custom', case when c.id is not null then jsonb_build_object('id', c.id, 'key', c.key, 'displayName', c.display_name) end) order by r.id), '[]')
       from ${heldRoles}) as roles
    from ${inProject(orgId, projectId)}`;
}

/** The grants `g` that are memberships, with their identity `p` and `i`, up to a WHERE that can be continued. */
function inProject(orgId: OrgId, projectId: ProjectId): RawBuilder<unknown> {
  return sql`grants g
    join principals p on p.org_id = g.principal_org_id and p.id = g.principal_id and p.kind = 'identity'
    join identities i on i.org_id = p.org_id and i.id = p.id
    where g.org_id = ${orgId}::uuid and g.project_id = ${projectId}::uuid and g.kind = 'member' and g.scope = 'project' and ${isLive}`;
}

function toMembership(row: Row): Membership {
  return {
    id: row.id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    roles: row.roles.map(toRole),
    identity: {
      orgId: row.identity_org_id,
      id: row.identity_id,
      name: row.name,
      projectId: row.project_id,
      hasToken: row.has_token,
    },
  };
}

function toRole({ range, startsAt, endsAt, createdAt, updatedAt, ...role }: RoleJson): MembershipRole {
  const temporary = range && startsAt && endsAt ? { range, startsAt: new Date(startsAt), endsAt: new Date(endsAt) } : null;
  return { ...role, temporary, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) };
}
