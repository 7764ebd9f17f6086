/**
 * Leases on due operations: any number of workers take different ones (FOR UPDATE SKIP LOCKED), a worker that dies loses
 * its lease by time, and whoever lost a lease finds out at its next write. Times are the database's, never a worker's.
 */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OperationId, OrgId } from "../kernel/ids.ts";
import type { Phase } from "../kernel/schema.ts";

/** An operation in the hands of one worker. */
export type Leased = {
  readonly org_id: OrgId;
  readonly id: OperationId;
  readonly target_kind: string;
  readonly target_id: string;
  readonly phase: Phase;
  readonly step: number;
  readonly cursor: string[] | null;
  readonly attempts: number;
  readonly lease_owner: string;
};

/** How long a worker may be silent before another one takes over. */
const leaseSeconds = 10;

/** Takes the operation that has been due for longest, or null when nothing is due. */
export async function lease(db: Database, worker: string): Promise<Leased | null> {
  const { rows } = await sql<Leased>`
    update operations o set lease_owner = ${worker}::uuid, lease_until = now() + make_interval(secs => ${leaseSeconds}), attempts = o.attempts + 1
    from (
      select org_id, id from operations
      where done_at is null and next_attempt_at <= now() and (lease_until is null or lease_until < now())
      order by next_attempt_at limit 1 for update skip locked
    ) due
    where o.org_id = due.org_id and o.id = due.id
    returning o.org_id, o.id, o.target_kind, o.target_id, o.phase, o.step, o.cursor, o.attempts, o.lease_owner`.execute(db);
  return rows[0] ?? null;
}

/** What a worker writes about its operation. */
export type Progress = {
  readonly phase: Phase;
  readonly step: number;
  readonly cursor: readonly string[] | null;
  /** Rows by table that are gone since the last progress; added to those before. */
  readonly removed?: ReadonlyMap<string, number>;
};

/**
 * Stores where the work stands and keeps the lease. In the transaction that did the work, so that neither is ever without
 * the other.
 *
 * @returns false when the lease is lost: undo the work and stop, somebody else goes on
 */
export async function advance(db: Database, operation: Leased, progress: Progress): Promise<boolean> {
  const gone = JSON.stringify(Object.fromEntries([...(progress.removed ?? [])].filter(([, rows]) => rows > 0)));
  const { numAffectedRows } = await sql`
    update operations set phase = ${progress.phase}, step = ${progress.step}, cursor = ${JSON.stringify(progress.cursor)}::jsonb, removed = ${total(gone)},
      updated_at = now(), lease_until = now() + make_interval(secs => ${leaseSeconds})
    where org_id = ${operation.org_id}::uuid and id = ${operation.id}::uuid and lease_owner = ${operation.lease_owner}::uuid and done_at is null`.execute(
    db,
  );
  return numAffectedRows === 1n;
}

/** What was removed before and what is gone now, added up by table. */
function total(gone: string): RawBuilder<unknown> {
  return sql`(select coalesce(jsonb_object_agg(e.key, e.rows), '{}') from (
    select key, sum(value::bigint) as rows from (select * from jsonb_each_text(removed) union all select * from jsonb_each_text(${gone}::jsonb)) a group by key
  ) e)`;
}

/** Gives the operation back until it is due again, saying what it waits for or why it failed. */
export async function release(
  db: Database,
  operation: Leased,
  why: { phase: Phase; delaySeconds: number; blockers?: readonly string[]; failure?: string },
): Promise<void> {
  await sql`
    update operations set phase = ${why.phase}, blockers = ${JSON.stringify(why.blockers ?? [])}::jsonb, failure = ${why.failure ?? null},
      next_attempt_at = now() + make_interval(secs => ${why.delaySeconds}), lease_owner = null, lease_until = null, updated_at = now()
    where org_id = ${operation.org_id}::uuid and id = ${operation.id}::uuid and lease_owner = ${operation.lease_owner}::uuid and done_at is null`.execute(
    db,
  );
}
