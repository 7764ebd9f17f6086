import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { StartFailure } from "../../start/failure.ts";
import { type Postgres, startPostgres } from "../../start/postgres.ts";
import { socketDirectory } from "../../start/sockets.ts";

function createDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), "tenure-postgres-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function start(dir: string, durable: boolean): Promise<Postgres> {
  const server = await startPostgres({ dir, durable });
  onTestFinished(() => server.stop());
  return server;
}

async function settings(url: string, names: readonly string[]): Promise<Record<string, string>> {
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query("SELECT name, setting FROM pg_settings WHERE name = ANY ($1)", [names]).finally(() => client.end());
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

function socketsOf({ url }: Postgres): string {
  return new URL(url).searchParams.get("host") ?? "";
}

describe("startPostgres", () => {
  test("keeps what was written from one start to the next, under the same address", async () => {
    const dir = createDirectory();
    const first = await start(dir, true);
    const client = new Client(first.url);
    await client.connect();
    await client.query("CREATE TABLE kept AS SELECT 1 AS one");
    await client.end();
    await first.stop();
    expect(existsSync(socketsOf(first))).toBe(false);
    const second = await start(dir, true);
    expect(second.url).toBe(first.url);
    const again = new Client(second.url);
    await again.connect();
    expect((await again.query("SELECT one FROM kept")).rows).toEqual([{ one: 1 }]);
    await again.end();
  });

  test("promises durability unless told not to", async () => {
    const promises = { fsync: "on", full_page_writes: "on", synchronous_commit: "on" };
    const dir = createDirectory();
    const server = await start(dir, true);
    expect(await settings(server.url, Object.keys(promises))).toEqual(promises);
    await server.stop();
    const careless = await start(dir, false);
    expect(await settings(careless.url, Object.keys(promises))).toEqual({
      fsync: "off",
      full_page_writes: "off",
      synchronous_commit: "on",
    });
  });

  test("lets nobody in but through a socket that only its own account reaches", async () => {
    const server = await start(createDirectory(), false);
    expect(await settings(server.url, ["listen_addresses"])).toEqual({ listen_addresses: "" });
    expect(statSync(socketsOf(server)).mode & 0o777).toBe(0o700);
    expect(statSync(join(socketsOf(server), ".s.PGSQL.5432")).mode & 0o777).toBe(0o700);
  });

  test("says when the cluster is of another version, and does not touch it", async () => {
    const dir = createDirectory();
    const server = await start(dir, false);
    await server.stop();
    const version = join(dir, "postgres", "PG_VERSION");
    writeFileSync(version, "17\n");
    await expect(startPostgres({ dir, durable: false })).rejects.toThrow(/made by Postgres 17, and this is 18/);
    expect(readFileSync(version, "utf8")).toBe("17\n");
  });

  test("says what Postgres itself complains about", async () => {
    const dir = createDirectory();
    const server = await start(dir, false);
    await server.stop();
    rmSync(join(dir, "postgres", "global", "pg_control"));
    const failure = startPostgres({ dir, durable: false });
    await expect(failure).rejects.toThrow(StartFailure);
    await expect(failure).rejects.toThrow(/Postgres did not start: .*could not find the database system/);
  });
});

describe("the socket directory", () => {
  test("is refused when somebody else was there first", () => {
    const dir = createDirectory();
    const name = `tenure-${createHash("sha256").update(dir).digest("hex").slice(0, 16)}`;
    const elsewhere = createDirectory();
    for (const base of new Set([tmpdir(), "/tmp"])) {
      symlinkSync(elsewhere, join(base, name));
      onTestFinished(() => rmSync(join(base, name)));
    }
    expect(() => socketDirectory(dir, {})).toThrow(/set TMPDIR/);
  });
});
