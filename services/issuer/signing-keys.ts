/** The keys that sign ID tokens: made once, sealed in the database, the same on every replica. */
import { generateKeyPair, type JsonWebKey } from "node:crypto";
import { promisify } from "node:util";
import { sql } from "kysely";
import { v7 } from "uuid";
import type { Database } from "../kernel/database.ts";
import type { Vault } from "./vault.ts";

const lockKey = 7_364_912_003;
const rsaBits = 2048;

/**
 * The private keys, newest first. The first start on a store makes one.
 *
 * @throws ForeignVault when a key was sealed with another vault: this process must not sign what others cannot verify
 */
export async function readSigningKeys(db: Database, vault: Vault): Promise<JsonWebKey[]> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${lockKey})`.execute(tx);
    const rows = await tx.selectFrom("issuer_keys").select(["id", "sealed"]).orderBy("id", "desc").execute();
    if (rows.length > 0) return rows.map(({ id, sealed }) => unseal(vault, id, sealed));
    const id = v7();
    const jwk = await makeKey(id);
    await tx
      .insertInto("issuer_keys")
      .values({ id, sealed: vault.seal(Buffer.from(JSON.stringify(jwk))) })
      .execute();
    return [jwk];
  });
}

/** This process has not got the secret of this store's issuer. */
export class ForeignVault extends Error {}

async function makeKey(id: string): Promise<JsonWebKey> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: rsaBits });
  return { ...privateKey.export({ format: "jwk" }), kid: id, use: "sig", alg: "RS256" };
}

function unseal(vault: Vault, id: string, sealed: Buffer): JsonWebKey {
  try {
    return JSON.parse(vault.open(sealed).toString());
  } catch {
    throw new ForeignVault(`signing key ${id} was sealed with another key: start with the issuer.key, or ISSUER_KEY, of this store`);
  }
}
