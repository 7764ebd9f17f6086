/** Reads of identities with their groups and the end of their service account token. Only live ones. */
import { type RawBuilder, sql } from "kysely";
import { type Authors, authors } from "../audit/authors.ts";
import type { Database } from "../kernel/database.ts";
import type { GroupId, OrgId, PrincipalId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type ServiceAccount = Authors & {
  readonly org_id: OrgId;
  readonly id: PrincipalId;
  readonly name: string;
  readonly description: string | null;
  readonly tags: Tag[];
  readonly created_at: Date;
  readonly updated_at: Date | null;
  readonly group_ids: GroupId[];
  /** Null when it has no service account token, or one that does not end. */
  readonly expires_at: Date | null;
};

/**
 * All identities of an org, those that a project owns included, by id.
 *
 * @param only just this one; null: all
 */
export async function listServiceAccounts(db: Database, orgId: OrgId, only: PrincipalId | null): Promise<ServiceAccount[]> {
  const { rows } = await select(orgId, only === null ? sql<boolean>`true` : sql<boolean>`i.id = ${only}::uuid`).execute(db);
  return rows;
}

/** One identity of an org, or null. */
export async function readServiceAccount(db: Database, orgId: OrgId, id: PrincipalId): Promise<ServiceAccount | null> {
  const [found] = await listServiceAccounts(db, orgId, id);
  return found ?? null;
}

// groups by group_members_by_principal, tokens by credentials_by_principal
function select(orgId: OrgId, where: RawBuilder<boolean>): RawBuilder<ServiceAccount> {
  return sql<ServiceAccount>`
    select p.org_id, p.id, i.name, i.description, i.tags, p.created_at, p.updated_at, ${authors("p")},
      array(select m.group_id from group_members m join live_groups g on g.org_id = m.org_id and g.id = m.group_id
            where m.org_id = p.org_id and m.principal_id = p.id order by m.group_id) as group_ids,
      (select max(c.expires_at) from credentials c
       where c.org_id = p.org_id and c.principal_id = p.id and c.kind = 'service_account_token') as expires_at
    from identities i join live_principals p on p.org_id = i.org_id and p.id = i.id
    where i.org_id = ${orgId}::uuid and ${where} order by p.id`;
}
