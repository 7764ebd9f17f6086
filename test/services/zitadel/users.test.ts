import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import { expectError, expectInvalid, fresh, grpcError, person, startWorld, untilWaiting, type World, within } from "./world.ts";

let world: World;
let database: Client;
let orgId: string;
let domain: string;

beforeAll(async () => {
  world = await startWorld();
  database = await world.connect();
  const name = fresh("People");
  orgId = await world.org(name);
  domain = `${name.toLowerCase()}.localhost`;
});

afterAll(() => world.close());

const timestamp = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
const nothing = "01890000-0000-7000-8000-000000000000";

interface Made {
  readonly userId: string;
  readonly details: object;
}

const addHuman = (body: object, org = orgId) => world.admin<Made>("POST", "/management/v1/users/human", { ...within(org), body });
const addMachine = (body: object, org = orgId) => world.admin<Made>("POST", "/management/v1/users/machine", { ...within(org), body });
const get = (id: string, org = orgId) => world.admin<{ user: Record<string, unknown> }>("GET", `/management/v1/users/${id}`, within(org));
const remove = (id: string, org = orgId) => world.admin("DELETE", `/management/v1/users/${id}`, within(org));

describe("AddHumanUser", () => {
  it("makes a human with all that was said of them", async () => {
    const made = await addHuman({
      userName: "Grace",
      profile: {
        firstName: "Grace",
        lastName: "Hopper",
        nickName: "Amazing",
        displayName: "Rear Admiral",
        preferredLanguage: "en",
        gender: "GENDER_FEMALE",
      },
      email: { email: "grace@example.com", isEmailVerified: true },
      phone: { phone: "+41 79 000 00 00", isPhoneVerified: true },
      initialPassword: "correct horse battery staple",
    });
    const { userId } = made.body;
    expect(made.status).toBe(200);
    expect(made.body).toEqual({ userId, details: { sequence: "1", creationDate: timestamp, resourceOwner: orgId } });
    expect((await get(userId)).body).toEqual({
      user: {
        id: userId,
        details: { sequence: "1", creationDate: timestamp, changeDate: timestamp, resourceOwner: orgId },
        state: "USER_STATE_ACTIVE",
        userName: "Grace",
        loginNames: [`Grace@${domain}`],
        preferredLoginName: `Grace@${domain}`,
        human: {
          profile: {
            firstName: "Grace",
            lastName: "Hopper",
            nickName: "Amazing",
            displayName: "Rear Admiral",
            preferredLanguage: "en",
            gender: "GENDER_FEMALE",
          },
          email: { email: "grace@example.com", isEmailVerified: true },
          phone: { phone: "+41 79 000 00 00", isPhoneVerified: true },
          passwordChanged: timestamp,
        },
      },
    });
  });

  it("starts as initial who has neither password nor verified address, and is displayed by both names", async () => {
    const { userId } = (await addHuman(person("initial"))).body;
    const { user } = (await get(userId)).body;
    expect(user).toMatchObject({ state: "USER_STATE_INITIAL", human: { profile: { displayName: "Ada Byron" } } });
    expect(user.human).toEqual({
      profile: { firstName: "Ada", lastName: "Byron", displayName: "Ada Byron" },
      email: { email: "initial@example.com" },
    });
    const password = (await addHuman(person("password", { initialPassword: "x" }))).body.userId;
    const verified = (await addHuman(person("verified", { email: { email: "v@example.com", isEmailVerified: true } }))).body.userId;
    for (const id of [password, verified]) expect((await get(id)).body.user).toMatchObject({ state: "USER_STATE_ACTIVE" });
  });

  it("keeps a password as Argon2id under a salt of its own, and nowhere as it was typed", async () => {
    const secret = "hunter2-hunter2";
    const ids = [
      (await addHuman(person("one", { initialPassword: secret }))).body,
      (await addHuman(person("two", { initialPassword: secret }))).body,
    ];
    const { rows } = await database.query("select password_hash as hash from users where id = any($1)", [ids.map((made) => made.userId)]);
    const hashes = rows.map((row) => row.hash as string);
    for (const hash of hashes) expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(new Set(hashes).size).toBe(2);
    const tables = await database.query("select table_name as name from information_schema.tables where table_schema = 'public'");
    for (const { name } of tables.rows) {
      const found = await database.query(`select count(*)::int as count from ${name} t where t::text like $1`, [`%${secret}%`]);
      expect(found.rows[0].count, name).toBe(0);
    }
  });

  it("refuses a user name that the org has, in whatever case, and lets another org have it", async () => {
    expect((await addHuman(person("twice"))).status).toBe(200);
    expectError(await addHuman(person("TWICE")), 409, 6, "V3-DKcYh", "User already exists");
    expectError(await addMachine({ userName: "twice", name: "bot" }), 409, 6, "V3-DKcYh", "User already exists");
    expect((await addHuman(person("twice"), await world.org())).status).toBe(200);
  });

  it("says which rule of which field a request breaks", async () => {
    const sentences: [object, string][] = [
      [{}, "invalid AddHumanUserRequest.UserName: value length must be between 1 and 200 runes, inclusive"],
      [{ userName: "x" }, "invalid AddHumanUserRequest.Profile: value is required"],
      [
        person("x", { email: { email: "no address" } }),
        "invalid AddHumanUserRequest.Email: embedded message failed validation | caused by: " +
          "invalid AddHumanUserRequest_Email.Email: value must be a valid email address",
      ],
      [
        person("x", { phone: { phone: "0041" } }),
        "invalid AddHumanUserRequest.Phone: embedded message failed validation | caused by: " +
          'invalid AddHumanUserRequest_Phone.Phone: value does not have prefix "+"',
      ],
    ];
    for (const [body, sentence] of sentences) expectInvalid(await addHuman(body), sentence);
    const profile = { firstName: "Ada", lastName: "Byron", gender: 99 };
    expectInvalid(await addHuman(person("x", { profile })), "invalid Profile.Gender: value must be one of the defined enum values");
  });

  it("takes a user name without the blanks around it, and blanks alone for none", async () => {
    const { userId } = (await addHuman(person("  spaced  ", { email: { email: "s@example.com" } }))).body;
    expect((await get(userId)).body.user).toMatchObject({ userName: "spaced", preferredLoginName: `spaced@${domain}` });
    expectError(await addHuman(person(" ", { email: { email: "s@example.com" } })), 400, 3, "COMMAND-5N8fs", "Userdata is invalid");
    expectError(await addMachine({ userName: " ", name: "x" }), 400, 3, "COMMAND-5N8fs", "Userdata is invalid");
  });
});

