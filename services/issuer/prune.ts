/** Removes what has expired, in small batches that several processes may take at once. Nothing waits for it: expired is expired. */
import { type RawBuilder, sql } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../kernel/database.ts";

const every = 60_000;
const batchRows = 500;

/** What goes, by table: the rows, and in which order they are found. */
const expired: readonly { readonly table: string; readonly where: RawBuilder<boolean>; readonly order: string }[] = [
  { table: "credentials", where: sql<boolean>`grant_id is not null and expires_at < now()`, order: "expires_at" },
  { table: "issuer_artifacts", where: sql<boolean>`expires_at < now()`, order: "expires_at" },
  { table: "login_attempts", where: sql<boolean>`since < now() - interval '1 hour'`, order: "since" },
];

/** One round over everything. @returns how many rows went */
export async function prune(db: Database): Promise<number> {
  let removed = 0;
  for (const { table, where, order } of expired) {
    for (let last = batchRows; last === batchRows; removed += last) {
      const { rows } = await sql`
        delete from ${sql.table(table)} where ctid in (
          select ctid from ${sql.table(table)} where ${where} order by ${sql.ref(order)} limit ${batchRows} for update skip locked
        ) returning 1`.execute(db);
      last = rows.length;
    }
  }
  return removed;
}

/** Prunes now and then until stopped. */
export function startPruning(db: Database, log: Logger): () => Promise<void> {
  let round: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    round = round.then(() => prune(db)).catch((error: unknown) => log.warn({ err: error }, "what expired could not be removed"));
  }, every);
  return async () => {
    clearInterval(timer);
    await round;
  };
}
