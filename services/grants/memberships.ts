/**
 * Verbs of memberships: the roles that an identity of an org holds on one of its projects. An identity that a project owns
 * has its one membership from birth and keeps it; it ends by being deleted.
 */
import { type RawBuilder, sql } from "kysely";
import type { Outranking } from "../access/rights.ts";
import { record } from "../audit/record.ts";
import { removeLeaf } from "../deletion/leaves.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GrantId, mintId, type OrgId, type PrincipalId, type ProjectId } from "../kernel/ids.ts";
import { isTo } from "./members-store.ts";
import { findMembership, type Membership } from "./memberships-store.ts";

/** One role to give: a system role by name, or one of the project's own by its key. */
export type WishedRole = {
  readonly name: string;
  readonly isCustom: boolean;
  /** Unset: for good. */
  readonly temporary?: { readonly range: string; readonly startsAt: Date; readonly endsAt: Date } | undefined;
};

export type MembershipPlace = { readonly orgId: OrgId; readonly projectId: ProjectId; readonly identityId: PrincipalId };

/**
 * Makes an identity of the org a member of a project. Takes FOR SHARE on org, project, identity and the project's own roles.
 *
 * @param isOwn the identity is owned by this very project: only the command that makes it says so
 * @throws Failure PROJECT_NOT_FOUND, MEMBER_UNKNOWN, PRINCIPAL_KIND_WRONG for an identity that a project owns,
 * PROJECT_ROLE_NOT_FOUND, GRANT_TAKEN
 */
export async function addMembership(
  db: Database,
  { orgId, projectId, identityId }: MembershipPlace,
  roles: readonly WishedRole[],
  actor: Actor,
  isOwn = false,
): Promise<{ id: GrantId; createdAt: Date }> {
  const id = mintId<GrantId>();
  type Row = { place: boolean; person: boolean; misplaced: boolean; created_at: Date | null };
  const { rows } = await sql<Row>`
    with place as (
      select o.id as org_id, j.id from orgs o join projects j on j.org_id = o.id
      where o.id = ${orgId}::uuid and o.deleted_at is null and j.id = ${projectId}::uuid and j.deleted_at is null for share of o, j
    ), person as (
      select p.org_id, p.id, p.project_id from principals p
      where p.org_id = ${orgId}::uuid and p.id = ${identityId}::uuid and p.kind = 'identity' and p.deleted_at is null
        and exists (select from live_principals v where v.org_id = p.org_id and v.id = p.id) for share of p
    ), ${wished(orgId, projectId, roles)}, subject as (
      select l.org_id, l.id from place l cross join person p
      where (select bool_and(w.known) from wish w) and p.project_id is not distinct from ${isOwn ? projectId : null}::uuid
    ), ${record("subject", { kind: "project", actor }, ["project.member.added", { principalId: identityId, grantId: id }])}, made as (
      insert into grants (org_id, id, kind, scope, project_id, owner_org_id, principal_org_id, principal_id, sequence)
      select s.org_id, ${id}::uuid, 'member', 'project', s.id, s.org_id, s.org_id, ${identityId}::uuid, s.sequence from subject_sequence s
      returning org_id, id, created_at
    ), held as (
      ${hold}
    )
    select exists (select from place) as place, p.id is not null as person,
      p.project_id is distinct from ${isOwn ? projectId : null}::uuid as misplaced, m.created_at
    from (select) one left join person p on true left join made m on true`.execute(db);
  const row = rows[0];
  if (row?.created_at) return { id, createdAt: row.created_at };
  if (!row?.place) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: projectId });
  if (!row.person) throw failure("MEMBER_UNKNOWN", { kind: "identity", id: identityId });
  if (row.misplaced) throw failure("PRINCIPAL_KIND_WRONG", { kind: "identity", id: identityId });
  throw failure("PROJECT_ROLE_NOT_FOUND");
}

/**
 * Replaces all roles of a membership.
 *
 * @param outranking a membership with such a role on the project is not the caller's to change
 * @throws Failure GRANT_NOT_FOUND, PRIVILEGE_BOUNDARY, PROJECT_ROLE_NOT_FOUND
 */
export async function changeMembership(
  db: Database,
  place: MembershipPlace,
  roles: readonly WishedRole[],
  outranking: Outranking,
  actor: Actor,
): Promise<Membership> {
  return db.transaction().execute(async (tx) => {
    const { id } = await lock(tx, place, outranking);
    await replaceRoles(tx, place, id, roles, actor);
    const changed = await findMembership(tx, place.orgId, place.projectId, place.identityId);
    if (!changed) throw missing(place);
    return changed;
  });
}

/**
 * Ends a membership with its roles; the identity stays.
 *
 * @returns what it was
 * @throws Failure GRANT_NOT_FOUND (also on a repeat), PRINCIPAL_KIND_WRONG for an identity that a project owns, PRIVILEGE_BOUNDARY
 */
