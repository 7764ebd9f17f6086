/**
 * The way to Postgres: one Kysely over one pg pool. Statements are sent under a name, so that the server plans each text
 * once a connection instead of once a call: planning the authentication statement costs several times its execution.
 */
import { createHash } from "node:crypto";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import type { Schema } from "./schema.ts";

export type Database = Kysely<Schema>;

const bigintOid = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === bigintOid ? (text: string) => BigInt(text) : pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

/** Searches make new texts without end; past this many the rest go unnamed, so that no connection hoards plans. */
const maxNames = 500;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known || names.size >= maxNames) return known;
  const name = createHash("sha256").update(text).digest("base64url").slice(0, 32);
  names.set(text, name);
  return name;
}

/** A pg client that names every parameterised text that Kysely sends. */
class NamingClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: pg declares ten overloads; ours narrows none of them.
  override query(...args: any[]): any {
    const [text, values] = args;
    const name = typeof text === "string" && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined;
    if (name === undefined) return Reflect.apply(super.query, this, args);
    return Reflect.apply(super.query, this, [{ name, text, values }, ...args.slice(2)]);
  }
}

/**
 * Opens the pool. No connection is made before the first statement.
 *
 * @param url Postgres connection string
 * @param size most connections at once
 * @param onIdleError told when an idle connection breaks, which would otherwise end the process
 */
export function openDatabase(url: string, size: number, onIdleError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    types,
    Client: NamingClient,
  });
  pool.on("error", onIdleError);
  // While a connection is in use the pool does not listen; its statement fails anyhow, but an error that nobody hears ends
  // the process.
  pool.on("connect", (client) => client.on("error", () => {}));
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}
