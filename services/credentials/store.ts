/** Reads of personal access tokens, as ZITADEL lists them. Nothing that opens anything is stored, so nothing is shown. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { CredentialId, OrgId, PrincipalId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";

export type StoredPersonalToken = {
  readonly id: CredentialId;
  readonly scopes: readonly string[];
  readonly expires_at: Date | null;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/**
 * The tokens `c` of a live principal that were made under the present generations; expired ones are there until somebody
 * removes them. Served by credentials_by_principal.
 */
function personalTokens(orgId: OrgId, principalId: PrincipalId): RawBuilder<unknown> {
  return sql`live_principals p
    join live_orgs o on o.id = p.org_id
    left join live_projects j on j.org_id = p.org_id and j.id = p.project_id
    join credentials c on c.org_id = p.org_id and c.principal_id = p.id and c.kind = 'pat' and c.principal_generation = p.generation
      and c.org_generation = o.generation and c.project_generation is not distinct from j.generation
    where p.org_id = ${orgId}::uuid and p.id = ${principalId}::uuid`;
}

/** Lists the personal access tokens of a principal. */
export function listPersonalTokens(db: Database, orgId: OrgId, principalId: PrincipalId, page: Page): Promise<Listed<StoredPersonalToken>> {
  const found = sql`select c.org_id, c.id from ${personalTokens(orgId, principalId)}`;
  const row = sql<StoredPersonalToken>`
    select c.id, c.scopes, c.expires_at, c.sequence, c.created_at, c.updated_at
    from page join credentials c on c.org_id = page.org_id and c.id = page.id
    where c.org_id = ${orgId}::uuid`;
  return readPage(db, found, row, page);
}

/** Whether a principal has that personal access token. */
export async function hasPersonalToken(db: Database, orgId: OrgId, principalId: PrincipalId, id: CredentialId): Promise<boolean> {
  const { rows } = await sql<{ had: boolean }>`
    select exists (select from ${personalTokens(orgId, principalId)} and c.id = ${id}::uuid) as had`.execute(db);
  return rows[0]?.had ?? false;
}
