/** User grants and the end of whatever they hang on: seen at once in every org, and in every order that a race can take. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kind } from "../../../services/deletion/kinds.ts";
import { addAuthorization } from "../../../services/grants/authorizations.ts";
import { createIdentity } from "../../../services/identities/commands.ts";
import type { OrgId, PrincipalId, ProjectGrantId, ProjectId } from "../../../services/kernel/ids.ts";
import { type System, startSystem } from "../../support/system.ts";
import {
  nobody,
  ok,
  random,
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

beforeAll(async () => {
  system = await startSystem();
  world = tenants(system);
});

afterAll(async () => {
  world.close();
  await system.close();
});

/** A project of one org, lent to a second, with roles held by a user of a third, given by both. */
interface Scene {
  readonly lender: Tenant;
  readonly borrower: Tenant;
  readonly home: Tenant;
  readonly projectId: string;
  readonly projectGrantId: string;
  readonly userId: string;
}

async function scene(): Promise<Scene> {
  const [lender, borrower, home] = [await world.tenant("Lender"), await world.tenant("Borrower"), await world.tenant("Home")];
  const projectId = text(ok(await lender.call("POST", "/projects", { name: "Shared" })).body, "id");
  ok(await lender.call("POST", `/projects/${projectId}/roles`, { roleKey: "reader", displayName: "Reader" }));
  const lent = { grantedOrgId: borrower.id, roleKeys: ["reader"] };
  const projectGrantId = text(ok(await lender.call("POST", `/projects/${projectId}/grants`, lent)).body, "grantId");
  return { lender, borrower, home, projectId, projectGrantId, userId: await world.user(home, random()) };
}

/** Both orgs give the user the role. */
async function giveBoth({ lender, borrower, projectId, projectGrantId, userId }: Scene): Promise<void> {
  const roleKeys = ["reader"];
  ok(await lender.call("POST", `/users/${userId}/grants`, { projectId, roleKeys }));
  ok(await borrower.call("POST", `/users/${userId}/grants`, { projectId, projectGrantId, roleKeys }));
}

/** How many user grants an org sees: those it gave, and all on its projects. */
async function seen(tenant: Tenant): Promise<[number, number]> {
  const count = async (queries: object[]) => {
    const { details } = ok(await tenant.admin<{ details: { totalResult?: string } }>("POST", "/users/grants/_search", { queries })).body;
    return Number(details.totalResult ?? 0);
  };
  return [await count([]), await count([{ withGrantedQuery: { withGranted: true } }])];
}

async function rows(projectId: string): Promise<number> {
  const found = await sql`select from grants where project_id = ${projectId}::uuid and kind = 'authorization'`.execute(system.services.db);
  return found.rows.length;
}

describe("user grants, from every side, at once", () => {
  it("are there before anything ends", async () => {
    const { lender, borrower, home, ...rest } = await scene();
    await giveBoth({ lender, borrower, home, ...rest });
    expect(await Promise.all([lender, borrower, home].map(seen))).toEqual([
      [1, 2],
      [1, 1],
      [0, 0],
    ]);
  });

  it("end with the user", async () => {
    const all = await scene();
    await giveBoth(all);
    await whilePurgeWaits(system, async () => {
      ok(await all.home.call("DELETE", `/users/${all.userId}`));
      expect(await Promise.all([all.lender, all.borrower].map(seen))).toEqual([
        [0, 0],
        [0, 0],
      ]);
    });
  });

  it("end with the user's org", async () => {
    const all = await scene();
    await giveBoth(all);
    await whilePurgeWaits(system, async () => {
      ok(await all.home.call("DELETE", "/orgs/me"));
      expect(await Promise.all([all.lender, all.borrower].map(seen))).toEqual([
        [0, 0],
        [0, 0],
      ]);
    });
  });

  it("end with the org that gave them, and leave what the other gave", async () => {
    const all = await scene();
    await giveBoth(all);
    await whilePurgeWaits(system, async () => {
      ok(await all.borrower.call("DELETE", "/orgs/me"));
      expect(await seen(all.lender)).toEqual([1, 1]);
      ok(await all.home.call("GET", `/users/${all.userId}`));
    });
  });

  it("end with the org that owns the project", async () => {
    const all = await scene();
    await giveBoth(all);
    await whilePurgeWaits(system, async () => {
      ok(await all.lender.call("DELETE", "/orgs/me"));
      expect(await seen(all.borrower)).toEqual([0, 0]);
    });
  });

  it("end with the project", async () => {
    const all = await scene();
    await giveBoth(all);
    await whilePurgeWaits(system, async () => {
      ok(await all.lender.call("DELETE", `/projects/${all.projectId}`));
      expect(await Promise.all([all.lender, all.borrower].map(seen))).toEqual([
        [0, 0],
        [0, 0],
      ]);
    });
  });

  it("end with the project grant that they were given through, and leave what the project's owner gave", async () => {
    const all = await scene();
    await giveBoth(all);
    await whilePurgeWaits(system, async () => {
      ok(await all.lender.call("DELETE", `/projects/${all.projectId}/grants/${all.projectGrantId}`));
      expect(await Promise.all([all.lender, all.borrower].map(seen))).toEqual([
        [1, 1],
        [0, 0],
      ]);
    });
  });

  it("cannot be taken back when they have ended", async () => {
    const all = await scene();
    const given = { projectId: all.projectId, roleKeys: ["reader"] };
    const id = text(ok(await all.lender.call("POST", `/users/${all.userId}/grants`, given)).body, "userGrantId");
    const missing = refused(404, 5, "COMMAND-1My0t", "User grant not found");
    await whilePurgeWaits(system, async () => {
      ok(await all.home.call("DELETE", `/users/${all.userId}`));
      expect(refusal(await all.lender.call("DELETE", `/users/${all.userId}/grants/${id}`))).toEqual(missing);
    });
  });
});

