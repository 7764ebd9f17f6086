/** Rotation: an identity has one service account token, and a new one takes the place of the old one in one statement. */
import { sql } from "kysely";
import { outranks } from "../access/rank.ts";
import type { Outranking } from "../access/rights.ts";
import { digestOf, mintToken } from "../access/token.ts";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type CredentialId, mintId, type OrgId, type PrincipalId } from "../kernel/ids.ts";

const kind = "service_account_token";
const tokenDays = 90;

/** When a service account token that is made now ends. */
export function tokenEnd(): Date {
  return new Date(Date.now() + tokenDays * 24 * 60 * 60 * 1000);
}

export type Rotation = {
  readonly orgId: OrgId;
  readonly principalId: PrincipalId;
  readonly expiresAt: Date;
  /** Roles whose holder the caller may not mint for. */
  readonly outranking: Outranking;
};

type Held = { readonly outranks: boolean; readonly credential_id: CredentialId | null };

/**
 * Gives an identity a new service account token under the generations of now; the one that it had opens nothing any more.
 * An identity that had none gets its first one.
 *
 * @param tx a transaction: rotations of one identity follow each other
 * @returns the token, to be shown once
 * @throws Failure IDENTITY_NOT_FOUND, PRIVILEGE_BOUNDARY
 */
export async function rotateToken(tx: Database, rotation: Rotation, actor: Actor): Promise<string> {
  const { orgId, principalId } = rotation;
  await lockIdentity(tx, rotation);
  const { rows } = await sql<Held>`
    with target as (select ${orgId}::uuid as org_id, ${principalId}::uuid as id)
    select ${outranks(rotation.outranking, null)} as outranks, (select c.id from credentials c
      where c.org_id = ${orgId}::uuid and c.principal_id = ${principalId}::uuid and c.kind = ${kind} order by c.id limit 1) as credential_id`.execute(
    tx,
  );
  if (rows[0]?.outranks) throw failure("PRIVILEGE_BOUNDARY", { kind: "identity", id: principalId });
  const id = rows[0]?.credential_id ?? mintId<CredentialId>();
  const token = mintToken(kind, orgId, id);
  await put(tx, rotation, id, digestOf(token), actor);
  return token;
}

/** FOR SHARE on what the identity lives under, FOR UPDATE on itself. */
async function lockIdentity(tx: Database, { orgId, principalId }: Rotation): Promise<void> {
  const { rows } = await sql`
    with org as (
      select o.id from orgs o where o.id = ${orgId}::uuid and o.deleted_at is null for share
    ), owner as (
      select j.id from org join principals p on p.org_id = org.id and p.id = ${principalId}::uuid
      join projects j on j.org_id = p.org_id and j.id = p.project_id where j.deleted_at is null for share of j
    )
    select p.id from org join principals p on p.org_id = org.id
    where p.id = ${principalId}::uuid and p.kind = 'identity' and p.deleted_at is null
      and (p.project_id is null or exists (select from owner)) for update of p`.execute(tx);
  if (rows.length === 0) throw failure("IDENTITY_NOT_FOUND", { kind: "identity", id: principalId });
}

async function put(
  tx: Database,
  { orgId, principalId, expiresAt }: Rotation,
  id: CredentialId,
  digest: Buffer,
  actor: Actor,
): Promise<void> {
  await sql`
    with subject as (
      select ${orgId}::uuid as org_id, ${principalId}::uuid as id
    ), ${record("subject", { kind: "user", actor }, ["user.machine.secret.set", { credentialId: id }])}
    insert into credentials as c (org_id, id, principal_id, kind, digest, org_generation, project_generation, principal_generation, expires_at, sequence)
    select s.org_id, ${id}::uuid, s.id, ${kind}, ${digest}, o.generation, j.generation, p.generation, ${expiresAt}::timestamptz, s.sequence
    from subject_sequence s join orgs o on o.id = s.org_id join principals p on p.org_id = s.org_id and p.id = s.id
    left join projects j on j.org_id = p.org_id and j.id = p.project_id
    on conflict (org_id, id) do update set digest = excluded.digest, expires_at = excluded.expires_at, sequence = excluded.sequence,
      org_generation = excluded.org_generation, project_generation = excluded.project_generation,
      principal_generation = excluded.principal_generation, updated_at = now()`.execute(tx);
}
