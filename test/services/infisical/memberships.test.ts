import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { breaches } from "./document.schema.ts";
import { type Caller, type Place, path, World } from "./world.ts";

type Role = { id: string; role: string; isTemporary: boolean } & Record<string, unknown>;
type Short = { id: string; projectId: string; identityId: string; createdAt: string; updatedAt: string };
type Detail = { id: string; roles: Role[]; identity: Record<string, unknown>; createdAt: string; updatedAt: string };
type Refusal = { message: unknown; error: string };
type Page = { identityMemberships: (Detail & { identityId: string })[]; totalCount: number };

let system: System;
let world: World;
let here: Place;
let owner: Caller;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  here = await world.place();
  owner = await world.member(here, "admin");
});

afterAll(() => system.close());

function at({ projectId }: { projectId: string }, id?: string): string {
  return `/api/v1/projects/${projectId}/memberships/identities${id === undefined ? "" : `/${id}`}`;
}

const add = (id: string, body: object, caller = owner) =>
  caller.rest<{ identityMembership: Short } & Refusal>("POST", at(here, id), { body });
const show = async (id: string) => (await owner.rest<{ identityMembership: Detail }>("GET", at(here, id))).body.identityMembership;
const replace = (id: string, roles: object[], caller = owner) =>
  caller.rest<{ roles: Role[] } & Refusal>("PATCH", at(here, id), { body: { roles } });
const remove = (id: string, caller = owner) => caller.rest<{ identityMembership: Short } & Refusal>("DELETE", at(here, id));

/** What a refusal says; its body has the shape that all errors of this dialect share. */
function told(answer: { status: number; body: Refusal }) {
  expect(breaches(answer)).toEqual([]);
  return [answer.status, answer.body.message];
}

const temporary = (start: Date) => ({
  role: "viewer",
  isTemporary: true,
  temporaryMode: "relative",
  temporaryRange: "1h",
  temporaryAccessStartTime: start.toISOString(),
});

