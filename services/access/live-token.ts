/** Whether a principal has a token that opens something now, in SQL: for those who show how an identity authenticates. */
import { type RawBuilder, sql } from "kysely";

/**
 * A condition on a row of principals. It holds the same things against a token as authentication does, but for the state
 * of the principal itself: a deactivated one keeps its tokens.
 *
 * @param alias of the row; not "token", "its_org" or "its_project", which it uses itself
 */
export function hasLiveToken(alias: string): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  return sql<boolean>`exists (
    select from credentials token
    join orgs its_org on its_org.id = token.org_id
    left join projects its_project on its_project.org_id = token.org_id and its_project.id = ${column("project_id")}
    where token.org_id = ${column("org_id")} and token.principal_id = ${column("id")} and token.kind in ('pat', 'service_account_token')
      and (token.expires_at is null or token.expires_at > now())
      and token.org_generation = its_org.generation and token.principal_generation = ${column("generation")}
      and token.project_generation is not distinct from its_project.generation
  )`;
}
