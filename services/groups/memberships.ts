/** Which groups one principal is in, written from the principal's side. Putting somebody into a group hands out its roles. */
import { sql } from "kysely";
import { groupOutranks, outranks } from "../access/rank.ts";
import type { GroupBounds, Outranking } from "../access/rights.ts";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GroupId, type OrgId, type PrincipalId, parseId } from "../kernel/ids.ts";
import type { PrincipalKind } from "../kernel/schema.ts";

export type Memberships = {
  readonly orgId: OrgId;
  readonly principalId: PrincipalId;
  readonly kind: PrincipalKind;
  /** All groups it shall be in, as the caller names them; what names no live group of the org is left out. */
  readonly groupIds: readonly string[];
  /** What the caller may not hand out, and whom the caller may not touch. */
  readonly bounds: GroupBounds;
  readonly outranking: Outranking;
};

/**
 * Makes a principal a member of just these groups. Locks the groups before the principal, as the groups' own writes do.
 *
 * @param tx a transaction: what is checked here stays so until its end
 * @throws Failure USER_NOT_FOUND or IDENTITY_NOT_FOUND; PRIVILEGE_BOUNDARY when the principal, or a group that it would
 *   newly be in, outranks the caller
 */
export async function replaceMemberships(tx: Database, wish: Memberships, actor: Actor): Promise<void> {
  const { orgId, principalId } = wish;
  const groupIds = await lockGroups(tx, wish);
  await lockPrincipal(tx, wish);
  const { rows } = await sql`
    with target as (
      select ${orgId}::uuid as org_id, ${principalId}::uuid as id
    ), listed as (
      select t.org_id, n.id from target t cross join unnest(${groupIds}::uuid[]) as n (id)
      where not exists (select from group_members m where m.org_id = t.org_id and m.group_id = n.id and m.principal_id = t.id)
    ), allowed as (
      select t.org_id, t.id from target t where not (${outranks(wish.outranking, null)}) and not (${groupOutranks(wish.bounds)})
    ), fewer as (
      delete from group_members m using allowed a where m.org_id = a.org_id and m.principal_id = a.id and m.group_id <> all(${groupIds}::uuid[])
      returning m.org_id, m.group_id as id
    ), more as (
      insert into group_members (org_id, group_id, principal_id) select l.org_id, l.id, a.id from allowed a cross join listed l
      on conflict do nothing returning org_id, group_id as id
    ), ${record("fewer", { kind: "group", actor }, ["group.member.removed", { principalId }])},
    ${record("more", { kind: "group", actor }, ["group.member.added", { principalId }])}
    select 1 from allowed`.execute(tx);
  if (rows.length === 0) throw failure("PRIVILEGE_BOUNDARY", { kind: wish.kind, id: principalId });
}

/**
 * Locks the groups that this write may touch, in the order of their ids: each gets an event, and two writes that share
 * groups must not take their counters in different orders.
 *
 * @returns those that the principal shall be in
 */
async function lockGroups(tx: Database, { orgId, principalId, groupIds }: Memberships): Promise<GroupId[]> {
  const ids = groupIds.map((id) => parseId<GroupId>(id)).filter((id) => id !== null);
  const { rows } = await sql<{ id: GroupId }>`
    with org as (
      select o.id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    )
    select g.id from org join groups g on g.org_id = org.id
    where g.deleted_at is null and g.id in (
      select unnest(${ids}::uuid[])
      union select m.group_id from group_members m where m.org_id = ${orgId}::uuid and m.principal_id = ${principalId}::uuid)
    order by g.id for no key update of g`.execute(tx);
  const wished = new Set<string>(ids);
  return rows.map((row) => row.id).filter((id) => wished.has(id));
}

async function lockPrincipal(tx: Database, { orgId, principalId, kind }: Memberships): Promise<void> {
  const { rows } = await sql`
    select p.id from principals p where p.org_id = ${orgId}::uuid and p.id = ${principalId}::uuid and p.kind = ${kind} and p.deleted_at is null
      and exists (select from live_principals v where v.org_id = p.org_id and v.id = p.id) for update of p`.execute(tx);
  if (rows.length === 0) throw failure(kind === "user" ? "USER_NOT_FOUND" : "IDENTITY_NOT_FOUND", { kind, id: principalId });
}
