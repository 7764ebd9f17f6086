/** Clients: programs of a project that log people in, or ask what a token is worth. A secret is shown once; its digest is kept. */
import { createHash, randomBytes } from "node:crypto";
import { sql } from "kysely";
import { record } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure, invalid } from "../kernel/failure.ts";
import { type ClientId, mintId, type OrgId, type ProjectId } from "../kernel/ids.ts";
import type { ClientKind } from "../kernel/schema.ts";
import { wrongRedirects } from "./redirects.ts";

export type NewClient = {
  readonly orgId: OrgId;
  readonly projectId: ProjectId;
  readonly name: string;
  /** oidc logs people in; api only asks about tokens, and always has a secret. */
  readonly kind: ClientKind;
  /** False: a program that cannot keep a secret. */
  readonly confidential: boolean;
  /** Compared exactly (RFC 9700, section 2.1). */
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** A user has one set of tokens for this client at a time: new ones end the old ones. */
  readonly singleSession?: boolean;
};

const secretBytes = 32;

/**
 * Makes a client. Takes FOR SHARE on the project and its org.
 *
 * @returns its id, and its secret if it keeps one
 * @throws Failure REQUEST_INVALID for a redirect URI that cannot be trusted, PROJECT_NOT_FOUND
 */
export async function createClient(db: Database, client: NewClient, actor: Actor): Promise<{ id: ClientId; secret: string | null }> {
  const confidential = client.confidential || client.kind === "api";
  const violations = [
    ...wrongRedirects("redirect_uris", client.redirectUris ?? [], confidential),
    ...wrongRedirects("post_logout_redirect_uris", client.postLogoutRedirectUris ?? [], confidential),
  ];
  if (violations.length > 0) throw invalid(violations);
  const id = mintId<ClientId>();
  const secret = confidential ? randomBytes(secretBytes).toString("base64url") : null;
  const { rows } = await sql`
    with subject as (
      select j.org_id, j.id from projects j join orgs o on o.id = j.org_id
      where j.org_id = ${client.orgId}::uuid and j.id = ${client.projectId}::uuid and j.deleted_at is null and o.deleted_at is null
      for share of j, o
    ), ${record("subject", { kind: "project", actor }, ["project.application.added", { clientId: id }])}
    insert into clients (org_id, id, project_id, name, kind, secret_digest, redirect_uris, post_logout_redirect_uris, single_session)
    select s.org_id, ${id}::uuid, s.id, ${client.name}, ${client.kind}, ${secret === null ? null : secretDigest(secret)},
      ${client.redirectUris ?? []}::text[], ${client.postLogoutRedirectUris ?? []}::text[], ${client.singleSession ?? false}
    from subject_sequence s returning id`.execute(db);
  if (rows.length === 0) throw failure("PROJECT_NOT_FOUND", { kind: "project", id: client.projectId });
  return { id, secret };
}

/** What is stored of a secret. It is random, so a plain digest is not guessed. */
export function secretDigest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
