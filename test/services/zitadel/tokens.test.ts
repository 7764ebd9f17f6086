import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import { expectError, expectInvalid, fresh, grpcError, person, startWorld, untilWaiting, type World, within } from "./world.ts";

let world: World;
let database: Client;
let orgId: string;

beforeAll(async () => {
  world = await startWorld();
  database = await world.connect();
  orgId = await world.org();
});

afterAll(() => world.close());

const timestamp = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
const nothing = "01890000-0000-7000-8000-000000000000";

interface Made {
  readonly tokenId: string;
  readonly token: string;
}
interface List {
  readonly details: { readonly totalResult?: string };
  readonly result?: readonly { readonly id: string; readonly expirationDate: string }[];
}

const add = (userId: string, body: object = {}, org = orgId) =>
  world.admin<Made>("POST", `/management/v1/users/${userId}/pats`, { ...within(org), body });
const list = (userId: string, body: object = {}, org = orgId) =>
  world.admin<List>("POST", `/management/v1/users/${userId}/pats/_search`, { ...within(org), body });
const remove = (userId: string, tokenId: string, org = orgId) =>
  world.admin("DELETE", `/management/v1/users/${userId}/pats/${tokenId}`, within(org));
const callWith = (token: string) => restClient(world.system.baseUrl, token)("GET", "/management/v1/orgs/me");

/** A machine of the org with a role and no token yet. */
async function machine(): Promise<string> {
  const userName = fresh("bot");
  const body = { userName, name: userName };
  const made = await world.admin<{ userId: string }>("POST", "/management/v1/users/machine", { ...within(orgId), body });
  const member = { userId: made.body.userId, roles: ["ORG_OWNER_VIEWER"] };
  await world.admin("POST", "/management/v1/orgs/me/members", { ...within(orgId), body: member });
  return made.body.userId;
}