export async function removeMembership(core: Core, place: MembershipPlace, outranking: Outranking, actor: Actor): Promise<Locked> {
  return core.db.transaction().execute(async (tx) => {
    const locked = await lock(tx, place, outranking);
    if (locked.isOwned) throw failure("PRINCIPAL_KIND_WRONG", { kind: "identity", id: place.identityId });
    const removed = await removeLeaf(
      { ...core, db: tx },
      {
        leaf: "grants",
        where: sql<boolean>`t.org_id = ${place.orgId}::uuid and t.id = ${locked.id}::uuid`,
        actor,
        aggregate: { kind: "project", orgId: sql`t.org_id`, id: sql`t.project_id` },
        event: "project.member.removed",
      },
    );
    if (!removed) throw missing(place);
    return locked;
  });
}

export type Locked = { readonly id: GrantId; readonly createdAt: Date; readonly updatedAt: Date; readonly isOwned: boolean };

/**
 * Holds a membership against other changes, and what it lives under against deletion. A statement of its own: one that
 * waits here and replaces roles at once would still see the roles from before the change that it waited for.
 */
async function lock(db: Database, place: MembershipPlace, outranking: Outranking): Promise<Locked> {
  type Row = { id: GrantId; created_at: Date; updated_at: Date; is_owned: boolean; outranks: boolean };
  const { rows } = await sql<Row>`
    select g.id, g.created_at, coalesce(g.updated_at, g.created_at) as updated_at, p.project_id is not null as is_owned,
      exists (select from grant_roles r where r.org_id = g.org_id and r.grant_id = g.id and r.role = any(${outranking.project}::text[])
        and (r.ends_at is null or r.ends_at > now())) as outranks
    from grants g
    join orgs o on o.id = g.org_id
    join projects j on j.org_id = g.org_id and j.id = g.project_id
    join principals p on p.org_id = g.principal_org_id and p.id = g.principal_id and p.kind = 'identity'
    where g.org_id = ${place.orgId}::uuid and g.project_id = ${place.projectId}::uuid and g.kind = 'member' and g.scope = 'project'
      and ${isTo("g", place.identityId)} and o.deleted_at is null and j.deleted_at is null and p.deleted_at is null
      and exists (select from live_grants v where v.org_id = g.org_id and v.id = g.id)
    for update of g for share of o, j, p`.execute(db);
  const row = rows[0];
  if (!row) throw missing(place);
  if (row.outranks) throw failure("PRIVILEGE_BOUNDARY", { kind: "identity", id: place.identityId });
  return { id: row.id, createdAt: row.created_at, updatedAt: row.updated_at, isOwned: row.is_owned };
}

async function replaceRoles(
  db: Database,
  { orgId, projectId, identityId }: MembershipPlace,
  id: GrantId,
  roles: readonly WishedRole[],
  actor: Actor,
): Promise<void> {
  const { rows } = await sql<{ changed: boolean }>`
    with ${wished(orgId, projectId, roles)}, subject as (
      select ${orgId}::uuid as org_id, ${projectId}::uuid as id where (select bool_and(w.known) from wish w)
    ), ${record("subject", { kind: "project", actor }, ["project.member.changed", { principalId: identityId, grantId: id }])}, made as (
      update grants g set sequence = s.sequence, updated_at = now() from subject_sequence s
      where g.org_id = s.org_id and g.id = ${id}::uuid returning g.org_id, g.id
    ), gone as (
      delete from grant_roles r using made m where r.org_id = m.org_id and r.grant_id = m.id
    ), held as (
      ${hold}
    )
    select exists (select from made) as changed`.execute(db);
  if (!rows[0]?.changed) throw failure("PROJECT_ROLE_NOT_FOUND");
}

/** CTEs with the wished roles: `wish`, where `known` says whether the role is there; the project's own are held FOR SHARE. */
function wished(orgId: OrgId, projectId: ProjectId, roles: readonly WishedRole[]): RawBuilder<unknown> {
  const rows = roles.map(({ name, isCustom, temporary }) => ({
    id: mintId<GrantId>(),
    role: isCustom ? null : name,
    key: isCustom ? name : null,
    range: temporary?.range ?? null,
    starts_at: temporary?.startsAt ?? null,
    ends_at: temporary?.endsAt ?? null,
  }));
  const keys = rows.flatMap(({ key }) => (key === null ? [] : [key]));
  return sql`custom as (
    select r.id, r.key from project_roles r
    where r.org_id = ${orgId}::uuid and r.project_id = ${projectId}::uuid and r.key = any(${keys}::text[]) and r.deleted_at is null for share of r
  ), wish as (
    select w.*, c.id as project_role_id, w.role is not null or c.id is not null as known
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as w (id uuid, role text, key text, range text, starts_at timestamptz, ends_at timestamptz)
    left join custom c on c.key = w.key
  )`;
}

/** Gives the wished roles to the grant that the CTE `made (org_id, id)` made or changed. */
const hold = sql`insert into grant_roles (org_id, grant_id, id, role, project_role_id, temporary_range, starts_at, ends_at)
  select m.org_id, m.id, w.id, w.role, w.project_role_id, w.range, w.starts_at, w.ends_at from made m cross join wish w`;

function missing({ identityId }: MembershipPlace) {
  return failure("GRANT_NOT_FOUND", { kind: "membership", id: identityId });
}
