/** Groups: what they bind, who may bind it, and what their end takes away. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roleId } from "../../../services/access/roles.ts";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, expectRefusal, fresh, nothing, type Org, World } from "./world.ts";

type Subject = { id: string; issuer: string; email?: string };
type Spec = { roleIDs: string[]; serviceAccountIDs: string[]; userIDs: string[]; subjects: Subject[] };
type Group = { metadata: { id: string; name: string }; spec: Spec };

/** The issuer of the system under test. */
const here = "http://localhost:8080";
const empty: Spec = { roleIDs: [], serviceAccountIDs: [], userIDs: [], subjects: [] };

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

const at = (id: string) => `${org.path}/groups/${id}`;
const read = async (id: string) => (await admin.rest<Group>("GET", at(id))).body;
const write = (spec: Partial<Spec>, name = fresh("group")) => ({
  body: { metadata: { name }, spec: { roleIDs: [], serviceAccountIDs: [], ...spec } },
});
const create = (spec: Partial<Spec>, caller = admin) => caller.rest<Group>("POST", `${org.path}/groups`, write(spec));

describe("a group", () => {
  it("is answered with all members of the wire, each list sorted and every entry once", async () => {
    const [one, two] = [await org.user(), await org.user()];
    const account = await org.account();
    const spec = {
      roleIDs: [roleId("user"), roleId("auditor"), roleId("user")],
      userIDs: [two, one, two.toUpperCase()],
      serviceAccountIDs: [account.id, account.id],
    };
    const made = await create(spec);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      metadata: {
        id: expect.any(String),
        name: expect.any(String),
        creationTime: expect.any(String),
        createdBy: admin.id,
        provisioningStatus: "provisioned",
        healthStatus: "healthy",
        organizationId: org.id,
      },
      spec: {
        roleIDs: [roleId("user"), roleId("auditor")].sort(),
        userIDs: [one, two].sort(),
        serviceAccountIDs: [account.id],
        subjects: [],
      },
    });
    expect(await read(made.body.metadata.id)).toEqual(made.body);
    const list = await admin.rest<Group[]>("GET", `${org.path}/groups`);
    expect(list.body).toContainEqual(made.body);
    expect(list.body.map((group) => group.metadata.id)).toEqual(list.body.map((group) => group.metadata.id).sort());
  });

  it("is replaced as a whole by an update, and may be sent back as it was read", async () => {
    const [one, two] = [await org.user(), await org.user()];
    const id = await org.group(["reader"], { userIDs: [one] });
    expectEmpty(await admin.rest("PUT", at(id), write({ roleIDs: [roleId("auditor")], userIDs: [two] }, "renamed")), 200);
    const changed = await read(id);
    expect(changed).toMatchObject({
      metadata: { name: "renamed", modifiedBy: admin.id },
      spec: { ...empty, roleIDs: [roleId("auditor")], userIDs: [two] },
    });
    expectEmpty(await admin.rest("PUT", at(id), { body: changed }), 200);
    expect((await read(id)).spec).toEqual(changed.spec);
    expectEmpty(await admin.rest("PUT", at(id), write({})), 200);
    expect((await read(id)).spec).toEqual(empty);
  });

  it("is one of two updates that come at once, never their union", async () => {
    const users = await Promise.all([org.user(), org.user(), org.user(), org.user()]);
    const id = await org.group([]);
    const wishes = [users.slice(0, 2).sort(), users.slice(2).sort()];
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(wishes.map((userIDs) => admin.rest("PUT", at(id), write({ userIDs }))));
      for (const answer of answers) expectEmpty(answer, 200);
      expect(wishes).toContainEqual((await read(id)).spec.userIDs);
    }
  });

  it("takes subjects of this issuer as users of the org, in any case, and keeps those of others as they are", async () => {
    const subject = `${fresh("Some.One")}@example.com`;
    const userId = await org.user(subject);
    const foreign = { id: "abc", issuer: "https://elsewhere.example", email: "abc@example.com" };
    const other = { id: "xyz", issuer: "https://elsewhere.example" };
    const made = await create({
      subjects: [other, foreign, { ...foreign, email: "second@example.com" }, { id: subject.toUpperCase(), issuer: `${here}/` }],
    });
    expect(made.status).toBe(201);
    expect(made.body.spec).toEqual({ ...empty, userIDs: [userId], subjects: [foreign, other] });
    const stranger = await create({ subjects: [{ id: "nobody@example.com", issuer: here }] });
    expect(stranger).toMatchObject({ status: 400, body: { error_description: "subject nobody@example.com does not exist" } });
  });

  it("is refused when it names users in both ways, or leaves out a list", async () => {
    const both = await create({ userIDs: [await org.user()], subjects: [{ id: "abc", issuer: "https://elsewhere.example" }] });
    expect(both).toMatchObject({
      status: 400,
      body: { error: "invalid_request", error_description: "cannot provide both subjects and userIDs" },
    });
    expectErrorShape(both);
    const body = { metadata: { name: fresh("group") }, spec: { roleIDs: [] } };
    expect((await admin.rest("POST", `${org.path}/groups`, { body })).status).toBe(400);
  });

  it("is refused with members that are not there: unknown, malformed, foreign, of the other kind, deleted", async () => {
    const elsewhere = await world.org();
    const [user, account, dead] = [await org.user(), (await org.account()).id, await org.user()];
    expectEmpty(await admin.rest("DELETE", `${org.path}/users/${dead}`), 200);
    for (const id of [nothing, "x", await elsewhere.user(), account, dead]) {
      expect(await create({ userIDs: [id] })).toMatchObject({ status: 400, body: { error_description: `user ID ${id} does not exist` } });
    }
    for (const id of [nothing, "x", (await elsewhere.account()).id, user]) {
      const answer = await create({ serviceAccountIDs: [id] });
      expect(answer).toMatchObject({ status: 400, body: { error_description: `service account ID ${id} does not exist` } });
    }
  });
});