describe("AddMachineUser", () => {
  it("makes a machine, which ZITADEL tells of as changed", async () => {
    const body = { userName: "ci", name: "CI", description: "builds", accessTokenType: "ACCESS_TOKEN_TYPE_JWT" };
    const made = await addMachine(body);
    const { userId } = made.body;
    expect(made.body).toEqual({ userId, details: { sequence: "1", changeDate: timestamp, resourceOwner: orgId } });
    expect((await get(userId)).body).toEqual({
      user: {
        id: userId,
        details: { sequence: "1", creationDate: timestamp, changeDate: timestamp, resourceOwner: orgId },
        state: "USER_STATE_ACTIVE",
        userName: "ci",
        loginNames: [`ci@${domain}`],
        preferredLoginName: `ci@${domain}`,
        machine: { name: "CI", description: "builds", accessTokenType: "ACCESS_TOKEN_TYPE_JWT" },
      },
    });
    const plain = (await addMachine({ userName: "plain", name: "Plain" })).body.userId;
    expect((await get(plain)).body.user.machine).toEqual({ name: "Plain" });
  });

  it("takes an id of the caller's choice, once and for all orgs", async () => {
    const userId = "6F1ED002-AB5C-4D87-9B0C-3B7D3C2F1A55";
    const made = await addMachine({ userName: "chosen", name: "x", userId });
    expect(made.body.userId).toBe(userId.toLowerCase());
    expectError(await addMachine({ userName: "other", name: "x", userId }), 400, 9, "COMMAND-ziuna", "User already exists");
    expectError(await addMachine({ userName: "other", name: "x", userId: orgId }), 400, 9, "COMMAND-ziuna");
    expect((await remove(userId)).status).toBe(200);
    expectError(await addMachine({ userName: "other", name: "x", userId }, await world.org()), 400, 9, "COMMAND-ziuna");
  });

  it("refuses an id that is no UUID, and one that is empty, by the rules of the field", async () => {
    expectInvalid(
      await addMachine({ userName: "y", name: "x", userId: "123" }),
      "invalid AddMachineUserRequest.UserId: value must be a valid UUID",
    );
    const sentence = "invalid AddMachineUserRequest.UserId: value length must be between 1 and 200 runes, inclusive";
    expectInvalid(await addMachine({ userName: "y", name: "x", userId: "" }), sentence);
    const unknown = "invalid AddMachineUserRequest.AccessTokenType: value must be one of the defined enum values";
    expectInvalid(await addMachine({ userName: "y", name: "x", accessTokenType: 2 }), unknown);
  });
});