describe("AddPersonalAccessToken", () => {
  it("answers a token that works at once, and is shown this once", async () => {
    const id = await machine();
    const made = await add(id);
    expect(made.status).toBe(200);
    expect(made.body).toEqual({
      tokenId: expect.any(String),
      token: expect.stringMatching(/^tnr_pat_/),
      details: { sequence: "2", creationDate: timestamp, resourceOwner: orgId },
    });
    expect((await callWith(made.body.token)).status).toBe(200);
    const listed = await list(id);
    expect(listed.body).toEqual({
      details: { totalResult: "1", viewTimestamp: timestamp },
      result: [
        {
          id: made.body.tokenId,
          details: { sequence: "2", creationDate: timestamp, changeDate: timestamp, resourceOwner: orgId },
          expirationDate: "9999-12-31T23:59:59Z",
        },
      ],
    });
    const { rows } = await database.query("select count(*)::int as count from credentials c where c::text like $1", [
      `%${made.body.token}%`,
    ]);
    expect(rows[0].count).toBe(0);
  });

  it("keeps the expiry, up to the last moment that there is", async () => {
    const id = await machine();
    for (const expirationDate of ["2099-01-02T03:04:05.678Z", "9999-12-31T23:59:59Z"]) {
      const { tokenId } = (await add(id, { expirationDate })).body;
      expect((await list(id)).body.result?.find((token) => token.id === tokenId)?.expirationDate).toBe(expirationDate);
    }
    expectError(await add(id, { expirationDate: "2020-01-01T00:00:00Z" }), 400, 3, "DOMAIN-dv3t5", "The expiration date is in the past");
  });

  it("ends a token when its time has come", async () => {
    const id = await machine();
    const { token, tokenId } = (await add(id, { expirationDate: "2099-01-01T00:00:00Z" })).body;
    expect((await callWith(token)).status).toBe(200);
    await database.query("update credentials set expires_at = now() where id = $1", [tokenId]);
    expectError(await callWith(token), 401, 16, "AUTH-7fs1e");
    expect((await list(id)).body.details.totalResult).toBe("1");
  });

  it("refuses humans", async () => {
    const { id } = await world.human(orgId);
    expectError(await add(id), 400, 9, "COMMAND-Df2f1", "Not allowed for this user type");
  });

  it("refuses who is not there, and looks at the request before that", async () => {
    const elsewhere = await world.org();
    for (const answer of [await add(nothing), await add("no-id"), await add(await machine(), {}, elsewhere)]) {
      expectError(answer, 400, 9, "COMMAND-Dggw2", "User could not be found");
    }
    expectError(await add("x".repeat(10_000)), 400, 9, "COMMAND-Dggw2");
    expectError(await add(nothing, { expirationDate: "2020-01-01T00:00:00Z" }), 400, 3, "DOMAIN-dv3t5");
    const rpc = grpcClient(world.system.grpcAddress, ManagementServiceService, world.system.adminToken);
    const metadata = { "x-zitadel-orgid": orgId };
    const unnamed = "invalid AddPersonalAccessTokenRequest.UserId: value length must be at least 1 runes";
    expect(await grpcError(rpc.call("addPersonalAccessToken", { userId: "" }, { metadata }))).toMatchObject({ code: 3, message: unnamed });
    const late = { userId: nothing, expirationDate: new Date(8.64e15) };
    expect(await grpcError(rpc.call("addPersonalAccessToken", late, { metadata }))).toEqual({
      code: 3,
      message: "invalid AddPersonalAccessTokenRequest.ExpirationDate: value must be a time before the year 10000",
      id: undefined,
    });
    rpc.close();
  });

  it("makes no token for who outranks the caller", async () => {
    const manager = await world.machine(orgId, "ORG_USER_MANAGER");
    const boss = await world.machine(orgId, "ORG_OWNER");
    const path = (id: string) => `/management/v1/users/${id}/pats`;
    expectError(await manager.rest("POST", path(boss.id), { body: {} }), 403, 7, "AUTH-AWfge", "No matching permissions found");
    expect((await manager.rest("POST", path(manager.id), { body: {} })).status).toBe(200);
    const viewer = await world.machine(orgId, "ORG_OWNER_VIEWER");
    expectError(await viewer.rest("POST", path(viewer.id), { body: {} }), 403, 7, "AUTH-5mWD2");
  });

  it("makes no token for a machine that is being removed", async () => {
    const id = await machine();
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from principals where id = $1 for update", [id]);
    const removed = world.admin("DELETE", `/management/v1/users/${id}`, within(orgId));
    await untilWaiting(database, 1);
    const made = add(id);
    await untilWaiting(database, 2);
    await holder.query("rollback");
    expect((await removed).status).toBe(200);
    expectError(await made, 400, 9, "COMMAND-Dggw2");
  });
});

describe("ListPersonalAccessTokens", () => {
  it("pages in the order of making, both ways", async () => {
    const id = await machine();
    const made: string[] = [];
    for (let n = 0; n < 3; n++) made.push((await add(id)).body.tokenId);
    const page = async (query: object) => (await list(id, { query })).body.result?.map((token) => token.id) ?? [];
    expect(await page({ asc: true })).toEqual(made);
    expect(await page({})).toEqual(made.toReversed());
    expect(await page({ asc: true, offset: "1", limit: 1 })).toEqual(made.slice(1, 2));
    const behind = await list(id, { query: { offset: "3" } });
    expect(behind.body).toEqual({ details: { totalResult: "3", viewTimestamp: timestamp } });
    expectError(await list(id, { query: { limit: 1_001 } }), 400, 3, "QUERY-4M0fs");
  });

  it("finds nobody who is not in the context org", async () => {
    const id = await machine();
    const elsewhere = await world.org();
    for (const answer of [await list(id, {}, elsewhere), await list(nothing), await list("no-id")]) {
      expectError(answer, 404, 5, "QUERY-Dfbg2", "User could not be found");
    }
  });

  it("shows whoever may read one project the tokens of its machines only", async () => {
    const creator = await world.machine(orgId, "ORG_PROJECT_CREATOR");
    const project = await creator.rest<{ id: string }>("POST", "/management/v1/projects", { body: { name: fresh("Mine") } });
    const identity = await world.admin<{ identity: { id: string } }>("POST", `/api/v1/projects/${project.body.id}/identities`, {
      body: { name: "deployer", hasDeleteProtection: false },
    });
    const { id } = identity.body.identity;
    expect((await add(id)).status).toBe(200);
    const search = (user: string) => creator.rest("POST", `/management/v1/users/${user}/pats/_search`, { body: {} });
    expect((await search(id)).body).toMatchObject({ details: { totalResult: "1" } });
    expectError(await search(creator.id), 404, 5, "QUERY-Dfbg2");
  });
});

