/** Users by their subject, and what deleting one ends. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, expectRefusal, fresh, nothing, type Org, World } from "./world.ts";

type User = {
  metadata: { id: string; name: string; modifiedBy?: string };
  spec: { subject: string; state: string; groupIDs: string[] };
  status: { lastActive?: string };
};

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

const at = (id: string) => `${org.path}/users/${id}`;
const list = async (of = org) => (await world.root<User[]>("GET", `${of.path}/users`)).body;
const read = async (id: string) => (await list()).find((user) => user.metadata.id === id);
const post = (spec: object, caller = admin) => caller.rest<User>("POST", `${org.path}/users`, { body: { spec } });
const address = () => `${fresh("somebody")}@example.com`;

describe("a user", () => {
  it("is answered with all members of the wire and no others", async () => {
    const groupId = await org.group(["reader"]);
    const subject = address();
    const body = {
      metadata: { name: "ignored", tags: [{ name: "colour", value: "blue" }] },
      spec: { subject, state: "active", groupIDs: [groupId, nothing, "x"] },
    };
    const made = await admin.rest<User>("POST", `${org.path}/users`, { body });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      metadata: {
        id: expect.any(String),
        name: "undefined",
        creationTime: expect.any(String),
        createdBy: admin.id,
        provisioningStatus: "provisioned",
        healthStatus: "healthy",
        organizationId: org.id,
      },
      spec: { subject, state: "active", groupIDs: [groupId] },
      status: {},
    });
    expect(await read(made.body.metadata.id)).toEqual(made.body);
  });

  it("is the author of what they make, by their subject, until they are gone", async () => {
    const subject = address();
    const author = await org.person([await org.group(["administrator"])], subject);
    const made = await post({ subject: address(), state: "active", groupIDs: [] }, author);
    expect(made.body.metadata).toMatchObject({ createdBy: subject });
    expectEmpty(await admin.rest("DELETE", at(author.id)), 200);
    expect((await read(made.body.metadata.id))?.metadata).not.toHaveProperty("createdBy");
  });

  it("who is there already is answered as they are, in just the groups of the request", async () => {
    const subject = address();
    const [one, two] = [await org.group([]), await org.group([])];
    const id = await org.user(subject, [one]);
    const again = await post({ subject: subject.toUpperCase(), state: "suspended", groupIDs: [two] });
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({ metadata: { id }, spec: { subject, state: "active", groupIDs: [two] } });
  });

  it("is one however many ask for the same new subject at once", async () => {
    const subject = address();
    const answers = await Promise.all([1, 2, 3, 4].map(() => post({ subject, state: "active", groupIDs: [] })));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map((answer) => answer.body.metadata.id)).size).toBe(1);
  });

  it("is refused when the subject is no address, or a user name that somebody else has", async () => {
    for (const subject of ["nobody", "a b@example.com", "Some One <one@example.com>", "@example.com"]) {
      const answer = await post({ subject, state: "active", groupIDs: [] });
      expect(answer).toMatchObject({ status: 400, body: { error: "invalid_request", error_description: "subject address invalid" } });
    }
    expect((await post({ subject: address(), state: "asleep", groupIDs: [] })).status).toBe(400);
    expect((await post({ subject: address(), state: "active" })).status, "groupIDs left out").toBe(400);
    const taken = address();
    const headers = { "x-zitadel-orgid": org.id };
    const machine = await world.root("POST", "/management/v1/users/machine", { headers, body: { userName: taken, name: "machine" } });
    expect(machine.status, machine.text).toBe(200);
    const answer = await post({ subject: taken, state: "active", groupIDs: [] });
    expect(answer).toMatchObject({ status: 409, body: { error: "conflict" } });
    expectErrorShape(answer);
  });

  it("made by another dialect is listed by their address, and the list is sorted by it", async () => {
    const email = `a-first-${address()}`;
    const headers = { "x-zitadel-orgid": org.id };
    const profile = { firstName: "Some", lastName: "One" };
    const body = { userName: fresh("human"), profile, email: { email, isEmailVerified: true } };
    const made = await world.root<{ userId: string }>("POST", "/management/v1/users/human", { headers, body });
    expect(made.status, made.text).toBe(200);
    expect((await read(made.body.userId))?.spec.subject).toBe(email);
    const subjects = (await list()).map((user) => user.spec.subject);
    expect(subjects).toEqual([...subjects].sort());
  });

  it("is let in while active, and kept out while pending or suspended", async () => {
    const person = await org.person([await org.group(["auditor"])]);
    const [groupId] = (await read(person.id))?.spec.groupIDs ?? [];
    const sees = async () => (await person.rest("GET", `${org.path}/users`)).status;
    for (const [state, status] of [
      ["active", 200],
      ["suspended", 401],
      ["active", 200],
      ["pending", 401],
      ["active", 200],
    ] as const) {
      const body = { spec: { subject: "not.read@example.com", state, groupIDs: [groupId] } };
      const answer = await admin.rest<User>("PUT", at(person.id), { body });
      expect(answer).toMatchObject({ status: 200, body: { metadata: { modifiedBy: admin.id }, spec: { state, groupIDs: [groupId] } } });
      expect(answer.body.spec.subject).not.toBe(body.spec.subject);
      expect(await sees()).toBe(status);
    }
  });

  it("gains and loses the rights of groups with an update", async () => {
    const person = await org.person();
    const groupId = await org.group(["auditor"]);
    const put = (groupIDs: string[]) => admin.rest("PUT", at(person.id), { body: { spec: { subject: "x", state: "active", groupIDs } } });
    const sees = async () => (await person.rest("GET", `${org.path}/users`)).status;
    expect((await put([groupId])).status).toBe(200);
    expect(await sees()).toBe(200);
    expect((await put([])).status).toBe(200);
    expect(await sees()).toBe(403);
  });
});

describe("many users", () => {
  it("move between the same groups at once, in every direction", async () => {
    const groups = [await org.group([]), await org.group([]), await org.group([])].toSorted();
    const ids = await Promise.all(groups.map((groupId) => org.user(address(), [groupId])));
    const move = async (id: string, groupIDs: (string | undefined)[]) => {
      const spec = { subject: "x", state: "active", groupIDs };
      return (await admin.rest("PUT", at(id), { body: { spec } })).status;
    };
    for (let round = 0; round < 10; round += 1) {
      const statuses = await Promise.all(ids.map((id, index) => move(id, [groups[(index + round) % 3], groups[(index + 2 * round) % 3]])));
      expect(statuses).toEqual([200, 200, 200]);
    }
  });
});

describe("somebody with less than a group's roles", () => {
  it("puts nobody into it, and neither takes out, suspends nor deletes who is in it", async () => {
    const people = await org.member("ORG_USER_MANAGER");
    const groupId = await org.group(["administrator"]);
    const plain = await org.user();
    const powerful = await org.user(address(), [groupId]);
    const put = (id: string, state: string, groupIDs: string[]) =>
      people.rest("PUT", at(id), { body: { spec: { subject: "x", state, groupIDs } } });
    const subject = address();
    expectRefusal(await post({ subject, state: "active", groupIDs: [groupId] }, people), 403);
    expect(
      (await list()).map((user) => user.spec.subject),
      "nothing half-done",
    ).not.toContain(subject);
    expectRefusal(await put(plain, "active", [groupId]), 403);
    expectRefusal(await put(powerful, "active", []), 403);
    expectRefusal(await put(powerful, "suspended", [groupId]), 403);
    expectRefusal(await people.rest("DELETE", at(powerful)), 403);
    expect((await read(powerful))?.spec).toMatchObject({ state: "active", groupIDs: [groupId] });
    expect((await put(plain, "suspended", [])).status).toBe(200);
  });
});

describe("deleting a user", () => {
  it("answers 200 without a body, out of every group, with access gone at once, and a repeat finds nothing", async () => {
    const groups = [await org.group(["auditor"]), await org.group(["user"])];
    const subject = address();
    const person = await org.person(groups, subject);
    const second = await org.speaking(person.id);
    expect((await person.rest("GET", `${org.path}/users`)).status).toBe(200);

    expectEmpty(await admin.rest("DELETE", at(person.id)), 200);
    expectRefusal(await person.rest("GET", `${org.path}/users`), 401);
    expectRefusal(await second.rest("GET", `${org.path}/users`), 401);
    expect(await read(person.id)).toBeUndefined();
    for (const id of groups) {
      const group = await admin.rest<{ spec: { userIDs: string[] } }>("GET", `${org.path}/groups/${id}`);
      expect(group.body.spec.userIDs).toEqual([]);
    }
    const zitadel = await world.root("GET", `/management/v1/users/${person.id}`, { headers: { "x-zitadel-orgid": org.id } });
    expect(zitadel.status).toBe(404);
    expectRefusal(await admin.rest("DELETE", at(person.id)), 404);
    const spec = { subject, state: "active", groupIDs: [] };
    expectRefusal(await admin.rest("PUT", at(person.id), { body: { spec } }), 404);

    const again = await post(spec);
    expect(again.status).toBe(201);
    expect(again.body.metadata.id, "the same subject becomes somebody else").not.toBe(person.id);
    const rows = system.services.db
      .selectFrom("principals")
      .select("id")
      .where("id", "=", person.id as never);
    await expect.poll(async () => (await rows.execute()).length, { timeout: 10_000 }).toBe(0);
    expectRefusal(await admin.rest("DELETE", at(person.id)), 404);
  });

  it("leaves the user with the same address in another org as they are", async () => {
    const other = await world.org();
    const subject = address();
    const id = await org.user(subject);
    const namesake = await other.person([await other.group(["auditor"])], subject);
    const before = await list(other);
    expectEmpty(await admin.rest("DELETE", at(id)), 200);
    expect(await list(other)).toEqual(before);
    expect((await namesake.rest("GET", `${other.path}/users`)).status).toBe(200);
  });

  it("does not take a service account for a user", async () => {
    const account = await org.account();
    expectRefusal(await admin.rest("DELETE", at(account.id)), 404);
    expect((await account.rest("GET", `${org.path}/serviceaccounts`)).status).toBe(200);
  });

  it("is won by one of two that come at once", async () => {
    const id = await org.user();
    const answers = await Promise.all([1, 2, 3, 4].map(() => admin.rest("DELETE", at(id))));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404, 404, 404]);
  });
});
