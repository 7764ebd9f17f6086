/** Whether a principal has a token that opens something now, in SQL: for those who show how an identity authenticates. */
import { type RawBuilder, sql } from "kysely";

/**
 * A condition on a row of principals. It holds the same things against a token as authentication does, but for the state
 * of the principal itself: a deactivated one keeps its tokens.
 *
 * @param alias of the row
 */
export function hasLiveToken(alias: string): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  return sql<boolean>`exists (
    select from credentials c join orgs o on o.id = c.org_id left join projects j on j.org_id = c.org_id and j.id = ${column("project_id")}
    where c.org_id = ${column("org_id")} and c.principal_id = ${column("id")} and c.kind in ('pat', 'service_account_token')
      and (c.expires_at is null or c.expires_at > now())
      and c.org_generation = o.generation and c.principal_generation = ${column("generation")}
      and c.project_generation is not distinct from j.generation
  )`;
}
