/** What a browser's cookies point at: sessions and interactions. Found by digest; from the login on they die with their user. */
import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";

export type ArtifactModel = "Session" | "Interaction";

export type Artifact = {
  readonly model: ArtifactModel;
  /** What the cookie holds; only its digest is stored. */
  readonly id: string;
  /** By which a session is found without its cookie. */
  readonly uid: string | null;
  /** The user it is of; null before the login. */
  readonly accountId: string | null;
  readonly payload: Record<string, unknown>;
  readonly lifetimeSeconds: number;
};

/**
 * Stores or replaces one.
 *
 * @returns false when its user is not alive: nothing was stored
 */
export async function storeArtifact(db: Database, artifact: Artifact): Promise<boolean> {
  const { rows } = await sql`
    with holder as (
      select p.org_id, p.id, p.generation, o.generation as org_generation from principals p join orgs o on o.id = p.org_id
      where p.id = ${artifact.accountId}::uuid and p.kind = 'user' and p.deleted_at is null and p.state in ('active', 'initial')
        and o.deleted_at is null and o.state = 'active'
      for share of p, o
    )
    insert into issuer_artifacts as a (model, digest, uid, org_id, principal_id, org_generation, principal_generation, payload, expires_at)
    select ${artifact.model}, ${digestOf(artifact.id)}, ${artifact.uid}, h.org_id, h.id, h.org_generation, h.generation,
      ${JSON.stringify(artifact.payload)}::jsonb, now() + make_interval(secs => ${artifact.lifetimeSeconds})
    from (select) one left join holder h on true where h.id is not null or ${artifact.accountId}::uuid is null
    on conflict (model, digest) do update set payload = excluded.payload, expires_at = excluded.expires_at,
      org_id = excluded.org_id, principal_id = excluded.principal_id,
      org_generation = case when a.principal_id = excluded.principal_id then a.org_generation else excluded.org_generation end,
      principal_generation = case when a.principal_id = excluded.principal_id then a.principal_generation else excluded.principal_generation end
    returning a.digest`.execute(db);
  return rows.length > 0;
}

/** Finds one by what its cookie holds. */
export function findArtifact(db: Database, model: ArtifactModel, id: string): Promise<Record<string, unknown> | null> {
  return find(db, model, sql<boolean>`a.digest = ${digestOf(id)}`);
}

/** Finds one by its uid. */
export function findArtifactByUid(db: Database, model: ArtifactModel, uid: string): Promise<Record<string, unknown> | null> {
  return find(db, model, sql<boolean>`a.uid = ${uid}`);
}

async function find(db: Database, model: ArtifactModel, where: ReturnType<typeof sql<boolean>>): Promise<Record<string, unknown> | null> {
  const { rows } = await sql<{ payload: Record<string, unknown> }>`
    select a.payload from issuer_artifacts a
    left join orgs o on o.id = a.org_id
    left join principals p on p.org_id = a.org_id and p.id = a.principal_id
    where a.model = ${model} and ${where} and a.expires_at > now()
      and (a.org_id is null or (
        o.deleted_at is null and o.state = 'active' and o.generation = a.org_generation
        and p.deleted_at is null and p.state in ('active', 'initial') and p.generation = a.principal_generation))`.execute(db);
  return rows[0]?.payload ?? null;
}

/** Ends one. */
export async function removeArtifact(db: Database, model: ArtifactModel, id: string): Promise<void> {
  await sql`delete from issuer_artifacts a where a.model = ${model} and a.digest = ${digestOf(id)}`.execute(db);
}

function digestOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}
