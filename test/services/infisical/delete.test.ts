import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../support/rest.ts";
import { restClient } from "../../support/rest.ts";
import { type System, startSystem } from "../../support/system.ts";
import { breaches, identityMembers } from "./document.schema.ts";
import { type Caller, type Place, path, World } from "./world.ts";

type Identity = Record<string, unknown>;
type Refusal = { reqId: string; statusCode: number; message: unknown; error: string; details?: unknown };

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

/** What the document says of an answer, checked for each. */
function documented<Body>(answer: Answer<Body>, status: number): Body {
  expect({ status: answer.status, breaches: breaches(answer) }).toEqual({ status, breaches: [] });
  expect(answer.headers.get("content-type")).toBe("application/json");
  return answer.body;
}

function refused(answer: Answer<Refusal>, status: number): Refusal {
  const body = documented(answer, status);
  expect(body.reqId).toMatch(/^req-[A-Za-z0-9]{14}$/);
  expect(answer.headers.get("x-request-id")).toBe(body.reqId);
  expect(Number(answer.headers.get("grpc-status"))).toBeGreaterThan(0);
  return body;
}

async function remove(caller: Caller, at: Place, id: string) {
  return caller.rest<{ identity: Identity }>("DELETE", path(at, id));
}

async function refusal(caller: Caller, at: { readonly projectId: string }, id: string, status: number): Promise<Refusal> {
  return refused(await caller.rest<Refusal>("DELETE", path(at, id)), status);
}

describe("200", () => {
  it("answers the identity as it was, all ten members present though most hold nothing", async () => {
    const id = await world.owned(here, { name: "ci runner" });
    const { identity } = documented(await remove(owner, here, id), 200);
    expect(Object.keys(identity).sort()).toEqual([...identityMembers].sort());
    expect(identity).toMatchObject({
      id,
      name: "ci runner",
      orgId: here.orgId,
      projectId: here.projectId,
      hasDeleteProtection: false,
      activeLockoutAuthMethods: [],
      authMethods: [],
      metadata: [],
    });
    expect(identity.updatedAt).toBe(identity.createdAt);
  });

  it("shows the metadata as it is kept and the ways to authenticate that were open", async () => {
    const metadata = [
      { key: "team", value: "red" },
      { key: "stage", value: "prüfung" },
    ];
    const id = await world.owned(here, { metadata });
    await world.token(here.orgId, id);
    const before = await owner.rest<{ identity: Identity }>("GET", path(here, id));
    const { identity } = documented(await remove(owner, here, id), 200);
    expect(identity).toEqual(before.body.identity);
    expect(identity).toMatchObject({ authMethods: ["token-auth"], metadata });
  });

  it("names no way to authenticate when the one token has expired", async () => {
    const id = await world.owned(here);
    const soon = new Date(Date.now() + 60_000);
    const token = await world.token(here.orgId, id, { expireTime: soon });
    await world.db
      .updateTable("credentials")
      .set({ expires_at: new Date(0) })
      .where("id", "=", token.id as never)
      .execute();
    expect(documented(await remove(owner, here, id), 200).identity.authMethods).toEqual([]);
  });

  it.each(["admin", "member"])("to an identity with the role %s", async (role) => {
    documented(await remove(await world.member(here, role), here, await world.owned(here)), 200);
  });

  it("to a human with the role admin, to the owner of the org and to the instance's admin", async () => {
    documented(await remove(await world.human(here, "admin"), here, await world.owned(here)), 200);
    documented(await remove(await world.ofOrg(here.orgId, "ORG_OWNER"), here, await world.owned(here)), 200);
    documented(await world.admin("DELETE", path(here, await world.owned(here))), 200);
  });

  it("to an identity that deletes itself, whose token ends with the answer", async () => {
    const self = await world.as(here.orgId, await world.owned(here, {}, "admin"));
    documented(await remove(self, here, self.id), 200);
    await refusal(self, here, self.id, 401);
  });

  it("also with a trailing slash, and with ids in upper case", async () => {
    documented(await owner.rest("DELETE", `${path(here, await world.owned(here))}/`), 200);
    const id = await world.owned(here);
    documented(await owner.rest("DELETE", path({ projectId: here.projectId.toUpperCase() }, id.toUpperCase())), 200);
  });

  it("ends every token of the identity, and it is gone from every read", async () => {
    const doomed = await world.as(here.orgId, await world.owned(here, { name: "doomed" }, "admin"));
    const second = restClient(system.baseUrl, (await world.token(here.orgId, doomed.id)).token);
    expect((await doomed.rest("GET", path(here))).status).toBe(200);
    documented(await remove(owner, here, doomed.id), 200);
    for (const rest of [doomed.rest, second]) refused(await rest<Refusal>("GET", path(here)), 401);
    expect((await owner.rest("GET", path(here, doomed.id))).status).toBe(404);
    expect((await owner.rest("GET", `/api/v1/projects/${here.projectId}/memberships/identities/${doomed.id}`)).status).toBe(404);
    expect((await owner.rest<{ identities: unknown[] }>("GET", `${path(here)}?search=doomed`)).body.identities).toEqual([]);
    expect((await world.admin("GET", `/tenure/v1/orgs/${here.orgId}/principals/${doomed.id}/tokens`)).status).toBe(404);
    expect((await world.admin("POST", `/tenure/v1/orgs/${here.orgId}/principals/${doomed.id}/tokens`, { body: {} })).status).toBe(404);
  });

  it("writes one event: who asked, nothing of the name", async () => {
    const id = await world.owned(here, { name: "unspoken" });
    const answer = await remove(owner, here, id);
    const events = await world.db
      .selectFrom("audit_events")
      .selectAll()
      .where("aggregate_id", "=", id)
      .where("type", "=", "user.removed")
      .execute();
    expect(events).toMatchObject([{ actor_org_id: owner.orgId, actor_id: owner.id, request_id: answer.headers.get("x-request-id") }]);
    expect(JSON.stringify(events.map(({ facts }) => facts))).not.toContain("unspoken");
  });
});

