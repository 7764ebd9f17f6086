/** Grants of system roles to a principal, on an org or a project: what dialects call members and memberships. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import { type Removed, removeLeaf } from "../deletion/leaves.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GrantId, mintId, type OrgId, type PrincipalId, type ProjectId } from "../kernel/ids.ts";
import { isOrgMember, isTo } from "./members-store.ts";

/** One role of a grant; with a range and a start it ends by itself. */
export type HeldRole = {
  readonly role: string;
  readonly temporary?: { readonly range: string; readonly startsAt: Date; readonly endsAt: Date } | undefined;
};

export type NewMember = {
  /** The org of what is granted; it also owns the grant. */
  readonly orgId: OrgId;
  /** Unset: the grant is on the org. */
  readonly projectId?: ProjectId | undefined;
  /** Any principal of the instance; its org is found by its id when unset. */
  readonly principalId: PrincipalId;
  readonly principalOrgId?: OrgId | undefined;
  readonly roles: readonly HeldRole[];
};

export type CreatedGrant = { readonly id: GrantId; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Gives a principal roles on an org or a project. Takes FOR SHARE on org, project and principal. Whether the caller may
 * give these roles is decided before.
 *
 * @throws Failure USER_NOT_FOUND, GRANT_TAKEN, PROJECT_NOT_FOUND, ORG_NOT_FOUND
 */
export async function addMember(db: Database, member: NewMember, actor: Actor): Promise<CreatedGrant> {
  const id = mintId<GrantId>();
  const project = member.projectId ?? null;
  const subject = project === null ? { kind: "org", id: member.orgId } : { kind: "project", id: project };
  const roles = member.roles.map(({ role, temporary }) => ({
    id: mintId<GrantId>(),
    role,
    range: temporary?.range ?? null,
    starts_at: temporary?.startsAt ?? null,
    ends_at: temporary?.endsAt ?? null,
  }));
  const { rows } = await sql<{ org: boolean; place: boolean; person: boolean; sequence: bigint | null; created_at: Date | null }>`
    with org as (
      select o.id from orgs o where o.id = ${member.orgId}::uuid and o.deleted_at is null for share
    ), place as (
      select j.id from org join projects j on j.org_id = org.id
      where j.id = ${project}::uuid and j.deleted_at is null for share of j
    ), person as (
      select p.org_id, p.id from principals p
      where p.id = ${member.principalId}::uuid and p.org_id = coalesce(${member.principalOrgId ?? null}::uuid, p.org_id) and p.deleted_at is null
        and exists (select from live_principals v where v.org_id = p.org_id and v.id = p.id) for share of p
    ), subject as (
      select o.id as org_id, ${subject.id}::uuid as id from org o cross join person where ${project}::uuid is null or exists (select from place)
    ), ${record("subject", { kind: subject.kind, actor }, [`${subject.kind}.member.added`, { principalId: member.principalId, grantId: id }])}, made as (
      insert into grants (org_id, id, kind, scope, project_id, owner_org_id, principal_org_id, principal_id, sequence)
      select s.org_id, ${id}::uuid, 'member', ${subject.kind}, ${project}::uuid, s.org_id, p.org_id, p.id, s.sequence
      from subject_sequence s cross join person p returning org_id, id, sequence, created_at
    ), held as (
      insert into grant_roles (org_id, grant_id, id, role, temporary_range, starts_at, ends_at)
      select m.org_id, m.id, r.id, r.role, r.range, r.starts_at, r.ends_at from made m
      cross join jsonb_to_recordset(${JSON.stringify(roles)}::jsonb) as r (id uuid, role text, range text, starts_at timestamptz, ends_at timestamptz)
    )
    select exists (select from org) as org, exists (select from place) as place, exists (select from person) as person, m.sequence, m.created_at
    from (select) one left join made m on true`.execute(db);
  const row = rows[0];
  if (row?.sequence != null && row.created_at) return { id, sequence: row.sequence, createdAt: row.created_at };
  if (!row?.org) throw failure("ORG_NOT_FOUND", { kind: "org", id: member.orgId });
  if (project !== null && !row.place) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: project });
  throw failure("USER_NOT_FOUND", { kind: "user", id: member.principalId });
}

export type OrgMember = {
  readonly orgId: OrgId;
  readonly principalId: PrincipalId;
  /** Roles that the caller does not dominate: whoever holds one of them stays. */
  readonly above: readonly string[];
};

/**
 * Takes all roles on an org from a principal.
 *
 * @throws Failure GRANT_NOT_FOUND, PRIVILEGE_BOUNDARY
 */
export async function removeOrgMember(core: Core, { orgId, principalId, above }: OrgMember, actor: Actor): Promise<Removed> {
  const removed = await removeLeaf(core, {
    leaf: "grants",
    where: sql<boolean>`t.org_id = ${orgId}::uuid and t.kind = 'member' and t.scope = 'org' and ${isTo("t", principalId)}
      and not exists (select from grant_roles r where r.org_id = t.org_id and r.grant_id = t.id and r.role = any(${above}::text[]))`,
    actor,
    aggregate: { kind: "org", orgId: sql`t.org_id`, id: sql`t.org_id` },
    event: "org.member.removed",
  });
  if (removed) return removed;
  const reason = (await isOrgMember(core.db, orgId, principalId)) ? "PRIVILEGE_BOUNDARY" : "GRANT_NOT_FOUND";
  throw failure(reason, { kind: "member", id: principalId });
}
