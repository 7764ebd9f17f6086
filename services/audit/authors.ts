/** Who made a row and who changed it last, read from its events by primary key. For showing only, never for authorization. */
import { type RawBuilder, sql } from "kysely";

/** The e-mail of a user, the id of an identity; null when the actor is gone or was the system itself. */
export type Authors = { readonly created_by: string | null; readonly modified_by: string | null };

/**
 * Columns `created_by` and `modified_by` of a row with the columns id, sequence and updated_at.
 *
 * @param alias of the row in the query
 * @param orgColumn of the row; an org is its own
 */
export function authors(alias: string, orgColumn: "org_id" | "id" = "org_id"): RawBuilder<Authors> {
  const orgId = sql.ref(`${alias}.${orgColumn}`);
  const id = sql.ref(`${alias}.id`);
  return sql<Authors>`${actorOf(orgId, id, sql`1`)} as created_by,
    case when ${sql.ref(`${alias}.updated_at`)} is not null then ${actorOf(orgId, id, sql.ref(`${alias}.sequence`))} end as modified_by`;
}

/** The actor of one event of an aggregate. Its aliases hide none of the query around it. */
export function actorOf(orgId: RawBuilder<unknown>, id: RawBuilder<unknown>, sequence: RawBuilder<unknown>): RawBuilder<string | null> {
  return sql<string | null>`(
    select coalesce(actor_user.email, actor.id::text) from audit_events actor_event
    join live_principals actor on actor.org_id = actor_event.actor_org_id and actor.id = actor_event.actor_id
    left join users actor_user on actor_user.org_id = actor.org_id and actor_user.id = actor.id
    where actor_event.org_id = ${orgId} and actor_event.aggregate_id = ${id} and actor_event.sequence = ${sequence}
  )`;
}
