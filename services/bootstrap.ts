/**
 * First start on an empty store: the instance, its default org with the IAM project, and the identity `admin` with
 * IAM_OWNER, whose token is written where only its owner reads it. Safe when several processes start at once.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import type { Logger } from "pino";
import { Rights } from "./access/rights.ts";
import { digestOf, mintToken, type TokenPointer } from "./access/token.ts";
import type { Config } from "./config.ts";
import { storeCredential } from "./credentials/commands.ts";
import { createIdentity } from "./identities/commands.ts";
import type { Actor } from "./kernel/call.ts";
import type { Database } from "./kernel/database.ts";
import { type CredentialId, type GrantId, mintId, type OrgId, type PrincipalId } from "./kernel/ids.ts";
import { createOrg } from "./orgs/commands.ts";
import { createProject } from "./projects/commands.ts";

const lockKey = 7_364_912_002;
const system: Actor = { orgId: null, principalId: null, requestId: null };

/** Makes the first things if there is no instance yet. */
export async function bootstrap(db: Database, config: Config, log: Logger): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${lockKey})`.execute(tx);
    const known = await tx.selectFrom("instance").select("id").executeTakeFirst();
    if (known) return;
    const host = new URL(config.publicUrl).hostname;
    const org = await createOrg(tx, { name: "Tenure", domain: `tenure.${host}` }, system);
    const project = await createProject(tx, { orgId: org.id, name: "Tenure" }, system);
    // Tokens for these APIs are aimed at this project: without it nobody could call anything.
    await tx.updateTable("projects").set({ protected: true }).where("org_id", "=", org.id).where("id", "=", project.id).execute();
    const id = mintId<OrgId>();
    // From the start: an id that clients are told must not be free for one of them to choose.
    await tx.insertInto("aggregates").values({ id, org_id: org.id, kind: "instance", sequence: 0n }).execute();
    await tx
      .insertInto("instance")
      .values({ id, domain: host, default_org_id: org.id, iam_org_id: org.id, iam_project_id: project.id })
      .execute();
    const admin = await createIdentity(tx, { orgId: org.id, userName: "admin", name: "admin" }, system);
    await makeInstanceOwner(tx, org.id, admin.id);
    const token = await storeFirstToken(tx, org.id, admin.id, config.adminPat);
    // Inside the transaction: an instance whose only token nobody ever saw must not exist.
    await writePrivately(config.dataDir, "admin.pat", token);
    log.info({ file: join(config.dataDir, "admin.pat") }, "first start: made the instance and its admin");
  });
}

async function makeInstanceOwner(db: Database, orgId: OrgId, principalId: PrincipalId): Promise<void> {
  const grantId = mintId<GrantId>();
  await db
    .insertInto("grants")
    .values({
      org_id: orgId,
      id: grantId,
      kind: "member",
      scope: "instance",
      owner_org_id: orgId,
      principal_org_id: orgId,
      principal_id: principalId,
      sequence: 1n,
    })
    .execute();
  await db.insertInto("grant_roles").values({ org_id: orgId, grant_id: grantId, id: mintId<GrantId>(), role: "IAM_OWNER" }).execute();
}

async function storeFirstToken(db: Database, orgId: OrgId, principalId: PrincipalId, fixed: string | undefined): Promise<string> {
  const id = mintId<CredentialId>();
  const token = fixed ?? mintToken("pat", orgId, id);
  const request = { orgId, principalId, kind: "pat" as const, name: "first token", outranking: everything.outranking() };
  await storeCredential(db, request, id, digestOf(token), system);
  return token;
}

/** The system itself outranks nobody less than everybody. */
const everything = new Rights([{ role: "IAM_OWNER", scope: "instance", projectId: null, projectGrantId: null, linked: [] }]);

async function writePrivately(folder: string, name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${name}.${process.pid}`);
  await writeFile(temporary, `${text}\n`, { mode: 0o600 });
  await rename(temporary, join(folder, name));
}

/**
 * Reads the token that the operator fixed with ADMIN_PAT, which need not have our form, nor the ids of this store in it: it
 * is looked up by its digest once, at start, and answers afterwards to where it was stored.
 *
 * @returns a reader that knows just that token; the database still decides whether it opens anything
 */
export async function readFixedToken(db: Database, config: Config, log: Logger): Promise<(token: string) => TokenPointer | null> {
  const fixed = config.adminPat;
  if (fixed === undefined) return () => null;
  const digest = digestOf(fixed);
  const { rows } = await sql<{ org_id: OrgId; id: CredentialId }>`
    select c.org_id, c.id from instance i join credentials c on c.org_id = i.iam_org_id where c.digest = ${digest}`.execute(db);
  const row = rows[0];
  if (!row) log.warn("ADMIN_PAT is not the token that this store was made with; it opens nothing");
  return (token) => (row && digestOf(token).equals(digest) ? { orgId: row.org_id, credentialId: row.id, digest } : null);
}
