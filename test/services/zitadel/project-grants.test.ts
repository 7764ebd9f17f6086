/** Projects lent to other orgs, and what their end, or that of anything around them, takes away. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AddProjectGrantRequest,
  type AddProjectGrantResponse,
  type ListProjectGrantsResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { OrgId, ProjectId } from "../../../services/kernel/ids.ts";
import { addProjectGrant } from "../../../services/projects/project-grants.ts";
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

async function project(tenant: Tenant, ...roleKeys: string[]): Promise<{ id: string; name: string }> {
  const name = random();
  const id = text(ok(await tenant.call("POST", "/projects", { name })).body, "id");
  for (const roleKey of roleKeys) ok(await tenant.call("POST", `/projects/${id}/roles`, { roleKey, displayName: roleKey }));
  return { id, name };
}

async function lend(tenant: Tenant, projectId: string, to: Tenant, ...roleKeys: string[]): Promise<string> {
  return text(ok(await tenant.call("POST", `/projects/${projectId}/grants`, { grantedOrgId: to.id, roleKeys })).body, "grantId");
}

/** Gives a new user of the tenant roles of a project, its own or through a project grant. */
async function give(tenant: Tenant, projectId: string, projectGrantId: string, ...roleKeys: string[]): Promise<string> {
  const user = await world.user(tenant, random());
  return text(ok(await tenant.call("POST", `/users/${user}/grants`, { projectId, projectGrantId, roleKeys })).body, "userGrantId");
}

type List = { details: Body; result?: Body[] };

async function grants(tenant: Tenant, projectId: string, body: Body = {}): Promise<List> {
  return ok(await tenant.call<List>("POST", `/projects/${projectId}/grants/_search`, body)).body;
}

async function lentTo(projectId: string, body: Body = {}): Promise<unknown[]> {
  return ((await grants(acme, projectId, body)).result ?? []).map(({ grantedOrgId }) => grantedOrgId);
}

async function userGrants(tenant: Tenant, projectId: string): Promise<unknown[]> {
  const queries = [{ projectIdQuery: { projectId } }, { withGrantedQuery: { withGranted: true } }];
  return (ok(await tenant.call<List>("POST", "/users/grants/_search", { queries })).body.result ?? []).map(({ id }) => id);
}

const missing = refused(404, 5, "PROJECT-D8JxR", "Grant not found");
const noProject = refused(400, 9, "COMMAND-m9gsd", "Project not found");
const noOrg = refused(400, 9, "COMMAND-3m9gg", "Organisation not found");
const noRole = refused(400, 9, "COMMAND-6m9gd", "Errors.Project.Role.NotFound");

