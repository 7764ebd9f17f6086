/** The default org: which one takes whatever names no org. It cannot be deleted, and a dying org cannot become it. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import type { OrgId } from "../kernel/ids.ts";

export type ChangedInstance = { readonly instanceId: string; readonly sequence: bigint; readonly changedAt: Date };

/**
 * Makes an org the default. Locks the instance first and the org second, the order in which a delete of an org takes them
 * (FOR SHARE there, so that deletes do not wait for each other): whichever of the two comes later sees what the other did,
 * and they never wait for each other in a circle.
 *
 * @throws Failure ORG_NOT_FOUND, ORG_IS_DEFAULT when it is the default already
 */
export async function setDefaultOrg(db: Database, orgId: OrgId, actor: Actor): Promise<ChangedInstance> {
  const { rows } = await sql<{ live: boolean; instance_id: string; sequence: bigint | null; changed_at: Date }>`
    with settings as (
      select id, iam_org_id, default_org_id from instance for update
    ), org as (
      select o.id from settings s join orgs o on o.id = ${orgId}::uuid and o.deleted_at is null for share of o
    ), subject as (
      select s.iam_org_id as org_id, s.id from settings s join org on org.id <> s.default_org_id
    ), ${record("subject", { kind: "instance", actor }, ["instance.default.org.set", { orgId }])}, changed as (
      update instance i set default_org_id = ${orgId}::uuid from subject_sequence s where i.id = s.id returning s.sequence
    )
    select exists (select from org) as live, s.id as instance_id, c.sequence, now() as changed_at
    from settings s left join changed c on true`.execute(db);
  const row = rows[0];
  if (!row?.live) throw failure("ORG_NOT_FOUND", { kind: "org", id: orgId });
  if (row.sequence === null) throw failure("ORG_IS_DEFAULT", { kind: "org", id: orgId });
  return { instanceId: row.instance_id, sequence: row.sequence, changedAt: row.changed_at };
}
