/** What commands need of the process: the database, and a hint to the worker that there is something to do. */
import type { Database } from "./database.ts";

export type Core = {
  readonly db: Database;
  /** Tells this process's worker that an operation became due. Only a hint: every worker also looks by itself. */
  readonly announce: () => void;
};
