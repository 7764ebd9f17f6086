/** Reads of identities: those that a project owns, and any by its id. */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, PrincipalId, ProjectId } from "../kernel/ids.ts";
import { type Portrait, type PortraitJson, portrait, readPortrait } from "./portrait.ts";

/** An identity that just this project owns, or null. */
export async function findProjectIdentity(db: Database, orgId: OrgId, projectId: ProjectId, id: PrincipalId): Promise<Portrait | null> {
  const found = await findIdentity(db, orgId, id);
  return found?.projectId === projectId ? found : null;
}

/** An identity of the org, whoever in it owns it, or null. */
export async function findIdentity(db: Database, orgId: OrgId, id: PrincipalId): Promise<Portrait | null> {
  const { rows } = await sql<{ portrait: PortraitJson }>`
    select ${portrait("p")} as portrait from live_principals p
    where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid and p.kind = 'identity'`.execute(db);
  return rows[0] ? readPortrait(rows[0].portrait) : null;
}

export type IdentityQuery = {
  readonly offset: number;
  readonly limit: number;
  /** Part of the name, without regard to case; empty matches all. */
  readonly search: string;
};

/** One page of the identities that a project owns, oldest first, and how many match on all pages. By principals_by_project. */
export async function listProjectIdentities(
  db: Database,
  orgId: OrgId,
  projectId: ProjectId,
  query: IdentityQuery,
): Promise<{ total: number; identities: Portrait[] }> {
  const { rows } = await sql<{ total: bigint; portrait: PortraitJson | null }>`
    with matching as (
      select p.* from live_principals p join identities i on i.org_id = p.org_id and i.id = p.id
      where p.org_id = ${orgId}::uuid and p.project_id = ${projectId}::uuid and strpos(lower(i.name), lower(${query.search})) > 0
    ), page as (
      select m.id, ${portrait("m")} as portrait from matching m order by m.id offset ${query.offset} limit ${query.limit}
    )
    select (select count(*) from matching) as total, page.portrait
    from (select) one left join page on true order by page.id`.execute(db);
  const identities = rows.flatMap((row) => (row.portrait ? [readPortrait(row.portrait)] : []));
  return { total: Number(rows[0]?.total ?? 0), identities };
}
