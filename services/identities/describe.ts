/** What an identity is called and labelled. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import type { OrgId, PrincipalId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type Description = { readonly name: string; readonly description: string | undefined; readonly tags: readonly Tag[] };

/**
 * Replaces name, description and tags of an identity.
 *
 * @throws Failure IDENTITY_NOT_FOUND
 */
export async function describeIdentity(
  db: Database,
  { orgId, id }: { readonly orgId: OrgId; readonly id: PrincipalId },
  { name, description, tags }: Description,
  actor: Actor,
): Promise<void> {
  const { rows } = await sql`
    with subject as (
      select p.org_id, p.id from principals p
      where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid and p.kind = 'identity' and p.deleted_at is null
        and exists (select from live_principals v where v.org_id = p.org_id and v.id = p.id) for update of p
    ), ${record("subject", { kind: "user", actor }, ["user.machine.changed"])}, changed as (
      update principals p set sequence = s.sequence, updated_at = now()
      from subject_sequence s where p.org_id = s.org_id and p.id = s.id returning p.org_id, p.id
    )
    update identities i set name = ${name}, description = ${description ?? null}, tags = ${JSON.stringify(tags)}::jsonb
    from changed c where i.org_id = c.org_id and i.id = c.id returning 1`.execute(db);
  if (rows.length === 0) throw failure("IDENTITY_NOT_FOUND", { kind: "identity", id });
}