const noUser = refused(400, 9, "COMMAND-uXHNj", "User could not be found");
const noProject = refused(400, 9, "COMMAND-m9gsd", "Project not found");

/** What is being deleted while a grant is given, who gives it, and what it is refused with. */
const races: readonly [
  name: string,
  (all: Scene) => [Kind, orgId: string, id: string],
  "lender" | "borrower",
  ReturnType<typeof refused>,
][] = [
  ["the user", ({ home, userId }) => ["user", home.id, userId], "borrower", noUser],
  ["the user's org", ({ home }) => ["org", home.id, home.id], "lender", noUser],
  ["the project", ({ lender, projectId }) => ["project", lender.id, projectId], "lender", noProject],
  ["the lent project", ({ lender, projectId }) => ["project", lender.id, projectId], "borrower", noProject],
  ["the org that owns the project", ({ lender }) => ["org", lender.id, lender.id], "borrower", noProject],
  [
    "the project grant",
    ({ lender, projectGrantId }) => ["project_grant", lender.id, projectGrantId],
    "borrower",
    refused(400, 9, "COMMAND-huvKF", "Grant not found"),
  ],
  [
    "the org that gives it",
    ({ borrower }) => ["org", borrower.id, borrower.id],
    "borrower",
    refused(400, 9, "COMMAND-3m9gg", "Organisation not found"),
  ],
];

describe("a user grant and a delete at the same time", () => {
  it.each(races)("is not given below %s", async (_, target, giver, expected) => {
    const all = await scene();
    const [kind, orgId, id] = target(all);
    const { projectId, userId } = all;
    const give = () => all[giver].admin("POST", `/users/${userId}/grants`, { projectId, roleKeys: ["reader"] });
    expect(refusal(await whileDeleting(system, { kind, orgId, id }, give))).toEqual(expected);
    expect(await rows(projectId)).toBe(0);
  });

  it("is not given to an identity whose project is being deleted", async () => {
    const all = await scene();
    const home = text(ok(await all.home.call("POST", "/projects", { name: "Of the robot" })).body, "id");
    const owned = { orgId: all.home.id as OrgId, projectId: home as ProjectId, name: "Robot" };
    const robot = await createIdentity(system.services.db, owned, nobody);
    const give = () => all.lender.call("POST", `/users/${robot.id}/grants`, { projectId: all.projectId });
    const target = { kind: "project" as const, orgId: all.home.id, id: home };
    expect(refusal(await whileDeleting(system, target, give))).toEqual(noUser);
    expect(await rows(all.projectId)).toBe(0);
  });

  it.each(races)("ends with %s when it was given just before", async (_, target, giver) => {
    const all = await scene();
    const [kind, orgId, id] = target(all);
    const wish = {
      ownerOrgId: all[giver].id as OrgId,
      principalId: all.userId as PrincipalId,
      projectId: all.projectId as ProjectId,
      projectGrantId: giver === "borrower" ? (all.projectGrantId as ProjectGrantId) : undefined,
      roleKeys: ["reader"],
      only: null,
    };
    const paths: Partial<Record<Kind, string>> = {
      org: "/orgs/me",
      user: `/users/${id}`,
      project: `/projects/${id}`,
      project_grant: `/projects/${all.projectId}/grants/${id}`,
    };
    const remove = () => world.as(system.adminToken, orgId)("DELETE", paths[kind] ?? "");
    ok(await whileOpen(system, (tx) => addAuthorization(tx, wish, nobody), remove));
    const live = await sql`select from live_grants where project_id = ${all.projectId}::uuid and kind = 'authorization'`.execute(
      system.services.db,
    );
    expect(live.rows).toEqual([]);
  });
});
