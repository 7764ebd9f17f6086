import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import { expectError, expectInvalid, fresh, grpcError, person, startWorld, untilWaiting, type World, within } from "./world.ts";

let world: World;
let database: Client;
let iamOwner: string;

beforeAll(async () => {
  world = await startWorld();
  database = await world.connect();
  iamOwner = (await database.query("select id from principals where user_name = 'admin'")).rows[0].id;
});

afterAll(() => world.close());

const timestamp = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
const nothing = "01890000-0000-7000-8000-000000000000";

interface List {
  readonly details: { readonly totalResult?: string };
  readonly result?: readonly { readonly userId: string; readonly roles: readonly string[] }[];
}

const path = "/management/v1/orgs/me/members";
const add = (orgId: string, userId: string, roles: string[]) => world.admin("POST", path, { ...within(orgId), body: { userId, roles } });
const list = (orgId: string, body: object = {}) => world.admin<List>("POST", `${path}/_search`, { ...within(orgId), body });
const remove = (orgId: string, userId: string) => world.admin("DELETE", `${path}/${userId}`, within(orgId));
const ids = (answer: { body: List }) => (answer.body.result ?? []).map((member) => member.userId);

async function human(orgId: string, more: object): Promise<string> {
  const body = person(fresh("member"), more);
  const made = await world.admin<{ userId: string }>("POST", "/management/v1/users/human", { ...within(orgId), body });
  expect(made.status, made.text).toBe(200);
  return made.body.userId;
}

describe("AddOrgMember", () => {
  it("gives roles that count on the next call", async () => {
    const orgId = await world.org();
    const caller = await world.machine(orgId);
    expectError(await caller.rest("POST", `${path}/_search`, { body: {} }), 403, 7, "AUTHZ-cdgFk");
    const added = await add(orgId, caller.id, ["ORG_OWNER_VIEWER", "SELF_MANAGEMENT_GLOBAL", "ORG_OWNER_VIEWER"]);
    expect(added.status).toBe(200);
    expect(added.body).toEqual({ details: { sequence: "6", creationDate: timestamp, resourceOwner: orgId } });
    const listed = await caller.rest<List>("POST", `${path}/_search`, { body: { queries: [{ userIdQuery: { userId: caller.id } }] } });
    expect(listed.body.result?.[0]?.roles).toEqual(["ORG_OWNER_VIEWER", "SELF_MANAGEMENT_GLOBAL"]);
  });

  it("takes principals of other orgs, and refuses a second membership", async () => {
    const [orgId, home] = [await world.org(), await world.org()];
    const guest = await world.human(home);
    expect((await add(orgId, guest.id, ["ORG_OWNER"])).status).toBe(200);
    expectError(await add(orgId, guest.id, ["ORG_OWNER_VIEWER"]), 409, 6, "ORG-poWwe");
    expect((await guest.rest("GET", "/management/v1/orgs/me", within(orgId))).status).toBe(200);
    expectError(await guest.rest("GET", "/management/v1/orgs/me"), 403, 7, "AUTHZ-cdgFk");
  });

  it("refuses no roles, roles that are not an org's, and users that are not there", async () => {
    const orgId = await world.org();
    const { id } = await world.machine(orgId);
    expectError(await add(orgId, id, []), 400, 3, "V2-PfYhb");
    for (const role of ["IAM_OWNER", "PROJECT_OWNER", "administrator", "admin", "ORG_NO_SUCH", "", "x".repeat(10_000)]) {
      expectError(await add(orgId, id, ["ORG_OWNER", role]), 400, 3, "Org-4N8es");
    }
    expectInvalid(
      await add(orgId, "", ["ORG_OWNER"]),
      "invalid AddOrgMemberRequest.UserId: value length must be between 1 and 200 runes, inclusive",
    );
    for (const user of [nothing, "no-id"])
      expectError(await add(orgId, user, ["ORG_OWNER"]), 400, 9, "ORG-GoXOn", "User could not be found");
    expect((await list(orgId)).body.details.totalResult).toBe("1");
  });

  it("lets nobody give a role that outranks them", async () => {
    const orgId = await world.org();
    const owner = await world.machine(orgId, "ORG_OWNER");
    const { id } = await world.machine(orgId);
    const give = (roles: string[]) => owner.rest("POST", path, { body: { userId: id, roles } });
    expectError(await give(["ORG_OWNER", "SELF_MANAGEMENT_GLOBAL"]), 403, 7, "AUTH-AWfge", "No matching permissions found");
    expectError(await give(["IAM_OWNER"]), 400, 3, "Org-4N8es");
    expect((await give(["ORG_OWNER"])).status).toBe(200);
    const viewer = await world.machine(orgId, "ORG_OWNER_VIEWER");
    expectError(await viewer.rest("POST", path, { body: { userId: id, roles: [] } }), 403, 7, "AUTH-5mWD2");
    expect((await restClient(world.system.baseUrl)("POST", path, { body: {} })).status).toBe(401);
  });

  it("gives nothing to a user that is being removed", async () => {
    const [orgId, home] = [await world.org(), await world.org()];
    const user = await world.human(home);
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from principals where id = $1 for update", [user.id]);
    const removed = world.admin("DELETE", `/management/v1/users/${user.id}`, within(home));
    await untilWaiting(database, 1);
    const added = add(orgId, user.id, ["ORG_OWNER"]);
    await untilWaiting(database, 2);
    await holder.query("rollback");
    expect((await removed).status).toBe(200);
    expectError(await added, 400, 9, "ORG-GoXOn");
  });
});

