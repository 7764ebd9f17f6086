/** The boundary rule in SQL: nobody deletes, unprotects or mints credentials for what outranks them. */
import { type RawBuilder, sql } from "kysely";
import type { GroupBounds, Outranking } from "./rights.ts";

/**
 * Whether the principal in the CTE `target (org_id, id)` holds a role that the caller does not dominate: on the instance,
 * or in its own org, directly or through a group. What other orgs granted it does not count: its own org must be able to
 * let it go.
 *
 * @param projectId the project that the call is about, where rights on just that project count
 */
export function outranks(above: Outranking, projectId: string | null): RawBuilder<boolean> {
  const { instance, org, project, elsewhere } = above;
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
    where ${gives(sql.ref("m.group_id"), above, projectId)}
  )`;
}

/** Whether the group in the CTE `target (org_id, id)` gives a role that the caller does not dominate where it counts. */
export function givesMore(above: Outranking): RawBuilder<boolean> {
  return sql<boolean>`exists (select from target t where ${gives(sql.ref("t.id"), above, null)})`;
}

/** The condition that a group of the org `t.org_id` gives such a role: in the whole org, or in a project that lists it. */
function gives(group: RawBuilder<unknown>, { org, project, elsewhere }: Outranking, projectId: string | null): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from grants g join grant_roles r on r.org_id = g.org_id and r.grant_id = g.id
    where g.org_id = t.org_id and g.group_id = ${group} and g.state = 'active' and (r.role = any(${org}::text[]) or exists (
      select from project_groups k join live_projects p on p.org_id = k.org_id and p.id = k.project_id
      where k.org_id = g.org_id and k.group_id = g.group_id
        and r.role = any(case when k.project_id = ${projectId}::uuid then ${project}::text[] else ${elsewhere}::text[] end)))
  )`;
}

/**
 * Whether one of the groups in the CTE `listed (org_id, id)` has a role that the caller does not dominate: whoever changes
 * such a group, or puts somebody into it, would hand out more than they have.
 *
 * @param also roles that the groups are about to get
 */
export function groupOutranks({ beyond, within }: GroupBounds, also: readonly string[] = []): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from listed l
    cross join lateral (
      select r.role from grants g join grant_roles r on r.org_id = g.org_id and r.grant_id = g.id
      where g.org_id = l.org_id and g.group_id = l.id and r.role is not null
      union select unnest(${also}::text[])
    ) h
    where h.role = any(${beyond}::text[]) or exists (
      select from jsonb_to_recordset(${JSON.stringify(within)}::jsonb) as w (role text, projects uuid[])
      join project_groups k on k.org_id = l.org_id and k.group_id = l.id and k.project_id <> all(w.projects)
      join live_projects p on p.org_id = k.org_id and p.id = k.project_id
      where w.role = h.role
    )
  )`;
}
