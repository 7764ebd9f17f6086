/**
 * Audit events, written by the statement that makes the change: a change without its event, or an event without its
 * change, cannot be committed. Rows hold ids and facts without personal data. This room never reads for authorization and
 * never deletes.
 */
import { type RawBuilder, sql } from "kysely";
import type { Actor } from "../kernel/call.ts";

/** What is the same for every row of one change. */
export type Event = {
  /** Aggregate kind, such as "org". */
  readonly kind: string;
  /** Event type, such as "org.removed". */
  readonly type: string;
  readonly actor: Actor;
  readonly operationId?: string;
  /** Ids and settings only, never names or addresses. */
  readonly facts?: Readonly<Record<string, unknown>>;
};

/**
 * CTEs that take the next sequence of every aggregate listed by `source` and write one event each. They stand between the
 * CTE that locks or inserts the aggregates and the one that stores the sequence on the row:
 * `with target as (...), ${record("target", ...)}, changed as (update ... from target_sequence ...)`.
 *
 * @param source name of a CTE with columns org_id and id (one row an aggregate)
 * @returns text defining `<source>_sequence (id, sequence)` and `<source>_event`
 */
export function record(source: string, event: Event): RawBuilder<unknown> {
  const from = sql.raw(source);
  const sequence = sql.raw(`${source}_sequence`);
  return sql`${sequence} as (
    insert into aggregates as a (id, org_id, kind, sequence)
    select s.id, s.org_id, ${event.kind}, 1 from ${from} s
    on conflict (id) do update set sequence = a.sequence + 1
    returning a.id, a.org_id, a.sequence
  ), ${append(source, event)}`;
}

/**
 * Like {@link record}, for aggregates that are made by this statement: an id that was ever used makes it fail with a
 * violation of aggregates_pkey (failure ID_USED).
 */
export function recordFirst(source: string, event: Event): RawBuilder<unknown> {
  const from = sql.raw(source);
  const sequence = sql.raw(`${source}_sequence`);
  return sql`${sequence} as (
    insert into aggregates (id, org_id, kind, sequence)
    select s.id, s.org_id, ${event.kind}, 1 from ${from} s
    returning id, org_id, sequence
  ), ${append(source, event)}`;
}

function append(source: string, event: Event): RawBuilder<unknown> {
  return sql`${sql.raw(`${source}_event`)} as (
    insert into audit_events
      (org_id, aggregate_id, sequence, aggregate_kind, type, actor_org_id, actor_id, operation_id, request_id, facts)
    select org_id, id, sequence, ${event.kind}, ${event.type}, ${event.actor.orgId}::uuid, ${event.actor.principalId}::uuid,
      ${event.operationId ?? null}::uuid, ${event.actor.requestId}, ${JSON.stringify(event.facts ?? {})}::jsonb
    from ${sql.raw(`${source}_sequence`)}
  )`;
}
