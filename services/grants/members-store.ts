/** Reads of the members of an org: principals, of whatever org, that hold roles on it themselves. Groups are no members. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { GrantId, OrgId, PrincipalId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";
import type { PrincipalKind } from "../kernel/schema.ts";

/** A membership with the names that a list of members displays; those of users are null for an identity. */
export type StoredMember = {
  /** The grant that the membership is. */
  readonly id: GrantId;
  readonly principal_id: PrincipalId;
  readonly principal_org_id: OrgId;
  readonly kind: PrincipalKind;
  readonly roles: readonly string[];
  readonly user_name: string;
  /** Of the principal's own org. */
  readonly primary_domain: string;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly display_name: string;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** What members can be searched by. Those of users are null for an identity: no condition on them holds. */
export const memberColumns = {
  firstName: sql.ref<string>("u.first_name"),
  lastName: sql.ref<string>("u.last_name"),
  email: sql.ref<string>("u.email"),
} as const;

/** The condition that a listed member is the principal of that id; null is nobody's. */
export function isMember(principalId: PrincipalId | null): RawBuilder<boolean> {
  return isTo("g", principalId);
}

/** The view is asked about rows that are found already: joined first, it would be computed for the whole org. */
export const isLive = sql<boolean>`exists (select from live_grants v where v.org_id = g.org_id and v.id = g.id)`;

const source = sql`grants g left join users u on u.org_id = g.principal_org_id and u.id = g.principal_id`;

/** Only the rows of the org itself, found by the tenant's part of the primary key of grants. */
const ofOrg = (orgId: OrgId) => sql`g.org_id = ${orgId}::uuid and g.kind = 'member' and g.scope = 'org' and g.principal_id is not null`;

/** Lists the members of an org that meet a condition over {@link memberColumns}. */
export function listOrgMembers(db: Database, orgId: OrgId, where: RawBuilder<boolean>, page: Page): Promise<Listed<StoredMember>> {
  const found = sql`select g.org_id, g.id from ${source} where ${ofOrg(orgId)} and ${where} and ${isLive}`;
  const row = sql<StoredMember>`
    select g.id, g.principal_id, g.principal_org_id, p.kind, p.user_name, d.domain as primary_domain, u.first_name, u.last_name, u.email,
      coalesce(u.display_name, i.name) as display_name, g.sequence, g.created_at, g.updated_at,
      array(select r.role from grant_roles r where r.org_id = g.org_id and r.grant_id = g.id and r.role is not null
        and (r.ends_at is null or r.ends_at > now()) order by r.id) as roles
    from page
    join ${source} on g.org_id = page.org_id and g.id = page.id
    join principals p on p.org_id = g.principal_org_id and p.id = g.principal_id
    join org_domains d on d.org_id = p.org_id and d.is_primary
    left join identities i on i.org_id = p.org_id and i.id = p.id
    where g.org_id = ${orgId}::uuid`;
  return readPage(db, found, row, page);
}

/**
 * The condition that a grant is to the principal of that id, of whatever org: by its few grants (grants_by_principal), not by
 * the many members of a place.
 *
 * @param alias of the grant
 */
export function isTo(alias: string, principalId: PrincipalId | null): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(`${alias}.principal_org_id`)}, ${sql.ref(`${alias}.principal_id`)}) in (
    select to_whom.org_id, to_whom.id from principals to_whom where to_whom.id = ${principalId}::uuid)`;
}

/** Whether a principal holds roles on the org itself. */
export async function isOrgMember(db: Database, orgId: OrgId, principalId: PrincipalId): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`
    select exists (select from grants g where ${ofOrg(orgId)} and ${isTo("g", principalId)} and ${isLive}) as held`.execute(db);
  return rows[0]?.held ?? false;
}
