/** Work on a delete that is disturbed while it waits in the middle of a batch: whatever happens, it ends, and counts right. */
import { sql } from "kysely";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OperationId } from "../../../services/kernel/ids.ts";
import { holds } from "../../../start/condition.ts";
import { type Engine, startEngine } from "./engine.ts";
import { buildWorld, crowd, crowdSize, type Side } from "./world.ts";

let engine: Engine;
let side: Side;
let operationId: OperationId;
/** Somebody else in the database, holding a token in the middle of those that the worker is about to remove. */
let rival: pg.Client;
let tokens: string[];

beforeAll(async () => {
  engine = await startEngine();
  engine.work();
  engine.work();
});

afterAll(() => engine.close());

beforeEach(async () => {
  const world = await buildWorld(engine.db);
  await crowd(engine.db, world, "user");
  side = world.a;
  rival = new pg.Client(engine.url);
  await rival.connect();
  const { rows } = await rival.query("select id from credentials where org_id = $1 and principal_id = $2 order by id", [
    side.org,
    side.user,
  ]);
  tokens = rows.map(({ id }) => id);
  expect(tokens.length).toBeGreaterThan(crowdSize);
  await rival.query("begin");
  await lockToken(500);
  operationId = await engine.remove("user", side.org, side.user, { orgId: null, principalId: null, requestId: null });
  await until(async () => (await waiting()) === 1);
});

afterEach(() => rival.end());

async function lockToken(index: number): Promise<void> {
  await rival.query("select from credentials where org_id = $1 and id = $2 for update", [side.org, tokens[index]]);
}

async function waiting(): Promise<number> {
  const { rowCount } = await rival.query("select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
  return rowCount ?? 0;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  expect(await holds(condition, { within: 15_000, every: 10 })).toBe(true);
}

type Row = { phase: string; attempts: number; removed: Record<string, number> };

async function operation(): Promise<Row | undefined> {
  const { rows } = await sql<Row>`select phase, attempts, removed from operations where id = ${operationId}::uuid`.execute(engine.db);
  return rows[0];
}

/** Done, by more than one try, with each token counted once. */
async function expectDone(): Promise<void> {
  await until(async () => (await operation())?.phase === "done");
  const done = await operation();
  expect(done?.attempts).toBeGreaterThan(1);
  expect(done?.removed.credentials).toBe(tokens.length);
  const { rows } = await sql`select from principals where org_id = ${side.org}::uuid and id = ${side.user}::uuid`.execute(engine.db);
  expect(rows).toEqual([]);
}

describe("a delete ends", () => {
  it("after a deadlock, in which its worker gave way", async () => {
    // The worker waited first, so it is the one that looks first and finds the circle.
    await lockToken(0);
    await rival.query("commit");
    await expectDone();
  });

  it("after its worker lost the lease in the middle of a batch, which is undone", async () => {
    await sql`update operations set lease_until = now() - interval '1 second' where id = ${operationId}::uuid`.execute(engine.db);
    await until(async () => (await waiting()) === 2);
    await rival.query("commit");
    await expectDone();
  });

  it("after its worker lost the connection in the middle of a batch, which is undone", async () => {
    await rival.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    await rival.query("commit");
    await expectDone();
  });
});
