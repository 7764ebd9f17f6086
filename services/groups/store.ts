/** Reads of groups, with their roles, members and foreign subjects. Only live groups, and of those only live members. */
import { type RawBuilder, sql } from "kysely";
import { type Authors, authors } from "../audit/authors.ts";
import type { Database } from "../kernel/database.ts";
import type { GroupId, OrgId, PrincipalId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type StoredGroup = Authors & {
  readonly org_id: OrgId;
  readonly id: GroupId;
  readonly name: string;
  readonly description: string | null;
  readonly tags: Tag[];
  readonly created_at: Date;
  readonly updated_at: Date | null;
  /** Names of roles. */
  readonly roles: string[];
  readonly user_ids: PrincipalId[];
  readonly identity_ids: PrincipalId[];
  /** Ordered by issuer and subject. */
  readonly subjects: { readonly issuer: string; readonly subject: string; readonly email: string | null }[];
};

/** One group of an org, or null. */
export async function findGroup(db: Database, orgId: OrgId, id: GroupId): Promise<StoredGroup | null> {
  const { rows } = await select(orgId, id).execute(db);
  return rows[0] ?? null;
}

/** All groups of an org, by id. */
export async function listGroups(db: Database, orgId: OrgId): Promise<StoredGroup[]> {
  const { rows } = await select(orgId, null).execute(db);
  return rows;
}

// Roles by grants_by_group; members and subjects by primary key. Members of all groups in one pass: asked for one group after
// the other, each could cost a look at every principal of the org.
function select(orgId: OrgId, id: GroupId | null): RawBuilder<StoredGroup> {
  const these = (column: string) => (id === null ? sql`true` : sql`${sql.ref(column)} = ${id}::uuid`);
  return sql<StoredGroup>`
    with member as (
      select m.group_id, coalesce(array_agg(p.id order by p.id) filter (where p.kind = 'user'), '{}') as user_ids,
        coalesce(array_agg(p.id order by p.id) filter (where p.kind = 'identity'), '{}') as identity_ids
      from group_members m join live_principals p on p.org_id = m.org_id and p.id = m.principal_id
      where m.org_id = ${orgId}::uuid and ${these("m.group_id")} group by m.group_id
    )
    select g.org_id, g.id, g.name, g.description, g.tags, g.created_at, g.updated_at, ${authors("g")},
      array(select distinct r.role from grants b join grant_roles r on r.org_id = b.org_id and r.grant_id = b.id
            where b.org_id = g.org_id and b.group_id = g.id and b.state = 'active' and r.role is not null) as roles,
      coalesce(m.user_ids, '{}') as user_ids, coalesce(m.identity_ids, '{}') as identity_ids,
      (select coalesce(jsonb_agg(jsonb_build_object('issuer', s.issuer, 'subject', s.subject, 'email', s.email) order by s.issuer, s.subject), '[]')
       from group_subjects s where s.org_id = g.org_id and s.group_id = g.id) as subjects
    from live_groups g left join member m on m.group_id = g.id
    where g.org_id = ${orgId}::uuid and ${these("g.id")} order by g.id`;
}
