/** Reads of orgs, for the instance as a whole and one by one. Only live orgs are ever seen. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";
import { claimKey } from "./claims.ts";

/** An org with the domain that its users log in under. */
export type StoredOrg = {
  readonly id: OrgId;
  readonly name: string;
  readonly state: "active" | "inactive";
  readonly primary_domain: string;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** What orgs can be searched and sorted by. */
export const orgColumns = {
  id: sql.ref<string>("o.id"),
  name: sql.ref<string>("o.name"),
  state: sql.ref<string>("o.state"),
  primaryDomain: sql.ref<string>("d.domain"),
} as const;

// Every org has a primary domain from its first statement on; org_domains_one_primary finds it.
const source = sql`live_orgs o join org_domains d on d.org_id = o.id and d.is_primary`;
const columns = sql`o.id, o.name, o.state, d.domain as primary_domain, o.sequence, o.created_at, o.updated_at`;

/** The org of that id, or null. */
export async function findOrg(db: Database, id: OrgId): Promise<StoredOrg | null> {
  const { rows } = await sql<StoredOrg>`select ${columns} from ${source} where o.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}

/** The org that takes whatever names no org; no delete can take it, so it is always there. */
export async function findDefaultOrg(db: Database): Promise<StoredOrg | null> {
  const { rows } = await sql<StoredOrg>`select ${columns} from instance i join ${source} on o.id = i.default_org_id`.execute(db);
  return rows[0] ?? null;
}

/**
 * Lists the orgs of the instance that meet a condition over {@link orgColumns}. A search of the whole instance: it reads
 * every org, unless the condition names an id.
 */
export function listOrgs(
  db: Database,
  where: RawBuilder<boolean>,
  sort: RawBuilder<unknown> | null,
  page: Page,
): Promise<Listed<StoredOrg>> {
  const order = sort ? sql`, ${sort} as sort` : sql``;
  const found = sql`select o.id ${order} from ${source} where ${where}`;
  const row = sql<StoredOrg>`select ${columns} ${sort ? sql`, page.sort` : sql``} from page join ${source} on o.id = page.id`;
  return readPage(db, found, row, page, sort !== null);
}

/** Names that an org would claim, without regard to case; unset: not asked for. */
export type Wish = { readonly name?: string | undefined; readonly domain?: string | undefined };

/** Whether a new org could claim all that is wished for: no live org holds any of it. Served by the key of `claims`. */
export async function isFree(db: Database, { name, domain }: Wish): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    select not exists (
      select from claims c join live_orgs o on o.id = c.org_id
      where (c.kind = 'org_name' and c.key = ${claimKey(name?.trim() ?? null)})
        or (c.kind = 'domain' and c.key = ${claimKey(domain?.trim() ?? null)})
    ) as free`.execute(db);
  return rows[0]?.free ?? false;
}