describe("AddProjectGrant and ListProjectGrants", () => {
  it("answer with both orgs, the project and the roles that came along", async () => {
    const { id, name } = await project(acme, "writer", "reader", "unlent");
    const roleKeys = ["writer", "reader", "reader"];
    const made = ok(await acme.call("POST", `/projects/${id}/grants`, { grantedOrgId: other.id, roleKeys }));
    expect(made.body).toEqual({ grantId: anyId, details: addedBy(acme.id) });
    expect(await grants(acme, id)).toEqual({
      details: { totalResult: "1", viewTimestamp: anyTime },
      result: [
        {
          grantId: text(made.body, "grantId"),
          grantedOrgId: other.id,
          grantedOrgName: other.name,
          grantedRoleKeys: ["reader", "writer"],
          state: "PROJECT_GRANT_STATE_ACTIVE",
          projectId: id,
          projectName: name,
          projectOwnerId: acme.id,
          projectOwnerName: acme.name,
          details: readOf(acme.id),
        },
      ],
    });
  });

  it("say the same over gRPC, and lend a project without roles", async () => {
    const { id: projectId } = await project(acme);
    const wish = AddProjectGrantRequest.fromPartial({ projectId, grantedOrgId: other.id });
    const made = await acme.grpc.call<AddProjectGrantResponse>("addProjectGrant", wish);
    expect(made).toMatchObject({ grantId: anyId, details: { sequence: 1n, changeDate: undefined, resourceOwner: acme.id } });
    const listed = await acme.grpc.call<ListProjectGrantsResponse>("listProjectGrants", { projectId, query: undefined, queries: [] });
    expect(listed.result).toMatchObject([{ grantId: made.grantId, grantedRoleKeys: [], state: 1, projectOwnerId: acme.id }]);
    await expect(acme.grpc.call("addProjectGrant", wish)).rejects.toMatchObject({
      code: 6,
      details: "Project grant already exists (V3-DKcYh)",
    });
  });

  it("lend a project to an org once, and again after the grant was removed", async () => {
    const { id } = await project(acme, "reader");
    const first = await lend(acme, id, other, "reader");
    const again = await acme.call("POST", `/projects/${id}/grants`, { grantedOrgId: other.id });
    expect(refusal(again)).toEqual(refused(409, 6, "V3-DKcYh", "Project grant already exists"));
    ok(await acme.call("DELETE", `/projects/${id}/grants/${first}`));
    expect(await lend(acme, id, other)).not.toBe(first);
    expect((await grants(acme, id)).result).toMatchObject([{ grantedOrgId: other.id }]);
    expect((await grants(acme, id)).result?.[0]).not.toHaveProperty("grantedRoleKeys");
  });

  it("refuse an unknown project, org or role, in this order", async () => {
    const { id } = await project(acme, "reader");
    const foreign = await project(other, "reader");
    const add = async (projectId: string, body: Body) => refusal(await acme.call("POST", `/projects/${projectId}/grants`, body));
    for (const projectId of [foreign.id, random(), "malformed"]) {
      expect(await add(projectId, { grantedOrgId: random(), roleKeys: ["none"] })).toEqual(noProject);
    }
    for (const grantedOrgId of [random(), "malformed"]) expect(await add(id, { grantedOrgId, roleKeys: ["none"] })).toEqual(noOrg);
    expect(await add(id, { grantedOrgId: other.id, roleKeys: ["reader", "none"] })).toEqual(noRole);
    expect(await add(id, {})).toMatchObject({ status: 400, code: 3, id: undefined });
    expect(await lentTo(id)).toEqual([]);
  });

  it("search by project name and role key, and page", async () => {
    const { id, name } = await project(acme, "reader", "writer");
    const third = await world.tenant("Third");
    await lend(acme, id, other, "reader");
    await lend(acme, id, third, "reader", "writer");
    const asc = { asc: true };
    const role = (roleKey: string, method = "TEXT_QUERY_METHOD_EQUALS") => ({ roleKeyQuery: { roleKey, method } });
    const named = (value: string, method: string) => ({ projectNameQuery: { name: value, method } });
    expect(await lentTo(id)).toEqual([third.id, other.id]);
    expect(await lentTo(id, { query: asc, queries: [role("reader")] })).toEqual([other.id, third.id]);
    expect(await lentTo(id, { queries: [role("writer")] })).toEqual([third.id]);
    expect(await lentTo(id, { queries: [role("WRIT", "TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE")] })).toEqual([third.id]);
    expect(await lentTo(id, { queries: [role("rea")] })).toEqual([]);
    expect(await lentTo(id, { queries: [named(name.slice(1), "TEXT_QUERY_METHOD_ENDS_WITH")] })).toHaveLength(2);
    expect(await lentTo(id, { queries: [named("nothing", "TEXT_QUERY_METHOD_CONTAINS")] })).toEqual([]);
    expect(await lentTo(id, { query: { limit: 1, offset: 1 } })).toEqual([other.id]);
    expect((await grants(acme, id, { query: { limit: 1 } })).details).toEqual({ totalResult: "2", viewTimestamp: anyTime });
    const much = await acme.call("POST", `/projects/${id}/grants/_search`, { query: { limit: 1001 } });
    expect(refusal(much)).toEqual(refused(400, 3, "QUERY-4M0fs", "Limit exceeded"));
  });

  it("show a grant to the org that owns the project, and not under the org that it was lent to", async () => {
    const { id } = await project(acme, "reader");
    await lend(acme, id, other, "reader");
    expect(await grants(other, id)).toEqual({ details: { viewTimestamp: anyTime } });
  });

  it("let in whoever holds the right on just that project, and nobody else", async () => {
    const creator = await world.caller(acme, "ORG_PROJECT_CREATOR");
    const mine = text(ok(await creator.call("POST", "/projects", { name: random() })).body, "id");
    const { id: foreign } = await project(acme);
    const kept = await lend(acme, foreign, other);
    const lent = ok(await creator.call("POST", `/projects/${mine.toUpperCase()}/grants`, { grantedOrgId: other.id }));
    const elsewhere = refused(403, 7, "AUTH-3jknH", "No matching permissions found");
    for (const projectId of [foreign, random(), "malformed"]) {
      expect(refusal(await creator.call("POST", `/projects/${projectId}/grants`, { grantedOrgId: other.id }))).toEqual(elsewhere);
      expect(refusal(await creator.call("POST", `/projects/${projectId}/grants/_search`, {}))).toEqual(elsewhere);
      expect(refusal(await creator.call("DELETE", `/projects/${projectId}/grants/${kept}`))).toEqual(elsewhere);
    }
    ok(await creator.call("DELETE", `/projects/${mine}/grants/${text(lent.body, "grantId")}`));
    const viewer = await world.caller(acme, "ORG_OWNER_VIEWER");
    ok(await viewer.call("POST", `/projects/${foreign}/grants/_search`, {}));
    const tooSmall = refused(403, 7, "AUTH-5mWD2", "No matching permissions found");
    expect(refusal(await viewer.call("DELETE", `/projects/${foreign}/grants/${kept}`))).toEqual(tooSmall);
    expect(refusal(await viewer.call("POST", `/projects/${foreign}/grants`, { grantedOrgId: other.id }))).toEqual(tooSmall);
  });
});

