/** Service accounts and their one token. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectRefusal, fresh, nothing, type Org, World } from "./world.ts";

type Account = {
  metadata: { id: string; name: string };
  spec: { groupIDs: string[] };
  status: { expiry: string; accessToken?: string };
};

const day = 24 * 60 * 60 * 1000;

let system: System;
let world: World;
let org: Org;
let admin: Caller;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  org = await world.org();
  admin = await org.holder("administrator");
});

afterAll(() => system.close());

const all = () => `${org.path}/serviceaccounts`;
const at = (id: string) => `${all()}/${id}`;
const read = async (id: string) => (await admin.rest<Account[]>("GET", all())).body.find((account) => account.metadata.id === id);

describe("a service account", () => {
  it("is made with a token of 90 days, shown this once, and answered with all members of the wire", async () => {
    const groupId = await org.group(["reader"]);
    const body = {
      metadata: { name: fresh("robot"), description: "a description", tags: [{ name: "colour", value: "blue" }] },
      spec: { groupIDs: [groupId, nothing] },
    };
    const made = await admin.rest<Account>("POST", all(), { body });
    expect(made.status).toBe(201);
    const { accessToken = "", ...status } = made.body.status;
    expect(made.body).toEqual({
      metadata: {
        ...body.metadata,
        id: expect.any(String),
        creationTime: expect.any(String),
        createdBy: admin.id,
        provisioningStatus: "provisioned",
        healthStatus: "healthy",
        organizationId: org.id,
      },
      spec: { groupIDs: [groupId] },
      status: { accessToken: expect.stringMatching(/^tnr_sat_/), expiry: expect.any(String) },
    });
    expect(Math.abs(Date.parse(status.expiry) - Date.now() - 90 * day)).toBeLessThan(day / 24);
    expect(await read(made.body.metadata.id)).toEqual({ ...made.body, status });
    const itself = world.caller(made.body.metadata.id, accessToken);
    expect((await itself.rest("GET", `${org.path}/projects`)).status).toBe(200);
  });

  it("is replaced by an update, which neither changes nor shows the token", async () => {
    const account = await org.account();
    const groupId = await org.group(["auditor"]);
    const body = { metadata: { name: "renamed" }, spec: { groupIDs: [groupId] } };
    const before = await read(account.id);
    const answer = await admin.rest<Account>("PUT", at(account.id), { body });
    expect(answer).toMatchObject({
      status: 200,
      body: { metadata: { name: "renamed", modifiedBy: admin.id }, spec: { groupIDs: [groupId] } },
    });
    expect(answer.body.status).toEqual(before?.status);
    expect((await account.rest("GET", `${org.path}/users`)).status).toBe(200);
  });

  it("made by another dialect is listed; without a token of this kind it says that none ends", async () => {
    const headers = { "x-zitadel-orgid": org.id };
    const machine = await world.root<{ userId: string }>("POST", "/management/v1/users/machine", {
      headers,
      body: { userName: fresh("machine"), name: "machine" },
    });
    expect(await read(machine.body.userId)).toMatchObject({ metadata: { name: "machine" }, status: { expiry: "9999-12-31T23:59:59Z" } });
    const projectId = await org.project();
    const owned = await world.root<{ identity: { id: string } }>("POST", `/api/v1/projects/${projectId}/identities`, {
      body: { name: "owned" },
    });
    expect(owned.status, owned.text).toBe(200);
    expect(await read(owned.body.identity.id)).toMatchObject({ metadata: { name: "owned" } });
    await admin.rest("DELETE", `${org.path}/projects/${projectId}`);
    expect(await read(owned.body.identity.id), "it goes with its project").toBeUndefined();
  });
});

describe("rotating a token", () => {
  it("ends the old one and starts the new one with the same call", async () => {
    const account = await org.account();
    const answer = await admin.rest<Account>("POST", `${at(account.id)}/rotate`);
    expect(answer.status).toBe(200);
    expectRefusal(await account.rest("GET", all()), 401);
    const renewed = world.caller(account.id, answer.body.status.accessToken ?? "");
    expect((await renewed.rest("GET", all())).status).toBe(200);
    const rows = system.services.db
      .selectFrom("credentials")
      .select("id")
      .where("principal_id", "=", account.id as never);
    expect((await rows.execute()).length).toBe(1);
  });

  it("at once from several sides leaves one token that works", async () => {
    const account = await org.account();
    const answers = await Promise.all([1, 2, 3].map(() => admin.rest<Account>("POST", `${at(account.id)}/rotate`)));
    const callers = answers.map((answer) => world.caller(account.id, answer.body.status.accessToken ?? ""));
    const statuses = await Promise.all(callers.map(async (caller) => (await caller.rest("GET", all())).status));
    expect(statuses.sort()).toEqual([200, 401, 401]);
  });

  it("gives a machine of another dialect its first one, and leaves its others alone", async () => {
    const headers = { "x-zitadel-orgid": org.id };
    const made = await world.root<{ userId: string }>("POST", "/management/v1/users/machine", {
      headers,
      body: { userName: fresh("machine"), name: "machine" },
    });
    const machine = await org.speaking(made.body.userId);
    const answer = await admin.rest<Account>("POST", `${at(machine.id)}/rotate`);
    expect(answer.status).toBe(200);
    const renewed = world.caller(machine.id, answer.body.status.accessToken ?? "");
    for (const caller of [machine, renewed]) expect((await caller.rest("GET", all())).status).toBe(200);
  });

  it("is refused to whoever is outranked by it", async () => {
    const people = await org.member("ORG_USER_MANAGER");
    const powerful = await org.account([await org.group(["administrator"])]);
    expectRefusal(await people.rest("POST", `${at(powerful.id)}/rotate`), 403);
    expect((await powerful.rest("GET", all())).status).toBe(200);
  });
});

describe("a service account without rights", () => {
  it("lists just itself, and rotates just itself", async () => {
    const [account, other] = [await org.account(), await org.account()];
    const list = await account.rest<Account[]>("GET", all());
    expect(list.body.map((entry) => entry.metadata.id)).toEqual([account.id]);
    for (const id of [other.id, nothing, "x"]) expectRefusal(await account.rest("POST", `${at(id)}/rotate`), 403);
    expectRefusal(await account.rest("DELETE", at(account.id)), 403);
    const answer = await account.rest<Account>("POST", `${at(account.id)}/rotate`);
    expect(answer).toMatchObject({
      status: 200,
      body: { metadata: { id: account.id }, status: { accessToken: expect.stringMatching(/^tnr_sat_/) } },
    });
    expectRefusal(await account.rest("GET", all()), 401);
    expect((await other.rest("GET", all())).status).toBe(200);
  });

  it("does neither in another org, and a person does neither at all", async () => {
    const stranger = await (await world.org()).account();
    const person = await org.person();
    for (const caller of [stranger, person]) {
      expectRefusal(await caller.rest("GET", all()), 403);
      expectRefusal(await caller.rest("POST", `${at(caller.id)}/rotate`), 403);
    }
  });
});

describe("deleting a service account", () => {
  it("answers 200 without a body, out of every group, its token refused from the next call on; a repeat finds nothing", async () => {
    const groupId = await org.group(["auditor"]);
    const account = await org.account([groupId]);
    expectEmpty(await admin.rest("DELETE", at(account.id)), 200);
    expectRefusal(await account.rest("GET", all()), 401);
    const group = await admin.rest<{ spec: { serviceAccountIDs: string[] } }>("GET", `${org.path}/groups/${groupId}`);
    expect(group.body.spec.serviceAccountIDs).toEqual([]);
    expectRefusal(await admin.rest("DELETE", at(account.id)), 404);
    expectRefusal(await admin.rest("POST", `${at(account.id)}/rotate`), 404);
    expectRefusal(await admin.rest("PUT", at(account.id), { body: { metadata: { name: "late" }, spec: { groupIDs: [] } } }), 404);
    expect(await read(account.id)).toBeUndefined();
  });

  it("does not take a user for a service account", async () => {
    expectRefusal(await admin.rest("DELETE", at(await org.user())), 404);
  });
});
