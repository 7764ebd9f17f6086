import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { breaches, identityMembers } from "./document.schema.ts";
import { type Caller, type Place, path, World } from "./world.ts";

type Pair = { id: string; key: string; value: string };
type Identity = { id: string; name: string; metadata: Pair[]; hasDeleteProtection: boolean; createdAt: string; updatedAt: string };
type Body = { identity: Identity };
type Page = { identities: Identity[]; totalCount: number };
type Issue = { code: string; path: string[]; message: string };
type Refusal = { message: string | Issue[]; error: string; details?: unknown };

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

const make = (body: unknown, caller = owner, at: { projectId: string } = here) => caller.rest<Body & Refusal>("POST", path(at), { body });
const change = (id: string, body: unknown, caller = owner) => caller.rest<Body & Refusal>("PATCH", path(here, id), { body });
const read = async (id: string) => (await owner.rest<Body>("GET", path(here, id))).body.identity;
const rolesOf = async (id: string) => {
  const answer = await owner.rest<{ identityMembership: { roles: { role: string }[] } }>(
    "GET",
    `/api/v1/projects/${here.projectId}/memberships/identities/${id}`,
  );
  return answer.body.identityMembership.roles;
};

describe("create", () => {
  it("answers the identity, trimmed, with the ids of its metadata; it can be read back and is a member without rights", async () => {
    const answer = await make({ name: "  runner ", metadata: [{ key: " team ", value: " red " }], unknown: 1 });
    expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status: 200, breaches: [] });
    const { identity } = answer.body;
    expect(Object.keys(identity).sort()).toEqual([...identityMembers].sort());
    expect(identity).toMatchObject({ name: "runner", orgId: here.orgId, projectId: here.projectId, hasDeleteProtection: false });
    expect(identity.metadata).toMatchObject([{ key: "team", value: "red" }]);
    expect(await read(identity.id)).toEqual(identity);
    expect(await rolesOf(identity.id)).toMatchObject([{ role: "no-access", isTemporary: false }]);
  });

  it("gives the roles asked for, for good and for a time, and the ones of the project's own", async () => {
    const roles = [
      { role: "viewer", isTemporary: false, temporaryMode: "", temporaryRange: "", temporaryAccessStartTime: "0001-01-01T00:00:00Z" },
      {
        role: "member",
        isTemporary: true,
        temporaryMode: "relative",
        temporaryRange: "2d",
        temporaryAccessStartTime: "2026-01-30T10:00:00+01:00",
      },
      { role: "deployer" },
    ];
    const custom = await customRole("deployer");
    const { body, status } = await make({ name: "worker", roles });
    expect(status).toBe(200);
    expect(await rolesOf(body.identity.id)).toMatchObject([
      { role: "viewer", isTemporary: false },
      {
        role: "member",
        isTemporary: true,
        temporaryMode: "relative",
        temporaryRange: "2d",
        temporaryAccessStartTime: "2026-01-30T09:00:00Z",
        temporaryAccessEndTime: "2026-02-01T09:00:00Z",
      },
      { role: "custom", customRoleId: custom, customRoleSlug: "deployer", customRoleName: "deployer" },
    ]);
  });

  it("makes identities of the same name, whose user names are their ids", async () => {
    const ids = [(await make({ name: "twin" })).body.identity.id, (await make({ name: "twin" })).body.identity.id];
    const rows = await world.db
      .selectFrom("principals")
      .select(["id", "user_name"])
      .where("id", "in", ids as never[])
      .execute();
    expect(rows.map(({ user_name }) => user_name).sort()).toEqual([...ids].sort());
  });

  it("gives a role that works until it ends, and nothing after", async () => {
    const temporary = (start: number) => ({
      role: "viewer",
      isTemporary: true,
      temporaryMode: "relative",
      temporaryRange: "1h",
      temporaryAccessStartTime: new Date(start).toISOString(),
    });
    const status = async (start: number) => {
      const { identity } = (await make({ name: "guest", roles: [{ role: "no-access" }, temporary(start)] })).body;
      return (await (await world.as(here.orgId, identity.id as never)).rest("GET", path(here))).status;
    };
    expect(await status(Date.now() - 60_000)).toBe(200);
    expect(await status(Date.now() - 7_200_000)).toBe(403);
    expect(await status(Date.now() + 60_000)).toBe(403);
  });

  it("refuses a role that begins before the year 1, which no calendar of ours knows", async () => {
    for (const temporaryAccessStartTime of ["0000-06-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]) {
      const role = { role: "viewer", isTemporary: true, temporaryMode: "relative", temporaryRange: "1h", temporaryAccessStartTime };
      const answer = await make({ name: "old", roles: [{ role: "no-access" }, role] });
      expect([answer.status, answer.text], answer.text).toEqual([422, expect.stringContaining("Invalid datetime")]);
    }
  });

  it("refuses what is wrong as issues, all at once, each with its path", async () => {
    const answer = await make({
      name: "  ",
      metadata: [
        { key: "k", value: "v" },
        { key: "k", value: " " },
      ],
      roles: [{ role: "admin", isTemporary: true, temporaryMode: "absolute", temporaryRange: "soon", temporaryAccessStartTime: "today" }],
    });
    expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status: 422, breaches: [] });
    expect(answer.body.error).toBe("ValidationFailure");
    expect((answer.body.message as Issue[]).map(({ code, path: at }) => `${at.join(".")} ${code}`)).toEqual([
      "name too_small",
      "metadata.1.value too_small",
      "roles.0.temporaryMode invalid_enum_value",
      "roles.0.temporaryRange custom",
      "roles.0.temporaryAccessStartTime invalid_string",
    ]);
  });

  it.each<[string, unknown, string, string]>([
    ["no name", {}, "name", "too_small"],
    ["a name of 256 characters", { name: "n".repeat(256) }, "name", "too_big"],
    ["a name that is no text", { name: 5 }, "name", "invalid_type"],
    ["a name with NUL", { name: "a\0b" }, "name", "invalid_string"],
    ["metadata that is no list", { name: "a", metadata: {} }, "metadata", "invalid_type"],
    ["metadata without a key", { name: "a", metadata: [{ value: "v" }] }, "metadata.0.key", "too_small"],
    ["a role without a slug", { name: "a", roles: [{ role: "" }] }, "roles.0.role", "too_small"],
    ["a role that ends after the year 9999", { name: "a", roles: [forever("99999y")] }, "roles.0.temporaryRange", "too_big"],
    ["a role of no time", { name: "a", roles: [forever("0h")] }, "roles.0.temporaryRange", "custom"],
  ])("refuses %s", async (_, body, at, code) => {
    const answer = await make(body);
    expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status: 422, breaches: [] });
    expect(answer.body.message).toMatchObject([{ path: at.split("."), code }]);
  });

  it("refuses a body that is not JSON with 400, and leaves nothing", async () => {
    const before = (await owner.rest<Page>("GET", path(here))).body.totalCount;
    const answer = await make('{"name": "half');
    expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status: 400, breaches: [] });
    expect((await owner.rest<Page>("GET", path(here))).body.totalCount).toBe(before);
  });

  it("refuses roles that all end, roles that nobody knows, and leaves nothing", async () => {
    const before = (await owner.rest<Page>("GET", path(here))).body.totalCount;
    const temporary = await make({ name: "a", roles: [forever("1h")] });
    expect([temporary.status, temporary.body.message]).toEqual([400, "Identity must have at least one permanent role"]);
    const unknown = await make({ name: "a", roles: [{ role: "viewer" }, { role: "nobody-made-this" }] });
    expect([unknown.status, unknown.body.message]).toEqual([404, "One or more custom roles not found"]);
    expect((await owner.rest<Page>("GET", path(here))).body.totalCount).toBe(before);
  });

  it("lets nobody give a role above their own, and says which permissions are missing", async () => {
    const member = await world.member(here, "member");
    expect((await make({ name: "peer", roles: [{ role: "member" }] }, member)).status).toBe(200);
    const answer = await make({ name: "boss", roles: [{ role: "admin" }] }, member);
    expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status: 403, breaches: [] });
    expect(answer.body.error).toBe("PermissionBoundaryError");
    const { missingPermissions } = answer.body.details as { missingPermissions: object[] };
    expect(missingPermissions).toContainEqual({ action: "delete", subject: "project" });
    expect(missingPermissions).not.toContainEqual({ action: "delete", subject: "identity" });
  });

  it("checks 401, then 403, then the body, then whether the project is there", async () => {
    const viewer = await world.member(here, "viewer");
    const wrong = { name: "" };
    const never = { projectId: randomUUID() };
    expect((await owner.rest("POST", path(here), { body: wrong, token: "x" })).status).toBe(401);
    expect((await make(wrong, viewer)).status).toBe(403);
    const admin: Caller = { ...owner, rest: world.admin };
    expect((await make({ name: " " }, admin, never)).status).toBe(422);
    const missing = await make({ name: "a" }, admin, never);
    expect([missing.status, missing.body.message]).toEqual([404, `Project with ${never.projectId} not found`]);
  });

  it("leaves nothing in a project that is deleted meanwhile", async () => {
    const place = await world.project(here.orgId);
    const locked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const deleting = world.db.transaction().execute(async (tx) => {
      await tx.updateTable("projects").set({ deleted_at: new Date() }).where("id", "=", place.projectId).execute();
      locked.resolve();
      await go.promise;
    });
    await locked.promise;
    const creating = world.admin("POST", path(place), { body: { name: "late" } });
    await expect.poll(() => world.waiting()).toBeGreaterThan(0);
    go.resolve();
    await deleting;
    expect((await creating).status).toBe(404);
    expect(await world.db.selectFrom("principals").select("id").where("project_id", "=", place.projectId).execute()).toEqual([]);
  });
});

