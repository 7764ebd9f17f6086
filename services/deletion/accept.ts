/**
 * The one statement that accepts a delete: it locks the target, checks what protects it, sets tombstone and generation,
 * and writes operation and audit event. Its cost does not depend on how much hangs on the target.
 */
import { type RawBuilder, sql } from "kysely";
import { givesMore, outranks } from "../access/rank.ts";
import type { Outranking } from "../access/rights.ts";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { OperationId, OrgId } from "../kernel/ids.ts";
import { type Kind, kinds } from "./kinds.ts";

/** What to delete and who asks. */
export type Order = {
  readonly kind: Kind;
  readonly orgId: OrgId;
  readonly id: string;
  readonly actor: Actor;
  /** Roles whose holder, and whose group, the caller may not delete. */
  readonly outranking: Outranking;
  /** The project that the call is about, if any: rights on just that project count there. */
  readonly projectId?: string | undefined;
  /** Further condition on the row `t`, such as belonging to the project that the path names. */
  readonly where?: RawBuilder<boolean> | undefined;
  /** A jsonb expression over the row `t` as it was, for answers that show what was deleted. */
  readonly snapshot?: RawBuilder<unknown> | undefined;
};

/** What the statement found and did, one row. */
export type Verdict = {
  /** A row of that kind and id is there, dead or alive. */
  readonly present: boolean;
  readonly live: boolean;
  readonly accepted: boolean;
  readonly protected: boolean;
  readonly outranks: boolean;
  readonly is_default: boolean;
  readonly holds_iam: boolean;
  readonly instance_id: string;
  readonly sequence: bigint | null;
  readonly created_at: Date | null;
  readonly deleted_at: Date | null;
  readonly snapshot: unknown;
};

/** Builds the statement for an order; it returns exactly one {@link Verdict}. */
export function acceptance(order: Order, operationId: OperationId): RawBuilder<Verdict> {
  const row = kinds[order.kind];
  const isOrg = order.kind === "org";
  const table = sql.table(row.table);
  const orgColumn = sql.ref(isOrg ? "t.id" : "t.org_id");
  const named = sql`t.id = ${order.id}::uuid and ${orgColumn} = ${order.orgId}::uuid
    ${row.discriminator ? sql`and ${sql.ref(`t.${row.discriminator[0]}`)} = ${row.discriminator[1]}` : sql``}
    ${order.where ? sql`and ${order.where}` : sql``}`;
  const alive = sql`exists (select from ${sql.table(row.live)} v where v.id = t.id and ${sql.ref(isOrg ? "v.id" : "v.org_id")} = ${orgColumn})`;
  return sql<Verdict>`
    with settings as (
      select id, default_org_id, iam_org_id from instance ${isOrg ? sql`for share` : sql``}
    ), target as (
      select ${orgColumn} as org_id, t.id, t.protected or t.liens > 0 as protected, t.created_at, ${order.snapshot ?? sql`null::jsonb`} as snapshot
      from ${table} t where ${named} and t.deleted_at is null and ${alive} for update of t
    ), rank as (
      select ${rank(order)} as outranks
    ), allowed as (
      select t.org_id, t.id from target t cross join settings s cross join rank r
      where not t.protected and not r.outranks ${isOrg ? sql`and t.id <> s.default_org_id and t.id <> s.iam_org_id` : sql``}
    ), ${record("allowed", { kind: order.kind, actor: order.actor, operationId }, [row.event])}, dead as (
      update ${table} t set deleted_at = now(), updated_at = now(), generation = t.generation + 1, sequence = s.sequence, operation_id = ${operationId}::uuid
      from allowed_sequence s where t.id = s.id and ${orgColumn} = s.org_id
      returning t.sequence, t.deleted_at
    ), operation as (
      insert into operations (org_id, id, target_kind, target_id, phase, requester_org_id, requester_id, request_id)
      select a.org_id, ${operationId}::uuid, ${order.kind}, a.id, 'access_ended', ${order.actor.orgId}::uuid, ${order.actor.principalId}::uuid, ${order.actor.requestId}
      from allowed a
    )
    select exists (select from ${table} t where ${named}) as present, target.id is not null as live, dead.sequence is not null as accepted,
      coalesce(target.protected, false) as protected, coalesce(rank.outranks, false) as outranks,
      ${isOrg ? sql`settings.default_org_id = ${order.id}::uuid` : sql`false`} as is_default,
      ${isOrg ? sql`settings.iam_org_id = ${order.id}::uuid` : sql`false`} as holds_iam,
      settings.id as instance_id, dead.sequence, target.created_at, dead.deleted_at, target.snapshot
    from settings cross join rank left join target on true left join dead on true`;
}

/** Whether what is in the CTE `target` outranks the caller. */
function rank({ kind, outranking, projectId }: Order): RawBuilder<boolean> {
  const { ranksAs } = kinds[kind];
  if (ranksAs === "principal") return outranks(outranking, projectId ?? null);
  return ranksAs === "group" ? givesMore(outranking) : sql<boolean>`false`;
}
