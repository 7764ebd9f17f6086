/**
 * Verbs of groups: sets of principals bound to roles of their org, and linked to projects. Whether the caller may hand out
 * these roles is decided by the grant rule before, and by the boundary rule here.
 */
import { type RawBuilder, sql } from "kysely";
import { groupOutranks } from "../access/rank.ts";
import type { GroupBounds } from "../access/rights.ts";
import { record, recordFirst } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GrantId, type GroupId, mintId, type OrgId, type PrincipalId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

/** Somebody whom only another issuer knows. */
export type ForeignSubject = { readonly issuer: string; readonly subject: string; readonly email: string | null };

/** All that a write says of a group. */
export type GroupContent = {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
  /** Names of roles, held by the members in the whole org and in the projects that list the group. */
  readonly roles: readonly string[];
  /** Live principals of the org, each once, locked FOR SHARE. */
  readonly members: readonly PrincipalId[];
  readonly subjects: readonly ForeignSubject[];
};

/**
 * Makes a group. Takes FOR SHARE on the org.
 *
 * @throws Failure ORG_NOT_FOUND
 */
export async function createGroup(db: Database, orgId: OrgId, content: GroupContent, actor: Actor): Promise<GroupId> {
  const id = mintId<GroupId>();
  const { rows } = await sql`
    with subject as (
      select o.id as org_id, ${id}::uuid as id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    ), ${recordFirst("subject", { kind: "group", actor }, ["group.added", factsOf(content)])}, made as (
      insert into groups (org_id, id, name, description, tags, sequence)
      select s.org_id, s.id, ${content.name}, ${content.description ?? null}, ${JSON.stringify(content.tags)}::jsonb, s.sequence
      from subject_sequence s returning org_id, id, sequence
    ), binding as (
      insert into grants (org_id, id, kind, scope, owner_org_id, group_id, sequence)
      select m.org_id, ${mintId<GrantId>()}::uuid, 'member', 'org', m.org_id, m.id, m.sequence from made m returning org_id, id
    ), ${fill("made", "binding", content)}
    select 1 from made`.execute(db);
  if (rows.length === 0) throw failure("ORG_NOT_FOUND", { kind: "org", id: orgId });
  return id;
}

/**
 * Takes FOR SHARE on the org and FOR UPDATE on a group, until the transaction ends: what is read of it afterwards stays so.
 *
 * @param tx a transaction
 * @throws Failure GROUP_NOT_FOUND
 */
export async function lockGroup(tx: Database, orgId: OrgId, id: GroupId): Promise<void> {
  const { rows } = await sql`
    with org as (
      select o.id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    )
    select g.id from org join groups g on g.org_id = org.id where g.id = ${id}::uuid and g.deleted_at is null for update of g`.execute(tx);
  if (rows.length === 0) throw failure("GROUP_NOT_FOUND", { kind: "group", id });
}

/**
 * Replaces all that a write says of a group.
 *
 * @param tx the transaction that holds the lock of {@link lockGroup}: this statement must see what the lock waited for
 * @param bounds what the caller may not hand out
 * @throws Failure PRIVILEGE_BOUNDARY when the group outranks the caller, as it was or as it would be
 */
export async function replaceGroup(
  tx: Database,
  { orgId, id }: { readonly orgId: OrgId; readonly id: GroupId },
  content: GroupContent,
  bounds: GroupBounds,
  actor: Actor,
): Promise<void> {
  const { rows } = await sql`
    with listed as (
      select g.org_id, g.id from groups g where g.org_id = ${orgId}::uuid and g.id = ${id}::uuid
    ), subject as (
      select org_id, id from listed where not ${groupOutranks(bounds, content.roles)}
    ), ${record("subject", { kind: "group", actor }, ["group.changed", factsOf(content)])}, made as (
      update groups g set name = ${content.name}, description = ${content.description ?? null}, tags = ${JSON.stringify(content.tags)}::jsonb,
        sequence = s.sequence, updated_at = now()
      from subject_sequence s where g.org_id = s.org_id and g.id = s.id returning g.org_id, g.id
    ), binding as (
      select g.org_id, g.id from made m join grants g on g.org_id = m.org_id and g.group_id = m.id
    ), ${drain(content)}, ${fill("made", "binding", content)}
    select 1 from made`.execute(tx);
  if (rows.length === 0) throw failure("PRIVILEGE_BOUNDARY", { kind: "group", id });
}

/** Ids and names of roles; no names of people. */
function factsOf(content: GroupContent) {
  return { roles: content.roles, principalIds: content.members, foreignSubjects: content.subjects.length };
}

/** CTEs that take out of `made` and `binding` what the content does not list. */
function drain({ roles, members, subjects }: GroupContent): RawBuilder<unknown> {
  return sql`fewer_roles as (
      delete from grant_roles r using binding b where r.org_id = b.org_id and r.grant_id = b.id and r.role <> all(${roles}::text[])
    ), fewer_members as (
      delete from group_members m using made g where m.org_id = g.org_id and m.group_id = g.id and m.principal_id <> all(${members}::uuid[])
    ), fewer_subjects as (
      delete from group_subjects s using made g where s.org_id = g.org_id and s.group_id = g.id
        and not exists (select from ${rowsOf(subjects)} n where n.issuer = s.issuer and n.subject = s.subject)
    )`;
}

/** CTEs that add what the content lists and `group` and `binding` do not have. */
function fill(group: string, binding: string, { roles, members, subjects }: GroupContent): RawBuilder<unknown> {
  const roleRows = JSON.stringify(roles.map((role) => ({ id: mintId<GrantId>(), role })));
  return sql`more_roles as (
      insert into grant_roles (org_id, grant_id, id, role)
      select b.org_id, b.id, n.id, n.role from ${sql.raw(binding)} b cross join jsonb_to_recordset(${roleRows}::jsonb) as n (id uuid, role text)
      where not exists (select from grant_roles r where r.org_id = b.org_id and r.grant_id = b.id and r.role = n.role)
    ), more_members as (
      insert into group_members (org_id, group_id, principal_id)
      select g.org_id, g.id, n.id from ${sql.raw(group)} g cross join unnest(${members}::uuid[]) as n (id)
      on conflict do nothing
    ), more_subjects as (
      insert into group_subjects (org_id, group_id, issuer, subject, email)
      select g.org_id, g.id, n.issuer, n.subject, n.email from ${sql.raw(group)} g cross join ${rowsOf(subjects)} n
      on conflict (org_id, group_id, issuer, subject) do update set email = excluded.email
    )`;
}

function rowsOf(subjects: readonly ForeignSubject[]): RawBuilder<unknown> {
  return sql`(select * from jsonb_to_recordset(${JSON.stringify(subjects)}::jsonb) as t (issuer text, subject text, email text))`;
}
