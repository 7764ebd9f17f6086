/** Verbs of credentials: tokens of any principal. A token is shown once; its digest and the generations it was made under are kept. */
import { sql } from "kysely";
import { outranks } from "../access/rank.ts";
import type { Outranking } from "../access/rights.ts";
import { digestOf, mintToken, type TokenKind } from "../access/token.ts";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type CredentialId, mintId, type OrgId, type PrincipalId } from "../kernel/ids.ts";
import type { PrincipalKind } from "../kernel/schema.ts";

export type NewToken = {
  readonly orgId: OrgId;
  readonly principalId: PrincipalId;
  readonly kind: TokenKind;
  /** Only a principal of this kind gets one; unset: any. */
  readonly principalKind?: PrincipalKind | undefined;
  readonly name?: string | undefined;
  /** Unset: it does not expire by itself. */
  readonly expiresAt?: Date | undefined;
  /** Roles whose holder the caller may not mint for. */
  readonly outranking: Outranking;
};

export type MintedToken = { readonly id: CredentialId; readonly token: string; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Mints a token. Takes FOR SHARE on the principal and what it lives under, and records their generations: whoever deletes
 * any of them kills the token, also while this statement runs.
 *
 * @throws Failure USER_NOT_FOUND, PRINCIPAL_KIND_WRONG, PRIVILEGE_BOUNDARY
 */
export async function mintCredential(db: Database, request: NewToken, actor: Actor): Promise<MintedToken> {
  const id = mintId<CredentialId>();
  const token = mintToken(request.kind, request.orgId, id);
  return { id, token, ...(await storeCredential(db, request, id, digestOf(token), actor)) };
}

/**
 * Stores a credential whose token is known already: minted just before, or fixed by the operator.
 *
 * @throws Failure as {@link mintCredential}
 */
export async function storeCredential(
  db: Database,
  request: NewToken,
  id: CredentialId,
  digest: Buffer,
  actor: Actor,
): Promise<{ sequence: bigint; createdAt: Date }> {
  const event = [request.kind === "pat" ? "user.pat.added" : "user.machine.secret.set", { credentialId: id }] as const;
  const { rows } = await sql<{ kind: PrincipalKind | null; outranks: boolean; sequence: bigint | null; created_at: Date | null }>`
    with target as (
      select p.org_id, p.id, p.kind, p.generation, o.generation as org_generation, p.project_id
      from principals p join orgs o on o.id = p.org_id
      where p.org_id = ${request.orgId}::uuid and p.id = ${request.principalId}::uuid and p.deleted_at is null and o.deleted_at is null
      for share of p, o
    ), project as (
      select j.id, j.generation from target t join projects j on j.org_id = t.org_id and j.id = t.project_id
      where j.deleted_at is null for share of j
    ), rank as (
      select ${outranks(request.outranking, null)} as outranks
    ), subject as (
      select t.org_id, t.id from target t cross join rank r
      where not r.outranks and (t.project_id is null or exists (select from project)) and t.kind = coalesce(${request.principalKind ?? null}::text, t.kind)
    ), ${record("subject", { kind: "user", actor }, event)}, made as (
      insert into credentials (org_id, id, principal_id, kind, digest, name, org_generation, project_generation, principal_generation, expires_at, sequence)
      select t.org_id, ${id}::uuid, t.id, ${request.kind}, ${digest}, ${request.name ?? null}, t.org_generation,
        (select generation from project), t.generation, ${request.expiresAt ?? null}::timestamptz, s.sequence
      from subject_sequence s join target t on t.id = s.id
      returning sequence, created_at
    )
    select t.kind, r.outranks, m.sequence, m.created_at from rank r left join target t on true left join made m on true`.execute(db);
  const row = rows[0];
  if (row?.sequence != null && row.created_at) return { sequence: row.sequence, createdAt: row.created_at };
  if (row?.outranks) throw failure("PRIVILEGE_BOUNDARY", { id: request.principalId, kind: "principal" });
  if (row?.kind && request.principalKind && row.kind !== request.principalKind)
    throw failure("PRINCIPAL_KIND_WRONG", { id: request.principalId });
  throw failure("USER_NOT_FOUND", { id: request.principalId, kind: "user" });
}
