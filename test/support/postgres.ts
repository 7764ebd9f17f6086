/** Databases for tests: each is a clone of the migrated template (`global.ts`), and nobody else's. */
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  readonly url: string;
  /** Ends every session in the database and removes it. */
  drop(): Promise<void>;
}

/** A new migrated database. Safe from any worker at any time: names are unique, and nobody connects to the template. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `tenure_test_${randomUUID().replaceAll("-", "")}`;
  await execute(`CREATE DATABASE ${name} TEMPLATE ${inject("template")}`);
  const url = new URL(inject("serverUrl"));
  url.pathname = name;
  return { url: url.href, drop: () => execute(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function execute(statement: string): Promise<void> {
  const client = new Client(inject("serverUrl"));
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