describe("GetUserByID", () => {
  it("finds a user in its own org only, and nothing for an id that names nothing", async () => {
    const { id } = await world.machine(orgId);
    const elsewhere = await world.org();
    expect((await get(id)).status).toBe(200);
    for (const answer of [await get(id, elsewhere), await get(nothing), await get("no-id")]) {
      expectError(answer, 404, 5, "QUERY-Dfbg2", "User could not be found");
    }
  });

  it("is for readers of users, and a stranger cannot tell a user from a random id", async () => {
    const { id } = await world.machine(orgId);
    const stranger = await world.machine(await world.org(), "ORG_OWNER");
    const creator = await world.machine(orgId, "ORG_PROJECT_CREATOR");
    for (const wanted of [id, nothing]) {
      expectError(await stranger.rest("GET", `/management/v1/users/${wanted}`, within(orgId)), 403, 7, "AUTHZ-cdgFk");
      expectError(await creator.rest("GET", `/management/v1/users/${wanted}`), 403, 7, "AUTH-5mWD2");
      expectError(await stranger.rest("GET", `/management/v1/users/${wanted}`), 404, 5, "QUERY-Dfbg2");
    }
    expect((await restClient(world.system.baseUrl)("GET", `/management/v1/users/${id}`)).status).toBe(401);
    const viewer = await world.machine(orgId, "ORG_OWNER_VIEWER");
    expect((await viewer.rest("GET", `/management/v1/users/${id}`)).status).toBe(200);
    expectError(await viewer.rest("DELETE", `/management/v1/users/${id}`), 403, 7, "AUTH-5mWD2");
  });

  it("shows the identity of a project as a machine", async () => {
    const project = await world.admin<{ id: string }>("POST", "/management/v1/projects", { ...within(orgId), body: { name: fresh("P") } });
    const identity = await world.admin<{ identity: { id: string } }>("POST", `/api/v1/projects/${project.body.id}/identities`, {
      body: { name: "deployer", hasDeleteProtection: false },
    });
    const { id } = identity.body.identity;
    expect((await get(id)).body.user).toMatchObject({ userName: id, machine: { name: "deployer" } });
    expect((await remove(id)).body).toEqual({ details: { sequence: expect.any(String), changeDate: timestamp, resourceOwner: orgId } });
    expectError(await get(id), 404, 5, "QUERY-Dfbg2");
  });
});

