/** Verbs of orgs. Names and domains are claims of the whole instance; the claim of a dead org is taken over. */
import { sql } from "kysely";
import { recordFirst } from "../audit/record.ts";
import type { Actor, Caller } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type GrantId, mintId, type OrgId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";
import { claimKey, isAbandoned } from "./claims.ts";

export type NewOrg = {
  readonly name: string;
  readonly description?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
  /** A primary domain that the caller chose; unset: one is generated below the instance's. */
  readonly domain?: string | undefined;
  /** Becomes owner in the same statement. */
  readonly owner?: Pick<Caller, "orgId" | "id"> | undefined;
  /** Settings that only one dialect knows. */
  readonly emailDomain?: string | undefined;
  readonly providerScope?: string | undefined;
  readonly providerId?: string | undefined;
  readonly googleCustomerId?: string | undefined;
};

export type CreatedOrg = { readonly id: OrgId; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Makes an org with its verified primary domain and, if asked, its first owner; on that one it takes FOR SHARE.
 *
 * @throws Failure ORG_NAME_TAKEN or DOMAIN_TAKEN when a live org holds the name (case-insensitive) or the chosen domain,
 *   USER_NOT_FOUND when the owner is gone
 */
export async function createOrg(db: Database, org: NewOrg, actor: Actor): Promise<CreatedOrg> {
  const id = mintId<OrgId>();
  const name = org.name.trim();
  const facts = { ownerId: org.owner?.id };
  const events = [["org.added"], ["org.domain.added"], ["org.domain.verified"], ["org.domain.primary.set"]] as const;
  const { rows } = await sql<{ owned: boolean; sequence: bigint | null; created_at: Date | null }>`
    with owner as (
      ${org.owner ? living(org.owner) : sql`select`}
    ), wish as (
      ${org.domain === undefined ? generated(slug(name), id) : sql`select ${claimKey(org.domain)} as domain`}
    ), names as (
      insert into claims as c (kind, key, org_id) select 'org_name', ${claimKey(name)}, ${id}::uuid from owner
      on conflict (kind, key) do update set org_id = excluded.org_id where ${isAbandoned} returning key
    ), domains as (
      insert into claims as c (kind, key, org_id) select 'domain', w.domain, ${id}::uuid from wish w cross join names
      on conflict (kind, key) do update set org_id = excluded.org_id where ${isAbandoned} returning key
    ), subject as (
      select ${id}::uuid as org_id, ${id}::uuid as id from domains
    ), ${recordFirst("subject", { kind: "org", actor }, ...events, ...(org.owner ? ([["org.member.added", facts]] as const) : []))}, made as (
      insert into orgs (id, name, description, tags, email_domain, provider_scope, provider_id, google_customer_id, sequence)
      select s.id, ${name}, ${org.description ?? null}, ${JSON.stringify(org.tags ?? [])}::jsonb, ${org.emailDomain ?? null}, ${org.providerScope ?? null},
        ${org.providerId ?? null}, ${org.googleCustomerId ?? null}, s.sequence
      from subject_sequence s returning id, sequence, created_at
    ), domain as (
      insert into org_domains (org_id, domain, verified, is_primary) select s.id, d.key, true, true from subject_sequence s cross join domains d
    ) ${org.owner ? ownership(org.owner) : sql``}
    select exists (select from owner) as owned, m.sequence, m.created_at from (select) one left join made m on true`.execute(db);
  const row = rows[0];
  if (!row?.owned) throw failure("USER_NOT_FOUND", { kind: "user", id: org.owner?.id ?? "" });
  // A taken domain never gets here: its name claim would point at no org, and the foreign key undoes the statement.
  if (row.sequence === null || !row.created_at) throw failure("ORG_NAME_TAKEN", { kind: "org" });
  return { id, sequence: row.sequence, createdAt: row.created_at };
}

/** The plain generated domain, or a spare one when a live org has the plain one. */
function generated(label: string, id: OrgId) {
  return sql`select case when exists (
      select from claims c join live_orgs l on l.id = c.org_id where c.kind = 'domain' and c.key = g.domain
    ) then g.spare else g.domain end as domain
    from (select ${label}::text || '.' || i.domain as domain, ${`${label}-${id.slice(-8)}`}::text || '.' || i.domain as spare from instance i) g`;
}

function living(owner: Pick<Caller, "orgId" | "id">) {
  return sql`select from principals p join orgs o on o.id = p.org_id
      where p.org_id = ${owner.orgId}::uuid and p.id = ${owner.id}::uuid and p.deleted_at is null and o.deleted_at is null for share of p, o`;
}

function ownership(owner: Pick<Caller, "orgId" | "id">) {
  const grantId = mintId<GrantId>();
  return sql`, ownership as (
    insert into grants (org_id, id, kind, scope, owner_org_id, principal_org_id, principal_id, sequence)
    select m.id, ${grantId}::uuid, 'member', 'org', m.id, ${owner.orgId}::uuid, ${owner.id}::uuid, m.sequence from made m
  ), ownership_role as (
    insert into grant_roles (org_id, grant_id, id, role) select m.id, ${grantId}::uuid, ${mintId<GrantId>()}::uuid, 'ORG_OWNER' from made m
  )`;
}

/** The name as one DNS label; a name without any letter or digit of ASCII gives the org's own label. */
function slug(name: string): string {
  const label = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 50)
    .replace(/^-+|-+$/g, "");
  return label || "org";
}
