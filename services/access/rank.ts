/** The boundary rule in SQL: nobody deletes, unprotects or mints credentials for what outranks them. */
import { type RawBuilder, sql } from "kysely";
import type { Outranking } from "./rights.ts";

/**
 * Whether the principal in the CTE `target (org_id, id)` holds a role that the caller does not dominate: on the instance,
 * or in its own org, directly or through a group. What other orgs granted it does not count: its own org must be able to
 * let it go.
 *
 * @param projectId the project that the call is about, where rights on just that project count
 */
export function outranks({ instance, org, project, elsewhere }: Outranking, projectId: string | null): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from target t
    join grants g on g.principal_org_id = t.org_id and g.principal_id = t.id and g.kind = 'member' and g.state = 'active'
    join grant_roles r on r.org_id = g.org_id and r.grant_id = g.id and r.role is not null and (r.ends_at is null or r.ends_at > now())
    where (g.scope = 'instance' and r.role = any(${instance}::text[]))
      or (g.org_id = t.org_id and g.scope = 'org' and r.role = any(${org}::text[]))
      or (g.org_id = t.org_id and g.scope = 'project' and g.project_id = ${projectId}::uuid and r.role = any(${project}::text[]))
      or (g.org_id = t.org_id and g.scope = 'project' and g.project_id is distinct from ${projectId}::uuid and r.role = any(${elsewhere}::text[]))
  ) or exists (
    select from target t
    join group_members m on m.org_id = t.org_id and m.principal_id = t.id
    join live_groups u on u.org_id = m.org_id and u.id = m.group_id
    join grants g on g.org_id = m.org_id and g.group_id = m.group_id and g.state = 'active'
    join grant_roles r on r.org_id = g.org_id and r.grant_id = g.id
    where r.role = any(${org}::text[])
  )`;
}
