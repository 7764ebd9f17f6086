/** Reads of orgs with their settings: one, all, or those of somebody. Only live orgs. */
import { type RawBuilder, sql } from "kysely";
import { type Authors, authors } from "../audit/authors.ts";
import type { Caller } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import type { OrgId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type SettledOrg = Authors & {
  readonly id: OrgId;
  readonly name: string;
  readonly description: string | null;
  readonly tags: Tag[];
  readonly email_domain: string | null;
  readonly provider_scope: string | null;
  readonly provider_id: string | null;
  readonly google_customer_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** The org of that id, or null. */
export async function readSettledOrg(db: Database, id: OrgId): Promise<SettledOrg | null> {
  const { rows } = await select(sql<boolean>`o.id = ${id}::uuid`).execute(db);
  return rows[0] ?? null;
}

/** Every org, by id. */
export async function listSettledOrgs(db: Database): Promise<SettledOrg[]> {
  const { rows } = await select(sql<boolean>`true`).execute(db);
  return rows;
}

/** The org of a principal and those in which it is a member, by id. Served by grants_by_principal. */
export async function listOrgsOf(db: Database, { orgId, id }: Pick<Caller, "orgId" | "id">): Promise<SettledOrg[]> {
  const { rows } = await select(sql<boolean>`o.id in (
    select ${orgId}::uuid
    union select g.org_id from live_grants g
    where g.principal_org_id = ${orgId}::uuid and g.principal_id = ${id}::uuid and g.kind = 'member' and g.scope in ('org', 'project')
      and g.state = 'active'
    union select x.granted_org_id from live_grants g join live_project_grants x on x.org_id = g.org_id and x.id = g.project_grant_id
    where g.principal_org_id = ${orgId}::uuid and g.principal_id = ${id}::uuid and g.kind = 'member' and g.state = 'active'
  )`).execute(db);
  return rows;
}

/** Orgs in which somebody with this address (in any case) may act, by id. Asks every org; served by users_by_email. */
export async function listOrgsOfEmail(db: Database, email: string): Promise<SettledOrg[]> {
  const { rows } = await select(sql<boolean>`o.id in (
    select u.org_id from users u join live_principals p on p.org_id = u.org_id and p.id = u.id
    where lower(u.email) = lower(${email}) and p.state in ('active', 'initial')
  )`).execute(db);
  return rows;
}

function select(where: RawBuilder<boolean>): RawBuilder<SettledOrg> {
  return sql<SettledOrg>`
    select o.id, o.name, o.description, o.tags, o.email_domain, o.provider_scope, o.provider_id, o.google_customer_id, o.created_at, o.updated_at,
      ${authors("o", "id")}
    from live_orgs o where ${where} order by o.id`;
}
