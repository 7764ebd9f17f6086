/**
 * Whether a credential opens something, in SQL: everything above it is alive and of the generation that the credential was
 * made under. Whoever takes a credential holds it against this, so all of them die with the same delete.
 */
import { sql } from "kysely";

/**
 * A row `c` of credentials with what it lives under: its principal `p` (with the project `j`, if one owns it) in the org
 * `o`; and, if a client got it, the client `k` of the project `kj` in the org `ko`.
 */
export const credentialWithOwners = sql`credentials c
  join orgs o on o.id = c.org_id
  join principals p on p.org_id = c.org_id and p.id = c.principal_id
  left join projects j on j.org_id = p.org_id and j.id = p.project_id
  left join clients k on k.org_id = c.client_org_id and k.id = c.client_id
  left join orgs ko on ko.id = k.org_id
  left join projects kj on kj.org_id = k.org_id and kj.id = k.project_id`;

/** True of such a row when it opens something now. */
export const isAlive = sql<boolean>`(c.expires_at is null or c.expires_at > now())
  and o.deleted_at is null and o.state = 'active' and o.generation = c.org_generation
  and p.deleted_at is null and p.state in ('active', 'initial') and p.generation = c.principal_generation
  and (p.project_id is null or (j.deleted_at is null and j.generation = c.project_generation))
  and (c.client_id is null or (
    ko.deleted_at is null and ko.state = 'active' and ko.generation = c.client_org_generation
    and kj.deleted_at is null and kj.state = 'active' and kj.generation = c.client_project_generation))`;
