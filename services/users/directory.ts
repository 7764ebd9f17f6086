/**
 * Reads of the principals of one org as one list: users and identities alike, those of its projects included. Dialects that
 * have one word for both read here. Only live principals are ever seen.
 */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, PrincipalId, ProjectId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";
import type { PrincipalKind, PrincipalState } from "../kernel/schema.ts";

/** A principal with what its kind adds; the columns of the other kind are null. */
export type StoredPrincipal = {
  readonly id: PrincipalId;
  readonly kind: PrincipalKind;
  readonly project_id: ProjectId | null;
  readonly user_name: string;
  readonly state: PrincipalState;
  readonly primary_domain: string;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly nick_name: string | null;
  readonly display_name: string | null;
  readonly preferred_language: string | null;
  readonly gender: number | null;
  readonly email: string | null;
  readonly email_verified: boolean | null;
  readonly phone: string | null;
  readonly phone_verified: boolean | null;
  readonly password_changed_at: Date | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly access_token_type: number | null;
};

/** What principals can be searched and sorted by. Those of users are null for an identity: no condition on them holds. */
export const principalColumns = {
  id: sql.ref<string>("p.id"),
  kind: sql.ref<string>("p.kind"),
  state: sql.ref<string>("p.state"),
  userName: sql.ref<string>("p.user_name"),
  loginName: sql<string>`p.user_name || '@' || d.domain`,
  createdAt: sql.ref<string>("p.created_at"),
  firstName: sql.ref<string>("u.first_name"),
  lastName: sql.ref<string>("u.last_name"),
  nickName: sql.ref<string>("u.nick_name"),
  displayName: sql.ref<string>("u.display_name"),
  email: sql.ref<string>("u.email"),
} as const;

const source = sql`live_principals p
  join org_domains d on d.org_id = p.org_id and d.is_primary
  left join users u on u.org_id = p.org_id and u.id = p.id`;

const columns = sql`p.id, p.kind, p.project_id, p.user_name, p.state, d.domain as primary_domain, p.sequence, p.created_at, p.updated_at,
  u.first_name, u.last_name, u.nick_name, u.display_name, u.preferred_language, u.gender, u.email, u.email_verified, u.phone,
  u.phone_verified, u.password_changed_at, i.name, i.description, i.access_token_type`;

const detailed = sql`${source} left join identities i on i.org_id = p.org_id and i.id = p.id`;

/** The principal of that id in the org, or null. */
export async function findPrincipal(db: Database, orgId: OrgId, id: PrincipalId): Promise<StoredPrincipal | null> {
  const { rows } = await sql<StoredPrincipal>`
    select ${columns} from ${detailed} where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}

/**
 * Lists the principals of an org that meet a condition over {@link principalColumns}. Served by the tenant's part of the
 * primary keys: a search reads the principals of one org, whatever its condition.
 */
export function listPrincipals(
  db: Database,
  orgId: OrgId,
  where: RawBuilder<boolean>,
  sort: RawBuilder<unknown> | null,
  page: Page,
): Promise<Listed<StoredPrincipal>> {
  const order = sort ? sql`, ${sort} as sort` : sql``;
  const found = sql`select p.org_id, p.id ${order} from ${source} where p.org_id = ${orgId}::uuid and ${where}`;
  const row = sql<StoredPrincipal>`
    select ${columns} ${sort ? sql`, page.sort` : sql``} from page join ${detailed} on p.org_id = page.org_id and p.id = page.id
    where p.org_id = ${orgId}::uuid`;
  return readPage(db, found, row, page, sort !== null);
}
