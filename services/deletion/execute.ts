/**
 * Runs the plan of one accepted delete: waits for what holds it, removes leaves first in small batches by key order, the
 * root row last, then looks whether anything is left before it says done. Every batch commits together with the progress it
 * made, so a kill at any point loses nothing and counts nothing twice.
 */
import { type RawBuilder, sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { advance, type Leased, release } from "../operations/lease.ts";
import { graph, keys, type Table } from "./graph.ts";
import { type Kind, kinds } from "./kinds.ts";
import { plan, type Step } from "./plan.ts";
import { hangsOn, isRoot, type Root } from "./target.ts";

const batchRows = 1_000;
/** Where the work stands: the step, and the key of the last row that was looked at in it. */
type Position = { readonly step: number; readonly cursor: string[] | null };

/** Blockers named in an operation; more than this only lengthen the row. */
const namedBlockers = 20;
const lookAgainSeconds = 30;
/** The worker acts for nobody: who asked stands on the event of the accepted delete. */
const nobody: Actor = { orgId: null, principalId: null, requestId: null };

/**
 * Works until the operation is done, waits, or is somebody else's.
 *
 * @param stopping aborted when the process shuts down: stop after the batch at hand
 */
export async function executeDeletion(db: Database, operation: Leased, stopping: AbortSignal): Promise<void> {
  const table = kinds[operation.target_kind as Kind].table;
  const root: Root = { table, orgId: operation.org_id, id: operation.target_id };
  const steps = plan(graph, table);
  const blockers = await findBlockers(db, steps, root);
  if (blockers.length > 0) {
    await release(db, operation, { phase: "waiting", delaySeconds: lookAgainSeconds, blockers });
    return;
  }
  const work = steps.filter((step) => step.rule !== "restrict");
  let at: Position = { step: operation.step, cursor: operation.cursor };
  while (at.step < work.length) {
    const step = work[at.step];
    if (!step || stopping.aborted) return hand(db, operation);
    const next = await removeBatch(db, operation, step, root, at);
    if (!next) return;
    at = next;
  }
  await finish(db, operation, work, root);
}

function hand(db: Database, operation: Leased): Promise<void> {
  return release(db, operation, { phase: "purging", delaySeconds: 0 });
}

async function findBlockers(db: Database, steps: readonly Step[], root: Root): Promise<string[]> {
  const found: string[] = [];
  for (const step of steps.filter((candidate) => candidate.rule === "restrict")) {
    const { rows } = await sql<{ name: string }>`
      select concat_ws('/', ${sql.join(keyColumns(step.table))}) as name from ${sql.table(step.table)} where ${hangsOn(step, root)}
      order by ${sql.join(keyColumns(step.table))} limit ${namedBlockers}`.execute(db);
    found.push(...rows.map((row) => `${step.table}/${row.name}`));
  }
  return found;
}

/**
 * Removes (or detaches) the next rows of a step after the cursor, in key order, and stores the progress in the same
 * transaction. Two statements, for the operation may be among the rows: whoever asked for it may be going, too.
 *
 * @returns where the work stands now; null when the lease is gone, and then nothing was done
 */
async function removeBatch(db: Database, operation: Leased, step: Step, root: Root, at: Position): Promise<Position | null> {
  const key = keyColumns(step.table);
  const columns = sql.join(key);
  const after = at.cursor ? sql`and (${columns}) > (${sql.join(at.cursor)})` : sql``;
  try {
    return await db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ found: number; removed: number; cursor: string[] | null }>`
        with batch as materialized (
          select ${columns} from ${sql.table(step.table)} where ${hangsOn(step, root)} ${after} order by ${columns} limit ${batchRows} for update
        ), changed as (
          ${change(step, key)} returning 1
        )
        select (select count(*)::int from batch) as found, (select count(*)::int from changed) as removed,
          (select array[${sql.join(key.map((column) => sql`${column}::text`))}] from batch order by ${sql.join(key.map((column) => sql`${column} desc`))} limit 1) as cursor`.execute(
        tx,
      );
      const { found = 0, removed = 0, cursor = null } = rows[0] ?? {};
      const next = found < batchRows ? { step: at.step + 1, cursor: null } : { step: at.step, cursor };
      const kept = await advance(tx, operation, { phase: "purging", ...next, removed: { table: step.table, rows: removed } });
      if (!kept) throw new LeaseLost();
      return next;
    });
  } catch (error) {
    if (error instanceof LeaseLost) return null;
    throw error;
  }
}

/** Undoes the batch at hand: the work goes on elsewhere. */
class LeaseLost extends Error {}

function change(step: Step, key: RawBuilder<unknown>[]): RawBuilder<unknown> {
  const table = sql.table(step.table);
  const these = sql`(${sql.join(key)}) in (select ${sql.join(key)} from batch)`;
  if (step.rule === "cascade") return sql`delete from ${table} where ${these}`;
  const edge = step.path.at(-1);
  const clears = edge?.clears ?? edge?.columns ?? [];
  return sql`update ${table} set ${sql.join(clears.map((column) => sql`${sql.ref(column)} = null`))} where ${these}`;
}

/** Root row, proof of absence and the end of the operation: one transaction, so "done" is never said of what is left. */
async function finish(db: Database, operation: Leased, steps: readonly Step[], root: Root): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const step of steps) {
      const { rows } = await sql<{ left: boolean }>`
        select exists (select from ${sql.table(step.table)} where ${hangsOn(step, root)}) as left`.execute(tx);
      if (rows[0]?.left) {
        await advance(tx, operation, { phase: "verifying", step: 0, cursor: null });
        await release(tx, operation, { phase: "verifying", delaySeconds: 0 });
        return;
      }
    }
    await sql`delete from ${sql.table(root.table)} where ${isRoot(root)} and deleted_at is not null`.execute(tx);
    await sql`
      with done as (
        update operations set phase = 'done', done_at = now(), updated_at = now(), blockers = '[]', failure = null, lease_owner = null, lease_until = null
        where org_id = ${operation.org_id}::uuid and id = ${operation.id}::uuid and lease_owner = ${operation.lease_owner}::uuid and done_at is null
        returning org_id, target_id as id
      ), ${record("done", { kind: operation.target_kind, actor: nobody, operationId: operation.id }, ["operation.done"])} select 1`.execute(
      tx,
    );
  });
}

function keyColumns(table: Table): RawBuilder<unknown>[] {
  return (keys[table] ?? []).map((column) => sql.ref(column));
}
