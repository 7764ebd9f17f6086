/** The evidence of a login. A user who is going has none, and is not logged in. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Database } from "../kernel/database.ts";
import type { Proven } from "./passwords.ts";

/** Records that a user gave the right password. Takes FOR SHARE. @returns false when the user is not alive any more */
export async function recordLogin(db: Database, { orgId, id }: Proven, requestId: string | null): Promise<boolean> {
  const actor = { orgId, principalId: id, requestId };
  const { rows } = await sql`
    with subject as (
      select p.org_id, p.id from principals p join orgs o on o.id = p.org_id
      where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid and p.deleted_at is null and o.deleted_at is null for share of p, o
    ), ${record("subject", { kind: "user", actor }, ["user.human.password.check.succeeded"])}
    select id from subject_sequence`.execute(db);
  return rows.length > 0;
}
