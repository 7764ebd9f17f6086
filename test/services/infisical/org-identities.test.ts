import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../services/kernel/ids.ts";
import { type System, startSystem } from "../../support/system.ts";
import { breaches } from "./document.schema.ts";
import { type Caller, type Place, World } from "./world.ts";

type Refusal = { message: string; error: string };
type Row = Record<string, unknown>;

let system: System;
let world: World;
let orgId: OrgId;
let place: Place;
let owner: Caller;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  orgId = await world.org();
  place = await world.project(orgId);
  owner = await world.ofOrg(orgId, "ORG_OWNER");
});

afterAll(() => system.close());

const at = (id: string) => `/api/v1/identities/${id}`;
const get = (id: string, caller = owner) => caller.rest<{ identity: Row } & Refusal>("GET", at(id));
const remove = (id: string, caller = owner) => caller.rest<{ identity: Row } & Refusal>("DELETE", at(id));

function told(answer: { status: number; body: Refusal }) {
  expect(breaches(answer)).toEqual([]);
  return [answer.status, answer.body.error, answer.body.message];
}

describe("get", () => {
  it("shows an identity as a member of its org", async () => {
    const id = await world.identity(orgId, { name: "runner", metadata: [{ key: "a", value: "b" }], protected: true });
    await world.token(orgId, id);
    const { status, body } = await get(id);
    expect(status).toBe(200);
    expect(body.identity).toMatchObject({
      role: "no-access",
      orgId,
      identityId: id,
      metadata: [{ key: "a", value: "b" }],
      identity: { id, name: "runner", orgId, hasDeleteProtection: true, authMethods: ["token-auth"], activeLockoutAuthMethods: [] },
    });
    expect(body.identity).toHaveProperty("createdAt");
    expect(body.identity).toHaveProperty("updatedAt");
  });

  it("tells the role that the org gave: admin for its owner, member for any other", async () => {
    expect((await get(owner.id)).body.identity).toMatchObject({ role: "admin", identityId: owner.id });
    expect((await get((await world.ofOrg(orgId, "ORG_USER_MANAGER")).id)).body.identity.role).toBe("member");
  });

  it("knows no other org's, no human, nothing that was never there", async () => {
    const human = await world.human(place, "viewer");
    for (const id of [randomUUID(), "malformed", human.id, await world.identity(await world.org())]) {
      expect(told(await get(id))).toEqual([404, "NotFound", `Failed to find identity with id ${id}`]);
    }
    expect(told(await get(await world.owned(place)))).toEqual([400, "BadRequest", "Identity is managed by project"]);
  });

  it("is not for who has rights on a project only, or none", async () => {
    const id = await world.identity(orgId);
    expect(told(await get(id, await world.member(place, "admin")))).toEqual([
      403,
      "PermissionDenied",
      "You are not allowed to read on identity",
    ]);
    expect(told(await get(id, await world.ofOrg(orgId)))).toEqual([403, "ForbiddenError", "You are not a member of this organization"]);
  });
});

describe("delete", () => {
  it("answers the identity's row, ends its tokens and its memberships; a repeat finds nothing", async () => {
    const caller = await world.member(place, "viewer");
    const { status, body } = await remove(caller.id);
    expect(status).toBe(200);
    expect(Object.keys(body.identity).sort()).toEqual(["createdAt", "hasDeleteProtection", "id", "name", "orgId", "updatedAt"]);
    expect(body.identity).toMatchObject({ id: caller.id, orgId, hasDeleteProtection: false });
    expect((await caller.rest("GET", `/api/v1/projects/${place.projectId}/identities`)).status).toBe(401);
    expect((await owner.rest("GET", `/api/v1/projects/${place.projectId}/memberships/identities/${caller.id}`)).status).toBe(404);
    expect(told(await remove(caller.id))).toEqual([404, "NotFound", `Failed to find identity with id ${caller.id}`]);
  });

  it("refuses a protected one, and one that a project owns", async () => {
    const kept = await world.identity(orgId, { protected: true });
    expect(told(await remove(kept))).toEqual([400, "BadRequest", "Identity has delete protection"]);
    const owned = await world.owned(place);
    expect(told(await remove(owned))).toEqual([400, "BadRequest", "Identity is managed by project"]);
    expect((await owner.rest("GET", `/api/v1/projects/${place.projectId}/identities/${owned}`)).status).toBe(200);
    expect((await get(kept)).status).toBe(200);
  });

  it("refuses who is outranked, and another org's owner, to whom nothing is there", async () => {
    const boss = await world.ofOrg(orgId, "ORG_OWNER");
    const manager = await world.ofOrg(orgId, "ORG_USER_MANAGER");
    expect(told(await remove(boss.id, manager))).toEqual([403, "PermissionBoundaryError", "Failed to delete a more privileged identity"]);
    const stranger = await world.ofOrg(await world.org(), "ORG_OWNER");
    expect((await remove(boss.id, stranger)).status).toBe(404);
    expect((await get(boss.id)).status).toBe(200);
    expect((await remove(boss.id)).status).toBe(200);
  });

  it("is not for who has rights on a project only, whether the identity exists or not", async () => {
    const admin = await world.member(place, "admin");
    for (const id of [await world.identity(orgId), randomUUID(), "malformed"]) {
      expect(told(await remove(id, admin))).toEqual([403, "PermissionDenied", "You are not allowed to delete on identity"]);
    }
  });
});