describe("add", () => {
  it("makes an identity of the org a member, whose rights begin with the answer", async () => {
    const caller = await world.ofOrg(here.orgId);
    expect((await caller.rest("GET", path(here))).status).toBe(403);
    const { status, body } = await add(caller.id, { roles: [{ role: "viewer" }] });
    expect(status).toBe(200);
    expect(Object.keys(body.identityMembership).sort()).toEqual(["createdAt", "id", "identityId", "projectId", "updatedAt"]);
    expect(body.identityMembership).toMatchObject({ projectId: here.projectId, identityId: caller.id });
    expect((await caller.rest("GET", path(here))).status).toBe(200);
    expect(await show(caller.id)).toMatchObject({
      id: body.identityMembership.id,
      roles: [{ role: "viewer", isTemporary: false }],
      identity: { id: caller.id, orgId: here.orgId, authMethods: ["token-auth"], metadata: [] },
    });
  });

  it("takes one role the older way, also on the older paths, and none means no-access", async () => {
    const older = [`/api/v1/projects/${here.projectId}/identity-memberships`, `/api/v2/workspace/${here.projectId}/identity-memberships`];
    for (const prefix of older) {
      const id = await world.identity(here.orgId);
      expect((await owner.rest("POST", `${prefix}/${id}`, { body: { role: "member" } })).status).toBe(200);
      expect((await show(id)).roles).toMatchObject([{ role: "member" }]);
    }
    const id = await world.identity(here.orgId);
    await add(id, {});
    expect((await show(id)).roles).toMatchObject([{ role: "no-access" }]);
  });

  it("refuses a member, an identity that a project owns, and one that the org does not have", async () => {
    const id = await world.identity(here.orgId);
    await add(id, {});
    expect(told(await add(id, {}))).toEqual([400, "Identity is already a member of the project"]);
    const scoped = "Failed to create project membership for a project scoped identity";
    expect(told(await add(await world.owned(here), {}))).toEqual([400, scoped]);
    expect(told(await add(await world.owned(await world.project(here.orgId)), {}))).toEqual([400, scoped]);
    const human = await world.human(here, "viewer");
    for (const missing of [randomUUID(), "malformed", await world.identity(await world.org()), human.id]) {
      expect(told(await add(missing, {}))).toEqual([400, `Identity ${missing} is missing organization membership`]);
    }
  });

  it("refuses what is wrong with the roles, and gives nothing", async () => {
    const id = await world.identity(here.orgId);
    expect(told(await add(id, { roles: [temporary(new Date())] }))).toEqual([400, "Identity must have at least one permanent role"]);
    expect(told(await add(id, { roles: [{ role: "unheard-of" }] }))).toEqual([404, "One or more custom roles not found"]);
    expect((await add(id, { roles: [{ role: " " }] })).body.message).toMatchObject([{ path: ["roles", "0", "role"], code: "too_small" }]);
    expect((await add(id, { role: " " })).body.message).toMatchObject([{ path: ["role"], code: "too_small" }]);
    expect(told(await owner.rest("GET", at(here, id)))).toEqual([404, "Identity membership not found"]);
  });

  it("makes one membership when several race", async () => {
    const id = await world.identity(here.orgId);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => add(id, { role: "viewer" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
  });

  it("is not for who only manages identities", async () => {
    const id = await world.identity(here.orgId);
    const answer = await add(id, {}, await world.member(here, "member"));
    expect([answer.status, answer.body.message]).toEqual([403, "You are not allowed to create on identity"]);
  });
});

describe("list and get", () => {
  let place: Place;
  const list = async (query = "") => (await world.admin<Page>("GET", `${at(place)}${query}`)).body;
  const names = ({ identityMemberships }: Page) => identityMemberships.map(({ identity }) => identity.name);

  beforeAll(async () => {
    place = await world.project(here.orgId);
    await world.customRole(place, "deployer");
    for (const [name, role] of [
      ["one", "admin"],
      ["two", "viewer"],
      ["onerous", "deployer"],
    ] as const) {
      const id = await world.identity(place.orgId, { name });
      expect((await world.admin("POST", at(place, id), { body: { roles: [{ role }, temporary(new Date(0))] } })).status).toBe(200);
    }
    await world.owned(place, { name: "owned" });
    await world.human(place, "viewer");
  });

  it("shows identities only, the project's own too, with roles that have ended", async () => {
    const page = await list();
    expect(names(page)).toEqual(["one", "two", "onerous", "owned"]);
    expect(page.totalCount).toBe(4);
    const [one, , onerous, owned] = page.identityMemberships;
    expect(one).toMatchObject({
      roles: [
        { role: "admin", isTemporary: false },
        { role: "viewer", isTemporary: true, temporaryAccessEndTime: "1970-01-01T01:00:00Z" },
      ],
      identity: { orgId: place.orgId, authMethods: [], activeLockoutAuthMethods: [] },
    });
    expect(one?.identityId).toBe(one?.identity.id);
    expect(onerous?.roles[0]).toMatchObject({ role: "custom", customRoleSlug: "deployer" });
    expect(owned?.identity).toMatchObject({ name: "owned", projectId: place.projectId });
    expect(one?.identity).not.toHaveProperty("projectId");
  });

  it("pages and filters by name and by any of several roles, and counts what matches", async () => {
    expect(names(await list("?limit=1&offset=1"))).toEqual(["two"]);
    expect(await list("?offset=7")).toEqual({ identityMemberships: [], totalCount: 4 });
    expect(await list("?identityName=ONE")).toMatchObject({
      totalCount: 2,
      identityMemberships: [{ identity: { name: "one" } }, { identity: { name: "onerous" } }],
    });
    expect(names(await list("?roles=admin, deployer,"))).toEqual(["one", "onerous"]);
    expect(names(await list("?roles=viewer"))).toEqual(["one", "two", "onerous"]);
    expect(names(await list("?roles=nothing"))).toEqual([]);
    expect((await owner.rest<Refusal>("GET", `${at(here)}?limit=0`)).status).toBe(422);
  });

  it("forgets a role of the project's own with that role", async () => {
    await world.db.updateTable("project_roles").set({ deleted_at: new Date() }).where("project_id", "=", place.projectId).execute();
    expect((await list("?identityName=onerous")).identityMemberships[0]?.roles).toMatchObject([{ role: "viewer" }]);
    expect(names(await list("?roles=deployer"))).toEqual([]);
  });

  it("knows no membership of an identity elsewhere, nor of an id that is none", async () => {
    const elsewhere = await world.member(await world.project(here.orgId), "viewer");
    for (const id of [elsewhere.id, randomUUID(), "malformed"]) {
      expect(told(await owner.rest("GET", at(here, id)))).toEqual([404, "Identity membership not found"]);
    }
    expect(told(await world.admin("GET", at({ projectId: "x" }, elsewhere.id)))).toEqual([404, "Project with x not found"]);
  });
});

describe("update", () => {
  it("replaces all roles, and what they gave ends with the answer", async () => {
    const caller = await world.member(here, "admin");
    const membership = await show(caller.id);
    const { status, body } = await replace(caller.id, [{ role: "viewer" }, temporary(new Date("2026-01-01T00:00:00Z"))]);
    expect(status).toBe(200);
    expect(body.roles).toMatchObject([
      { role: "viewer", isTemporary: false, projectMembershipId: membership.id },
      { role: "viewer", isTemporary: true, temporaryRange: "1h", temporaryAccessEndTime: "2026-01-01T01:00:00Z" },
    ]);
    expect((await caller.rest("POST", path(here), { body: { name: "a" } })).status).toBe(403);
    const after = await show(caller.id);
    expect(after.id).toBe(membership.id);
    expect(after.roles.map(({ id }) => id)).toEqual(body.roles.map(({ id }) => id));
    expect(Date.parse(after.updatedAt)).toBeGreaterThan(Date.parse(membership.updatedAt));
  });

  it("changes a project's own identity too", async () => {
    const id = await world.owned(here);
    expect((await replace(id, [{ role: "member" }])).status).toBe(200);
    expect((await show(id)).roles).toMatchObject([{ role: "member" }]);
  });

  it("leaves the roles of one change when several race, also against a removal", async () => {
    const id = (await world.member(here, "viewer")).id;
    const answers = await Promise.all(["admin", "member", "viewer", "admin", "member"].map((role) => replace(id, [{ role }, { role }])));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    const { roles } = await show(id);
    expect(roles).toHaveLength(2);
    expect(new Set(roles.map(({ role }) => role)).size).toBe(1);
    const raced = await Promise.all([replace(id, [{ role: "viewer" }]), remove(id), replace(id, [{ role: "admin" }])]);
    expect(raced[1]?.status).toBe(200);
    for (const { status } of raced) expect([200, 400]).toContain(status);
    expect(await world.db.selectFrom("grants").select("id").where("principal_id", "=", id).execute()).toEqual([]);
  });

  it("refuses no roles, only roles that end, unknown ones, and who is no member", async () => {
    const id = (await world.member(here, "viewer")).id;
    expect((await replace(id, [])).body.message).toMatchObject([
      { path: ["roles"], code: "too_small", message: "Array must contain at least 1 element(s)" },
    ]);
    expect(told(await replace(id, [temporary(new Date())]))).toEqual([400, "Identity must have at least one permanent role"]);
    expect(told(await replace(id, [{ role: "unheard-of" }]))).toEqual([404, "One or more custom roles not found"]);
    expect((await show(id)).roles).toMatchObject([{ role: "viewer" }]);
    for (const other of [await world.identity(here.orgId), randomUUID(), "malformed"]) {
      expect(told(await replace(other, [{ role: "viewer" }]))).toEqual([400, "Identity doesn't have membership"]);
    }
  });
});

describe("remove", () => {
  it("ends the membership and what it gave; the identity, its token and its other projects stay", async () => {
    const other = await world.project(here.orgId);
    const caller = await world.member(here, "viewer");
    await world.admin("POST", at(other, caller.id), { body: { role: "viewer" } });
    const before = await show(caller.id);
    const { status, body } = await remove(caller.id);
    expect([status, body.identityMembership]).toEqual([
      200,
      { id: before.id, projectId: here.projectId, identityId: caller.id, createdAt: before.createdAt, updatedAt: before.updatedAt },
    ]);
    expect((await caller.rest("GET", path(here))).status).toBe(403);
    expect((await caller.rest("GET", path(other))).status).toBe(200);
    expect(told(await remove(caller.id))).toEqual([400, "Identity doesn't have membership"]);
    expect(told(await owner.rest("GET", at(here, caller.id)))).toEqual([404, "Identity membership not found"]);
  });

  it("works on the older paths, and only once when several race", async () => {
    const { id } = await world.member(here, "viewer");
    const older = `/api/v2/workspace/${here.projectId}/identity-memberships/${id}`;
    const answers = await Promise.all([remove(id), owner.rest("DELETE", older), remove(id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });

  it("refuses one's own, a project's own identity, and who is no member", async () => {
    expect(told(await remove(owner.id))).toEqual([400, "You can't delete your own membership"]);
    const owned = await world.owned(here);
    expect(told(await remove(owned))).toEqual([400, "Failed to delete project membership for a project scoped identity"]);
    expect((await show(owned)).roles).toHaveLength(1);
    for (const other of [await world.identity(here.orgId), randomUUID(), "malformed"]) {
      expect(told(await remove(other))).toEqual([400, "Identity doesn't have membership"]);
    }
  });

  it("is not for who only manages identities, nor for another org's", async () => {
    const { id } = await world.member(here, "viewer");
    expect((await remove(id, await world.member(here, "member"))).status).toBe(403);
    expect((await remove(id, await world.member(await world.place(), "admin"))).status).toBe(403);
    expect(told(await remove(id, await world.ofOrg(await world.org(), "ORG_OWNER")))).toEqual([
      404,
      `Project with ${here.projectId} not found`,
    ]);
    expect((await show(id)).roles).toHaveLength(1);
  });
});
