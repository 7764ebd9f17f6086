/** Reads of identities as members of their org. Belonging to it is not stored: only roles that the org gave are. */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, PrincipalId } from "../kernel/ids.ts";
import { type Portrait, type PortraitJson, portrait, readPortrait } from "./portrait.ts";

export type OrgMembership = {
  readonly identity: Portrait;
  /** The grant of roles on the whole org, if there is one. */
  readonly grant: { readonly id: string; readonly createdAt: Date; readonly updatedAt: Date; readonly roles: readonly string[] } | null;
};

type Row = {
  portrait: PortraitJson;
  grant_id: string | null;
  created_at: Date | null;
  updated_at: Date | null;
  roles: string[];
};

/** An identity of the org with what the org gave it, or null; also one that a project owns, for which there is no grant. */
export async function findOrgMembership(db: Database, orgId: OrgId, id: PrincipalId): Promise<OrgMembership | null> {
  const { rows } = await sql<Row>`
    select ${portrait("p")} as portrait, g.id as grant_id, g.created_at, coalesce(g.updated_at, g.created_at) as updated_at,
      array(select r.role from grant_roles r where r.org_id = g.org_id and r.grant_id = g.id and r.role is not null
        and (r.ends_at is null or now() between r.starts_at and r.ends_at)) as roles
    from live_principals p
    left join grants g on g.principal_org_id = p.org_id and g.principal_id = p.id and g.org_id = p.org_id
      and g.kind = 'member' and g.scope = 'org' and g.state = 'active'
    where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid and p.kind = 'identity'`.execute(db);
  const row = rows[0];
  if (!row) return null;
  const { grant_id, created_at, updated_at, roles } = row;
  const grant = grant_id && created_at && updated_at ? { id: grant_id, createdAt: created_at, updatedAt: updated_at, roles } : null;
  return { identity: readPortrait(row.portrait), grant };
}
