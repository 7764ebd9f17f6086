/** Reads of the tokens of a principal, page by page. A service account's token is not among them: it is rotated, not revoked. */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { CredentialId, OrgId, PrincipalId } from "../kernel/ids.ts";

export type StoredToken = {
  readonly id: CredentialId;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
};

/** Which tokens: those after an id, so many at most. Ids are time-ordered, so this is oldest first. */
export type TokenPage = { readonly after: CredentialId | null; readonly limit: number };

/**
 * Lists the tokens of a live principal that were made under the present generations. Expired ones are included: they are
 * there until somebody removes them. Served by credentials_by_principal in its order.
 *
 * @returns null when the org has no such principal
 */
export async function listTokens(db: Database, orgId: OrgId, principalId: PrincipalId, page: TokenPage): Promise<StoredToken[] | null> {
  const { rows } = await sql<{ id: CredentialId | null; name: string | null; created_at: Date; expires_at: Date | null }>`
    select c.id, c.name, c.created_at, c.expires_at
    from live_principals p
    join live_orgs o on o.id = p.org_id
    left join live_projects j on j.org_id = p.org_id and j.id = p.project_id
    left join lateral (
      select * from credentials c
      where c.org_id = p.org_id and c.principal_id = p.id and c.kind = 'pat' and c.org_generation = o.generation
        and c.principal_generation = p.generation and c.project_generation is not distinct from j.generation and (${page.after}::uuid is null or c.id > ${page.after}::uuid)
      order by c.id limit ${page.limit}
    ) c on true
    where p.org_id = ${orgId}::uuid and p.id = ${principalId}::uuid
    order by c.id`.execute(db);
  if (rows.length === 0) return null;
  return rows.flatMap(({ id, name, created_at, expires_at }) =>
    id === null ? [] : [{ id, name, createdAt: created_at, expiresAt: expires_at }],
  );
}
