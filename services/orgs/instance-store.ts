/** Reads of the instance itself. */
import type { Database } from "../kernel/database.ts";

/** The one instance: bootstrap made it before any call could come. */
export function readInstance(db: Database): Promise<{ readonly created_at: Date }> {
  return db.selectFrom("instance").select("created_at").executeTakeFirstOrThrow();
}