describe("the roles of a group", () => {
  it("are refused when unknown, kept by the platform, or more than the caller has", async () => {
    const people = await org.member("ORG_USER_MANAGER");
    const manager = await org.member("ORG_OWNER_VIEWER");
    expect(await create({ roleIDs: [nothing] })).toMatchObject({
      status: 400,
      body: { error_description: `role ID ${nothing} does not exist` },
    });
    const kept = await create({ roleIDs: [roleId("platform-administrator")] });
    expect(kept).toMatchObject({ status: 403, body: { error: "forbidden", error_description: "requested role is protected" } });
    for (const role of ["administrator", "auditor", "user", "reader"]) {
      expect((await create({ roleIDs: [roleId(role)] })).status, role).toBe(201);
      const refused = await create({ roleIDs: [roleId(role)] }, people);
      expect(refused, role).toMatchObject({ status: 403, body: { error_description: "requested role cannot be granted" } });
    }
    expectRefusal(await create({ roleIDs: [roleId("reader")] }, manager), 403);
    expect((await create({}, people)).status).toBe(201);
  });

  it("close the group to whoever has less: no new member, no new name, no role less", async () => {
    const people = await org.member("ORG_USER_MANAGER");
    const id = await org.group(["administrator"]);
    const before = await read(id);
    for (const spec of [{ serviceAccountIDs: [people.id] }, {}]) expectRefusal(await people.rest("PUT", at(id), write(spec)), 403);
    expect((await people.rest("PUT", at(id), write({ roleIDs: [roleId("administrator")] }))).status).toBe(403);
    expect(await read(id)).toEqual(before);
  });

  it("are not given in a project where the caller lacks them", async () => {
    const id = await org.group([]);
    const people = await org.account([await org.group(["user"])]);
    const headers = { "x-zitadel-orgid": org.id };
    const body = { userId: people.id, roles: ["ORG_USER_MANAGER"] };
    expect((await world.root("POST", "/management/v1/orgs/me/members", { headers, body })).status).toBe(200);
    const groups = await people.rest<Group[]>("GET", `${org.path}/groups`);
    const mine = groups.body.find((group) => group.spec.serviceAccountIDs.includes(people.id));
    await org.project([mine?.metadata.id ?? ""]);
    const wish = write({ roleIDs: [roleId("user")] });
    expectEmpty(await people.rest("PUT", at(id), wish), 200);
    expectEmpty(await people.rest("PUT", at(id), write({})), 200);
    await org.project([id]);
    expectRefusal(await people.rest("PUT", at(id), wish), 403);
    expect((await read(id)).spec).toEqual(empty);
  });

  it("count for its members from the next call on, and no longer when they or the members are taken out", async () => {
    const worker = await org.account();
    const id = await org.group(["auditor"]);
    const sees = async () => (await worker.rest("GET", `${org.path}/users`)).status;
    expect(await sees()).toBe(403);
    await admin.rest("PUT", at(id), write({ roleIDs: [roleId("auditor")], serviceAccountIDs: [worker.id] }));
    expect(await sees()).toBe(200);
    await admin.rest("PUT", at(id), write({ roleIDs: [roleId("reader")], serviceAccountIDs: [worker.id] }));
    expect(await sees()).toBe(403);
    await admin.rest("PUT", at(id), write({ roleIDs: [roleId("auditor")], serviceAccountIDs: [worker.id] }));
    expect(await sees()).toBe(200);
    await admin.rest("PUT", at(id), write({ roleIDs: [roleId("auditor")] }));
    expect(await sees()).toBe(403);
  });
});

