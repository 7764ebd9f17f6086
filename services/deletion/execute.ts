/**
 * Runs the plan of one accepted delete: waits for what holds it, removes leaves first in small batches by key order, the
 * root row last, then looks whether anything is left before it says done. Every batch commits together with the progress it
 * made, so a kill at any point loses nothing and counts nothing twice.
 */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import { advance, type Leased, release } from "../operations/lease.ts";
import { LeaseLost, type Position, removeBatch } from "./batch.ts";
import { finish } from "./finish.ts";
import { graph } from "./graph.ts";
import { type Kind, kinds } from "./kinds.ts";
import { plan, type Step } from "./plan.ts";
import { sweep } from "./sweep.ts";
import { hangsOn, keyColumns, type Root } from "./target.ts";

/** Blockers named in an operation; more than this only lengthen the row. */
const namedBlockers = 20;
const lookAgainSeconds = 30;

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
  if (operation.step === 0 && operation.cursor === null && (await sweepAll(db, operation, work, root))) return;
  let at: Position = { step: operation.step, cursor: operation.cursor };
  while (at.step < work.length) {
    const step = work[at.step];
    if (!step || stopping.aborted) return hand(db, operation);
    const next = await removeBatch(db, operation, step, root, at);
    if (!next) return;
    at = next;
  }
  await db.transaction().execute((tx) => finish(tx, operation, work, root));
}

/**
 * Everything in one transaction, when it is little.
 *
 * @returns whether there is nothing left to do here: it is done, or somebody else's
 */
async function sweepAll(db: Database, operation: Leased, work: readonly Step[], root: Root): Promise<boolean> {
  try {
    return await db.transaction().execute(async (tx) => {
      const removed = await sweep(tx, work, root);
      if (!removed) return false;
      if (!(await advance(tx, operation, { phase: "purging", step: 0, cursor: null, removed }))) throw new LeaseLost();
      await finish(tx, operation, work, root);
      return true;
    });
  } catch (error) {
    if (error instanceof LeaseLost) return true;
    throw error;
  }
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
