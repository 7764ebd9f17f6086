/** Ending a single token of any principal. Minting is in commands.ts; a principal's end takes its tokens by itself. */
import { sql } from "kysely";
import { removeLeaf } from "../deletion/leaves.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import { failure } from "../kernel/failure.ts";
import type { CredentialId, OrgId, PrincipalId } from "../kernel/ids.ts";

export type TokenName = { readonly orgId: OrgId; readonly principalId: PrincipalId; readonly id: CredentialId };

/**
 * Ends a token: it opens nothing from the next call on.
 *
 * @throws Failure CREDENTIAL_NOT_FOUND when the live principal has no such token, also for the loser of two that race
 */
export async function revokeToken(core: Core, { orgId, principalId, id }: TokenName, actor: Actor): Promise<void> {
  const removed = await removeLeaf(core, {
    leaf: "credentials",
    where: sql<boolean>`t.org_id = ${orgId}::uuid and t.id = ${id}::uuid and t.principal_id = ${principalId}::uuid
      and exists (select from live_principals p where p.org_id = t.org_id and p.id = t.principal_id)`,
    actor,
    aggregate: { kind: "user", orgId: sql`t.org_id`, id: sql`t.principal_id` },
    event: "user.token.removed",
  });
  if (!removed) throw failure("CREDENTIAL_NOT_FOUND", { kind: "token", id });
}