describe("deleting a group", () => {
  it("answers 200 without a body, takes it out of every project and its rights from its members, and leaves them be", async () => {
    const subject = `${fresh("member")}@example.com`;
    const userId = await org.user(subject);
    const worker = await org.account();
    const id = await org.group(["auditor", "user"], { userIDs: [userId], serviceAccountIDs: [worker.id] });
    const kept = await org.group([]);
    const projects = [await org.project([id, kept]), await org.project([id])];
    expect((await worker.rest("GET", `${org.path}/groups`)).status).toBe(200);

    expectEmpty(await admin.rest("DELETE", at(id)), 200);
    expectRefusal(await worker.rest("GET", `${org.path}/groups`), 403);
    expectRefusal(await worker.rest("GET", `${org.path}/projects/${projects[0]}/clusters`), 403);
    const groupsOf = async (projectId = "") => (await admin.rest<{ spec: object }>("GET", `${org.path}/projects/${projectId}`)).body.spec;
    expect(await groupsOf(projects[0])).toEqual({ groupIDs: [kept] });
    expect(await groupsOf(projects[1])).toEqual({ groupIDs: [] });
    const users = await admin.rest<{ metadata: { id: string }; spec: object }[]>("GET", `${org.path}/users`);
    expect(users.body.find((user) => user.metadata.id === userId)?.spec).toEqual({ subject, state: "active", groupIDs: [] });
    expect((await worker.rest("GET", `${org.path}/serviceaccounts`)).status, "its token still works").toBe(200);

    expectRefusal(await admin.rest("GET", at(id)), 404);
    expectRefusal(await admin.rest("PUT", at(id), write({})), 404);
    expectRefusal(await admin.rest("DELETE", at(id)), 404);
    const list = await admin.rest<Group[]>("GET", `${org.path}/groups`);
    expect(list.body.map((group) => group.metadata.id)).not.toContain(id);
    const rows = system.services.db
      .selectFrom("group_members")
      .select("principal_id")
      .where("group_id", "=", id as never);
    await expect.poll(async () => (await rows.execute()).length, { timeout: 10_000 }).toBe(0);
  });

  it("is won by one of two that come at once", async () => {
    const id = await org.group(["reader"]);
    const answers = await Promise.all([1, 2, 3, 4].map(() => admin.rest("DELETE", at(id))));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404, 404, 404]);
  });
});
