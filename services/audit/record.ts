/**
 * Audit events, written by the statement that makes the change: a change without its event, or an event without its
 * change, cannot be committed. Rows hold ids and facts without personal data. This room never reads for authorization and
 * never deletes.
 */
import { type RawBuilder, sql } from "kysely";
import type { Actor } from "../kernel/call.ts";

/** What is the same for every event of one change. */
export type Change = {
  /** Aggregate kind, such as "org". */
  readonly kind: string;
  readonly actor: Actor;
  readonly operationId?: string;
};

/** Event type, such as "org.removed", with ids and settings only, never names or addresses. */
export type Event = readonly [type: string, facts?: Readonly<Record<string, unknown>>];

/**
 * CTEs that take the next sequences of every aggregate listed by `source` and write the events. They stand between the CTE
 * that locks the aggregates and the one that stores the sequence on the row:
 * `with target as (...), ${record("target", ...)}, changed as (update ... from target_sequence ...)`.
 *
 * @param source name of a CTE with columns org_id and id (one row an aggregate)
 * @param events in order; the stored sequence is that of the last one
 * @returns text defining `<source>_sequence (id, org_id, sequence)` and `<source>_event`
 */
export function record(source: string, change: Change, ...events: Event[]): RawBuilder<unknown> {
  return sql`${name(source, "sequence")} as (
    insert into aggregates as a (id, org_id, kind, sequence)
    select s.id, s.org_id, ${change.kind}, ${events.length} from ${sql.raw(source)} s
    on conflict (id) do update set sequence = a.sequence + ${events.length}
    returning a.id, a.org_id, a.sequence
  ), ${append(source, change, events)}`;
}

/**
 * Like {@link record}, for aggregates that are made by this statement: an id that was ever used makes it fail with a
 * violation of aggregates_pkey (failure ID_USED).
 */
export function recordFirst(source: string, change: Change, ...events: Event[]): RawBuilder<unknown> {
  return sql`${name(source, "sequence")} as (
    insert into aggregates (id, org_id, kind, sequence)
    select s.id, s.org_id, ${change.kind}, ${events.length} from ${sql.raw(source)} s
    returning id, org_id, sequence
  ), ${append(source, change, events)}`;
}

function append(source: string, { kind, actor, operationId }: Change, events: readonly Event[]): RawBuilder<unknown> {
  const types = events.map(([type]) => type);
  const facts = events.map(([, fact]) => JSON.stringify(fact ?? {}));
  return sql`${name(source, "event")} as (
    insert into audit_events
      (org_id, aggregate_id, sequence, aggregate_kind, type, actor_org_id, actor_id, operation_id, request_id, facts)
    select s.org_id, s.id, s.sequence - ${events.length} + e.n, ${kind}, e.type, ${actor.orgId}::uuid, ${actor.principalId}::uuid,
      ${operationId ?? null}::uuid, ${actor.requestId}, e.facts::jsonb
    from ${name(source, "sequence")} s cross join unnest(${types}::text[], ${facts}::text[]) with ordinality as e (type, facts, n)
  )`;
}

function name(source: string, part: string): RawBuilder<unknown> {
  return sql.raw(`${source}_${part}`);
}
