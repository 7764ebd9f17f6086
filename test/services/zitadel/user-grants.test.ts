/** Roles of projects that users hold: given, listed by every query, and taken back. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AddUserGrantRequest,
  type AddUserGrantResponse,
  type ListUserGrantResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { mintId } from "../../../services/kernel/ids.ts";
import { type System, startSystem } from "../../support/system.ts";
import {
  addedBy,
  anyId,
  anyTime,
  type Body,
  type Caller,
  changedBy,
  ok,
  random,
  readOf,
  refusal,
  refused,
  type Tenant,
  type Tenants,
  tenants,
  text,
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

async function project(tenant: Tenant, name: string, ...roleKeys: string[]): Promise<string> {
  const id = text(ok(await tenant.call("POST", "/projects", { name: `${name} ${random()}` })).body, "id");
  for (const roleKey of roleKeys) ok(await tenant.call("POST", `/projects/${id}/roles`, { roleKey, displayName: roleKey }));
  return id;
}

async function lend(tenant: Tenant, projectId: string, to: Tenant, ...roleKeys: string[]): Promise<string> {
  return text(ok(await tenant.call("POST", `/projects/${projectId}/grants`, { grantedOrgId: to.id, roleKeys })).body, "grantId");
}

type As = Pick<Tenant | Caller, "call">;

async function give(as: As, userId: string, projectId: string, more: Body = {}): Promise<string> {
  return text(ok(await as.call("POST", `/users/${userId}/grants`, { projectId, ...more })).body, "userGrantId");
}

type List = { details: Body; result?: Body[] };

async function search(as: As, ...queries: Body[]): Promise<List> {
  return ok(await as.call<List>("POST", "/users/grants/_search", { queries })).body;
}

async function found(as: As, ...queries: Body[]): Promise<unknown[]> {
  return ((await search(as, ...queries)).result ?? []).map(({ id }) => id);
}

const of = (projectId: string) => ({ projectIdQuery: { projectId } });
const everywhere = { withGrantedQuery: { withGranted: true } };
const missing = refused(404, 5, "COMMAND-1My0t", "User grant not found");
const noProject = refused(400, 9, "COMMAND-m9gsd", "Project not found");
const noRole = refused(400, 9, "COMMAND-mm9F4", "Errors.Project.Role.NotFound");
const otherProject = refused(403, 7, "EVENT-Shu7e", "User has no permissions on this project");

describe("AddUserGrant and ListUserGrants", () => {
  it("answer with the user, the org that gave the grant and the project", async () => {
    const projectId = await project(acme, "Portal", "writer", "reader");
    const userId = await world.user(acme, "ada", { profile: { firstName: "Ada", lastName: "Byron", displayName: "Countess" } });
    const roleKeys = ["writer", "reader", "writer"];
    const made = ok(await acme.call("POST", `/users/${userId}/grants`, { projectId, roleKeys }));
    expect(made.body).toEqual({ userGrantId: anyId, details: addedBy(acme.id) });
    expect(await search(acme, of(projectId))).toEqual({
      details: { totalResult: "1", viewTimestamp: anyTime },
      result: [
        {
          id: text(made.body, "userGrantId"),
          details: readOf(acme.id),
          roleKeys: ["reader", "writer"],
          state: "USER_GRANT_STATE_ACTIVE",
          userId,
          userName: "ada",
          firstName: "Ada",
          lastName: "Byron",
          email: "ada@mail.test",
          displayName: "Countess",
          orgId: acme.id,
          orgName: acme.name,
          orgDomain: acme.domain,
          projectId,
          projectName: expect.stringMatching(/^Portal /),
          preferredLoginName: `ada@${acme.domain}`,
          userType: "TYPE_HUMAN",
        },
      ],
    });
  });

  it("tell of a grant through a project grant which org the project was granted to, and of a machine no personal names", async () => {
    const projectId = await project(acme, "Lent", "reader");
    const projectGrantId = await lend(acme, projectId, other, "reader");
    const userId = await world.machine(acme, "robot");
    const id = await give(other, userId, projectId, { projectGrantId, roleKeys: ["reader"] });
    expect((await search(other, of(projectId))).result).toEqual([
      {
        id,
        details: readOf(other.id),
        roleKeys: ["reader"],
        state: "USER_GRANT_STATE_ACTIVE",
        userId,
        userName: "robot",
        orgId: other.id,
        orgName: other.name,
        orgDomain: other.domain,
        projectId,
        projectName: expect.stringMatching(/^Lent /),
        projectGrantId,
        preferredLoginName: `robot@${acme.domain}`,
        userType: "TYPE_MACHINE",
        grantedOrgId: other.id,
        grantedOrgName: other.name,
        grantedOrgDomain: other.domain,
      },
    ]);
  });

  it("say the same over gRPC", async () => {
    const [projectId, userId] = [await project(acme, "gRPC", "reader"), await world.user(acme, random())];
    const wish = AddUserGrantRequest.fromPartial({ userId, projectId, roleKeys: ["reader"] });
    const made = await acme.grpc.call<AddUserGrantResponse>("addUserGrant", wish);
    expect(made).toMatchObject({ userGrantId: anyId, details: { sequence: 1n, changeDate: undefined, resourceOwner: acme.id } });
    const queries = [{ query: { $case: "userIdQuery", value: { userId } } }];
    const listed = await acme.grpc.call<ListUserGrantResponse>("listUserGrants", { query: undefined, queries });
    expect(listed.result).toMatchObject([
      { id: made.userGrantId, roleKeys: ["reader"], projectGrantId: "", grantedOrgId: "", avatarUrl: "" },
    ]);
    await expect(acme.grpc.call("addUserGrant", wish)).rejects.toMatchObject({ code: 6, details: "User grant already exists (V3-DKcYh)" });
    await acme.grpc.call("removeUserGrant", { userId, grantId: made.userGrantId });
    await expect(acme.grpc.call("removeUserGrant", { userId, grantId: made.userGrantId })).rejects.toMatchObject({
      code: 5,
      details: "User grant not found (COMMAND-1My0t)",
    });
  });

  it("find the project grant by themselves when the project belongs to another org", async () => {
    const projectId = await project(acme, "Lent", "reader");
    const projectGrantId = await lend(acme, projectId, other, "reader");
    const userId = await world.user(other, random());
    await give(other, userId, projectId, { roleKeys: ["reader"] });
    expect((await search(other, of(projectId))).result).toMatchObject([{ projectGrantId, grantedOrgId: other.id }]);
    const named = await other.call("POST", `/users/${userId}/grants`, { projectId, projectGrantId });
    expect(refusal(named)).toEqual(refused(409, 6, "V3-DKcYh", "User grant already exists"));
  });

  it("let a user of another org hold roles, and no role, of the org's own project", async () => {
    const [projectId, userId] = [await project(acme, "Open", "reader"), await world.user(other, random())];
    const id = await give(acme, userId, projectId);
    expect(await found(acme, of(projectId))).toEqual([id]);
    expect((await search(acme, of(projectId))).result?.[0]).not.toHaveProperty("roleKeys");
    expect(await found(other, of(projectId), everywhere)).toEqual([]);
  });

  it("give a user a project once, however many ask at the same time", async () => {
    const [projectId, userId] = [await project(acme, "Once", "reader"), await world.user(acme, random())];
    const answers = await Promise.all([1, 2, 3].map(() => acme.call("POST", `/users/${userId}/grants`, { projectId })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await found(acme, of(projectId))).toHaveLength(1);
  });

  it("refuse an unknown user, project, project grant or role, in this order", async () => {
    const [projectId, foreign] = [await project(acme, "Own", "reader"), await project(other, "Foreign", "reader")];
    const [lent, userId] = [await lend(acme, projectId, other, "reader"), await world.user(acme, random())];
    const add = async (user: string, body: Body) => refusal(await acme.call("POST", `/users/${user}/grants`, body));
    const noUser = refused(400, 9, "COMMAND-uXHNj", "User could not be found");
    for (const user of [random(), "malformed"]) expect(await add(user, { projectId: random(), roleKeys: ["none"] })).toEqual(noUser);
    for (const id of [foreign, random(), "malformed"]) {
      expect(await add(userId, { projectId: id, projectGrantId: random(), roleKeys: ["none"] })).toEqual(noProject);
    }
    const noGrant = refused(400, 9, "COMMAND-huvKF", "Grant not found");
    for (const projectGrantId of [lent, random(), "malformed"]) {
      expect(await add(userId, { projectId, projectGrantId, roleKeys: ["none"] })).toEqual(noGrant);
    }
    expect(await add(userId, { projectId, roleKeys: ["reader", "none"] })).toEqual(noRole);
    expect(await add(userId, {})).toMatchObject({ status: 400, code: 3, id: undefined });
    expect(await found(acme, of(projectId))).toEqual([]);
  });

  it("give through a project grant only the roles that came along", async () => {
    const projectId = await project(acme, "Lent", "reader", "writer");
    await lend(acme, projectId, other, "reader");
    const userId = await world.user(other, random());
    expect(refusal(await other.call("POST", `/users/${userId}/grants`, { projectId, roleKeys: ["writer"] }))).toEqual(noRole);
    await give(other, userId, projectId, { roleKeys: ["reader"] });
  });
});

describe("queries of ListUserGrants", () => {
  let tenant: Tenant;
  let lender: Tenant;
  const ids: Record<string, string> = {};
  const places: Record<string, string> = {};

  beforeAll(async () => {
    [tenant, lender] = [await world.tenant("Searched"), await world.tenant("Lender")];
    const [own, lent] = [await project(tenant, "Own", "reader", "writer"), await project(lender, "Lent", "reader")];
    const lentGrant = await lend(lender, lent, tenant, "reader");
    const lentOut = await lend(tenant, own, lender, "reader");
    const grace = await world.user(tenant, "grace", {
      profile: { firstName: "Grace", lastName: "Hopper", displayName: "Amazing Grace" },
      email: { email: "grace@navy.test" },
    });
    const linus = await world.user(lender, "linus", { profile: { firstName: "Linus", lastName: "Pauling" } });
    const robot = await world.machine(tenant, "robot");
    ids.grace = await give(tenant, grace, own, { roleKeys: ["reader", "writer"] });
    ids.robot = await give(tenant, robot, own, { roleKeys: ["reader"] });
    ids.lent = await give(tenant, grace, lent, { projectGrantId: lentGrant, roleKeys: ["reader"] });
    ids.byLender = await give(lender, linus, own, { projectGrantId: lentOut });
    ids.ofLender = await give(lender, linus, lent);
    Object.assign(places, { own, lent, lentGrant, lentOut, grace });
  });

  const named = async (...queries: Body[]) => {
    const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
    return (await found(tenant, ...queries)).map((id) => names.get(String(id))).sort();
  };

  it("list what the org gave; with_granted_query adds what others gave on its projects, whatever its boolean says", async () => {
    expect(await named()).toEqual(["grace", "lent", "robot"]);
    expect(await named(everywhere)).toEqual(["byLender", "grace", "lent", "robot"]);
    expect(await named({ withGrantedQuery: {} })).toEqual(["byLender", "grace", "lent", "robot"]);
    expect(await named({ withGrantedQuery: { withGranted: false } }, of(places.own ?? ""))).toEqual(["byLender", "grace", "robot"]);
  });

  it("find by the ids of project, user and project grant", async () => {
    expect(await named(of(places.own ?? ""))).toEqual(["grace", "robot"]);
    expect(await named({ userIdQuery: { userId: places.grace } })).toEqual(["grace", "lent"]);
    expect(await named({ projectGrantIdQuery: { projectGrantId: places.lentGrant } })).toEqual(["lent"]);
    expect(await named({ projectGrantIdQuery: { projectGrantId: "" } })).toEqual(["grace", "robot"]);
    expect(await named(everywhere, { projectGrantIdQuery: { projectGrantId: places.lentOut } })).toEqual(["byLender"]);
    for (const nothing of [random(), "malformed"]) {
      expect(await named(of(nothing))).toEqual([]);
      expect(await named({ userIdQuery: { userId: nothing } })).toEqual([]);
      expect(await named({ projectGrantIdQuery: { projectGrantId: nothing } })).toEqual([]);
    }
  });

  it("find by a role that is held", async () => {
    const role = (roleKey: string, method = "TEXT_QUERY_METHOD_EQUALS") => ({ roleKeyQuery: { roleKey, method } });
    expect(await named(role("writer"))).toEqual(["grace"]);
    expect(await named(role("reader"))).toEqual(["grace", "lent", "robot"]);
    expect(await named(role("WRIT", "TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE"))).toEqual(["grace"]);
    expect(await named(role("read"))).toEqual([]);
  });

  it.each([
    ["userNameQuery", "userName", "rob", ["robot"]],
    ["firstNameQuery", "firstName", "Gra", ["grace", "lent"]],
    ["lastNameQuery", "lastName", "Hop", ["grace", "lent"]],
    ["emailQuery", "email", "grace@n", ["grace", "lent"]],
    ["displayNameQuery", "displayName", "Amazing", ["grace", "lent"]],
    ["orgNameQuery", "orgName", "Searched", ["grace", "lent", "robot"]],
    ["orgDomainQuery", "orgDomain", "searched", ["grace", "lent", "robot"]],
    ["projectNameQuery", "projectName", "Lent", ["lent"]],
  ])("find by the text of %s, in every way of comparing", async (query, field, start, expected) => {
    const by = (value: string, method: string) => named({ [query]: { [field]: value, method: `TEXT_QUERY_METHOD_${method}` } });
    expect(await by(start, "STARTS_WITH")).toEqual(expected);
    expect(await by(start.toUpperCase(), "STARTS_WITH_IGNORE_CASE")).toEqual(expected);
    expect(await by(start.slice(1), "CONTAINS")).toEqual(expected);
    expect(await by(start.slice(1).toUpperCase(), "CONTAINS_IGNORE_CASE")).toEqual(expected);
    expect(await by(`${start}-no-one`, "EQUALS")).toEqual([]);
    const whole = (await search(tenant)).result?.map((grant) => String(grant[field] ?? "")).find((value) => value.startsWith(start)) ?? "";
    expect(await by(whole, "EQUALS")).toEqual(expected);
    expect(await by(whole.toUpperCase(), "EQUALS_IGNORE_CASE")).toEqual(expected);
    expect(await by(whole.slice(-5), "ENDS_WITH")).toEqual(expected);
    expect(await by(whole.slice(-5).toUpperCase(), "ENDS_WITH_IGNORE_CASE")).toEqual(expected);
  });

  it("find by the kind of user", async () => {
    expect(await named({ userTypeQuery: { type: "TYPE_MACHINE" } })).toEqual(["robot"]);
    expect(await named({ userTypeQuery: { type: "TYPE_HUMAN" } })).toEqual(["grace", "lent"]);
    expect(await named({ userTypeQuery: {} })).toEqual([]);
    expect(await named({ userTypeQuery: { type: 7 } })).toEqual([]);
  });

  it("hold together, and page newest first unless asked", async () => {
    expect(await named(of(places.own ?? ""), { userTypeQuery: { type: "TYPE_HUMAN" } })).toEqual(["grace"]);
    const page = async (query: Body) => ok(await tenant.call<List>("POST", "/users/grants/_search", { query })).body;
    const { grace, robot, lent } = ids;
    expect((await page({})).result?.map(({ id }) => id)).toEqual([lent, robot, grace]);
    expect((await page({ asc: true, limit: 2 })).result?.map(({ id }) => id)).toEqual([grace, robot]);
    expect(await page({ limit: 1, offset: 3 })).toEqual({ details: { totalResult: "3", viewTimestamp: anyTime } });
    const much = await tenant.call("POST", "/users/grants/_search", { query: { limit: 1001 } });
    expect(refusal(much)).toEqual(refused(400, 3, "QUERY-4M0fs", "Limit exceeded"));
    expect((await tenant.call("POST", "/users/grants/_search", { queries: [{}] })).status).toBe(400);
  });
});

describe("RemoveUserGrant", () => {
  it("answers with the change, and 404 from then on", async () => {
    const [projectId, userId] = [await project(acme, "Taken back", "reader"), await world.user(acme, random())];
    const id = await give(acme, userId, projectId, { roleKeys: ["reader"] });
    expect(ok(await acme.call("DELETE", `/users/${userId}/grants/${id}`)).body).toEqual({ details: changedBy(acme.id, "2") });
    expect(await found(acme, of(projectId))).toEqual([]);
    expect(refusal(await acme.call("DELETE", `/users/${userId}/grants/${id}`))).toEqual(missing);
    const { rows } = await sql`select from grant_roles where grant_id = ${id}::uuid`.execute(system.services.db);
    expect(rows).toEqual([]);
    await give(acme, userId, projectId, { roleKeys: ["reader"] });
  });

  it("takes back only what the org itself gave, to the user that the path names", async () => {
    const projectId = await project(acme, "Lent", "reader");
    await lend(acme, projectId, other, "reader");
    const [userId, second] = [await world.user(other, random()), await world.user(other, random())];
    const id = await give(other, userId, projectId);
    const own = await give(acme, userId, projectId);
    const remove = async (tenant: Tenant, user: string, grant: string) =>
      refusal(await tenant.call("DELETE", `/users/${user}/grants/${grant}`));
    expect(await remove(acme, userId, id)).toEqual(missing);
    expect(await remove(other, userId, own)).toEqual(missing);
    expect(await remove(other, second, id)).toEqual(missing);
    for (const nothing of [random(), "malformed"]) {
      expect(await remove(other, userId, nothing)).toEqual(missing);
      expect(await remove(other, nothing, id)).toEqual(missing);
    }
    expect(await found(acme, of(projectId), everywhere)).toEqual([own, id]);
    ok(await other.call("DELETE", `/users/${userId}/grants/${id}`));
    expect(await found(acme, of(projectId), everywhere)).toEqual([own]);
  });

  it("takes back no membership: those are not user grants", async () => {
    const member = await world.caller(acme, "ORG_OWNER_VIEWER");
    const { rows } = await sql<{ id: string }>`select id from grants where principal_id = ${member.userId}::uuid`.execute(
      system.services.db,
    );
    expect(refusal(await acme.call("DELETE", `/users/${member.userId}/grants/${rows[0]?.id}`))).toEqual(missing);
    ok(await member.call("GET", "/orgs/me"));
  });
});

describe("callers with rights on single projects or project grants", () => {
  it("give, see and take back on their project only", async () => {
    const creator = await world.caller(acme, "ORG_PROJECT_CREATOR");
    const mine = text(ok(await creator.call("POST", "/projects", { name: random() })).body, "id");
    const [foreign, userId] = [await project(acme, "Not the creator's"), await world.user(acme, random())];
    const kept = await give(acme, userId, foreign);
    const id = await give(creator, userId, mine);
    for (const projectId of [foreign, random(), "malformed"]) {
      expect(refusal(await creator.call("POST", `/users/${userId}/grants`, { projectId }))).toEqual(otherProject);
    }
    expect(await found(creator)).toEqual([id]);
    expect(await found(creator, everywhere)).toEqual([id]);
    expect(refusal(await creator.call("DELETE", `/users/${userId}/grants/${kept}`))).toEqual(otherProject);
    expect(refusal(await creator.call("DELETE", `/users/${userId}/grants/${random()}`))).toEqual(missing);
    ok(await creator.call("DELETE", `/users/${userId}/grants/${id}`));
    expect(await found(acme, of(foreign))).toEqual([kept]);
  });

  it("give, see and take back through their project grant only", async () => {
    const [projectId, second] = [await project(acme, "Lent", "reader"), await project(acme, "Lent too", "reader")];
    const projectGrantId = await lend(acme, projectId, other, "reader");
    await lend(acme, second, other, "reader");
    const [holder, userId] = [await world.caller(other), await world.user(other, random())];
    await makeGrantOwner(holder, { projectId, projectGrantId });
    const id = await give(holder, userId, projectId, { roleKeys: ["reader"] });
    const kept = await give(other, userId, second);
    expect(refusal(await holder.call("POST", `/users/${userId}/grants`, { projectId: second }))).toEqual(otherProject);
    expect(await found(holder)).toEqual([id]);
    expect(refusal(await holder.call("DELETE", `/users/${userId}/grants/${kept}`))).toEqual(otherProject);
    ok(await holder.call("DELETE", `/users/${userId}/grants/${id}`));
    ok(await acme.call("DELETE", `/projects/${projectId}/grants/${projectGrantId}`));
    expect(refusal(await holder.call("POST", "/users/grants/_search", {}))).toEqual(refused(403, 7, "AUTHZ-cdgFk", "membership not found"));
  });

  it("are refused when the role that they hold is too small", async () => {
    const [projectId, userId] = [await project(acme, "Guarded"), await world.user(acme, random())];
    const id = await give(acme, userId, projectId);
    const viewer = await world.caller(acme, "ORG_OWNER_VIEWER");
    const tooSmall = refused(403, 7, "AUTH-5mWD2", "No matching permissions found");
    expect(await found(viewer, of(projectId))).toEqual([id]);
    expect(refusal(await viewer.call("POST", `/users/${userId}/grants`, { projectId }))).toEqual(tooSmall);
    expect(refusal(await viewer.call("DELETE", `/users/${userId}/grants/${id}`))).toEqual(tooSmall);
  });

  /** No RPC of the subset makes members of project grants, so the row is written as such an RPC would. */
  async function makeGrantOwner(holder: Caller, on: { projectId: string; projectGrantId: string }): Promise<void> {
    await sql`with made as (
        insert into grants (org_id, id, kind, scope, project_id, project_grant_id, owner_org_id, principal_org_id, principal_id, sequence)
        values (${acme.id}, ${mintId()}, 'member', 'project_grant', ${on.projectId}, ${on.projectGrantId}, ${other.id}, ${other.id}, ${holder.userId}, 1)
        returning org_id, id
      ) insert into grant_roles (org_id, grant_id, id, role) select org_id, id, ${mintId()}, 'PROJECT_GRANT_OWNER' from made`.execute(
      system.services.db,
    );
  }
});