describe("ListOrgMembers", () => {
  it("shows humans and machines with their names, of whatever org", async () => {
    const [orgId, home] = [await world.org(fresh("Listed")), await world.org("Home of a guest")];
    const profile = { firstName: "Ada", lastName: "Byron", displayName: "Countess" };
    const guest = await human(home, { userName: "ada", profile, email: { email: "ada@example.com" } });
    const machine = await world.machine(orgId, "ORG_OWNER_VIEWER");
    await add(orgId, guest, ["ORG_OWNER", "ORG_USER_MANAGER"]);
    const answer = await list(orgId, { query: { asc: true } });
    const details = { sequence: expect.any(String), creationDate: timestamp, changeDate: timestamp, resourceOwner: orgId };
    const { user } = (
      await world.admin<{ user: { userName: string; preferredLoginName: string } }>(
        "GET",
        `/management/v1/users/${machine.id}`,
        within(orgId),
      )
    ).body;
    expect(answer.body).toEqual({
      details: { totalResult: "3", viewTimestamp: timestamp },
      result: [
        expect.objectContaining({ userId: iamOwner, roles: ["ORG_OWNER"], displayName: "admin" }),
        {
          userId: machine.id,
          details,
          roles: ["ORG_OWNER_VIEWER"],
          preferredLoginName: user.preferredLoginName,
          displayName: user.userName,
          userType: "TYPE_MACHINE",
          userResourceOwner: orgId,
        },
        {
          userId: guest,
          details,
          roles: ["ORG_OWNER", "ORG_USER_MANAGER"],
          preferredLoginName: "ada@home-of-a-guest.localhost",
          email: "ada@example.com",
          firstName: "Ada",
          lastName: "Byron",
          displayName: "Countess",
          userType: "TYPE_HUMAN",
          userResourceOwner: home,
        },
      ],
    });
  });

  it("searches by both names, address and id, and by all of them at once", async () => {
    const orgId = await world.org();
    const ada = await human(orgId, { profile: { firstName: "Ada", lastName: "Byron" }, email: { email: "ada@one.example" } });
    const alan = await human(orgId, { profile: { firstName: "Alan", lastName: "Turing" }, email: { email: "alan@two.example" } });
    for (const id of [ada, alan]) await add(orgId, id, ["ORG_OWNER"]);
    const found = async (...queries: object[]) => ids(await list(orgId, { queries, query: { asc: true } }));
    const method = "TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE";
    expect(await found()).toEqual([iamOwner, ada, alan]);
    expect(await found({ firstNameQuery: { firstName: "a", method } })).toEqual([ada, alan]);
    expect(await found({ lastNameQuery: { lastName: "TUR", method } })).toEqual([alan]);
    expect(await found({ emailQuery: { email: "ONE.EXAMPLE", method: "TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE" } })).toEqual([ada]);
    expect(await found({ userIdQuery: { userId: alan } })).toEqual([alan]);
    expect(await found({ userIdQuery: { userId: alan } }, { firstNameQuery: { firstName: "Ada" } })).toEqual([]);
    for (const userId of [nothing, "no-id", ""]) expect(await found({ userIdQuery: { userId } })).toEqual([]);
    const empty = await list(orgId, { queries: [{}] });
    expectInvalid(
      empty,
      "invalid ListOrgMembersRequest.Queries[0]: embedded message failed validation | caused by: invalid SearchQuery.Query: value is required",
    );
  });

  it("pages in the order of joining, both ways", async () => {
    const orgId = await world.org();
    const [one, two] = [await world.machine(orgId, "ORG_OWNER"), await world.machine(orgId, "ORG_OWNER")];
    expect(ids(await list(orgId))).toEqual([two.id, one.id, iamOwner]);
    const page = await list(orgId, { query: { asc: true, offset: "1", limit: 1 } });
    expect(ids(page)).toEqual([one.id]);
    expect(page.body.details.totalResult).toBe("3");
    expectError(await list(orgId, { query: { limit: 1_001 } }), 400, 3, "QUERY-4M0fs");
  });

  it("is for readers of members", async () => {
    const orgId = await world.org();
    const manager = await world.machine(orgId, "ORG_USER_MANAGER");
    expectError(await manager.rest("POST", `${path}/_search`, { body: {} }), 403, 7, "AUTH-5mWD2");
    const settings = await world.machine(orgId, "ORG_SETTINGS_MANAGER");
    expect((await settings.rest("POST", `${path}/_search`, { body: {} })).status).toBe(200);
  });
});

