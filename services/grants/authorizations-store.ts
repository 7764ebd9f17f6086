/** Reads of authorizations: who holds which roles of a project, as the org sees them that gave them or that owns the project. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { GrantId, OrgId, PrincipalId, ProjectGrantId, ProjectId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";
import type { PrincipalKind } from "../kernel/schema.ts";

export type Authorization = {
  readonly id: GrantId;
  readonly state: "active" | "inactive";
  /** Living roles, by key. */
  readonly role_keys: string[];
  readonly principal_id: PrincipalId;
  readonly principal_kind: PrincipalKind;
  readonly user_name: string;
  /** Of the principal's own org. */
  readonly primary_domain: string;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly display_name: string | null;
  readonly email: string | null;
  readonly owner_org_id: OrgId;
  readonly owner_org_name: string;
  readonly owner_org_domain: string;
  readonly project_id: ProjectId;
  readonly project_name: string;
  readonly project_grant_id: ProjectGrantId | null;
  /** The org that the project was granted to; null without a project grant. */
  readonly granted_org_id: OrgId | null;
  readonly granted_org_name: string | null;
  readonly granted_org_domain: string | null;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** What authorizations can be searched by. Names of users are null for an identity: no condition on them holds. */
export const authorizationColumns = {
  projectId: sql.ref<string>("g.project_id"),
  projectGrantId: sql.ref<string>("g.project_grant_id"),
  principalId: sql.ref<string>("g.principal_id"),
  principalKind: sql.ref<PrincipalKind>("p.kind"),
  userName: sql.ref<string>("p.user_name"),
  firstName: sql.ref<string>("u.first_name"),
  lastName: sql.ref<string>("u.last_name"),
  displayName: sql.ref<string>("u.display_name"),
  email: sql.ref<string>("u.email"),
  orgName: sql.ref<string>("o.name"),
  orgDomain: sql.ref<string>("d.domain"),
  projectName: sql.ref<string>("j.name"),
} as const;

/** What an authorization `g` is searched by: its principal, the org that gave it, its project. */
const around = sql`
  join principals p on p.org_id = g.principal_org_id and p.id = g.principal_id
  left join users u on u.org_id = p.org_id and u.id = p.id
  join orgs o on o.id = g.owner_org_id
  join org_domains d on d.org_id = o.id and d.is_primary
  join projects j on j.org_id = g.org_id and j.id = g.project_id`;

/** Living roles of the grant `g`, served by the primary key of grant_roles. */
const roles = sql`from grant_roles h join live_project_roles r on r.org_id = h.org_id and r.id = h.project_role_id
  where h.org_id = g.org_id and h.grant_id = g.id`;

/** The condition that some role of the authorization has such a key. */
export function holdsRole(key: (column: RawBuilder<string>) => RawBuilder<boolean>): RawBuilder<boolean> {
  return sql<boolean>`exists (select ${roles} and ${key(sql.ref<string>("r.key"))})`;
}

/** What of an org's authorizations is listed. */
export type Sight = {
  readonly orgId: OrgId;
  /** Also those that other orgs gave on projects of this one. */
  readonly withGranted: boolean;
  /** Ids of the projects and project grants that the caller may look at; null: all of the org. */
  readonly only: readonly string[] | null;
};

/**
 * Authorizations that an org gave. Served by grants_by_owner, and with `withGranted` by the primary key of grants as well.
 *
 * @param where a condition over {@link authorizationColumns} and {@link holdsRole}
 */
export function listAuthorizations(db: Database, sight: Sight, where: RawBuilder<boolean>, page: Page): Promise<Listed<Authorization>> {
  const mine = sql`g.owner_org_id = ${sight.orgId}::uuid`;
  const only =
    sight.only === null ? sql`` : sql`and (g.project_id = any(${sight.only}::uuid[]) or g.project_grant_id = any(${sight.only}::uuid[]))`;
  return readPage(
    db,
    sql`select g.org_id, g.id from live_grants g ${around}
      where ${sight.withGranted ? sql`(${mine} or g.org_id = ${sight.orgId}::uuid)` : mine} and g.kind = 'authorization' ${only} and ${where}`,
    sql<Authorization>`
      select g.id, g.state, array(select r.key ${roles} order by r.key) as role_keys, g.principal_id, p.kind as principal_kind,
        p.user_name, pd.domain as primary_domain, u.first_name, u.last_name, u.display_name, u.email, g.owner_org_id,
        o.name as owner_org_name, d.domain as owner_org_domain, g.project_id, j.name as project_name, g.project_grant_id,
        w.id as granted_org_id, w.name as granted_org_name, wd.domain as granted_org_domain, g.sequence, g.created_at, g.updated_at
      from page k join grants g on g.org_id = k.org_id and g.id = k.id ${around}
      join org_domains pd on pd.org_id = p.org_id and pd.is_primary
      left join project_grants x on x.org_id = g.org_id and x.id = g.project_grant_id
      left join orgs w on w.id = x.granted_org_id
      left join org_domains wd on wd.org_id = w.id and wd.is_primary`,
    page,
  );
}
