/**
 * The one door through which anything in this system ceases to exist. Every dialect enters here; protections, locks and
 * the boundary rule (nobody deletes what outranks them) live behind it and nowhere else. It never removes rows of a root:
 * that is the worker's.
 */
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import { failure } from "../kernel/failure.ts";
import { mintId, type OperationId, type OrgId, type ProjectId } from "../kernel/ids.ts";
import { acceptance, type Order, type Verdict } from "./accept.ts";
import { kinds } from "./kinds.ts";

/** An accepted delete. */
export type Accepted = {
  readonly accepted: true;
  readonly operationId: OperationId;
  readonly instanceId: string;
  readonly sequence: bigint;
  readonly createdAt: Date;
  readonly deletedAt: Date;
  /** What the order asked to keep of the target as it was. */
  readonly snapshot: unknown;
};

/** It was asked for before and is not finished. */
export type Dying = { readonly accepted: false };

/**
 * Asks for a delete: access ends in this statement, the rest is background work.
 *
 * @returns Accepted, or Dying when the target is still there below an earlier delete
 * @throws Failure the kind's missing reason, ORG_IS_DEFAULT, ORG_HOLDS_IAM_PROJECT, DELETE_PROTECTED or PRIVILEGE_BOUNDARY
 */
export async function requestDelete(core: Core, order: Order): Promise<Accepted | Dying> {
  const operationId = mintId<OperationId>();
  const { rows } = await acceptance(order, operationId).execute(core.db);
  const verdict = rows[0];
  if (!verdict) throw failure("INTERNAL");
  if (verdict.accepted && verdict.created_at && verdict.deleted_at && verdict.sequence !== null) {
    core.announce();
    return {
      accepted: true,
      operationId,
      instanceId: verdict.instance_id,
      sequence: verdict.sequence,
      createdAt: verdict.created_at,
      deletedAt: verdict.deleted_at,
      snapshot: verdict.snapshot,
    };
  }
  refuse(order, verdict);
  return { accepted: false };
}

/**
 * Like {@link requestDelete}, for kinds whose dialect answers a repeated delete with "not found".
 *
 * @throws Failure also when the target is already being deleted
 */
export async function requestDeleteOnce(core: Core, order: Order): Promise<Accepted> {
  const answer = await requestDelete(core, order);
  if (!answer.accepted) throw missing(order);
  return answer;
}

function refuse(order: Order, verdict: Verdict): void {
  if (verdict.is_default) throw failure("ORG_IS_DEFAULT", { id: order.id, kind: order.kind });
  if (verdict.holds_iam) throw failure("ORG_HOLDS_IAM_PROJECT", { id: order.id, kind: order.kind });
  if (!verdict.present) throw missing(order);
  if (!verdict.live) return;
  if (verdict.outranks) throw failure("PRIVILEGE_BOUNDARY", { id: order.id, kind: order.kind });
  if (verdict.protected) throw failure("DELETE_PROTECTED", { id: order.id, kind: order.kind });
}

function missing(order: Order) {
  return failure(kinds[order.kind].missing, { id: order.id, kind: order.kind });
}

/** The project that a reference holds. */
export type ReferencePlace = { readonly orgId: OrgId; readonly projectId: ProjectId };

/**
 * Releases a reference: the one verb that is allowed below a tombstone. An operation that waited for it becomes due.
 *
 * @returns whether there was such a reference; releasing twice is no error
 */
export async function releaseReference(core: Core, place: ReferencePlace, reference: string, actor: Actor): Promise<boolean> {
  const { orgId, projectId } = place;
  const { rows } = await sql<{ released: boolean }>`
    with gone as (
      delete from project_references where org_id = ${orgId}::uuid and project_id = ${projectId}::uuid and reference = ${reference}
      returning org_id, project_id as id
    ), ${record("gone", { kind: "project", actor }, ["project.reference.removed"])}, due as (
      update operations o set next_attempt_at = now() from gone g
      where o.org_id = g.org_id and o.done_at is null and o.phase = 'waiting'
    )
    select exists (select from gone) as released`.execute(core.db);
  const released = rows[0]?.released ?? false;
  if (released) core.announce();
  return released;
}
