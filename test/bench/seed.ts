/** Makes orgs of any size with a few set-based statements, through the tables as they are. Deterministic in shape. */
import { sql } from "kysely";
import type { Database } from "../../services/kernel/database.ts";
import type { OrgId } from "../../services/kernel/ids.ts";
import { createOrg } from "../../services/orgs/commands.ts";

const system = { orgId: null, principalId: null, requestId: null };

/** An org with so many users, each in one of a hundred groups and with one token. */
export async function seedOrg(db: Database, name: string, users: number): Promise<OrgId> {
  const { id } = await createOrg(db, { name }, system);
  await sql`insert into groups (org_id, id, name, sequence)
    select ${id}::uuid, gen_random_uuid(), 'group ' || n, 1 from generate_series(1, ${Math.min(100, users)}::int) n`.execute(db);
  await sql`with made as (
      insert into principals (org_id, id, kind, user_name, sequence)
      select ${id}::uuid, gen_random_uuid(), 'user', 'user-' || n, 1 from generate_series(1, ${users}::int) n returning org_id, id, user_name
    ), person as (
      insert into users (org_id, id, email) select org_id, id, user_name || '@example.com' from made
    )
    insert into credentials (org_id, id, principal_id, kind, digest, org_generation, principal_generation, sequence)
    select org_id, gen_random_uuid(), id, 'pat', decode(md5(id::text), 'hex'), 1, 1, 1 from made`.execute(db);
  await sql`insert into group_members (org_id, group_id, principal_id)
    select p.org_id, g.id, p.id from (select org_id, id, row_number() over (order by id) as n from principals where org_id = ${id}::uuid) p
    join (select id, row_number() over (order by id) as n, count(*) over () as groups from groups where org_id = ${id}::uuid) g
      on g.n = 1 + p.n % g.groups`.execute(db);
  await sql`analyze principals, users, credentials, group_members, groups`.execute(db);
  return id;
}
