import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminServiceService } from "../../../proto/gen/zitadel/admin/v1/admin.ts";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { type GrpcClient, grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import { expectError, expectInvalid, fresh, grpcError, person, startWorld, untilWaiting, type World, within } from "./world.ts";

let world: World;
let adminRpc: GrpcClient;
let managementRpc: GrpcClient;

beforeAll(async () => {
  world = await startWorld();
  const { grpcAddress, adminToken } = world.system;
  adminRpc = grpcClient(grpcAddress, AdminServiceService, adminToken);
  managementRpc = grpcClient(grpcAddress, ManagementServiceService, adminToken);
});

afterAll(async () => {
  adminRpc.close();
  managementRpc.close();
  await world.close();
});

const timestamp = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
const nothing = "01890000-0000-7000-8000-000000000000";

interface Org {
  readonly id: string;
  readonly name: string;
  readonly primaryDomain: string;
  readonly details: { readonly creationDate: string };
}
interface OrgAnswer {
  readonly org: Org;
}
interface List {
  readonly details: { readonly totalResult: string };
  readonly result?: readonly Org[];
  readonly sortingColumn?: string;
}

describe("Healthz", () => {
  it("answers an empty object without a token, in both services", async () => {
    const open = restClient(world.system.baseUrl);
    expect(await open("GET", "/admin/v1/healthz")).toMatchObject({ status: 200, body: {} });
    expect(await open("GET", "/management/v1/healthz")).toMatchObject({ status: 200, body: {} });
    expect(await adminRpc.call("healthz", {}, { token: undefined })).toEqual({});
  });
});

describe("AddOrg", () => {
  it("answers the id and the details of something new, and makes the caller its owner", async () => {
    const maker = await world.machine(await world.org(), "SELF_MANAGEMENT_GLOBAL");
    const name = fresh("Made by itself");
    const made = await maker.rest<{ id: string }>("POST", "/management/v1/orgs", { body: { name: `  ${name} ` } });
    expect(made.body).toEqual({ id: expect.any(String), details: { sequence: "5", creationDate: timestamp, resourceOwner: made.body.id } });

    const mine = await maker.rest<OrgAnswer>("GET", "/management/v1/orgs/me", within(made.body.id));
    expect(mine.body).toEqual({
      org: {
        id: made.body.id,
        details: { sequence: "5", creationDate: timestamp, changeDate: timestamp, resourceOwner: made.body.id },
        state: "ORG_STATE_ACTIVE",
        name,
        primaryDomain: `${name.toLowerCase().replaceAll(" ", "-")}.localhost`,
      },
    });
    const members = await maker.rest("POST", "/management/v1/orgs/me/members/_search", { ...within(made.body.id), body: {} });
    expect(members.body).toMatchObject({ result: [{ userId: maker.id, roles: ["ORG_OWNER"] }] });
  });

  it("refuses a name that is taken, in whatever case", async () => {
    const name = fresh("Taken");
    await world.org(name);
    const again = await world.admin("POST", "/management/v1/orgs", { body: { name: name.toUpperCase() } });
    expectError(again, 409, 6, "V3-DKcYh", "Organisation's name or id already taken");
  });

  it("compares names of any alphabet as those of projects are compared", async () => {
    const word = fresh("όδο");
    const spellings = [`${word} ΣΑΣ`, `${word} σασ`, `${word} ΣΑΣ`.toLowerCase()];
    const home = within(await world.org());
    const made = async (path: string) => {
      const statuses: number[] = [];
      for (const name of spellings) statuses.push((await world.admin("POST", path, { ...home, body: { name } })).status);
      return statuses;
    };
    expect(await made("/management/v1/orgs")).toEqual(await made("/management/v1/projects"));
  });

  it("refuses a name of blanks by its own id, and no name by the rule of the field", async () => {
    expectError(await world.admin("POST", "/management/v1/orgs", { body: { name: "   " } }), 400, 3, "EVENT-Mf9sd");
    const sentence = "invalid AddOrgRequest.Name: value length must be between 1 and 200 runes, inclusive";
    expectInvalid(await world.admin("POST", "/management/v1/orgs", { body: {} }), sentence);
    expectInvalid(await world.admin("POST", "/management/v1/orgs", { body: { name: "n".repeat(201) } }), sentence);
  });

  it("makes no org for a caller that is being removed", async () => {
    const home = await world.org();
    const maker = await world.machine(home, "SELF_MANAGEMENT_GLOBAL");
    const [holder, watcher] = [await world.connect(), await world.connect()];
    await holder.query("begin");
    await holder.query("select from principals where id = $1 for update", [maker.id]);
    const removed = world.admin("DELETE", `/management/v1/users/${maker.id}`, within(home));
    await untilWaiting(watcher, 1);
    const name = fresh("Orphan");
    const made = maker.rest("POST", "/management/v1/orgs", { body: { name } });
    await untilWaiting(watcher, 2);
    await holder.query("rollback");
    expect((await removed).status).toBe(200);
    expectError(await made, 400, 9, "COMMAND-uXHNj", "User could not be found");
    expect((await world.admin("GET", `/admin/v1/orgs/_is_unique?name=${name}`)).body).toEqual({ isUnique: true });
  });

  it("needs a token, then the right to make orgs, then a good request, in this order", async () => {
    const owner = await world.machine(await world.org(), "ORG_OWNER");
    const nobody = await world.machine(await world.org());
    const open = restClient(world.system.baseUrl);
    const missing = await open("POST", "/management/v1/orgs", { body: {} });
    expect(missing).toMatchObject({ status: 401, body: { code: 16, message: "auth header missing" } });
    expectError(await open("POST", "/management/v1/orgs", { body: {}, token: "nonsense" }), 401, 16, "AUTH-7fs1e");
    expectError(await owner.rest("POST", "/management/v1/orgs", { body: {} }), 403, 7, "AUTH-5mWD2", "No matching permissions found");
    expectError(await nobody.rest("POST", "/management/v1/orgs", { body: {} }), 403, 7, "AUTHZ-cdgFk", "membership not found");
    expectError(await owner.rest("POST", "/management/v1/orgs", { body: {}, ...within(nothing) }), 403, 7, "AUTH-Bs7Ds");
  });
});

describe("GetOrgByID and GetMyOrg", () => {
  it("read the same org, over REST and gRPC", async () => {
    const id = await world.org();
    const byId = await world.admin<OrgAnswer>("GET", `/admin/v1/orgs/${id}`);
    const mine = await world.admin<OrgAnswer>("GET", "/management/v1/orgs/me", within(id));
    expect(byId.status).toBe(200);
    expect(byId.body).toEqual(mine.body);
    const rpc = await adminRpc.call<OrgAnswer>("getOrgById", { id: id.toUpperCase() });
    expect(rpc.org.name).toBe(byId.body.org.name);
    const metadata = { "x-zitadel-orgid": id };
    expect(await managementRpc.call<OrgAnswer>("getMyOrg", {}, { metadata })).toMatchObject({ org: { id } });
  });

  it("find nothing for an id that names nothing", async () => {
    for (const id of [nothing, "not-an-id", "x".repeat(200)]) {
      expectError(await world.admin("GET", `/admin/v1/orgs/${id}`), 404, 5, "QUERY-iTTGJ", "Organisation not found");
    }
    expectInvalid(
      await world.admin("GET", `/admin/v1/orgs/${"x".repeat(201)}`),
      "invalid GetOrgByIDRequest.Id: value length must be between 1 and 200 runes, inclusive",
    );
    const sameWords = { code: 5, message: "Organisation not found (QUERY-iTTGJ)", id: "QUERY-iTTGJ" };
    expect(await grpcError(adminRpc.call("getOrgById", { id: nothing }))).toEqual(sameWords);
  });

  it("hide from an owner of one org what the instance knows, before saying whether it is there", async () => {
    const owner = await world.machine(await world.org(), "ORG_OWNER");
    for (const id of [nothing, await world.org()]) {
      expectError(await owner.rest("GET", `/admin/v1/orgs/${id}`), 403, 7, "AUTH-5mWD2");
      expectError(await owner.rest("GET", "/management/v1/orgs/me", within(id)), 403, 7, id === nothing ? "AUTH-Bs7Ds" : "AUTHZ-cdgFk");
    }
  });
});

describe("IsOrgUnique", () => {
  it("tells whether name and domain are free, in whatever case", async () => {
    const name = fresh("Unique");
    const unique = (query: string) => world.admin("GET", `/admin/v1/orgs/_is_unique?${query}`);
    expect((await unique(`name=${name}`)).body).toEqual({ isUnique: true });
    await world.org(name);
    expect((await unique(`name=${name.toUpperCase()}`)).body).toEqual({});
    expect((await unique(`domain=${name.toUpperCase()}.localhost`)).body).toEqual({});
    expect((await unique(`name=${fresh("Unique")}&domain=${name}.localhost`)).body).toEqual({});
    expect((await unique(`name=${fresh("Unique")}&domain=${fresh("free")}.localhost`)).body).toEqual({ isUnique: true });
    expectError(await unique(""), 400, 3, "QUERY-DGqfd");
  });
});

describe("ListOrgs", () => {
  const search = (body: object) => world.admin<List>("POST", "/admin/v1/orgs/_search", { body });
  const names = async (body: object) => (await search(body)).body.result?.map((org) => org.name) ?? [];

  it("searches by name in all eight ways, by domain, state and id, and by all of them at once", async () => {
    const id = await world.org("Zebra 100% One");
    await world.org("zebra 100x Two");
    const byName = (name: string, method: string) =>
      names({ queries: [{ nameQuery: { name, method: `TEXT_QUERY_METHOD_${method}` } }], query: { asc: true } });
    expect(await byName("Zebra 100% One", "EQUALS")).toEqual(["Zebra 100% One"]);
    expect(await byName("zebra 100% one", "EQUALS")).toEqual([]);
    expect(await byName("ZEBRA 100% ONE", "EQUALS_IGNORE_CASE")).toEqual(["Zebra 100% One"]);
    expect(await byName("Zebra", "STARTS_WITH")).toEqual(["Zebra 100% One"]);
    expect(await byName("zEBRA", "STARTS_WITH_IGNORE_CASE")).toEqual(["Zebra 100% One", "zebra 100x Two"]);
    expect(await byName("100%", "CONTAINS")).toEqual(["Zebra 100% One"]);
    expect(await byName("EBRA 100", "CONTAINS_IGNORE_CASE")).toEqual(["Zebra 100% One", "zebra 100x Two"]);
    expect(await byName("Two", "ENDS_WITH")).toEqual(["zebra 100x Two"]);
    expect(await byName("ONE", "ENDS_WITH_IGNORE_CASE")).toEqual(["Zebra 100% One"]);

    const idQuery = { idQuery: { id } };
    expect(await names({ queries: [{ domainQuery: { domain: "zebra-100-one", method: "TEXT_QUERY_METHOD_STARTS_WITH" } }] })).toEqual([
      "Zebra 100% One",
    ]);
    expect(await names({ queries: [idQuery, { stateQuery: { state: "ORG_STATE_ACTIVE" } }] })).toEqual(["Zebra 100% One"]);
    expect(await names({ queries: [idQuery, { nameQuery: { name: "other" } }] })).toEqual([]);
    expect(await names({ queries: [{ idQuery: { id: "not-an-id" } }] })).toEqual([]);
    for (const state of ["ORG_STATE_INACTIVE", "ORG_STATE_REMOVED", "ORG_STATE_UNSPECIFIED"]) {
      expect(await names({ queries: [idQuery, { stateQuery: { state } }] })).toEqual([]);
    }
  });

  it("sorts by name or by time of making, pages, and tells the total of all pages", async () => {
    for (const name of ["page b", "Page C", "page A"]) await world.org(name);
    const queries = [{ nameQuery: { name: "page", method: "TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE" } }];
    const sortingColumn = "ORG_FIELD_NAME_NAME";
    expect(await names({ queries, sortingColumn, query: { asc: true } })).toEqual(["page A", "page b", "Page C"]);
    expect(await names({ queries, sortingColumn })).toEqual(["Page C", "page b", "page A"]);
    expect(await names({ queries, query: { asc: true } })).toEqual(["page b", "Page C", "page A"]);
    expect(await names({ queries })).toEqual(["page A", "Page C", "page b"]);

    const page = await search({ queries, sortingColumn, query: { asc: true, offset: "1", limit: 1 } });
    expect(page.body).toEqual({
      details: { totalResult: "3", viewTimestamp: timestamp },
      sortingColumn,
      result: [expect.objectContaining({ name: "page b" })],
    });
    const behind = await search({ queries, query: { offset: "18446744073709551615" } });
    expect(behind.body).toEqual({ details: { totalResult: "3", viewTimestamp: timestamp } });
  });

  it("refuses a page that is too large, a query that asks nothing and more queries than a statement holds", async () => {
    expect((await search({ query: { limit: 1_000 } })).status).toBe(200);
    expectError(await search({ query: { limit: 1_001 } }), 400, 3, "QUERY-4M0fs", "Limit exceeded");
    expectInvalid(
      await search({ queries: [{}] }),
      "invalid ListOrgsRequest.Queries[0]: embedded message failed validation | caused by: invalid OrgQuery.Query: value is required",
    );
    const many = Array.from({ length: 501 }, () => ({ nameQuery: {} }));
    expectInvalid(await search({ queries: many }), "invalid Request.Queries: value must contain no more than 500 item(s)");
    expectInvalid(
      await search({ queries: [{ nameQuery: { method: 8 } }] }),
      "invalid ListOrgsRequest.Queries[0]: embedded message failed validation | caused by: invalid OrgQuery.NameQuery: " +
        "embedded message failed validation | caused by: invalid OrgNameQuery.Method: value must be one of the defined enum values",
    );
  });

  it("is for readers of the instance only", async () => {
    const owner = await world.machine(await world.org(), "ORG_OWNER");
    expectError(await owner.rest("POST", "/admin/v1/orgs/_search", { body: {} }), 403, 7, "AUTH-5mWD2");
  });
});

describe("SetUpOrg", () => {
  const setUp = (body: object) => world.admin<{ orgId: string; userId: string }>("POST", "/admin/v1/orgs/_setup", { body });

  it("makes org, human and ownership as one", async () => {
    const name = fresh("Set up");
    const human = person("founder", { password: "correct horse", email: { email: "founder@example.com", isEmailVerified: true } });
    const made = await setUp({ org: { name, domain: `${fresh("Custom")}.Example` }, human });
    const { orgId, userId } = made.body;
    expect(made.body).toEqual({ details: { sequence: "5", creationDate: timestamp, resourceOwner: orgId }, orgId, userId });

    const org = await world.admin<OrgAnswer>("GET", `/admin/v1/orgs/${orgId}`);
    expect(org.body.org.primaryDomain).toMatch(/^custom-\d+\.example$/);
    const members = await world.admin("POST", "/management/v1/orgs/me/members/_search", { ...within(orgId), body: {} });
    expect(members.body).toMatchObject({ details: { totalResult: "1" }, result: [{ userId, roles: ["ORG_OWNER"] }] });
    const user = await world.admin("GET", `/management/v1/users/${userId}`, within(orgId));
    expect(user.body).toMatchObject({ user: { state: "USER_STATE_ACTIVE", preferredLoginName: `founder@${org.body.org.primaryDomain}` } });
  });

  it("gives the roles that are asked for", async () => {
    const { body } = await setUp({
      org: { name: fresh("Roles") },
      human: person("viewer"),
      roles: ["ORG_OWNER_VIEWER", "ORG_USER_MANAGER"],
    });
    const members = await world.admin("POST", "/management/v1/orgs/me/members/_search", { ...within(body.orgId), body: {} });
    expect(members.body).toMatchObject({ result: [{ roles: ["ORG_OWNER_VIEWER", "ORG_USER_MANAGER"] }] });
  });

  it("makes nothing at all when a part of it is refused", async () => {
    const name = fresh("Half");
    const domain = `${fresh("half")}.example`;
    const taken = fresh("Whole");
    await setUp({ org: { name: taken, domain }, human: person("first") });
    expectError(await setUp({ org: { name: taken }, human: person("a") }), 409, 6, "V3-DKcYh", "Organisation's name or id already taken");
    expectError(await setUp({ org: { name, domain }, human: person("a") }), 409, 6, "V3-DKcYh", "Domain already exists");
    expectError(await setUp({ org: { name }, human: person("a"), roles: ["IAM_OWNER"] }), 400, 3, "Org-4N8es");
    expectError(await setUp({ org: { name }, human: person("a"), roles: ["NO_SUCH_ROLE"] }), 400, 3, "Org-4N8es");
    expectError(await setUp({ org: { name: " " }, human: person("a") }), 400, 3, "ORG-mruNY");
    expectError(await setUp({ org: { name, domain: "no domain!" }, human: person("a") }), 400, 3, "ORG-mruNY");
    expectInvalid(await setUp({ org: { name } }), "invalid SetUpOrgRequest.User: value is required");
    expect((await world.admin("GET", `/admin/v1/orgs/_is_unique?name=${name}`)).body).toEqual({ isUnique: true });
  });
});
