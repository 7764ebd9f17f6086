/**
 * The background loop: leases due operations and hands them to the runner it was given (this room does not know what a
 * deletion is). Wakes at once for work of this process, and looks by itself for work of others.
 */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Database } from "../kernel/database.ts";
import { isDatabaseAway } from "../kernel/sqlstate.ts";
import { type Leased, lease, release } from "./lease.ts";

/** Works on an operation until it is done, waits, or its lease is lost. */
export type Runner = (operation: Leased, stopping: AbortSignal) => Promise<void>;

export type Worker = {
  /** There may be something to do: look now. */
  wake(): void;
  /** Finishes the batch at hand and stops. */
  stop(): Promise<void>;
};

/** How often a worker looks for operations that other processes accepted, in milliseconds. */
const lookEvery = 1_000;
const longestBackoffSeconds = 60;

/** Starts the loop. */
export function startWorker(db: Database, log: Logger, run: Runner): Worker {
  const id = randomUUID();
  const stopping = new AbortController();
  let woken = Promise.withResolvers<void>();
  const wake = () => woken.resolve();

  const idle = async () => {
    const timer = setTimeout(wake, lookEvery);
    await woken.promise;
    clearTimeout(timer);
    woken = Promise.withResolvers<void>();
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const worked = await turn(db, log, id, run, stopping.signal);
      if (!worked && !stopping.signal.aborted) await idle();
    }
  };
  const finished = loop();
  return {
    wake,
    stop: async () => {
      stopping.abort();
      wake();
      await finished;
    },
  };
}

/** One look for work; never throws. Returns whether there was any. */
async function turn(db: Database, log: Logger, worker: string, run: Runner, stopping: AbortSignal): Promise<boolean> {
  let operation: Leased | null = null;
  try {
    operation = await lease(db, worker);
    if (!operation) return false;
    await run(operation, stopping);
    return true;
  } catch (error) {
    if (!isDatabaseAway(error)) log.error({ err: error, operation: operation?.id }, "operation failed; it is tried again");
    if (operation) await giveBack(db, operation, error);
    return false;
  }
}

/** The failure is kept as its class, never as the driver's text. If the database is away the lease runs out by itself. */
async function giveBack(db: Database, operation: Leased, error: unknown): Promise<void> {
  const delaySeconds = Math.min(longestBackoffSeconds, 2 ** Math.min(operation.attempts, 6)) * (0.5 + Math.random() / 2);
  const failure = error instanceof Error ? error.name : "unknown";
  await release(db, operation, { phase: operation.phase, delaySeconds, failure }).catch(() => undefined);
}