describe("RemovePersonalAccessToken", () => {
  it("ends one token on the next call, and no other", async () => {
    const id = await machine();
    const [one, two] = [(await add(id)).body, (await add(id)).body];
    const removed = await remove(id, one.tokenId);
    expect(removed.status).toBe(200);
    expect(removed.body).toEqual({ details: { sequence: "4", changeDate: timestamp, resourceOwner: orgId } });
    expectError(await callWith(one.token), 401, 16, "AUTH-7fs1e");
    expect((await callWith(two.token)).status).toBe(200);
    expect((await list(id)).body.result?.map((token) => token.id)).toEqual([two.tokenId]);
    expectError(await remove(id, one.tokenId), 404, 5, "COMMAND-4m77G", "Personal Access Token not found");
  });

  it("finds a token only under its own user and org", async () => {
    const id = await machine();
    const { tokenId } = (await add(id)).body;
    const other = await machine();
    const elsewhere = await world.org();
    const answers = [
      await remove(other, tokenId),
      await remove(id, tokenId, elsewhere),
      await remove(id, nothing),
      await remove(id, "no-id"),
      await remove("no-id", tokenId),
    ];
    for (const answer of answers) expectError(answer, 404, 5, "COMMAND-4m77G");
    expectInvalid(
      await remove(id, "x".repeat(201)),
      "invalid RemovePersonalAccessTokenRequest.TokenId: value length must be between 1 and 200 runes, inclusive",
    );
    expect((await list(id)).body.details.totalResult).toBe("1");
  });

  it("locks out nobody who outranks the caller", async () => {
    const manager = await world.machine(orgId, "ORG_USER_MANAGER");
    const boss = await world.machine(orgId, "ORG_OWNER");
    const tokenId = (await list(boss.id)).body.result?.[0]?.id ?? "";
    const path = `/management/v1/users/${boss.id}/pats`;
    expectError(await manager.rest("DELETE", `${path}/${tokenId}`), 403, 7, "AUTH-AWfge");
    expectError(await manager.rest("DELETE", `${path}/${nothing}`), 404, 5, "COMMAND-4m77G");
    expect((await boss.rest("GET", "/management/v1/orgs/me")).status).toBe(200);
    expect((await boss.rest("DELETE", `${path}/${tokenId}`)).status).toBe(200);
    expectError(await boss.rest("GET", "/management/v1/orgs/me"), 401, 16, "AUTH-7fs1e");
  });

  it("answers one of two that race", async () => {
    const id = await machine();
    const { tokenId } = (await add(id)).body;
    const holder = await world.connect();
    await holder.query("begin");
    await holder.query("select from credentials where id = $1 for update", [tokenId]);
    const racers = [remove(id, tokenId), remove(id, tokenId)];
    await untilWaiting(database, 2);
    await holder.query("rollback");
    expect((await Promise.all(racers)).map((answer) => answer.status).sort()).toEqual([200, 404]);
    const { rows } = await database.query(
      "select count(*)::int as count from audit_events where aggregate_id = $1 and type = 'user.pat.removed'",
      [id],
    );
    expect(rows[0].count).toBe(1);
  });

  it("goes with its user, whose tokens nobody can list any more", async () => {
    const human = await world.admin<{ userId: string }>("POST", "/management/v1/users/human", {
      ...within(orgId),
      body: person(fresh("h")),
    });
    const { userId } = human.body;
    expect((await list(userId)).status).toBe(200);
    await world.admin("DELETE", `/management/v1/users/${userId}`, within(orgId));
    expectError(await list(userId), 404, 5, "QUERY-Dfbg2");
  });
});
