/** Changing an identity that a project owns. */
import { sql } from "kysely";
import { outranks } from "../access/rank.ts";
import type { Outranking } from "../access/rights.ts";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { mintId, type OrgId, type PrincipalId, type ProjectId } from "../kernel/ids.ts";
import type { Portrait } from "./portrait.ts";
import { findProjectIdentity } from "./project-store.ts";

/** What is unset stays as it is. */
export type IdentityChange = {
  readonly name?: string | undefined;
  readonly protected?: boolean | undefined;
  /** Replaces all pairs. */
  readonly metadata?: readonly { readonly key: string; readonly value: string }[] | undefined;
};

export type Subject = { readonly orgId: OrgId; readonly projectId: ProjectId; readonly id: PrincipalId };

/**
 * Changes what is set. Pairs are replaced, so the lock is a statement of its own: a statement that waited for another
 * change would still see the pairs from before it, and leave those of both.
 *
 * @param outranking roles whose holder the caller may not unprotect
 * @returns the identity as it is afterwards
 * @throws Failure IDENTITY_NOT_FOUND, PRIVILEGE_BOUNDARY
 */
export async function changeProjectIdentity(
  db: Database,
  subject: Subject,
  change: IdentityChange,
  outranking: Outranking,
  actor: Actor,
): Promise<Portrait> {
  const changes = Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const missing = () => failure("IDENTITY_NOT_FOUND", { kind: "identity", id: subject.id });
  return db.transaction().execute(async (tx) => {
    if (changes.length > 0) {
      const target = await lock(tx, subject, outranking);
      if (!target) throw missing();
      if (target.protected && change.protected === false && target.outranks) {
        throw failure("PRIVILEGE_BOUNDARY", { kind: "identity", id: subject.id });
      }
      await write(tx, subject, change, changes, actor);
    }
    const found = await findProjectIdentity(tx, subject.orgId, subject.projectId, subject.id);
    if (!found) throw missing();
    return found;
  });
}

type Target = { readonly protected: boolean; readonly outranks: boolean };

/** Holds the identity against other changes, and what it lives under against deletion. */
async function lock(db: Database, { orgId, projectId, id }: Subject, outranking: Outranking): Promise<Target | undefined> {
  const { rows } = await sql<Target>`
    with target as (
      select t.org_id, t.id, t.protected from principals t
      join orgs o on o.id = t.org_id and o.deleted_at is null
      join projects j on j.org_id = t.org_id and j.id = t.project_id and j.deleted_at is null
      where t.org_id = ${orgId}::uuid and t.id = ${id}::uuid and t.project_id = ${projectId}::uuid and t.deleted_at is null
      for update of t for share of o, j
    )
    select target.protected, ${outranks(outranking, projectId)} as outranks from target`.execute(db);
  return rows[0];
}

async function write(
  db: Database,
  { orgId, id }: Subject,
  change: IdentityChange,
  changes: readonly string[],
  actor: Actor,
): Promise<void> {
  const pairs = (change.metadata ?? []).map((pair) => ({ ...pair, id: mintId<PrincipalId>() }));
  await sql`
    with subject as (
      select ${orgId}::uuid as org_id, ${id}::uuid as id
    ), ${record("subject", { kind: "user", actor }, ["user.machine.changed", { changes, protected: change.protected }])}, changed as (
      update principals p set protected = coalesce(${change.protected ?? null}::boolean, p.protected), updated_at = now(), sequence = s.sequence
      from subject_sequence s where p.org_id = s.org_id and p.id = s.id
    ), named as (
      update identities i set name = ${change.name ?? null}
      where i.org_id = ${orgId}::uuid and i.id = ${id}::uuid and ${change.name ?? null}::text is not null
    ), gone as (
      delete from identity_metadata m where m.org_id = ${orgId}::uuid and m.identity_id = ${id}::uuid and ${change.metadata !== undefined}
    )
    insert into identity_metadata (org_id, identity_id, id, key, value)
    select ${orgId}::uuid, ${id}::uuid, m.id, m.key, m.value from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as m (id uuid, key text, value text)`.execute(
    db,
  );
}