describe("RemoveUser", () => {
  it("removes humans and machines alike, ends their access and frees their names", async () => {
    const rpc = grpcClient(world.system.grpcAddress, ManagementServiceService, world.system.adminToken);
    for (const caller of [await world.machine(orgId, "ORG_OWNER"), await world.human(orgId, "ORG_OWNER")]) {
      const { userName } = (await get(caller.id)).body.user;
      expect((await caller.rest("GET", "/management/v1/orgs/me")).status).toBe(200);
      const removed = await remove(caller.id);
      expect(removed.status).toBe(200);
      expect(removed.body).toEqual({ details: { sequence: expect.stringMatching(/^\d+$/), changeDate: timestamp, resourceOwner: orgId } });
      expectError(await caller.rest("GET", "/management/v1/orgs/me"), 401, 16, "AUTH-7fs1e");
      expectError(await get(caller.id), 404, 5, "QUERY-Dfbg2");
      expectError(await remove(caller.id), 404, 5, "COMMAND-m9od", "User could not be found");
      const metadata = { "x-zitadel-orgid": orgId };
      expect(await grpcError(rpc.call("removeUser", { id: caller.id }, { metadata }))).toEqual({
        code: 5,
        message: "User could not be found (COMMAND-m9od)",
        id: "COMMAND-m9od",
      });
      expect((await addHuman(person(String(userName)))).status).toBe(200);
    }
    rpc.close();
  });

  it("takes the user out of the members of every org", async () => {
    const other = await world.org();
    const user = await world.human(orgId, "ORG_OWNER");
    const member = { ...within(other), body: { userId: user.id, roles: ["ORG_OWNER"] } };
    expect((await world.admin("POST", "/management/v1/orgs/me/members", member)).status).toBe(200);
    await remove(user.id);
    const { body } = await world.admin("POST", "/management/v1/orgs/me/members/_search", { ...within(other), body: {} });
    expect(JSON.stringify(body)).not.toContain(user.id);
  });

  it("finds nothing outside the context org, and nothing for what is no user", async () => {
    const { id } = await world.machine(orgId);
    const elsewhere = await world.org();
    for (const answer of [await remove(id, elsewhere), await remove(nothing), await remove("no-id"), await remove(orgId)]) {
      expectError(answer, 404, 5, "COMMAND-m9od", "User could not be found");
    }
    expect((await get(id)).status).toBe(200);
  });

  it("refuses to remove who outranks the caller", async () => {
    const iamOrg = (await database.query("select iam_org_id as id from instance")).rows[0].id;
    const admin = (await database.query("select id from principals where user_name = 'admin'")).rows[0].id;
    const owner = await world.machine(iamOrg, "ORG_OWNER");
    expectError(await owner.rest("DELETE", `/management/v1/users/${admin}`), 403, 7, "AUTH-AWfge", "No matching permissions found");
    const manager = await world.machine(orgId, "ORG_USER_MANAGER");
    const boss = await world.human(orgId, "ORG_OWNER");
    expectError(await manager.rest("DELETE", `/management/v1/users/${boss.id}`), 403, 7, "AUTH-AWfge");
    expect((await boss.rest("GET", "/management/v1/orgs/me")).status).toBe(200);
    const peer = await world.human(orgId, "ORG_USER_MANAGER");
    expect((await manager.rest("DELETE", `/management/v1/users/${peer.id}`)).status).toBe(200);
  });

  it("refuses to remove what is protected from deletion", async () => {
    const { id } = await world.machine(orgId);
    await database.query("update principals set protected = true where id = $1", [id]);
    expectError(await remove(id), 400, 9, "TENURE-Pr0t1");
    await database.query("update principals set protected = false where id = $1", [id]);
    expect((await remove(id)).status).toBe(200);
  });

  it("answers one of two that race, and makes one operation", async () => {
    const { id } = await world.machine(orgId);
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from principals where id = $1 for update", [id]);
    const racers = [remove(id), remove(id)];
    await untilWaiting(database, 2);
    await holder.query("rollback");
    const answers = await Promise.all(racers);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404]);
    for (const answer of answers) if (answer.status === 404) expectError(answer, 404, 5, "COMMAND-m9od");
    const { rows } = await database.query("select count(*)::int as count from operations where target_id = $1", [id]);
    expect(rows[0].count).toBe(1);
  });
});
