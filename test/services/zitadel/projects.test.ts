/** Projects of an org: made, read, listed and removed, over REST and gRPC, by callers of every rank. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AddProjectRequest,
  type AddProjectResponse,
  type GetProjectByIDResponse,
  type ListProjectsResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { createIdentity } from "../../../services/identities/commands.ts";
import type { OrgId, ProjectId } from "../../../services/kernel/ids.ts";
import { createProject } from "../../../services/projects/commands.ts";
import { restClient } from "../../support/rest.ts";
import { type System, startSystem } from "../../support/system.ts";
import {
  addedBy,
  anyId,
  anyTime,
  type Body,
  changedBy,
  nobody,
  ok,
  random,
  readOf,
  refusal,
  refused,
  type Tenant,
  type Tenants,
  tenants,
  text,
  whileDeleting,
  whileOpen,
  whilePurgeWaits,
} from "./tenants.ts";

let system: System;
let world: Tenants;
let acme: Tenant;
let other: Tenant;

beforeAll(async () => {
  system = await startSystem();
  world = tenants(system);
  acme = await world.tenant("Acme");
  other = await world.tenant("Other");
});

afterAll(async () => {
  world.close();
  await system.close();
});

async function add(tenant: Tenant, name: string, more: Body = {}): Promise<string> {
  return text(ok(await tenant.call("POST", "/projects", { name, ...more })).body, "id");
}

async function names(tenant: Tenant, body: Body = {}): Promise<string[]> {
  const { result = [] } = ok(await tenant.call<{ result?: { name: string }[] }>("POST", "/projects/_search", body)).body;
  return result.map(({ name }) => name);
}

const gone = refused(404, 5, "COMMAND-3M9sd", "Project not found");
const unread = refused(404, 5, "QUERY-fk2fs", "Project not found");
const taken = refused(409, 6, "V3-DKcYh", "Project already exists on organization");

describe("AddProject and GetProjectByID", () => {
  it("answer with all the settings, and leave out what is empty", async () => {
    const made = ok(await acme.call("POST", "/projects", { name: "Plain" }));
    expect(made.body).toEqual({ id: anyId, details: addedBy(acme.id) });
    const id = text(made.body, "id");
    const plain = { id, details: readOf(acme.id), name: "Plain", state: "PROJECT_STATE_ACTIVE" };
    expect(ok(await acme.call("GET", `/projects/${id}`)).body).toEqual({ project: plain });
    expect(ok(await acme.call("GET", `/projects/${id.toUpperCase()}`)).body).toEqual({ project: plain });

    const settings = {
      projectRoleAssertion: true,
      projectRoleCheck: true,
      hasProjectCheck: true,
      privateLabelingSetting: "PRIVATE_LABELING_SETTING_ALLOW_LOGIN_USER_RESOURCE_OWNER_POLICY",
    };
    const full = await add(acme, "  Full  ", settings);
    expect(ok(await acme.call("GET", `/projects/${full}`)).body).toEqual({
      project: { id: full, details: readOf(acme.id), name: "Full", state: "PROJECT_STATE_ACTIVE", ...settings },
    });
  });

  it("say the same over gRPC", async () => {
    const wish = AddProjectRequest.fromPartial({ name: "By gRPC", hasProjectCheck: true });
    const made = await acme.grpc.call<AddProjectResponse>("addProject", wish);
    expect(made).toEqual({
      id: anyId,
      details: { sequence: 1n, creationDate: expect.any(Date), changeDate: undefined, resourceOwner: acme.id },
    });
    const read = await acme.grpc.call<GetProjectByIDResponse>("getProjectById", { id: made.id });
    expect(read.project).toMatchObject({ id: made.id, name: "By gRPC", hasProjectCheck: true, state: 1, details: { sequence: 1n } });
    await expect(acme.grpc.call("getProjectById", { id: random() })).rejects.toMatchObject({
      code: 5,
      details: "Project not found (QUERY-fk2fs)",
    });
  });

  it("keep a name unique in its org whatever its case, and free it with the project", async () => {
    const id = await add(acme, "Taken");
    expect(refusal(await acme.call("POST", "/projects", { name: "tAKEN" }))).toEqual(taken);
    expect(refusal(await acme.call("POST", "/projects", { name: " Taken " }))).toEqual(taken);
    await add(other, "Taken");
    ok(await acme.call("DELETE", `/projects/${id}`));
    await add(acme, "taken");
  });

  it("refuse a name that is empty, blank or too long, and a setting that is none", async () => {
    const empty = await acme.call("POST", "/projects", {});
    const lengths = "value length must be between 1 and 200 runes, inclusive";
    expect(refusal(empty)).toEqual({ status: 400, code: 3, message: `invalid AddProjectRequest.Name: ${lengths}`, id: undefined });
    expect(refusal(await acme.call("POST", "/projects", { name: "x".repeat(201) }))).toEqual(refusal(empty));
    expect(refusal(await acme.call("POST", "/projects", { name: " \t " }))).toEqual(refused(400, 3, "PROJECT-IOVCC", "Project is invalid"));
    expect((await acme.call("POST", "/projects", { name: "Setting", privateLabelingSetting: 7 })).status).toBe(400);
    expect(await names(acme, { queries: [{ nameQuery: { name: "Setting" } }] })).toEqual([]);
  });

  it("make whoever made the project its owner, with rights on it and on no other", async () => {
    const creator = await world.caller(acme, "ORG_PROJECT_CREATOR");
    const foreign = await add(acme, "Not the creator's");
    const mine = text(ok(await creator.call("POST", "/projects", { name: "The creator's" })).body, "id");
    ok(await creator.call("POST", `/projects/${mine}/roles`, { roleKey: "reader", displayName: "Reader" }));
    const elsewhere = refused(403, 7, "AUTH-3jknH", "No matching permissions found");
    expect(refusal(await creator.call("GET", `/projects/${foreign}`))).toEqual(elsewhere);
    expect(refusal(await creator.call("DELETE", `/projects/${foreign}`))).toEqual(elsewhere);
    expect(refusal(await creator.call("DELETE", `/projects/${random()}`))).toEqual(elsewhere);
    expect(ok(await creator.call("POST", "/projects/_search", {})).body).toEqual({
      details: { totalResult: "1", viewTimestamp: anyTime },
      result: [{ id: mine, details: readOf(acme.id), name: "The creator's", state: "PROJECT_STATE_ACTIVE" }],
    });
    ok(await creator.call("DELETE", `/projects/${mine}`));
    expect((await creator.call("DELETE", `/projects/${mine}`)).status).toBe(403);
    expect(ok(await acme.call("GET", `/projects/${foreign}`)).body).toMatchObject({ project: { name: "Not the creator's" } });
  });
});

describe("ListProjects", () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await world.tenant("Lists");
    for (const name of ["alpha", "Alphabet", "beta", "100%", "under_score"]) await add(tenant, name);
  });

  it.each([
    ["TEXT_QUERY_METHOD_EQUALS", "alpha", ["alpha"]],
    ["TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE", "ALPHA", ["alpha"]],
    ["TEXT_QUERY_METHOD_STARTS_WITH", "Alpha", ["Alphabet"]],
    ["TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE", "aLPHA", ["alpha", "Alphabet"]],
    ["TEXT_QUERY_METHOD_CONTAINS", "ha", ["alpha", "Alphabet"]],
    ["TEXT_QUERY_METHOD_CONTAINS", "%", ["100%"]],
    ["TEXT_QUERY_METHOD_CONTAINS", "_", ["under_score"]],
    ["TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE", "BET", ["Alphabet", "beta"]],
    ["TEXT_QUERY_METHOD_ENDS_WITH", "ta", ["beta"]],
    ["TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE", "BET", ["Alphabet"]],
  ])("searches names by %s %s", async (method, name, found) => {
    expect(await names(tenant, { query: { asc: true }, queries: [{ nameQuery: { name, method } }] })).toEqual(found);
  });

  it("finds by the owner, which is always the context org, and joins conditions with and", async () => {
    const owned = (resourceOwner: string) => ({ projectResourceOwnerQuery: { resourceOwner } });
    expect(await names(tenant, { queries: [owned(tenant.id)] })).toHaveLength(5);
    expect(await names(tenant, { queries: [owned(acme.id)] })).toEqual([]);
    expect(await names(tenant, { queries: [owned("no id")] })).toEqual([]);
    expect(await names(tenant, { queries: [owned(tenant.id), { nameQuery: { name: "beta" } }] })).toEqual(["beta"]);
    expect((await tenant.call("POST", "/projects/_search", { queries: [{}] })).status).toBe(400);
  });

  it("pages in the order of making, newest first unless asked, and always tells the total", async () => {
    const page = async (query: Body) =>
      ok(await tenant.call("POST", "/projects/_search", { query })).body as Body & { result?: { name: string }[] };
    const first = await page({ limit: 2 });
    expect(first.result?.map(({ name }) => name)).toEqual(["under_score", "100%"]);
    expect(first.details).toEqual({ totalResult: "5", viewTimestamp: anyTime });
    expect((await page({ limit: 2, offset: 1, asc: true })).result?.map(({ name }) => name)).toEqual(["Alphabet", "beta"]);
    const behind = await page({ offset: "18446744073709551615" });
    expect(behind).toEqual({ details: { totalResult: "5", viewTimestamp: anyTime } });
    const refusedPage = await tenant.call("POST", "/projects/_search", { query: { limit: 1001 } });
    expect(refusal(refusedPage)).toEqual(refused(400, 3, "QUERY-4M0fs", "Limit exceeded"));
    expect(await names(tenant, { query: { limit: 1000 } })).toHaveLength(5);
  });

  it("says the same over gRPC", async () => {
    const answer = await tenant.grpc.call<ListProjectsResponse>("listProjects", {
      query: { offset: 0n, limit: 1, asc: true },
      queries: [],
    });
    expect(answer.details).toMatchObject({ totalResult: 5n, processedSequence: 0n });
    expect(answer.result.map(({ name }) => name)).toEqual(["alpha"]);
  });
});

describe("callers who may not", () => {
  it("are told apart: nobody, no role here, too small a role, another org's owner", async () => {
    const id = await add(acme, "Guarded");
    const none = await world.caller(acme);
    const viewer = await world.caller(acme, "ORG_OWNER_VIEWER");
    const stranger = world.as(other.owner.token, acme.id);
    const anonymous = restClient(system.baseUrl);
    expect(refusal(await anonymous("DELETE", `/management/v1/projects/${id}`))).toMatchObject({
      status: 401,
      message: "auth header missing",
    });
    expect(refusal(await none.call("DELETE", `/projects/${id}`))).toEqual(refused(403, 7, "AUTHZ-cdgFk", "membership not found"));
    expect(refusal(await stranger("GET", `/projects/${id}`))).toEqual(refused(403, 7, "AUTHZ-cdgFk", "membership not found"));
    ok(await viewer.call("GET", `/projects/${id}`));
    const tooSmall = refused(403, 7, "AUTH-5mWD2", "No matching permissions found");
    expect(refusal(await viewer.call("DELETE", `/projects/${id}`))).toEqual(tooSmall);
    expect(refusal(await viewer.call("DELETE", `/projects/${random()}`))).toEqual(tooSmall);
    expect(refusal(await viewer.call("POST", "/projects", { name: "Viewer's" }))).toEqual(tooSmall);
  });

  it("learn nothing of another org's project: the answer is that for an id that names nothing", async () => {
    const foreign = await add(other, "Foreign");
    for (const id of [foreign, random(), "malformed", "%00", "..%2F..", `${foreign}0`]) {
      expect(refusal(await acme.call("GET", `/projects/${id}`))).toEqual(unread);
      expect(refusal(await acme.call("DELETE", `/projects/${id}`))).toEqual(gone);
    }
    expect((await acme.call("GET", `/projects/${"x".repeat(201)}`)).status).toBe(400);
    ok(await other.call("GET", `/projects/${foreign}`));
  });
});

describe("RemoveProject", () => {
  it("answers with the change, and 404 from then on, also while the purge waits", async () => {
    const id = await add(acme, "Held");
    await sql`insert into project_references (org_id, project_id, reference) values (${acme.id}, ${id}, 'held')`.execute(
      system.services.db,
    );
    expect(ok(await acme.call("DELETE", `/projects/${id}`)).body).toEqual({ details: changedBy(acme.id, "2") });
    expect(refusal(await acme.call("DELETE", `/projects/${id}`))).toEqual(gone);
    expect(refusal(await acme.call("GET", `/projects/${id}`))).toEqual(unread);
    expect(await names(acme, { queries: [{ nameQuery: { name: "Held" } }] })).toEqual([]);
    const missing = refused(400, 9, "COMMAND-EbFMN", "Project not found");
    expect(refusal(await acme.call("POST", `/projects/${id}/roles`, { roleKey: "late", displayName: "Late" }))).toEqual(missing);
    const again = await add(acme, "Held");
    expect(again).not.toBe(id);
    const { rows } = await sql`select from projects where id = ${id}::uuid`.execute(system.services.db);
    expect(rows).toHaveLength(1);
  });

  it("says the same over gRPC, and lets one of two racing callers win", async () => {
    const id = await add(acme, "Raced");
    const answers = await Promise.allSettled([acme.grpc.call("removeProject", { id }), acme.grpc.call("removeProject", { id })]);
    const lost = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(lost).toHaveLength(1);
    expect(lost[0]).toMatchObject({ code: 5, details: "Project not found (COMMAND-3M9sd)" });
  });

  it("ends everything below it in every org at once: roles, grants, user grants, identities and their tokens", async () => {
    const id = await add(acme, "Full of things");
    ok(await acme.call("POST", `/projects/${id}/roles`, { roleKey: "reader", displayName: "Reader" }));
    const roleKeys = ["reader"];
    const projectGrantId = text(
      ok(await acme.call("POST", `/projects/${id}/grants`, { grantedOrgId: other.id, roleKeys })).body,
      "grantId",
    );
    const [ours, theirs] = [await world.user(acme, "project-user"), await world.user(other, "project-user")];
    ok(await acme.call("POST", `/users/${ours}/grants`, { projectId: id, roleKeys }));
    ok(await other.call("POST", `/users/${theirs}/grants`, { projectId: id, projectGrantId, roleKeys }));
    const owned = { orgId: acme.id as OrgId, projectId: id as ProjectId, name: "Robot" };
    const robot = await createIdentity(system.services.db, owned, nobody);
    const token = await world.token(acme, robot.id);
    const robotCalls = world.as(token, acme.id);
    expect((await robotCalls("GET", "/orgs/me")).status).toBe(403);

    await whilePurgeWaits(system, async () => {
      ok(await acme.call("DELETE", `/projects/${id}`));

      const search = { queries: [{ projectIdQuery: { projectId: id } }] };
      for (const tenant of [acme, other]) {
        expect(ok(await tenant.call("POST", "/users/grants/_search", search)).body).not.toHaveProperty("result");
        const widened = { queries: [...search.queries, { withGrantedQuery: { withGranted: true } }] };
        expect(ok(await tenant.call("POST", "/users/grants/_search", widened)).body).not.toHaveProperty("result");
      }
      expect(ok(await acme.call("POST", `/projects/${id}/roles/_search`, {})).body).not.toHaveProperty("result");
      expect(ok(await acme.call("POST", `/projects/${id}/grants/_search`, {})).body).not.toHaveProperty("result");
      expect((await robotCalls("GET", "/orgs/me")).status).toBe(401);
      expect((await acme.call("GET", `/users/${robot.id}`)).status).toBe(404);
    });
    ok(await other.call("GET", `/users/${theirs}`));
  });

  it("goes with its org: nothing of it is left for the owner of another org", async () => {
    const dying = await world.tenant("Dying");
    const id = await add(dying, "Goes along");
    ok(await dying.call("DELETE", "/orgs/me"));
    expect(refusal(await dying.admin("GET", `/projects/${id}`))).toEqual(refused(403, 7, "AUTH-Bs7Ds", "Organisation doesn't exist"));
    expect((await dying.call("GET", `/projects/${id}`)).status).toBe(401);
    expect(refusal(await acme.call("GET", `/projects/${id}`))).toEqual(unread);
  });
});

describe("a project and the delete of its org", () => {
  it("is not made below an org that is being deleted", async () => {
    const dying = await world.tenant("Dying");
    const target = { kind: "org" as const, orgId: dying.id, id: dying.id };
    const late = await whileDeleting(system, target, () => dying.admin("POST", "/projects", { name: "Too late" }));
    expect(refusal(late)).toEqual(refused(404, 5, "QUERY-iTTGJ", "Organisation not found"));
    const { rows } = await sql`select from projects where org_id = ${dying.id}::uuid`.execute(system.services.db);
    expect(rows).toEqual([]);
  });

  it("is deleted with it when it was made just before", async () => {
    const dying = await world.tenant("Dying");
    const first = (tx: typeof system.services.db) => createProject(tx, { orgId: dying.id as OrgId, name: "Just in time" }, nobody);
    ok(await whileOpen(system, first, () => dying.admin("DELETE", "/orgs/me")));
    const { rows } = await sql`select from live_projects where org_id = ${dying.id}::uuid`.execute(system.services.db);
    expect(rows).toEqual([]);
  });
});
