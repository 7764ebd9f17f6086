/**
 * Once a test run: a server to put databases on, and a template of the migrated schema. The server is an embedded Postgres
 * without durability, or the one that DATABASE_URL names. Workers learn of both through vitest's `inject`.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { migrate } from "../../migrations/run.ts";
import { startPostgres } from "../../start/postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A database of the server that test databases are made on; its user may create databases. */
    serverUrl: string;
    /** The name of the migrated database that test databases are clones of. */
    template: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await openServer();
  const template = `tenure_template_${randomUUID().replaceAll("-", "")}`;
  await execute(server.url, `CREATE DATABASE ${template}`);
  await migrate(within(server.url, template));
  // A template with a connection cannot be cloned, so nobody may connect to it any more.
  await execute(server.url, `ALTER DATABASE ${template} WITH ALLOW_CONNECTIONS false`);
  provide("serverUrl", server.url);
  provide("template", template);
  return async () => {
    await execute(server.url, `DROP DATABASE ${template} WITH (FORCE)`);
    await server.close();
  };
}

async function openServer(): Promise<{ url: string; close(): Promise<void> }> {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL) return { url: DATABASE_URL, close: async () => {} };
  const dir = await mkdtemp(join(tmpdir(), "tenure-test-"));
  const postgres = await startPostgres({ dir, durable: false });
  // A run that ends without teardown (a second Ctrl-C) must not leave a server behind either.
  process.once("exit", () => {
    postgres.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    url: postgres.url,
    async close() {
      await postgres.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

function within(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = database;
  return url.href;
}
