/** The end of an operation: proof of absence, the root row, and the event that says so. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { advance, type Leased, release } from "../operations/lease.ts";
import type { Step } from "./plan.ts";
import { hangsOn, isRoot, type Root } from "./target.ts";

/** The worker acts for nobody: who asked stands on the event of the accepted delete. */
const nobody: Actor = { orgId: null, principalId: null, requestId: null };

/**
 * Looks whether anything is left, removes the root row and ends the operation, or starts over if something is. In one
 * transaction, so that "done" is never said of what is not gone.
 *
 * @param tx a transaction of the caller's
 */
export async function finish(tx: Database, operation: Leased, steps: readonly Step[], root: Root): Promise<void> {
  const remains = steps.map((step) => sql`exists (select from ${sql.table(step.table)} where ${hangsOn(step, root)})`);
  const { rows } = await sql<{ left: boolean }>`select ${remains.length === 0 ? sql`false` : sql.join(remains, sql` or `)} as left`.execute(
    tx,
  );
  if (rows[0]?.left) {
    await advance(tx, operation, { phase: "verifying", step: 0, cursor: null });
    await release(tx, operation, { phase: "verifying", delaySeconds: 0 });
    return;
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
}