describe("RemoveOrgMember", () => {
  it("takes the rights away on the next call, and leaves the user", async () => {
    const orgId = await world.org();
    const caller = await world.machine(orgId, "ORG_OWNER");
    expect((await caller.rest("GET", "/management/v1/orgs/me")).status).toBe(200);
    const removed = await remove(orgId, caller.id);
    expect(removed.status).toBe(200);
    expect(removed.body).toEqual({ details: { sequence: "7", changeDate: timestamp, resourceOwner: orgId } });
    expectError(await caller.rest("GET", "/management/v1/orgs/me"), 403, 7, "AUTHZ-cdgFk", "membership not found");
    expect(ids(await list(orgId))).toEqual([iamOwner]);
    expect((await world.admin("GET", `/management/v1/users/${caller.id}`, within(orgId))).status).toBe(200);
    expect((await add(orgId, caller.id, ["ORG_OWNER_VIEWER"])).status).toBe(200);
  });

  it("finds nothing where there is no membership", async () => {
    const orgId = await world.org();
    const caller = await world.machine(orgId, "ORG_OWNER");
    const elsewhere = await world.org();
    await remove(orgId, caller.id);
    for (const answer of [
      await remove(orgId, caller.id),
      await remove(elsewhere, caller.id),
      await remove(orgId, nothing),
      await remove(orgId, "no-id"),
    ]) {
      expectError(answer, 404, 5, "Org-D8JxR");
    }
    const rpc = grpcClient(world.system.grpcAddress, ManagementServiceService, world.system.adminToken);
    const metadata = { "x-zitadel-orgid": orgId };
    expect(await grpcError(rpc.call("removeOrgMember", { userId: nothing }, { metadata }))).toMatchObject({ code: 5, id: "Org-D8JxR" });
    rpc.close();
  });

  it("lets nobody take roles that outrank them", async () => {
    const orgId = await world.org();
    const owner = await world.machine(orgId, "ORG_OWNER");
    const maker = await world.machine(orgId, "ORG_OWNER", "SELF_MANAGEMENT_GLOBAL");
    expectError(await owner.rest("DELETE", `${path}/${maker.id}`), 403, 7, "AUTH-AWfge");
    expectError(await owner.rest("DELETE", `${path}/${nothing}`), 404, 5, "Org-D8JxR");
    expect((await maker.rest("DELETE", `${path}/${owner.id}`)).status).toBe(200);
    const viewer = await world.machine(orgId, "ORG_OWNER_VIEWER");
    expectError(await viewer.rest("DELETE", `${path}/${maker.id}`), 403, 7, "AUTH-5mWD2");
  });

  it("answers one of two that race", async () => {
    const orgId = await world.org();
    const { id } = await world.machine(orgId, "ORG_OWNER");
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from grants where org_id = $1 and principal_id = $2 for update", [orgId, id]);
    const racers = [remove(orgId, id), remove(orgId, id)];
    await untilWaiting(database, 2);
    await holder.query("rollback");
    expect((await Promise.all(racers)).map((answer) => answer.status).sort()).toEqual([200, 404]);
  });
});
