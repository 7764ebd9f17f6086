/** Settings of an org that one dialect knows, and what it is called. */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import type { OrgId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";
import { claimKey, isAbandoned } from "./claims.ts";

export type OrgSettings = {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
  readonly emailDomain: string | undefined;
  readonly providerScope: string | undefined;
  readonly providerId: string | undefined;
  readonly googleCustomerId: string | undefined;
};

/**
 * Replaces all settings. A new name is claimed before the old one is given back; its domains stay.
 *
 * @throws Failure ORG_NOT_FOUND, ORG_NAME_TAKEN (case-insensitive, on the whole instance)
 */
export async function changeOrg(db: Database, id: OrgId, settings: OrgSettings, actor: Actor): Promise<void> {
  const name = settings.name.trim();
  await db.transaction().execute(async (tx) => {
    const held = await sql`select 1 from orgs o where o.id = ${id}::uuid and o.deleted_at is null for update`.execute(tx);
    if (held.rows.length === 0) throw failure("ORG_NOT_FOUND", { kind: "org", id });
    await claimName(tx, id, name);
    await sql`
      with subject as (
        select ${id}::uuid as org_id, ${id}::uuid as id
      ), ${record("subject", { kind: "org", actor }, ["org.changed"])}
      update orgs o set name = ${name}, description = ${settings.description ?? null}, tags = ${JSON.stringify(settings.tags)}::jsonb,
        email_domain = ${settings.emailDomain ?? null}, provider_scope = ${settings.providerScope ?? null},
        provider_id = ${settings.providerId ?? null}, google_customer_id = ${settings.googleCustomerId ?? null},
        sequence = s.sequence, updated_at = now()
      from subject_sequence s where o.id = s.id`.execute(tx);
  });
}

async function claimName(tx: Database, id: OrgId, name: string): Promise<void> {
  const { rows } = await sql`
    with claimed as (
      insert into claims as c (kind, key, org_id) values ('org_name', ${claimKey(name)}, ${id}::uuid)
      on conflict (kind, key) do update set org_id = excluded.org_id
        where c.org_id = excluded.org_id or ${isAbandoned}
      returning org_id
    ), given_back as (
      delete from claims c using claimed n where c.kind = 'org_name' and c.org_id = n.org_id and c.key <> ${claimKey(name)}
    )
    select 1 from claimed`.execute(tx);
  if (rows.length === 0) throw failure("ORG_NAME_TAKEN", { kind: "org" });
}
