/** Reads of users with their groups. Only live ones. */
import { type RawBuilder, sql } from "kysely";
import { type Authors, authors } from "../audit/authors.ts";
import type { Database } from "../kernel/database.ts";
import type { GroupId, OrgId, PrincipalId } from "../kernel/ids.ts";
import type { PrincipalState } from "../kernel/schema.ts";

export type Subject = Authors & {
  readonly org_id: OrgId;
  readonly id: PrincipalId;
  readonly email: string;
  readonly state: PrincipalState;
  readonly created_at: Date;
  readonly updated_at: Date | null;
  readonly last_active_at: Date | null;
  readonly group_ids: GroupId[];
};

/** All users of an org, by address. */
export async function listSubjects(db: Database, orgId: OrgId): Promise<Subject[]> {
  const { rows } = await select(orgId, sql<boolean>`true`).execute(db);
  return rows;
}

/** One user of an org, or null. */
export async function readSubject(db: Database, orgId: OrgId, id: PrincipalId): Promise<Subject | null> {
  const { rows } = await select(orgId, sql<boolean>`u.id = ${id}::uuid`).execute(db);
  return rows[0] ?? null;
}

/**
 * The user of an org who has an address (in any case), or null. Of several, the one who has it as user name, else the
 * oldest. Served by users_email.
 */
export async function findSubject(db: Database, orgId: OrgId, email: string): Promise<PrincipalId | null> {
  const { rows } = await sql<{ id: PrincipalId }>`
    select p.id from users u join live_principals p on p.org_id = u.org_id and p.id = u.id
    where u.org_id = ${orgId}::uuid and lower(u.email) = lower(${email})
    order by (lower(p.user_name) = lower(${email})) desc, p.id limit 1`.execute(db);
  return rows[0]?.id ?? null;
}

// groups by group_members_by_principal
function select(orgId: OrgId, where: RawBuilder<boolean>): RawBuilder<Subject> {
  return sql<Subject>`
    select p.org_id, p.id, u.email, p.state, p.created_at, p.updated_at, u.last_active_at, ${authors("p")},
      array(select m.group_id from group_members m join live_groups g on g.org_id = m.org_id and g.id = m.group_id
            where m.org_id = p.org_id and m.principal_id = p.id order by m.group_id) as group_ids
    from users u join live_principals p on p.org_id = u.org_id and p.id = u.id
    where u.org_id = ${orgId}::uuid and ${where} order by u.email, p.id`;
}
