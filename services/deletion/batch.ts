/** One batch of one step: the next rows in key order, gone together with the progress that says so. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import { advance, type Leased } from "../operations/lease.ts";
import type { Step } from "./plan.ts";
import { cleared, hangsOn, keyColumns, type Root } from "./target.ts";

const batchRows = 1_000;

/** Where the work stands: the step, and the key of the last row that was looked at in it. */
export type Position = { readonly step: number; readonly cursor: string[] | null };

/**
 * Removes (or detaches) the next rows of a step after the cursor, in key order, and stores the progress in the same
 * transaction. Two statements, for the operation may be among the rows: whoever asked for it may be going, too.
 *
 * @returns where the work stands now; null when the lease is gone, and then nothing was done
 */
export async function removeBatch(db: Database, operation: Leased, step: Step, root: Root, at: Position): Promise<Position | null> {
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
      const kept = await advance(tx, operation, { phase: "purging", ...next, removed: new Map([[step.table, removed]]) });
      if (!kept) throw new LeaseLost();
      return next;
    });
  } catch (error) {
    if (error instanceof LeaseLost) return null;
    throw error;
  }
}

/** Undoes the batch at hand: the work goes on elsewhere. */
export class LeaseLost extends Error {}

function change(step: Step, key: RawBuilder<unknown>[]): RawBuilder<unknown> {
  const table = sql.table(step.table);
  const these = sql`(${sql.join(key)}) in (select ${sql.join(key)} from batch)`;
  return step.rule === "cascade" ? sql`delete from ${table} where ${these}` : sql`update ${table} set ${cleared(step)} where ${these}`;
}
