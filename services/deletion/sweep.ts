/**
 * The short way for what little hangs on: every step of the plan in one statement, whose foreign keys are checked at its
 * end. Most deletes are of one user, one group, one machine; they end here, in a few round trips instead of a few per table.
 */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { Step } from "./plan.ts";
import { cleared, hangsOn, type Root } from "./target.ts";

/** Rows that one sweep takes at the most; a statement over this many keeps its locks for milliseconds. */
const sweepRows = 500;

/**
 * Removes (or detaches) everything that hangs on the root if it is little.
 *
 * @param steps cascade and detach steps
 * @returns rows by table, or null when there is more than a sweep takes: then nothing was changed
 */
export async function sweep(db: Database, steps: readonly Step[], root: Root): Promise<Map<string, number> | null> {
  const sizes = steps.map(
    (step) => sql`(select count(*) from (select from ${sql.table(step.table)} where ${hangsOn(step, root)} limit ${sweepRows + 1}) s)`,
  );
  const changes = steps.map((step, index) => sql`${name(index)} as (${change(step, root)} returning 1)`);
  const counts = steps.map((_, index) => sql`(select count(*)::int from ${name(index)})`);
  const { rows } = await sql<{ found: bigint; counts: number[] }>`
    with size as materialized (select ${sizes.length === 0 ? sql`0` : sql.join(sizes, sql` + `)} as rows)${changes.length === 0 ? sql`` : sql`, ${sql.join(changes)}`}
    select (select rows from size)::bigint as found, array[${sql.join(counts)}]::int[] as counts`.execute(db);
  const row = rows[0];
  if (!row || row.found > sweepRows) return null;
  const removed = new Map<string, number>();
  steps.forEach((step, index) => {
    removed.set(step.table, (removed.get(step.table) ?? 0) + (row.counts[index] ?? 0));
  });
  return removed;
}

function change(step: Step, root: Root): RawBuilder<unknown> {
  const table = sql.table(step.table);
  const these = sql`(select rows from size) <= ${sweepRows} and ${hangsOn(step, root)}`;
  return step.rule === "cascade" ? sql`delete from ${table} where ${these}` : sql`update ${table} set ${cleared(step)} where ${these}`;
}

function name(index: number): RawBuilder<unknown> {
  return sql.raw(`step_${index}`);
}
