/**
 * Removal of what nothing hangs on but its own few rows: grants and credentials. One statement takes the row itself, with
 * its event; there is nothing left for a worker. Part of the one door: dialects call these, never a DELETE of their own.
 */
import { type RawBuilder, sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import type { OrgId } from "../kernel/ids.ts";

/** The leaves, with the child rows that go with them and the view that says whether they are effective. */
const leaves = {
  grants: { child: { table: "grant_roles", column: "grant_id" }, live: "live_grants", holder: "principal_id" },
  credentials: { child: null, live: null, holder: "principal_id" },
} as const;

export type Removal = {
  readonly leaf: keyof typeof leaves;
  /** Condition on the row `t`. */
  readonly where: RawBuilder<boolean>;
  readonly actor: Actor;
  /** The aggregate that the event belongs to: its kind, and its org and id as expressions over `t`. */
  readonly aggregate: { readonly kind: string; readonly orgId: RawBuilder<unknown>; readonly id: RawBuilder<unknown> };
  readonly event: string;
};

export type Removed = { readonly org_id: OrgId; readonly sequence: bigint; readonly created_at: Date; readonly changed_at: Date };

/**
 * Removes the one row that matches.
 *
 * @returns null when no live row matches, also for the loser of two that race
 */
export async function removeLeaf(core: Core, removal: Removal): Promise<Removed | null> {
  const { child, live } = leaves[removal.leaf];
  const table = sql.table(removal.leaf);
  const { rows } = await sql<Removed>`
    with target as (
      select t.*, ${removal.aggregate.orgId} as aggregate_org_id, ${removal.aggregate.id} as aggregate_id from ${table} t
      where ${removal.where} ${live ? sql`and exists (select from ${sql.table(live)} v where v.org_id = t.org_id and v.id = t.id)` : sql``}
      limit 1 for update of t
    ), subject as (
      select aggregate_org_id as org_id, aggregate_id as id from target
    ), ${record("subject", { kind: removal.aggregate.kind, actor: removal.actor }, [removal.event])}
    ${child ? sql`, children as (delete from ${sql.table(child.table)} c using target t where c.org_id = t.org_id and ${sql.ref(`c.${child.column}`)} = t.id)` : sql``}
    , gone as (
      delete from ${table} g using target t where g.org_id = t.org_id and g.id = t.id returning g.org_id, g.created_at
    )
    select gone.org_id, gone.created_at, s.sequence, now() as changed_at from gone cross join subject_sequence s`.execute(core.db);
  return rows[0] ?? null;
}