describe("400", () => {
  it("while delete protection is on; the identity stays, and so do its tokens", async () => {
    const id = await world.owned(here, { protected: true }, "viewer");
    const kept = await world.as(here.orgId, id);
    const body = await refusal(owner, here, id, 400);
    expect(body).toMatchObject({ message: "Cannot delete identity while delete protection is enabled", error: "BadRequest" });
    expect((await kept.rest("GET", path(here, id))).status).toBe(200);
    await owner.rest("PATCH", path(here, id), { body: { hasDeleteProtection: false } });
    documented(await remove(owner, here, id), 200);
  });

  it("for a body, which this method does not have; nothing is deleted", async () => {
    const id = await world.owned(here);
    const answer = await owner.rest<Refusal>("DELETE", path(here, id), { body: { validateOnly: true } });
    expect(refused(answer, 400).error).toBe("BadRequest");
    expect((await owner.rest("GET", path(here, id))).status).toBe(200);
  });
});

describe("401", () => {
  const cases: [string, string | undefined, string][] = [
    ["no token", undefined, "Token missing"],
    ["a token that is none", "not-a-token", "You are not allowed to access this resource"],
    ["a JWT of somebody's", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "You are not allowed to access this resource"],
  ];
  it.each(cases)("with %s, whether the identity exists or not", async (_, token, message) => {
    const id = await world.owned(here);
    const anonymous = restClient(system.baseUrl, token);
    for (const target of [path(here, id), path(here, randomUUID()), path({ projectId: randomUUID() }, id), path(here, "%00")]) {
      expect(refused(await anonymous<Refusal>("DELETE", target), 401)).toMatchObject({ message, error: "UnauthorizedError" });
    }
    expect((await owner.rest("GET", path(here, id))).status).toBe(200);
  });

  it("comes before what is wrong with the request", async () => {
    refused(await restClient(system.baseUrl)<Refusal>("DELETE", `${path(here, "x")}?validate_only=true`, { body: "{" }), 401);
  });
});