describe("RemoveProjectGrant", () => {
  it("answers with the change, and 404 from then on", async () => {
    const { id } = await project(acme);
    const grantId = await lend(acme, id, other);
    expect(ok(await acme.call("DELETE", `/projects/${id}/grants/${grantId}`)).body).toEqual({ details: changedBy(acme.id, "2") });
    expect(refusal(await acme.call("DELETE", `/projects/${id}/grants/${grantId}`))).toEqual(missing);
    await expect(acme.grpc.call("removeProjectGrant", { projectId: id, grantId })).rejects.toMatchObject({
      code: 5,
      details: "Grant not found (PROJECT-D8JxR)",
    });
  });

  it("asks for the project first, then for a grant of that project", async () => {
    const [{ id }, second, foreign] = [await project(acme), await project(acme), await project(other)];
    const grantId = await lend(acme, id, other);
    const theirs = await lend(other, foreign.id, acme);
    const remove = async (projectId: string, grant: string) => refusal(await acme.call("DELETE", `/projects/${projectId}/grants/${grant}`));
    const noOwnProject = refused(400, 9, "PROJECT-6mf9s", "Project not found");
    for (const projectId of [foreign.id, random(), "malformed"]) expect(await remove(projectId, theirs)).toEqual(noOwnProject);
    for (const grant of [theirs, random(), "malformed"]) expect(await remove(id, grant)).toEqual(missing);
    expect(await remove(second.id, grantId)).toEqual(missing);
    expect(await lentTo(id)).toEqual([other.id]);
    expect((await grants(other, foreign.id)).result).toHaveLength(1);
  });

  it("ends the user grants that were made through it at once, and only those", async () => {
    const { id } = await project(acme, "reader");
    const third = await world.tenant("Third");
    const [first, second] = [await lend(acme, id, other, "reader"), await lend(acme, id, third, "reader")];
    const own = await give(acme, id, "", "reader");
    const through = await give(other, id, first, "reader");
    const elsewhere = await give(third, id, second, "reader");
    expect(await userGrants(acme, id)).toEqual([elsewhere, through, own]);
    await whilePurgeWaits(system, async () => {
      ok(await acme.call("DELETE", `/projects/${id}/grants/${first}`));
      expect(await userGrants(acme, id)).toEqual([elsewhere, own]);
      expect(await userGrants(other, id)).toEqual([]);
      expect(await userGrants(third, id)).toEqual([elsewhere]);
      const user = await world.user(other, random());
      const late = await other.call("POST", `/users/${user}/grants`, { projectId: id, projectGrantId: first, roleKeys: ["reader"] });
      expect(refusal(late)).toEqual(noProject);
      // The same org may be lent the project again; what it gave before does not come back.
      await lend(acme, id, other, "reader");
      expect(await userGrants(other, id)).toEqual([]);
    });
  });
});

