/** Claims of names that are unique on the whole instance: how a name is compared, and when a claim may be taken over. */
import { type RawBuilder, sql } from "kysely";

/**
 * The key of a name or domain. Folded by the database, like every other unique name: JavaScript folds some letters by
 * what stands around them, and two rules would make two names of one.
 *
 * @param text null has no key
 */
export function claimKey(text: string | null): RawBuilder<string> {
  return sql<string>`lower(${text}::text)`;
}

/** True of a claim `c` whose holder is known to be dead. A holder that the statement cannot see yet is alive. */
export const isAbandoned: RawBuilder<boolean> = sql<boolean>`exists (select from orgs o where o.id = c.org_id and o.deleted_at is not null)`;
