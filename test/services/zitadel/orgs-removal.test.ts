import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminServiceService } from "../../../proto/gen/zitadel/admin/v1/admin.ts";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { ObjectDetails } from "../../../proto/gen/zitadel/v1/details.ts";
import { grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import {
  type Caller,
  expectError,
  expectInvalid,
  fresh,
  grpcError,
  person,
  startWorld,
  untilWaiting,
  type World,
  within,
} from "./world.ts";

let world: World;
let instanceId: string;
let database: Client;

beforeAll(async () => {
  world = await startWorld();
  database = await world.connect();
  instanceId = (await database.query("select id from instance")).rows[0].id;
});

afterAll(() => world.close());

const timestamp = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
const removal = {
  details: { sequence: expect.stringMatching(/^\d+$/), creationDate: timestamp, changeDate: timestamp, resourceOwner: "" },
};
const nothing = "01890000-0000-7000-8000-000000000000";

const remove = (id: string) => world.admin("DELETE", `/admin/v1/orgs/${id}`);

async function count(sentence: string, ...values: unknown[]): Promise<number> {
  return (await database.query(`select count(*)::int as count from ${sentence}`, values)).rows[0].count;
}

async function userIds(orgId: string): Promise<string[]> {
  const answer = await world.admin<{ result?: { id: string }[] }>("POST", "/management/v1/users/_search", { ...within(orgId), body: {} });
  expect(answer.status).toBe(200);
  return (answer.body.result ?? []).map((user) => user.id);
}

describe("RemoveOrg", () => {
  it("answers the four documented members, from the instance and from inside the org", async () => {
    const expected = { details: { ...removal.details, resourceOwner: instanceId } };
    const id = await world.org();
    const created = await world.admin<{ org: { details: { creationDate: string } } }>("GET", `/admin/v1/orgs/${id}`);
    const answer = await remove(id);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(expected);
    expect(answer.body).toMatchObject({ details: { sequence: "6", creationDate: created.body.org.details.creationDate } });

    const other = await world.org();
    const owner = await world.machine(other, "ORG_OWNER");
    const inside = await owner.rest("DELETE", "/management/v1/orgs/me");
    expect(inside.status).toBe(200);
    expect(inside.body).toEqual(expected);
    expectError(await owner.rest("GET", "/management/v1/orgs/me"), 401, 16, "AUTH-7fs1e");
  });

  it("says the same over gRPC", async () => {
    const { grpcAddress, adminToken } = world.system;
    const [admin, management] = [AdminServiceService, ManagementServiceService].map((service) =>
      grpcClient(grpcAddress, service, adminToken),
    );
    try {
      const [one, two] = [await world.org(), await world.org()];
      const metadata = { "x-zitadel-orgid": two };
      const answers = [
        await admin?.call<{ details: ObjectDetails }>("removeOrg", { orgId: one }),
        await management?.call<{ details: ObjectDetails }>("removeOrg", {}, { metadata }),
      ];
      for (const answer of answers) {
        expect(answer?.details).toEqual({
          sequence: 6n,
          creationDate: expect.any(Date),
          changeDate: expect.any(Date),
          resourceOwner: instanceId,
        });
      }
      expect(await grpcError(admin?.call("removeOrg", { orgId: one }) ?? Promise.resolve())).toEqual({
        code: 5,
        message: "Organisation not found (COMMA-aps2n)",
        id: "COMMA-aps2n",
      });
      expect(await grpcError(management?.call("removeOrg", {}, { metadata }) ?? Promise.resolve())).toEqual({
        code: 7,
        message: "Organisation doesn't exist (AUTH-Bs7Ds)",
        id: "AUTH-Bs7Ds",
      });
    } finally {
      admin?.close();
      management?.close();
    }
  });

  it("finds nothing the second time, and nothing for an id that names nothing", async () => {
    const id = await world.org();
    expect((await remove(id)).status).toBe(200);
    for (const gone of [id, id.toUpperCase(), nothing, "no-id", "%20"]) {
      expectError(await remove(gone), 404, 5, "COMMA-aps2n", "Organisation not found");
    }
    expectError(await world.admin("DELETE", "/management/v1/orgs/me", within(id)), 403, 7, "AUTH-Bs7Ds", "Organisation doesn't exist");
    expect(await count("operations where target_id = $1", id)).toBe(1);
  });

  it("refuses by rank before it looks at the request, and at the request before it looks for the org", async () => {
    const orgId = await world.org();
    const owner = await world.machine(orgId, "ORG_OWNER");
    const viewer = await world.machine(orgId, "ORG_OWNER_VIEWER");
    const nobody = await world.machine(orgId);
    const open = restClient(world.system.baseUrl);
    const long = "x".repeat(201);
    for (const id of [orgId, nothing, long]) {
      expect(await open("DELETE", `/admin/v1/orgs/${id}`)).toMatchObject({
        status: 401,
        body: { code: 16, message: "auth header missing" },
      });
      expectError(await owner.rest("DELETE", `/admin/v1/orgs/${id}`), 403, 7, "AUTH-5mWD2", "No matching permissions found");
      expectError(await nobody.rest("DELETE", `/admin/v1/orgs/${id}`), 403, 7, "AUTHZ-cdgFk", "membership not found");
    }
    expectError(await viewer.rest("DELETE", "/management/v1/orgs/me"), 403, 7, "AUTH-5mWD2");
    expectInvalid(await remove(long), "invalid RemoveOrgRequest.OrgId: value length must be between 1 and 200 runes, inclusive");
    expect((await world.admin("GET", `/admin/v1/orgs/${orgId}`)).status).toBe(200);
  });

  it("never deletes because of a name that it does not know", async () => {
    const id = await world.org();
    const asked = await world.admin("DELETE", `/admin/v1/orgs/${id}?validateonly=true`);
    expect(asked).toMatchObject({ status: 400, body: { code: 3 } });
    expect((await world.admin("DELETE", `/admin/v1/orgs/${id}`, { body: { force: true } })).status).toBe(400);
    expect((await world.admin("GET", `/admin/v1/orgs/${id}`)).status).toBe(200);
  });
});

describe("What hung on a removed org", () => {
  it("is gone from every read on the next call, and its principals with it", async () => {
    const [orgId, neighbour] = [await world.org(), await world.org()];
    const insiders = [await world.machine(orgId, "ORG_OWNER"), await world.human(orgId, "ORG_OWNER"), await world.machine(orgId)];
    const guest = await world.machine(neighbour, "ORG_OWNER");
    const addMember = (to: string, member: Caller) =>
      world.admin("POST", "/management/v1/orgs/me/members", { ...within(to), body: { userId: member.id, roles: ["ORG_OWNER"] } });
    for (const insider of insiders) expect((await addMember(neighbour, insider)).status).toBe(200);
    expect((await addMember(orgId, guest)).status).toBe(200);
    expect((await guest.rest("GET", "/management/v1/orgs/me", within(orgId))).status).toBe(200);
    for (const insider of insiders) expect((await insider.rest("GET", "/management/v1/orgs/me", within(neighbour))).status).toBe(200);

    expect((await remove(orgId)).status).toBe(200);

    for (const insider of insiders) {
      expectError(await insider.rest("GET", "/management/v1/orgs/me"), 401, 16, "AUTH-7fs1e");
      expectError(await insider.rest("GET", "/management/v1/orgs/me", within(neighbour)), 401, 16, "AUTH-7fs1e");
      expectError(await world.admin("GET", `/management/v1/users/${insider.id}`, within(neighbour)), 404, 5, "QUERY-Dfbg2");
    }
    expectError(await guest.rest("GET", "/management/v1/orgs/me", within(orgId)), 403, 7, "AUTH-Bs7Ds");
    expect((await guest.rest("GET", "/management/v1/orgs/me")).status).toBe(200);
    const members = await guest.rest("POST", "/management/v1/orgs/me/members/_search", { body: {} });
    expect(members.body).toMatchObject({ details: { totalResult: "2" } });
    expect(await userIds(neighbour)).toEqual([guest.id]);

    expectError(await world.admin("GET", `/admin/v1/orgs/${orgId}`), 404, 5, "QUERY-iTTGJ");
    const listed = await world.admin("POST", "/admin/v1/orgs/_search", { body: { queries: [{ idQuery: { id: orgId } }] } });
    expect(listed.body).toEqual({ details: { viewTimestamp: timestamp } });
    for (const path of ["users/_search", "orgs/me/members/_search", "projects/_search", "users/grants/_search"]) {
      expectError(await world.admin("POST", `/management/v1/${path}`, { ...within(orgId), body: {} }), 403, 7, "AUTH-Bs7Ds");
    }
    const add = { ...within(orgId), body: { userName: "late", name: "late" } };
    expectError(await world.admin("POST", "/management/v1/users/machine", add), 403, 7, "AUTH-Bs7Ds");
  });

  it("leaves its name, its domain and its user names free at once, but not its ids", async () => {
    const [name, domain] = [fresh("Reborn"), `${fresh("reborn")}.example`];
    const setUp = () =>
      world.admin<{ orgId: string; userId: string }>("POST", "/admin/v1/orgs/_setup", {
        body: { org: { name, domain }, human: person("ada") },
      });
    const first = await setUp();
    expect(first.status).toBe(200);
    const chosen = "8f14e45f-ceea-467f-a0e6-1d2a9e2c0b6d";
    const machine = { userName: "bot", name: "bot", userId: chosen };
    const addMachine = (orgId: string) => world.admin("POST", "/management/v1/users/machine", { ...within(orgId), body: machine });
    expect((await addMachine(first.body.orgId)).status).toBe(200);

    expect((await remove(first.body.orgId)).status).toBe(200);
    expect((await world.admin("GET", `/admin/v1/orgs/_is_unique?name=${name}&domain=${domain}`)).body).toEqual({ isUnique: true });
    const second = await setUp();
    expect(second.status).toBe(200);
    expect(second.body.orgId).not.toBe(first.body.orgId);
    expectError(await addMachine(second.body.orgId), 400, 9, "COMMAND-ziuna", "User already exists");
  });

  it("is remembered: the history ends with the removal, and says who asked", async () => {
    const id = await world.org();
    await remove(id);
    const { rows } = await database.query(
      "select e.type, e.sequence::int, e.operation_id is not null as operated, e.actor_id is not null as asked from audit_events e where aggregate_id = $1 order by sequence",
      [id],
    );
    expect(rows.filter((row) => row.type !== "operation.done").at(-1)).toEqual({
      type: "org.removed",
      sequence: 6,
      operated: true,
      asked: true,
    });
  });
});

describe("Two deletes of one org at the same time", () => {
  it("give one answer, one not found, and one operation", async () => {
    const id = await world.org();
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from orgs where id = $1 for update", [id]);
    const racers = [remove(id), world.admin("DELETE", "/management/v1/orgs/me", within(id))];
    await untilWaiting(database, 2);
    await holder.query("rollback");
    const answers = await Promise.all(racers);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404]);
    for (const answer of answers) if (answer.status === 404) expectError(answer, 404, 5, "COMMA-aps2n");
    expect(await count("operations where target_id = $1", id)).toBe(1);
    expect(await count("audit_events where aggregate_id = $1 and type = 'org.removed'", id)).toBe(1);
  });

  it("leave no user behind that was being made meanwhile", async () => {
    const id = await world.org();
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from orgs where id = $1 for update", [id]);
    const deleted = remove(id);
    await untilWaiting(database, 1);
    const made = world.admin("POST", "/management/v1/users/human", { ...within(id), body: person("late") });
    await untilWaiting(database, 2);
    await holder.query("rollback");
    expect((await deleted).status).toBe(200);
    expectError(await made, 404, 5, "QUERY-iTTGJ");
    expect(await count("principals where org_id = $1", id)).toBe(0);
  });
});
