/**
 * The database as the request at hand sees it: inside {@link Transactions.run} one transaction, else the pool. A token
 * request takes back one token and gives out others; it does both or neither, and two that race follow each other.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Database } from "../kernel/database.ts";

export class Transactions {
  readonly #pool: Database;
  readonly #current = new AsyncLocalStorage<Database>();

  constructor(pool: Database) {
    this.#pool = pool;
  }

  /** Where to read and write now. */
  get db(): Database {
    return this.#current.getStore() ?? this.#pool;
  }

  /** Whether a transaction runs. */
  get isOpen(): boolean {
    return this.#current.getStore() !== undefined;
  }

  /** Runs work in a transaction, committed when it is fulfilled. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#pool.transaction().execute((tx) => this.#current.run(tx, work));
  }
}
