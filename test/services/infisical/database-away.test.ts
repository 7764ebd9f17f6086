import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cuttable, cuttable } from "../../support/cut.ts";
import { type System, startSystem } from "../../support/system.ts";
import { breaches } from "./document.schema.ts";
import { type Caller, type Place, path, World } from "./world.ts";

let way: Cuttable;
let system: System;
let world: World;
let here: Place;
let owner: Caller;

beforeAll(async () => {
  system = await startSystem(async (url) => {
    way = await cuttable(url);
    return way.url;
  });
  world = new World(system);
  here = await world.place();
  owner = await world.member(here, "admin");
});

afterAll(async () => {
  way.mend();
  await system.close();
  await way.close();
});

it("answers the documented 500 while the database is away, and deletes when it is back, without a restart", async () => {
  const id = await world.owned(here);
  way.cut();
  const away = await owner.rest("DELETE", path(here, id));
  expect({ status: away.status, breaches: breaches(away) }).toEqual({ status: 500, breaches: [] });
  expect(away.body).toMatchObject({ statusCode: 500, message: "Something went wrong", error: "InternalServerError" });
  expect(away.body.reqId).toBe(away.headers.get("x-request-id"));
  expect(away.text).not.toMatch(/ECONN|terminated|127\.0\.0\.1/);
  way.mend();
  await expect.poll(async () => (await owner.rest("GET", path(here, id))).status).toBe(200);
  const back = await owner.rest("DELETE", path(here, id));
  expect({ status: back.status, breaches: breaches(back) }).toEqual({ status: 200, breaches: [] });
});

it("tells a malformed token without the database", async () => {
  way.cut();
  const answers = [
    await owner.rest("DELETE", path(here, "x"), { token: "malformed" }),
    await owner.rest("DELETE", path(here, "x"), { token: undefined }),
  ];
  way.mend();
  expect(answers.map(({ status }) => status)).toEqual([401, 401]);
  for (const answer of answers) expect(breaches(answer)).toEqual([]);
});

it("survives the loss of a connection in use: amid a statement, and between two of a transaction", async () => {
  const lost: unknown[] = [];
  const lose = (error: unknown) => lost.push(error);
  process.on("uncaughtException", lose);
  const asleep = sql`select pg_sleep(30)`.execute(world.db).catch((error: unknown) => error);
  const running = sql`select from pg_stat_activity where query like 'select pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`;
  await expect.poll(async () => (await running.execute(world.db)).rows.length).toBe(1);
  const between = world.db
    .transaction()
    .execute(async (tx) => {
      await sql`select 1`.execute(tx);
      way.cut();
      await asleep;
      await sql`select 1`.execute(tx);
    })
    .catch((error: unknown) => error);
  expect(await asleep).toBeInstanceOf(Error);
  expect(await between).toBeInstanceOf(Error);
  way.mend();
  await expect.poll(async () => (await owner.rest("GET", path(here))).status).toBe(200);
  process.off("uncaughtException", lose);
  expect(lost).toEqual([]);
});
