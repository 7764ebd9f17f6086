import { Client } from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const open: TestDatabase[] = [];

async function fresh(): Promise<TestDatabase> {
  const database = await createDatabase();
  open.push(database);
  return database;
}

async function query(url: string, text: string) {
  const client = new Client(url);
  await client.connect();
  return client.query(text).finally(() => client.end());
}

afterEach(async () => {
  for (const database of open.splice(0)) await database.drop();
});

describe("createDatabase", () => {
  test("gives everyone a database of their own, at the same time", async () => {
    const databases = await Promise.all(Array.from({ length: 8 }, fresh));
    await Promise.all(databases.map(({ url }, index) => query(url, `CREATE TABLE mine AS SELECT ${index} AS number`)));
    const numbers = await Promise.all(databases.map(async ({ url }) => (await query(url, "SELECT number FROM mine")).rows));
    expect(numbers).toEqual(databases.map((_, index) => [{ number: index }]));
  });

  test("drops a database that still has sessions", async () => {
    const database = await createDatabase();
    const client = new Client(database.url);
    client.on("error", () => {});
    await client.connect();
    await database.drop();
    await expect(query(database.url, "SELECT 1")).rejects.toMatchObject({ code: "3D000" });
    await client.end().catch(() => {});
  });
});