describe("list", () => {
  let place: Place;
  let reader: Caller;
  const page = async (query: string) => (await reader.rest<Page>("GET", `${path(place)}?${query}`)).body;

  beforeAll(async () => {
    place = await world.project(here.orgId);
    for (const name of ["alpha", "Beta 100%", "beta_2", "gamma"]) await world.owned(place, { name, metadata: [{ key: "n", value: name }] });
    reader = await world.member(place, "viewer");
  });

  it("shows the project's own identities only, oldest first, all members present", async () => {
    const { identities, totalCount } = await page("");
    expect(identities.map(({ name }) => name)).toEqual(["alpha", "Beta 100%", "beta_2", "gamma"]);
    expect(totalCount).toBe(4);
    for (const identity of identities) {
      expect(breaches({ status: 200, body: { identity } })).toEqual([]);
      expect(Object.keys(identity).sort()).toEqual([...identityMembers].sort());
      expect(identity.metadata).toMatchObject([{ key: "n", value: identity.name }]);
    }
  });

  it("pages, and counts all pages on each, also beyond the last", async () => {
    expect((await page("limit=2")).identities.map(({ name }) => name)).toEqual(["alpha", "Beta 100%"]);
    expect(await page("limit=2&offset=3")).toMatchObject({ identities: [{ name: "gamma" }], totalCount: 4 });
    expect(await page("offset=9")).toEqual({ identities: [], totalCount: 4 });
  });

  it.each([
    ["BETA", ["Beta 100%", "beta_2"]],
    ["%25", ["Beta 100%"]],
    ["_", ["beta_2"]],
    ["%5C", []],
    ["amm", ["gamma"]],
  ])("finds names that contain %s, whatever their case, wildcards being plain characters", async (search, names) => {
    const found = await page(`search=${search}`);
    expect(found.identities.map(({ name }) => name)).toEqual(names);
    expect(found.totalCount).toBe(names.length);
  });

  it.each(["limit=0", "limit=1001", "offset=-1", "limit=many", "search=%00"])("refuses %s", async (query) => {
    const answer = await reader.rest<Refusal>("GET", `${path(place)}?${query}`);
    expect([answer.status, answer.body.error]).toEqual([422, "ValidationFailure"]);
    expect(answer.body.message).toMatchObject([{ path: [query.split("=")[0]] }]);
  });

  it("is 20 at most unless asked, and the twenty-first is on the next page", async () => {
    const full = await world.project(here.orgId);
    for (let n = 0; n < 21; n += 1) await world.owned(full);
    const list = async (query: string) => (await world.admin<Page>("GET", `${path(full)}${query}`)).body;
    expect([(await list("")).identities.length, (await list("")).totalCount]).toEqual([20, 21]);
    expect((await list("?offset=20")).identities).toHaveLength(1);
  });

  it("is not for who may not read, nor of a project that is not there", async () => {
    expect((await (await world.member(place, "no-access")).rest("GET", path(place))).status).toBe(403);
    expect((await world.admin("GET", path({ projectId: randomUUID() }))).status).toBe(404);
  });
});

