/**
 * Grants, and the codes and tokens that came from them: rows of credentials. One is given out only under a living user, a
 * living client and a living grant, on which it takes FOR SHARE; one is found only while all of them are what they were.
 */
import { type RawBuilder, sql } from "kysely";
import { credentialWithOwners, isAlive } from "../access/alive.ts";
import type { Database } from "../kernel/database.ts";
import type { CredentialId, OrgId } from "../kernel/ids.ts";
import type { CredentialKind } from "../kernel/schema.ts";

/** Where a row is, and what a presented secret must digest to; null for a grant, which is not presented. */
export type Place = { readonly orgId: OrgId; readonly id: CredentialId; readonly digest: Buffer | null };

/** What is given out. */
export type Issued = {
  readonly kind: CredentialKind;
  readonly grantId: CredentialId;
  /** The user. */
  readonly accountId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly payload: Record<string, unknown>;
  readonly lifetimeSeconds: number;
};

export type Found = { readonly payload: Record<string, unknown>; readonly consumed_at: Date | null };

/**
 * Stores what is given out, or, of a grant that is there, what changed.
 *
 * @returns false when the user, the client or the grant is not alive: nothing was stored
 */
export async function storeIssued(db: Database, place: Place, issued: Issued): Promise<boolean> {
  const isGrant = issued.kind === "oidc_grant";
  const { rows } = await sql`
    with holder as (
      select p.org_id, p.id, p.generation, o.generation as org_generation from orgs o
      join principals p on p.org_id = o.id and p.id = ${issued.accountId}::uuid and p.kind = 'user'
      where o.id = ${place.orgId}::uuid and o.deleted_at is null and o.state = 'active' and p.deleted_at is null and p.state in ('active', 'initial')
      for share of o, p
    ), client as (
      select k.org_id, k.id, o.generation as org_generation, j.generation as project_generation from clients k
      join orgs o on o.id = k.org_id join projects j on j.org_id = k.org_id and j.id = k.project_id
      where k.id = ${issued.clientId}::uuid and o.deleted_at is null and o.state = 'active' and j.deleted_at is null and j.state = 'active'
      for share of o, j
    ), family as (
      select g.org_generation, g.principal_generation, g.client_org_generation, g.client_project_generation from credentials g
      where g.org_id = ${place.orgId}::uuid and g.id = ${issued.grantId}::uuid and g.kind = 'oidc_grant' for share
    )
    insert into credentials as c (org_id, id, principal_id, kind, digest, scopes, org_generation, principal_generation,
      client_org_id, client_id, client_org_generation, client_project_generation, grant_id, payload, expires_at, sequence)
    select h.org_id, ${place.id}::uuid, h.id, ${issued.kind}, ${place.digest}, ${issued.scopes}::text[], h.org_generation, h.generation,
      k.org_id, k.id, k.org_generation, k.project_generation, ${issued.grantId}::uuid, ${JSON.stringify(issued.payload)}::jsonb,
      now() + make_interval(secs => ${issued.lifetimeSeconds}), 0
    from holder h cross join client k
    where ${isGrant} or exists (select from family f
      where f.org_generation = h.org_generation and f.principal_generation = h.generation
        and f.client_org_generation = k.org_generation and f.client_project_generation = k.project_generation)
    on conflict (org_id, id) do update set payload = excluded.payload, expires_at = excluded.expires_at, updated_at = now()
      where c.kind = 'oidc_grant' and c.principal_id = excluded.principal_id and c.client_id = excluded.client_id
    returning c.id`.execute(db);
  return rows.length > 0;
}

/** What was given out, if everything above it is still what it was. */
export async function findIssued(db: Database, place: Place, kind: CredentialKind): Promise<Found | null> {
  const { rows } = await sql<Found>`
    select c.payload, c.consumed_at from ${credentialWithOwners} where ${at(place)} and c.kind = ${kind} and ${isAlive}`.execute(db);
  return rows[0] ?? null;
}

/**
 * Uses up a code or a refresh token, for whoever has the turn ({@link takeTurn}).
 *
 * @returns false when it was used before
 */
export async function consumeIssued(db: Database, place: Place): Promise<boolean> {
  const { rows } = await sql`
    update credentials c set consumed_at = now() where ${at(place)} and c.consumed_at is null returning c.id`.execute(db);
  return rows.length > 0;
}

/** Ends one of them. */
export async function removeIssued(db: Database, place: Place): Promise<void> {
  await sql`delete from credentials c where ${at(place)}`.execute(db);
}

/** Ends all of a family, or all of one kind in it. */
export async function removeFamily(db: Database, orgId: OrgId, grantId: CredentialId, kind: CredentialKind | null): Promise<void> {
  await sql`
    delete from credentials c
    where c.org_id = ${orgId}::uuid and c.grant_id = ${grantId}::uuid and (${kind}::text is null or c.kind = ${kind})`.execute(db);
}

/**
 * Takes the turns of a request that uses up a code or a refresh token: first the one of its user at its client, if that
 * client allows one session only, then the one of its family. All who give out or end tokens wait here and nowhere later,
 * so that none waits for another in a circle. Holds until the end of the transaction.
 */
export async function takeTurn(db: Database, place: Place): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended(c.principal_id::text || c.client_id::text, 0))
    from credentials c join clients k on k.org_id = c.client_org_id and k.id = c.client_id
    where ${at(place)} and k.single_session`.execute(db);
  await sql`
    select g.id from credentials c join credentials g on g.org_id = c.org_id and g.id = c.grant_id
    where ${at(place)} for no key update of g`.execute(db);
}

/**
 * Ends the tokens that a user had from a client before this access token, if the client allows one session only: those of
 * other families, and the access tokens before it in its own.
 */
export async function replaceSession(db: Database, place: Place): Promise<void> {
  await sql`
    delete from credentials x using credentials c, clients k
    where ${at(place)} and k.org_id = c.client_org_id and k.id = c.client_id and k.single_session
      and x.org_id = c.org_id and x.principal_id = c.principal_id and x.client_org_id = c.client_org_id and x.client_id = c.client_id
      and ((x.kind = 'access_token' and x.id <> c.id) or (x.kind = 'refresh_token' and x.grant_id <> c.grant_id))`.execute(db);
}

function at({ orgId, id, digest }: Place): RawBuilder<boolean> {
  return sql<boolean>`c.org_id = ${orgId}::uuid and c.id = ${id}::uuid and c.digest is not distinct from ${digest}::bytea`;
}
