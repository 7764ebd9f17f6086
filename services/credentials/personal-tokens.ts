/** Ending a personal access token. Whoever takes the tokens of somebody who outranks them locks that one out. */
import { sql } from "kysely";
import { outranks } from "../access/rank.ts";
import type { Outranking } from "../access/rights.ts";
import { type Removed, removeLeaf } from "../deletion/leaves.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import { failure } from "../kernel/failure.ts";
import type { CredentialId, OrgId, PrincipalId } from "../kernel/ids.ts";
import { hasPersonalToken } from "./store.ts";

export type PersonalToken = {
  readonly orgId: OrgId;
  readonly principalId: PrincipalId;
  readonly id: CredentialId;
  /** Roles whose holder the caller may not lock out. */
  readonly outranking: Outranking;
};

/**
 * Removes a token: it opens nothing from the next call on.
 *
 * @throws Failure CREDENTIAL_NOT_FOUND, also for the loser of two that race; PRIVILEGE_BOUNDARY
 */
export async function removePersonalToken(core: Core, token: PersonalToken, actor: Actor): Promise<Removed> {
  const { orgId, principalId, id } = token;
  const removed = await removeLeaf(core, {
    leaf: "credentials",
    where: sql<boolean>`t.org_id = ${orgId}::uuid and t.id = ${id}::uuid and t.principal_id = ${principalId}::uuid and t.kind = 'pat'
      and exists (select from live_principals p where p.org_id = t.org_id and p.id = t.principal_id)
      and not (with target as (select t.org_id, t.principal_id as id) select ${outranks(token.outranking, null)})`,
    actor,
    aggregate: { kind: "user", orgId: sql`t.org_id`, id: sql`t.principal_id` },
    event: "user.pat.removed",
  });
  if (removed) return removed;
  const reason = (await hasPersonalToken(core.db, orgId, principalId, id)) ? "PRIVILEGE_BOUNDARY" : "CREDENTIAL_NOT_FOUND";
  throw failure(reason, { kind: "token", id });
}