describe("a project grant and the end of what it hangs on", () => {
  it("goes with the org that it was lent to, in the list of the org that lent it, at once", async () => {
    const dying = await world.tenant("Dying");
    const { id } = await project(acme, "reader");
    const grantId = await lend(acme, id, dying, "reader");
    await give(dying, id, grantId, "reader");
    const own = await give(acme, id, "", "reader");
    await whilePurgeWaits(system, async () => {
      ok(await dying.call("DELETE", "/orgs/me"));
      expect(await lentTo(id)).toEqual([]);
      expect(await userGrants(acme, id)).toEqual([own]);
      expect(refusal(await acme.call("DELETE", `/projects/${id}/grants/${grantId}`))).toEqual(missing);
      expect(refusal(await acme.call("POST", `/projects/${id}/grants`, { grantedOrgId: dying.id }))).toEqual(noOrg);
    });
  });

  it("goes with the org that lent it, in every list of the org that it was lent to, at once", async () => {
    const dying = await world.tenant("Dying");
    const { id } = await project(dying, "reader");
    const grantId = await lend(dying, id, other, "reader");
    const through = await give(other, id, grantId, "reader");
    expect(await userGrants(other, id)).toEqual([through]);
    await whilePurgeWaits(system, async () => {
      ok(await dying.call("DELETE", "/orgs/me"));
      expect(await userGrants(other, id)).toEqual([]);
      const user = await world.user(other, random());
      const late = await other.call("POST", `/users/${user}/grants`, { projectId: id, roleKeys: ["reader"] });
      expect(refusal(late)).toEqual(noProject);
    });
  });

  it("is not made below a project or either org that is being deleted", async () => {
    const [dying, lender] = [await world.tenant("Dying"), await world.tenant("Lender")];
    const { id } = await project(lender);
    const add = (tenant: Tenant, projectId: string, to: Tenant) => () =>
      tenant.admin("POST", `/projects/${projectId}/grants`, { grantedOrgId: to.id });
    const target = (kind: "org" | "project", orgId: string, targetId: string) => ({ kind, orgId, id: targetId });
    const borrower = await whileDeleting(system, target("org", dying.id, dying.id), add(lender, id, dying));
    expect(refusal(borrower)).toEqual(noOrg);
    const ofProject = await whileDeleting(system, target("project", lender.id, id), add(lender, id, other));
    expect(refusal(ofProject)).toEqual(noProject);
    const second = await world.tenant("Second");
    const lent = await project(second);
    const ofLender = await whileDeleting(system, target("org", second.id, second.id), add(second, lent.id, other));
    expect(refusal(ofLender)).toEqual(noProject);
    const { rows } = await sql`select from project_grants where project_id = any(${[id, lent.id]}::uuid[])`.execute(system.services.db);
    expect(rows).toEqual([]);
  });

  it("goes with the org that it was lent to when it was made just before", async () => {
    const dying = await world.tenant("Dying");
    const { id } = await project(acme);
    const wish = { orgId: acme.id as OrgId, projectId: id as ProjectId, grantedOrgId: dying.id as OrgId, roleKeys: [] };
    ok(
      await whileOpen(
        system,
        (tx) => addProjectGrant(tx, wish, nobody),
        () => dying.admin("DELETE", "/orgs/me"),
      ),
    );
    expect(await lentTo(id)).toEqual([]);
  });
});
