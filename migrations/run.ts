/**
 * Brings a database up to the newest schema: numbered SQL files, forward only, each in one transaction, under an advisory
 * lock so that any number of processes may start at once. Never edits a file that was applied: its text is remembered.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import pg from "pg";

const lockKey = 7_364_912_001;
const folder = new URL(".", import.meta.url);

/**
 * Applies what is missing.
 *
 * @param url Postgres connection string
 * @returns names of the files applied by this call
 * @throws Error when an applied file was edited afterwards, or SQL fails (nothing of that file stays)
 */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [lockKey]);
    await client.query(
      "create table if not exists migrations (name text primary key, digest text not null, applied_at timestamptz default now())",
    );
    const known = await client.query<{ name: string; digest: string }>("select name, digest from migrations");
    const digests = new Map(known.rows.map((row) => [row.name, row.digest]));
    const applied: string[] = [];
    for (const name of (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort()) {
      if (await apply(client, name, digests.get(name))) applied.push(name);
    }
    return applied;
  } finally {
    await client.end();
  }
}

async function apply(client: pg.Client, name: string, knownDigest: string | undefined): Promise<boolean> {
  const text = await readFile(new URL(name, folder), "utf8");
  const digest = createHash("sha256").update(text).digest("hex");
  if (knownDigest === digest) return false;
  if (knownDigest !== undefined) throw new Error(`migration ${name} was edited after it was applied; add a new one instead`);
  await client.query("begin");
  try {
    await client.query(text);
    await client.query("insert into migrations (name, digest) values ($1, $2)", [name, digest]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
  return true;
}
