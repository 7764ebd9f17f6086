/** Whether a user may act. Ends access at once and gives it back: authentication reads the state on every call. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import type { OrgId, PrincipalId } from "../kernel/ids.ts";
import type { PrincipalState } from "../kernel/schema.ts";

/**
 * Sets the state of a user, unless it is in one of these states already. Either way the user counts as written.
 *
 * @param states the first is stored, all are left as they are
 * @throws Failure USER_NOT_FOUND
 */
export async function changeState(
  db: Database,
  { orgId, id }: { readonly orgId: OrgId; readonly id: PrincipalId },
  states: readonly PrincipalState[],
  actor: Actor,
): Promise<void> {
  const [state] = states;
  const { rows } = await sql`
    with subject as (
      select p.org_id, p.id from principals p
      where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid and p.kind = 'user' and p.deleted_at is null
        and exists (select from live_orgs o where o.id = p.org_id) for update of p
    ), ${record("subject", { kind: "user", actor }, ["user.state.changed", { state }])}
    update principals p set state = case when p.state = any(${states}::text[]) then p.state else ${state} end,
      sequence = s.sequence, updated_at = now()
    from subject_sequence s where p.org_id = s.org_id and p.id = s.id returning 1`.execute(db);
  if (rows.length === 0) throw failure("USER_NOT_FOUND", { kind: "user", id });
}
