import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectError, expectInvalid, startWorld, untilWaiting, type World, within } from "./world.ts";

let world: World;
let instanceId: string;
/** Holds the lock that makes the racers wait. */
let holder: Client;
/** Looks who waits. */
let watcher: Client;

beforeAll(async () => {
  world = await startWorld();
  holder = await world.connect();
  watcher = await world.connect();
  instanceId = (await watcher.query("select id from instance")).rows[0].id;
});

afterAll(() => world.close());

const timestamp = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);

async function defaultOrg(): Promise<string> {
  const answer = await world.admin<{ org: { id: string } }>("GET", "/admin/v1/orgs/default");
  expect(answer.status).toBe(200);
  return answer.body.org.id;
}

const setDefault = (id: string) => world.admin("PUT", `/admin/v1/orgs/default/${id}`);
const remove = (id: string) => world.admin("DELETE", `/admin/v1/orgs/${id}`);

describe("SetDefaultOrg", () => {
  it("moves the default, with the instance as owner of the details", async () => {
    const id = await world.org();
    const first = await setDefault(id);
    expect(first).toMatchObject({ status: 200 });
    expect(first.body).toEqual({ details: { sequence: "1", changeDate: timestamp, resourceOwner: instanceId } });
    expect(await defaultOrg()).toBe(id);
    expect((await world.admin("GET", "/admin/v1/orgs/default")).body).toEqual((await world.admin("GET", `/admin/v1/orgs/${id}`)).body);
    expectError(await setDefault(id), 400, 9, "INST-SDfw2", "Instance not changed");
  });

  it("refuses an org that is not there, and one that is being deleted", async () => {
    const before = await defaultOrg();
    const id = await world.org();
    expect((await remove(id)).status).toBe(200);
    for (const gone of [id, "01890000-0000-7000-8000-000000000000", "no-id"]) {
      expectError(await setDefault(gone), 404, 5, "INSTA-Wfe21", "Organisation not found");
    }
    const sentence = "invalid SetDefaultOrgRequest.OrgId: value length must be between 1 and 200 runes, inclusive";
    expectInvalid(await setDefault("x".repeat(201)), sentence);
    expect(await defaultOrg()).toBe(before);
  });

  it("is for writers of the instance only", async () => {
    const orgId = await world.org();
    const owner = await world.machine(orgId, "ORG_OWNER");
    expectError(await owner.rest("PUT", `/admin/v1/orgs/default/${orgId}`), 403, 7, "AUTH-5mWD2");
    expectError(await owner.rest("GET", "/admin/v1/orgs/default"), 403, 7, "AUTH-5mWD2");
  });
});

describe("SetDefaultOrg and RemoveOrg of the same org at the same time", () => {
  /** Starts both while the org is locked, the second only when the first waits, and lets them go. */
  async function race(id: string, first: (id: string) => ReturnType<typeof remove>, second: typeof first) {
    await holder.query("begin");
    await holder.query("select from orgs where id = $1 for update", [id]);
    const one = first(id);
    await untilWaiting(watcher, 1);
    const two = second(id);
    await untilWaiting(watcher, 2);
    await holder.query("rollback");
    return Promise.all([one, two]);
  }

  it("keep the default that was when the delete came first", async () => {
    const before = await defaultOrg();
    const id = await world.org();
    const [removed, set] = await race(id, remove, setDefault);
    expect(removed.status).toBe(200);
    expectError(set, 404, 5, "INSTA-Wfe21");
    expect(await defaultOrg()).toBe(before);
  });

  it("keep the org when it became the default first", async () => {
    const id = await world.org();
    const [set, removed] = await race(id, setDefault, remove);
    expect(set.status).toBe(200);
    expectError(removed, 400, 9, "COMMA-wG9p1");
    expect(await defaultOrg()).toBe(id);
    expect((await world.admin("GET", "/management/v1/orgs/me", within(id))).status).toBe(200);
  });

  it("lets the last of two new defaults win, each with its event", async () => {
    const [a, b] = [await world.org(), await world.org()];
    await holder.query("begin");
    await holder.query("select from orgs where id = $1 for update", [a]);
    const one = setDefault(a);
    await untilWaiting(watcher, 1);
    const two = setDefault(b);
    await untilWaiting(watcher, 2);
    await holder.query("rollback");
    expect((await one).status).toBe(200);
    expect((await two).status).toBe(200);
    expect(await defaultOrg()).toBe(b);
    const { rows } = await watcher.query(
      "select facts->>'orgId' as org from audit_events where aggregate_id = $1 and type = 'instance.default.org.set' order by sequence desc limit 2",
      [instanceId],
    );
    expect(rows.map((row) => row.org)).toEqual([b, a]);
  });
});

describe("RemoveOrg of what must stay", () => {
  it("refuses the default org, and the org of the IAM project also when it is no longer the default", async () => {
    const iamOrg = (await watcher.query("select iam_org_id as id from instance")).rows[0].id;
    const id = await world.org();
    await setDefault(id);
    for (const answer of [await remove(id), await world.admin("DELETE", "/management/v1/orgs/me", within(id))]) {
      expectError(answer, 400, 9, "COMMA-wG9p1", "Default Organisation must not be deleted");
    }
    for (const answer of [await remove(iamOrg), await world.admin("DELETE", "/management/v1/orgs/me")]) {
      expectError(answer, 400, 9, "COMMA-AF3JW", "Organisation with ZITADEL project must not be deleted");
    }
    await setDefault(iamOrg);
    expectError(await remove(iamOrg), 400, 9, "COMMA-wG9p1");
    expect((await remove(id)).status).toBe(200);
  });
});
