/** Deleting a project: accepted at once, finished when nothing holds it any more. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, expectRefusal, fresh, nothing, type Org, World } from "./world.ts";

type Project = {
  metadata: { id: string; name: string; deletionTime?: string; provisioningStatus: string; modifiedTime?: string; modifiedBy?: string };
  spec: { groupIDs: string[] };
};

let system: System;
let world: World;
let org: Org;
let admin: Caller;
let region: Caller;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  org = await world.org();
  admin = await org.holder("administrator");
  region = await (await world.org()).platform("region-service");
});

afterAll(() => system.close());

const at = (id: string) => `${org.path}/projects/${id}`;
const get = (id: string) => admin.rest<Project>("GET", at(id));
const gone = (id: string) => expect.poll(async () => (await get(id)).status, { timeout: 10_000 }).toBe(404);

describe("a project", () => {
  it("is answered with all members of the wire and no others", async () => {
    const groupId = await org.group(["reader"]);
    const name = fresh("whole");
    const body = {
      metadata: { name, description: "a description", tags: [{ name: "colour", value: "blue" }] },
      spec: { groupIDs: [groupId, groupId.toUpperCase()] },
    };
    const made = await admin.rest<Project>("POST", `${org.path}/projects`, { body });
    expect(made.status).toBe(202);
    expect(made.body).toEqual({
      metadata: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name,
        description: "a description",
        tags: [{ name: "colour", value: "blue" }],
        creationTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        createdBy: admin.id,
        provisioningStatus: "provisioned",
        healthStatus: "healthy",
        organizationId: org.id,
      },
      spec: { groupIDs: [groupId] },
    });
    expect((await get(made.body.metadata.id)).body).toEqual(made.body);
  });

  it("is replaced by an update, which answers nothing and is told by time and author", async () => {
    const [one, two] = [await org.group([]), await org.group([])];
    const id = await org.project([one]);
    const body = { metadata: { name: fresh("changed") }, spec: { groupIDs: [two] } };
    expectEmpty(await admin.rest("PUT", at(id), { body }), 200);
    const { metadata, spec } = (await get(id)).body;
    expect(spec).toEqual({ groupIDs: [two] });
    expect(metadata).toMatchObject({ name: body.metadata.name, modifiedBy: admin.id, modifiedTime: expect.any(String) });
    expectEmpty(await admin.rest("PUT", at(id), { body: { ...body, spec: { groupIDs: [] } } }), 200);
    expect((await get(id)).body.spec.groupIDs).toEqual([]);
  });

  it("cannot take the name of another one of its org, in any case, but that of one elsewhere", async () => {
    const name = fresh("taken");
    await org.project([], name);
    const body = { metadata: { name: name.toUpperCase() }, spec: { groupIDs: [] } };
    for (const [verb, path] of [
      ["POST", `${org.path}/projects`],
      ["PUT", at(await org.project())],
    ] as const) {
      const answer = await admin.rest(verb, path, { body });
      expect(answer).toMatchObject({
        status: 409,
        body: { error: "conflict", error_description: "the requested resource already exists" },
      });
      expectErrorShape(answer);
    }
    await (await world.org()).project([], name);
  });

  it("is refused with groups that are not there: unknown, malformed, of another org", async () => {
    const foreign = await (await world.org()).group([]);
    const id = await org.project();
    for (const groupID of [nothing, "not-an-id", foreign]) {
      const body = { metadata: { name: fresh("grouped") }, spec: { groupIDs: [groupID] } };
      expect((await admin.rest("POST", `${org.path}/projects`, { body })).status).toBe(400);
      const answer = await admin.rest("PUT", at(id), { body });
      expect(answer).toMatchObject({
        status: 400,
        body: { error: "invalid_request", error_description: `group ID ${groupID} does not exist` },
      });
    }
  });

  it("is refused when its name is no label or its groups are left out, with the field", async () => {
    const named = await admin.rest("POST", `${org.path}/projects`, { body: { metadata: { name: "-no-" }, spec: { groupIDs: [] } } });
    expect(named).toMatchObject({ status: 400, body: { error: "invalid_request", error_description: expect.stringContaining("name") } });
    expect((await admin.rest("POST", `${org.path}/projects`, { body: { metadata: { name: fresh("x") } } })).status).toBe(400);
  });
});

describe("deleting a project", () => {
  it("answers 202 without a body, then is gone from reads and lists, and a repeat finds nothing", async () => {
    const id = await org.project();
    expectEmpty(await admin.rest("DELETE", at(id)), 202);
    await gone(id);
    expectRefusal(await get(id), 404);
    expectRefusal(await admin.rest("DELETE", at(id)), 404);
  });

  it("waits for its references, showing what it waits in, and finishes when they are released", async () => {
    const name = fresh("held");
    const id = await org.project([], name);
    const reference = `${at(id)}/references/${encodeURIComponent("identities.region.unikorn-cloud.org/1")}`;
    expectEmpty(await region.rest("PUT", reference), 201);
    expectEmpty(await region.rest("PUT", reference), 201);
    const before = (await get(id)).body;
    expectEmpty(await admin.rest("DELETE", at(id)), 202);
    const { body } = await get(id);
    expect(body).toEqual({
      ...before,
      metadata: { ...before.metadata, provisioningStatus: "deprovisioning", deletionTime: expect.stringMatching(/^\d{4}-.*Z$/) },
    });
    expectEmpty(await admin.rest("DELETE", at(id)), 202);
    expect((await get(id)).body).toEqual(body);

    const list = await admin.rest<Project[]>("GET", `${org.path}/projects`);
    expect(list.body.map((project) => project.metadata.id)).not.toContain(id);
    const zitadel = await world.root("GET", `/management/v1/projects/${id}`, { headers: { "x-zitadel-orgid": org.id } });
    expect(zitadel.status).toBe(404);
    expect(await org.project([], name), "its name is free").not.toBe(id);

    expect(
      (
        await world.system.services.db
          .selectFrom("projects")
          .select("id")
          .where("id", "=", id as never)
          .execute()
      ).length,
    ).toBe(1);
    expectEmpty(await region.rest("DELETE", reference), 204);
    await gone(id);
    expectRefusal(await region.rest("DELETE", reference), 404);
  });

  it("leaves evidence of who held it and of who let it go", async () => {
    const id = await org.project();
    for (const verb of ["PUT", "DELETE", "DELETE"]) await region.rest(verb, `${at(id)}/references/held`);
    const events = await world.system.services.db
      .selectFrom("audit_events")
      .select(["type", "actor_id"])
      .where("aggregate_id", "=", id)
      .where("type", "like", "project.reference.%")
      .orderBy("sequence")
      .execute();
    expect(events).toEqual([
      { type: "project.reference.added", actor_id: region.id },
      { type: "project.reference.removed", actor_id: region.id },
    ]);
  });

  it("lets nothing be made or changed in it while it waits", async () => {
    const id = await org.project();
    const managerId = await org.manager(id);
    const reference = `${at(id)}/references/held`;
    await region.rest("PUT", reference);
    expectEmpty(await admin.rest("DELETE", at(id)), 202);
    const metadata = { name: fresh("late") };
    const refused = await region.rest("PUT", `${at(id)}/references/other`);
    expect(refused).toMatchObject({ status: 400, body: { error_description: "unable to add reference, resource is being deleted" } });
    expectRefusal(await admin.rest("PUT", at(id), { body: { metadata, spec: { groupIDs: [] } } }), 404);
    expectRefusal(await admin.rest("POST", `${at(id)}/clustermanagers`, { body: { metadata } }), 404);
    expectRefusal(await admin.rest("POST", `${at(id)}/clusters`, { body: { metadata, spec: { clusterManagerId: managerId } } }), 404);
    expectRefusal(await admin.rest("GET", `${at(id)}/clustermanagers`), 404);
    expectRefusal(await admin.rest("GET", `${at(id)}/clustermanagers/${managerId}`), 404);
    const infisical = await world.root("POST", `/api/v1/projects/${id}/identities`, {
      body: { name: "late", roles: [{ role: "viewer" }] },
    });
    expect(infisical.status).toBe(404);
    expectEmpty(await region.rest("DELETE", reference), 204);
    await gone(id);
  });

  it("takes its clusters, then its managers, then itself, and leaves no row", async () => {
    const id = await org.project([await org.group(["user"])]);
    const managerId = await org.manager(id);
    const clusterId = await org.cluster(id, managerId);
    expectEmpty(await admin.rest("DELETE", at(id)), 202);
    await gone(id);
    const { db } = system.services;
    for (const table of ["clusters", "cluster_managers", "projects"] as const) {
      expect(
        await db
          .selectFrom(table)
          .select("id")
          .where("id", "in", [clusterId, managerId, id] as never[])
          .execute(),
      ).toEqual([]);
    }
    expect(
      await db
        .selectFrom("project_groups")
        .select("group_id")
        .where("project_id", "=", id as never)
        .execute(),
    ).toEqual([]);
  });

  it("shows who changed it last, and when, while it waits", async () => {
    const id = await org.project();
    await region.rest("PUT", `${at(id)}/references/held`);
    await admin.rest("PUT", at(id), { body: { metadata: { name: fresh("renamed") }, spec: { groupIDs: [] } } });
    const before = (await get(id)).body.metadata;
    await world.root("DELETE", at(id));
    expect((await get(id)).body.metadata).toMatchObject({ modifiedTime: before.modifiedTime, modifiedBy: admin.id });
  });

  it("accepts two that come at once, as one", async () => {
    const id = await org.project();
    await region.rest("PUT", `${at(id)}/references/held`);
    const answers = await Promise.all([1, 2, 3, 4].map(() => admin.rest("DELETE", at(id))));
    for (const answer of answers) expectEmpty(answer, 202);
    const operations = system.services.db.selectFrom("operations").select("id").where("target_id", "=", id);
    expect((await operations.execute()).length).toBe(1);
  });

  it("refuses a query that it does not know: a mistyped dry run must not delete", async () => {
    const id = await org.project();
    expect((await admin.rest("DELETE", `${at(id)}?validate_only=true`)).status).toBe(400);
    expect((await get(id)).body.metadata.provisioningStatus).toBe("provisioned");
  });

  it("ends the project roles of its groups at once", async () => {
    const groupId = await org.group(["user"]);
    const worker = await org.account([groupId]);
    const id = await org.project([groupId]);
    expect((await worker.rest("GET", `${at(id)}/clusters`)).status).toBe(200);
    await region.rest("PUT", `${at(id)}/references/held`);
    expectEmpty(await admin.rest("DELETE", at(id)), 202);
    expectRefusal(await worker.rest("GET", `${at(id)}/clusters`), 403);
    expect((await worker.rest("GET", at(id))).status, "who could read it may watch it end").toBe(200);
  });
});

describe("references", () => {
  it("are for the platform's services, not for the org's people", async () => {
    const id = await org.project();
    expectRefusal(await admin.rest("PUT", `${at(id)}/references/mine`), 403);
    expectRefusal(await admin.rest("DELETE", `${at(id)}/references/mine`), 403);
  });

  it("that are not held are released already, on a project that is there", async () => {
    const id = await org.project();
    expectEmpty(await region.rest("DELETE", `${at(id)}/references/never`), 204);
    expectRefusal(await region.rest("DELETE", `${at(nothing)}/references/never`), 404);
    expectRefusal(await region.rest("PUT", `${at(nothing)}/references/never`), 404);
  });

  it("are released also below an org that is being deleted, which ends then", async () => {
    const other = await world.org();
    const id = await other.project();
    const path = `${other.path}/projects/${id}`;
    expectEmpty(await region.rest("PUT", `${path}/references/held`), 201);
    expect((await world.root("DELETE", `/admin/v1/orgs/${other.id}`)).status).toBe(200);
    expectRefusal(await region.rest("GET", path), 404);
    expectRefusal(await world.root("DELETE", path), 404);
    expectRefusal(await region.rest("PUT", `${path}/references/late`), 404);
    expectEmpty(await region.rest("DELETE", `${path}/references/held`), 204);
    const rows = system.services.db
      .selectFrom("orgs")
      .select("id")
      .where("id", "=", other.id as never);
    await expect.poll(async () => (await rows.execute()).length, { timeout: 10_000 }).toBe(0);
  });
});
