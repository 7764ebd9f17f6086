/** Roles that a project defines, and what becomes of those who hold one when it is removed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AddProjectRoleRequest, type ListProjectRolesResponse } from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { OrgId, ProjectId } from "../../../services/kernel/ids.ts";
import { addProjectRole } from "../../../services/projects/roles.ts";
import { findProjectRoleId } from "../../../services/projects/roles-store.ts";
import { type System, startSystem } from "../../support/system.ts";
import {
  addedBy,
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

async function project(tenant: Tenant, ...roleKeys: string[]): Promise<string> {
  const id = text(ok(await tenant.call("POST", "/projects", { name: random() })).body, "id");
  for (const roleKey of roleKeys) ok(await tenant.call("POST", `/projects/${id}/roles`, { roleKey, displayName: `Role ${roleKey}` }));
  return id;
}

async function keys(tenant: Tenant, projectId: string, body: Body = {}): Promise<string[]> {
  const { result = [] } = ok(await tenant.call<{ result?: { key: string }[] }>("POST", `/projects/${projectId}/roles/_search`, body)).body;
  return result.map(({ key }) => key);
}

const missing = refused(404, 5, "COMMAND-m9vMf", "Role doesn't exist");
const noProject = refused(400, 9, "COMMAND-EbFMN", "Project not found");

describe("AddProjectRole and ListProjectRoles", () => {
  it("answer with the role as it was given, and leave out an empty group", async () => {
    const id = await project(acme);
    const added = await acme.call("POST", `/projects/${id}/roles`, { roleKey: "reader", displayName: "Reader", group: "People" });
    expect(ok(added).body).toEqual({ details: addedBy(acme.id) });
    ok(await acme.call("POST", `/projects/${id}/roles`, { role_key: "writer", display_name: "Writer" }));
    expect(ok(await acme.call("POST", `/projects/${id}/roles/_search`, { query: { asc: true } })).body).toEqual({
      details: { totalResult: "2", viewTimestamp: anyTime },
      result: [
        { key: "reader", details: readOf(acme.id), displayName: "Reader", group: "People" },
        { key: "writer", details: readOf(acme.id), displayName: "Writer" },
      ],
    });
  });

  it("say the same over gRPC", async () => {
    const projectId = await project(acme, "reader");
    const wish = AddProjectRoleRequest.fromPartial({ projectId, roleKey: "writer", displayName: "Writer" });
    await acme.grpc.call("addProjectRole", wish);
    await expect(acme.grpc.call("addProjectRole", wish)).rejects.toMatchObject({ code: 6, details: "Role already exists (V3-DKcYh)" });
    const listed = await acme.grpc.call<ListProjectRolesResponse>("listProjectRoles", { projectId, query: undefined, queries: [] });
    expect(listed.details?.totalResult).toBe(2n);
    expect(listed.result.map(({ key }) => key)).toEqual(["writer", "reader"]);
  });

  it("keep a key unique in its project, by every letter", async () => {
    const [id, second] = [await project(acme, "reader"), await project(acme)];
    const again = await acme.call("POST", `/projects/${id}/roles`, { roleKey: "reader", displayName: "Again" });
    expect(refusal(again)).toEqual(refused(409, 6, "V3-DKcYh", "Role already exists"));
    ok(await acme.call("POST", `/projects/${id}/roles`, { roleKey: "Reader", displayName: "Another" }));
    ok(await acme.call("POST", `/projects/${second}/roles`, { roleKey: "reader", displayName: "Elsewhere" }));
  });

  it("refuse what is empty or too long", async () => {
    const id = await project(acme);
    for (const body of [{ displayName: "No key" }, { roleKey: "no-name" }, { roleKey: "x".repeat(201), displayName: "Long" }]) {
      expect(refusal(await acme.call("POST", `/projects/${id}/roles`, body))).toMatchObject({ status: 400, code: 3, id: undefined });
    }
    expect(await keys(acme, id)).toEqual([]);
  });

  it("know no project of another org, and none that was removed", async () => {
    const foreign = await project(other, "reader");
    const removed = await project(acme, "reader");
    ok(await acme.call("DELETE", `/projects/${removed}`));
    for (const id of [foreign, removed, random(), "malformed"]) {
      const role = { roleKey: "reader", displayName: "Reader" };
      expect(refusal(await acme.call("POST", `/projects/${id}/roles`, role))).toEqual(noProject);
      expect(ok(await acme.call("POST", `/projects/${id}/roles/_search`, {})).body).toEqual({ details: { viewTimestamp: anyTime } });
      expect(refusal(await acme.call("DELETE", `/projects/${id}/roles/reader`))).toEqual(missing);
    }
    expect(await keys(other, foreign)).toEqual(["reader"]);
  });

  it("search by key and display name, and page", async () => {
    const id = await project(acme, "a", "b", "c", "ab");
    const asc = { asc: true };
    const starting = { keyQuery: { key: "A", method: "TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE" } };
    const named = { displayNameQuery: { displayName: "b", method: "TEXT_QUERY_METHOD_ENDS_WITH" } };
    expect(await keys(acme, id, { query: asc, queries: [starting] })).toEqual(["a", "ab"]);
    expect(await keys(acme, id, { query: asc, queries: [named] })).toEqual(["b", "ab"]);
    expect(await keys(acme, id, { query: asc, queries: [starting, named] })).toEqual(["ab"]);
    expect(await keys(acme, id, { queries: [{ keyQuery: { key: "a" } }] })).toEqual(["a"]);
    expect(await keys(acme, id, { query: { limit: 2, offset: 1 } })).toEqual(["c", "b"]);
    const much = await acme.call("POST", `/projects/${id}/roles/_search`, { query: { limit: 1001 } });
    expect(refusal(much)).toEqual(refused(400, 3, "QUERY-4M0fs", "Limit exceeded"));
  });

  it("let in whoever holds the right on just that project", async () => {
    const creator = await world.caller(acme, "ORG_PROJECT_CREATOR");
    const mine = text(ok(await creator.call("POST", "/projects", { name: random() })).body, "id");
    const foreign = await project(acme, "reader");
    ok(await creator.call("POST", `/projects/${mine}/roles`, { roleKey: "reader", displayName: "Reader" }));
    const elsewhere = refused(403, 7, "AUTH-3jknH", "No matching permissions found");
    expect(refusal(await creator.call("POST", `/projects/${foreign}/roles`, { roleKey: "x", displayName: "X" }))).toEqual(elsewhere);
    expect(refusal(await creator.call("POST", `/projects/${foreign}/roles/_search`, {}))).toEqual(elsewhere);
    expect(refusal(await creator.call("DELETE", `/projects/${foreign}/roles/reader`))).toEqual(elsewhere);
    ok(await creator.call("DELETE", `/projects/${mine}/roles/reader`));
    const viewer = await world.caller(acme, "ORG_OWNER_VIEWER");
    ok(await viewer.call("POST", `/projects/${foreign}/roles/_search`, {}));
    const tooSmall = refused(403, 7, "AUTH-5mWD2", "No matching permissions found");
    expect(refusal(await viewer.call("DELETE", `/projects/${foreign}/roles/reader`))).toEqual(tooSmall);
  });
});

describe("RemoveProjectRole", () => {
  it("answers with the change, and 404 from then on, whatever the key is made of", async () => {
    const id = await project(acme, "reader", "team/a/writer", "grüße & co");
    expect(ok(await acme.call("DELETE", `/projects/${id}/roles/reader`)).body).toEqual({ details: changedBy(acme.id, "2") });
    expect(refusal(await acme.call("DELETE", `/projects/${id}/roles/reader`))).toEqual(missing);
    expect(refusal(await acme.call("DELETE", `/projects/${id}/roles/team/a`))).toEqual(missing);
    ok(await acme.call("DELETE", `/projects/${id}/roles/team/a/writer`));
    ok(await acme.call("DELETE", `/projects/${id}/roles/${encodeURIComponent("grüße & co")}`));
    expect(await keys(acme, id)).toEqual([]);
    await expect(acme.grpc.call("removeProjectRole", { projectId: id, roleKey: "reader" })).rejects.toMatchObject({
      code: 5,
      details: "Role doesn't exist (COMMAND-m9vMf)",
    });
  });

  it("takes the role out of project grants and user grants at once, and a new one under its key gives it to nobody", async () => {
    const id = await project(acme, "reader", "writer");
    const roleKeys = ["reader", "writer"];
    const granted = { grantedOrgId: other.id, roleKeys };
    const projectGrantId = text(ok(await acme.call("POST", `/projects/${id}/grants`, granted)).body, "grantId");
    const [ours, theirs] = [await world.user(acme, random()), await world.user(other, random())];
    ok(await acme.call("POST", `/users/${ours}/grants`, { projectId: id, roleKeys }));
    ok(await other.call("POST", `/users/${theirs}/grants`, { projectId: id, projectGrantId, roleKeys }));

    const held = async () => {
      const grants = ok(await acme.call<{ result: Body[] }>("POST", `/projects/${id}/grants/_search`, {})).body.result;
      const search = { queries: [{ projectIdQuery: { projectId: id } }] };
      const [mine, elsewhere] = [acme, other].map(
        async (tenant) => ok(await tenant.call<{ result: Body[] }>("POST", "/users/grants/_search", search)).body.result,
      );
      return [
        grants.map((grant) => grant.grantedRoleKeys),
        ...(await Promise.all([mine, elsewhere])).map((list) => list?.map((grant) => grant.roleKeys)),
      ];
    };
    expect(await held()).toEqual([[roleKeys], [roleKeys], [roleKeys]]);

    const rest = [[["writer"]], [["writer"]], [["writer"]]];
    await whilePurgeWaits(system, async () => {
      ok(await acme.call("DELETE", `/projects/${id}/roles/reader`));
      expect(await held()).toEqual(rest);
      for (const path of [`/projects/${id}/grants/_search`, "/users/grants/_search"]) {
        const search = { queries: [{ roleKeyQuery: { roleKey: "reader" } }] };
        expect(ok(await acme.call("POST", path, search)).body).toEqual({ details: { viewTimestamp: anyTime } });
      }
      ok(await acme.call("POST", `/projects/${id}/roles`, { roleKey: "reader", displayName: "Reader again" }));
      expect(await held()).toEqual(rest);
    });
    expect(await held()).toEqual(rest);
    const late = { projectId: id, projectGrantId, roleKeys: ["reader"] };
    const unlent = await other.call("POST", `/users/${await world.user(other, random())}/grants`, late);
    expect(refusal(unlent)).toEqual(refused(400, 9, "COMMAND-mm9F4", "Errors.Project.Role.NotFound"));
    ok(await acme.call("POST", `/users/${await world.user(acme, random())}/grants`, { projectId: id, roleKeys: ["reader"] }));
  });
});

describe("a role and the delete of what it is below", () => {
  it("is not made in a project that is being deleted, nor in an org that is", async () => {
    const dying = await world.tenant("Dying");
    const [first, second] = [await project(dying), await project(dying)];
    const add = (id: string) => () => dying.admin("POST", `/projects/${id}/roles`, { roleKey: "late", displayName: "Late" });
    const target = { orgId: dying.id };
    expect(refusal(await whileDeleting(system, { ...target, kind: "project", id: first }, add(first)))).toEqual(noProject);
    expect(refusal(await whileDeleting(system, { ...target, kind: "org", id: dying.id }, add(second)))).toEqual(noProject);
  });

  it("goes with its project when it was made just before", async () => {
    const id = await project(acme);
    const role = { orgId: acme.id as OrgId, projectId: id as ProjectId, key: "early", displayName: "Early", group: "" };
    ok(
      await whileOpen(
        system,
        (tx) => addProjectRole(tx, role, nobody),
        () => acme.call("DELETE", `/projects/${id}`),
      ),
    );
    expect(await keys(acme, id)).toEqual([]);
  });

  it("is lent to no org and held by no user when its delete comes first", async () => {
    const db = system.services.db;
    const id = await project(acme, "grant", "hold");
    const role = async (key: string) => {
      const found = await findProjectRoleId(db, acme.id as OrgId, id as ProjectId, key);
      if (!found) throw new Error(`no role ${key}`);
      return { kind: "project_role" as const, orgId: acme.id, id: found };
    };
    const lend = () => acme.call("POST", `/projects/${id}/grants`, { grantedOrgId: other.id, roleKeys: ["grant"] });
    const unknown = refused(400, 9, "COMMAND-6m9gd", "Errors.Project.Role.NotFound");
    expect(refusal(await whileDeleting(system, await role("grant"), lend))).toEqual(unknown);
    const user = await world.user(acme, random());
    const give = () => acme.call("POST", `/users/${user}/grants`, { projectId: id, roleKeys: ["hold"] });
    const unheld = refused(400, 9, "COMMAND-mm9F4", "Errors.Project.Role.NotFound");
    expect(refusal(await whileDeleting(system, await role("hold"), give))).toEqual(unheld);
  });
});
