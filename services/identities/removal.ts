/** The end of identities: conditions and answers that differ by who owns them. The deletion itself is deletion/'s. */
import { sql } from "kysely";
import type { Outranking } from "../access/rights.ts";
import { requestDeleteOnce } from "../deletion/commands.ts";
import type { Actor } from "../kernel/call.ts";
import type { Core } from "../kernel/core.ts";
import { Failure, failure } from "../kernel/failure.ts";
import type { OrgId, PrincipalId, ProjectId } from "../kernel/ids.ts";
import { type Portrait, type PortraitJson, portrait, readPortrait } from "./portrait.ts";
import { findIdentity } from "./project-store.ts";

export type Removal = {
  readonly orgId: OrgId;
  readonly id: PrincipalId;
  readonly actor: Actor;
  readonly outranking: Outranking;
};

/**
 * Deletes an identity that just this project owns.
 *
 * @returns the identity as it was
 * @throws Failure IDENTITY_NOT_FOUND (also for one of the org, or on a repeat), DELETE_PROTECTED, PRIVILEGE_BOUNDARY
 */
export async function deleteProjectIdentity(core: Core, projectId: ProjectId, removal: Removal): Promise<Portrait> {
  const where = sql<boolean>`t.project_id = ${projectId}::uuid`;
  const gone = await requestDeleteOnce(core, { ...removal, kind: "identity", projectId, where, snapshot: portrait("t") });
  return readPortrait(gone.snapshot as PortraitJson);
}

/**
 * Deletes an identity of the org.
 *
 * @returns the identity as it was
 * @throws Failure as {@link deleteProjectIdentity}, and PRINCIPAL_KIND_WRONG for one that a project owns
 */
export async function deleteOrgIdentity(core: Core, removal: Removal): Promise<Portrait> {
  const where = sql<boolean>`t.project_id is null`;
  try {
    const gone = await requestDeleteOnce(core, { ...removal, kind: "identity", where, snapshot: portrait("t") });
    return readPortrait(gone.snapshot as PortraitJson);
  } catch (error) {
    if (!(error instanceof Failure) || error.reason !== "IDENTITY_NOT_FOUND") throw error;
    const other = await findIdentity(core.db, removal.orgId, removal.id);
    throw other?.projectId ? failure("PRINCIPAL_KIND_WRONG", { kind: "identity", id: removal.id }) : error;
  }
}