describe("403", () => {
  it.each(["viewer", "no-access"])("for the role %s, with the rule that is missing, before existence", async (role) => {
    const caller = await world.member(here, role);
    const id = await world.owned(here);
    for (const target of [id, randomUUID(), "malformed"]) {
      expect(await refusal(caller, here, target, 403)).toMatchObject({
        error: "PermissionDenied",
        message: "You are not allowed to delete on identity",
        details: [{ action: "delete", inverted: false, subject: "identity" }],
      });
    }
    expect((await owner.rest("GET", path(here, id))).status).toBe(200);
  });

  it("for who is not in the project: another's member, another org's, and one of this org without any role", async () => {
    const sibling = await world.project(here.orgId);
    const elsewhere = await world.place();
    const id = await world.owned(here);
    for (const caller of [await world.member(sibling, "admin"), await world.member(elsewhere, "admin"), await world.ofOrg(here.orgId)]) {
      const body = await refusal(caller, here, id, 403);
      expect(body.error).toBe("ProjectMembershipNotFound");
      expect(body.message).toBe(
        `You are not a member of this project with ID ${here.projectId}. Please assign this identity to the project with the appropriate permissions, then try again.`,
      );
    }
  });

  it("for a human who is not in the project, who is called a user", async () => {
    const human = await world.human(await world.project(here.orgId), "admin");
    expect((await refusal(human, here, randomUUID(), 403)).message).toContain("Please assign this user to the project");
  });

  it("for an identity that outranks the caller, which stays", async () => {
    const strong = await world.owned(here, {}, "admin");
    const body = await refusal(await world.member(here, "member"), here, strong, 403);
    expect(body).toMatchObject({
      error: "PermissionBoundaryError",
      message: "Failed to remove a more privileged identity from the project",
    });
    documented(await remove(owner, here, strong), 200);
  });

  it("comes before what is wrong with the request", async () => {
    const viewer = await world.member(here, "viewer");
    refused(await viewer.rest<Refusal>("DELETE", `${path(here, "x")}?validate_only=true`), 403);
  });
});

describe("404", () => {
  it("for a missing identity, a malformed id, an identity of the org that is a member, and one of another project", async () => {
    const member = await world.member(here, "viewer");
    const sibling = await world.owned(await world.project(here.orgId));
    const foreign = await world.owned(await world.place());
    for (const id of [randomUUID(), "malformed", member.id, sibling, foreign, here.projectId]) {
      expect(await refusal(owner, here, id, 404)).toMatchObject({ error: "NotFound", message: `Identity with id ${id} not found` });
    }
  });

  it("for a missing project, another org's, a malformed id and one that is being deleted, to those whose right is wider", async () => {
    const foreign = await world.place();
    const dying = await world.project(here.orgId);
    const inDying = await world.owned(dying);
    await world.db.updateTable("projects").set({ deleted_at: new Date() }).where("id", "=", dying.projectId).execute();
    const orgOwner = await world.ofOrg(here.orgId, "ORG_OWNER");
    for (const projectId of [randomUUID(), foreign.projectId, "malformed", dying.projectId]) {
      const body = await refusal(orgOwner, { projectId }, inDying, 404);
      expect(body).toMatchObject({ error: "NotFound", message: `Project with ${projectId} not found` });
    }
    const admin: Caller = { ...owner, rest: world.admin };
    for (const projectId of [randomUUID(), "malformed", dying.projectId]) {
      expect((await refusal(admin, { projectId }, inDying, 404)).message).toBe(`Project with ${projectId} not found`);
    }
  });

  it("on a repeat, and for all but one of those who race", async () => {
    const once = await world.owned(here);
    documented(await remove(owner, here, once), 200);
    expect((await refusal(owner, here, once, 404)).message).toBe(`Identity with id ${once} not found`);

    const raced = await world.owned(here);
    const answers = await Promise.all(Array.from({ length: 8 }, () => remove(owner, here, raced)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(404)]);
    for (const answer of answers) expect(breaches(answer)).toEqual([]);
    const operations = await world.db.selectFrom("operations").select("id").where("target_id", "=", raced).execute();
    expect(operations).toHaveLength(1);
  });

  it("for an id as long as a page, which is not repeated whole", async () => {
    const body = await refusal(owner, here, "x".repeat(10_000), 404);
    expect(String(body.message).length).toBeLessThan(120);
  });
});

describe("422", () => {
  it("for a query that the method does not have: a mistyped wish not to delete must not delete", async () => {
    const id = await world.owned(here);
    const answer = await owner.rest<Refusal>("DELETE", `${path(here, id)}?validateOnly=true`);
    const body = refused(answer, 422);
    expect(body).toMatchObject({ error: "ValidationFailure", message: [{ code: "unrecognized_keys", path: ["validateOnly"] }] });
    expect((await owner.rest("GET", path(here, id))).status).toBe(200);
  });
});