describe("update", () => {
  it("changes what is set and leaves the rest", async () => {
    const { identity } = (await make({ name: "old", metadata: [{ key: "a", value: "1" }] })).body;
    const renamed = (await change(identity.id, { name: " new " })).body.identity;
    expect(renamed).toMatchObject({ name: "new", metadata: identity.metadata, hasDeleteProtection: false, createdAt: identity.createdAt });
    expect(Date.parse(renamed.updatedAt)).toBeGreaterThan(Date.parse(identity.updatedAt));
    expect((await change(identity.id, { hasDeleteProtection: true })).body.identity).toMatchObject({
      name: "new",
      hasDeleteProtection: true,
    });
    expect((await change(identity.id, { hasDeleteProtection: false })).body.identity).toMatchObject({
      name: "new",
      hasDeleteProtection: false,
    });
    expect(await read(identity.id)).toMatchObject({ name: "new", hasDeleteProtection: false, metadata: identity.metadata });
  });

  it("replaces metadata when it is sent, clears it with [], and keeps it otherwise", async () => {
    const { identity } = (await make({ name: "m", metadata: [{ key: "a", value: "1" }] })).body;
    const replaced = (await change(identity.id, { metadata: [{ key: " b ", value: "2", id: "x" }] })).body.identity;
    expect(replaced.metadata).toMatchObject([{ key: "b", value: "2" }]);
    expect((await change(identity.id, {})).body.identity).toEqual(replaced);
    expect((await change(identity.id, { metadata: [] })).body.identity.metadata).toEqual([]);
    expect((await read(identity.id)).metadata).toEqual([]);
  });

  it("leaves the metadata of one change when several race", async () => {
    const { identity } = (await make({ name: "raced", metadata: [{ key: "n", value: "first" }] })).body;
    const pairs = (n: number) => [1, 2, 3].map((k) => ({ key: `k${k}`, value: String(n) }));
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => change(identity.id, { metadata: pairs(n) })));
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    const { metadata } = await read(identity.id);
    expect(metadata).toHaveLength(3);
    expect(new Set(metadata.map(({ value }) => value)).size).toBe(1);
  });

  it.each<[string, unknown, string, string]>([
    ["an empty name", { name: " " }, "name", "too_small"],
    ["metadata that is no list of objects", { metadata: ["a"] }, "metadata.0", "invalid_type"],
    ["a pair without a value", { metadata: [{ key: "a" }] }, "metadata.0.value", "invalid_type"],
    ["a pair with a number", { metadata: [{ key: "a", value: 1 }] }, "metadata.0.value", "invalid_type"],
    ["a pair with NUL", { metadata: [{ key: "a", value: "\0" }] }, "metadata.0.value", "invalid_string"],
    ["protection that is neither on nor off", { hasDeleteProtection: "no" }, "hasDeleteProtection", "invalid_type"],
  ])("refuses %s", async (_, body, at, code) => {
    const answer = await change(randomUUID(), body);
    expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status: 422, breaches: [] });
    expect(answer.body.message).toMatchObject([{ path: at.split("."), code }]);
  });

  it("lets only those lift protection whom the identity does not outrank", async () => {
    const id = await world.owned(here, { protected: true }, "admin");
    const member = await world.member(here, "member");
    expect((await change(id, { name: "still", hasDeleteProtection: true }, member)).status).toBe(200);
    const answer = await change(id, { hasDeleteProtection: false }, member);
    expect({ status: answer.status, error: answer.body.error, breaches: breaches(answer) }).toEqual({
      status: 403,
      error: "PermissionBoundaryError",
      breaches: [],
    });
    expect((await read(id)).hasDeleteProtection).toBe(true);
    expect((await change(id, { hasDeleteProtection: false })).body.identity.hasDeleteProtection).toBe(false);
  });

  it("does not know identities of elsewhere, and is not for who only reads", async () => {
    const orgs = await world.member(here, "viewer");
    for (const id of [randomUUID(), "x", orgs.id, await world.owned(await world.project(here.orgId))]) {
      const answer = await change(id, { name: "a" });
      expect([answer.status, answer.body.message]).toEqual([404, `Identity with id ${id} not found`]);
    }
    expect((await change(randomUUID(), { name: "a" }, orgs)).status).toBe(403);
  });

  it("writes an event that says what changed, not to what", async () => {
    const id = await world.owned(here);
    await change(id, { name: "a secret name", metadata: [] });
    const rows = await world.db
      .selectFrom("audit_events")
      .selectAll()
      .where("aggregate_id", "=", id)
      .where("type", "=", "user.machine.changed")
      .execute();
    expect(rows).toMatchObject([{ actor_id: owner.id, facts: { changes: ["name", "metadata"] } }]);
    expect(JSON.stringify(rows.map(({ facts }) => facts))).not.toContain("secret");
  });
});

function forever(range: string) {
  return {
    role: "viewer",
    isTemporary: true,
    temporaryMode: "relative",
    temporaryRange: range,
    temporaryAccessStartTime: "2026-01-01T00:00:00Z",
  };
}

function customRole(key: string): Promise<string> {
  return world.customRole(here, key);
}
