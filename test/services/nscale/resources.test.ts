/** Cluster managers and clusters: what a project contains. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, expectRefusal, fresh, nothing, type Org, World } from "./world.ts";

type Resource = { metadata: { id: string; name: string; modifiedBy?: string; projectId: string }; spec?: object };

let system: System;
let world: World;
let org: Org;
let worker: Caller;
let projectId: string;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  org = await world.org();
  const groupId = await org.group(["user"]);
  worker = await org.account([groupId]);
  projectId = await org.project([groupId]);
});

afterAll(() => system.close());

const managers = (id = projectId) => `${org.path}/projects/${id}/clustermanagers`;
const clusters = (id = projectId) => `${org.path}/projects/${id}/clusters`;
const gone = (path: string) => expect.poll(async () => (await worker.rest("DELETE", path)).status, { timeout: 10_000 }).toBe(404);

describe("a cluster manager", () => {
  it("is made, listed, read, changed and deleted by a user of the project", async () => {
    const body = { metadata: { name: fresh("manager"), description: "a description", tags: [{ name: "colour", value: "blue" }] } };
    const made = await worker.rest<Resource>("POST", managers(), { body });
    expect(made.status).toBe(202);
    expect(made.body).toEqual({
      metadata: {
        ...body.metadata,
        id: expect.any(String),
        creationTime: expect.any(String),
        createdBy: worker.id,
        provisioningStatus: "provisioned",
        healthStatus: "healthy",
        organizationId: org.id,
        projectId,
      },
    });
    const path = `${managers()}/${made.body.metadata.id}`;
    expect((await worker.rest("GET", path)).body).toEqual(made.body);
    expect((await worker.rest<Resource[]>("GET", managers())).body).toContainEqual(made.body);
    expectEmpty(await worker.rest("PUT", path, { body: { metadata: { name: "renamed" } } }), 202);
    const read = await worker.rest<Resource>("GET", path);
    expect(read.body.metadata).toMatchObject({ name: "renamed", modifiedBy: worker.id });
    expect(read.body.metadata).not.toHaveProperty("tags");
    expectEmpty(await worker.rest("DELETE", path), 202);
    expectRefusal(await worker.rest("GET", path), 404);
    await gone(path);
    expectRefusal(await worker.rest("DELETE", path), 404);
  });

  it("takes its clusters with it, and only those", async () => {
    const [one, two] = [await org.manager(projectId), await org.manager(projectId)];
    const [mine, other] = [await org.cluster(projectId, one), await org.cluster(projectId, two)];
    expectEmpty(await worker.rest("DELETE", `${managers()}/${one}`), 202);
    expectRefusal(await worker.rest("GET", `${clusters()}/${mine}`), 404);
    expect((await worker.rest("GET", `${clusters()}/${other}`)).status).toBe(200);
    await gone(`${managers()}/${one}`);
    const rows = system.services.db
      .selectFrom("clusters")
      .select("id")
      .where("cluster_manager_id", "=", one as never);
    expect(await rows.execute()).toEqual([]);
  });

  it("accepts deletes that come at once, as one", async () => {
    const id = await org.manager(projectId);
    const answers = await Promise.all([1, 2, 3].map(() => worker.rest("DELETE", `${managers()}/${id}`)));
    expect(answers.map((answer) => answer.status)).toContain(202);
    expect(answers.filter((answer) => ![202, 404].includes(answer.status))).toEqual([]);
    const operations = system.services.db.selectFrom("operations").select("id").where("target_id", "=", id);
    expect((await operations.execute()).length).toBe(1);
  });
});

describe("a cluster", () => {
  it("is made below a manager, and says what it was given", async () => {
    const clusterManagerId = await org.manager(projectId);
    const body = { metadata: { name: fresh("cluster") }, spec: { clusterManagerId, regionId: "north", version: "v1.34.1" } };
    const made = await worker.rest<Resource>("POST", clusters(), { body });
    expect(made).toMatchObject({ status: 202, body: { metadata: { ...body.metadata, projectId, createdBy: worker.id } } });
    expect(made.body.spec).toEqual(body.spec);
    const path = `${clusters()}/${made.body.metadata.id}`;
    const bare = { metadata: { name: "renamed" }, spec: { clusterManagerId } };
    expectEmpty(await worker.rest("PUT", path, { body: bare }), 202);
    expect((await worker.rest<Resource>("GET", path)).body).toMatchObject({ metadata: { name: "renamed", modifiedBy: worker.id } });
    expect((await worker.rest<Resource>("GET", path)).body.spec).toEqual({ clusterManagerId });
    expect((await worker.rest<Resource[]>("GET", clusters())).body.map((cluster) => cluster.metadata.id)).toContain(made.body.metadata.id);
    expectEmpty(await worker.rest("DELETE", path), 202);
    await gone(path);
  });

  it("is refused below a manager that is not there: unknown, malformed, of another project, being deleted", async () => {
    const elsewhere = await org.project();
    const foreign = await org.manager(elsewhere);
    const dying = await org.manager(projectId);
    expectEmpty(await worker.rest("DELETE", `${managers()}/${dying}`), 202);
    for (const clusterManagerId of [nothing, "x", foreign, dying]) {
      const answer = await worker.rest("POST", clusters(), { body: { metadata: { name: fresh("orphan") }, spec: { clusterManagerId } } });
      expect(answer).toMatchObject({
        status: 400,
        body: { error: "invalid_request", error_description: expect.stringContaining("names no cluster manager") },
      });
      expectErrorShape(answer);
    }
  });

  it("stays with its manager", async () => {
    const [one, two] = [await org.manager(projectId), await org.manager(projectId)];
    const path = `${clusters()}/${await org.cluster(projectId, one)}`;
    const answer = await worker.rest("PUT", path, { body: { metadata: { name: "moved" }, spec: { clusterManagerId: two } } });
    expect(answer).toMatchObject({ status: 400, body: { error_description: expect.stringContaining("cannot be moved") } });
    expect((await worker.rest<Resource>("GET", path)).body).toMatchObject({ spec: { clusterManagerId: one } });
  });
});

describe("what a project contains", () => {
  it("is found in that project only, and not in one that is not there", async () => {
    const admin = await org.holder("administrator");
    const elsewhere = await org.project();
    const managerId = await org.manager(projectId);
    const clusterId = await org.cluster(projectId, managerId);
    for (const id of [elsewhere, nothing, "x"]) {
      for (const path of [`${managers(id)}/${managerId}`, `${clusters(id)}/${clusterId}`]) {
        expectRefusal(await admin.rest("GET", path), 404);
        expectRefusal(await admin.rest("DELETE", path), 404);
      }
      if (id !== elsewhere) {
        for (const path of [managers(id), clusters(id)]) expectRefusal(await admin.rest("GET", path), 404);
        expectRefusal(await admin.rest("POST", managers(id), { body: { metadata: { name: "late" } } }), 404);
      }
    }
    for (const path of [`${managers()}/x`, `${clusters()}/x`]) expectRefusal(await admin.rest("GET", path), 404);
    expect((await admin.rest("GET", `${managers()}/${managerId}`)).status).toBe(200);
    expect((await admin.rest("GET", `${clusters()}/${clusterId}`)).status).toBe(200);
  });

  it("is read but not written by a reader, and neither outside the projects of the group", async () => {
    const groupId = await org.group(["reader"]);
    const reader = await org.account([groupId]);
    const id = await org.project([groupId]);
    const managerId = await org.manager(id);
    expect((await reader.rest("GET", managers(id))).status).toBe(200);
    expect((await reader.rest("GET", `${managers(id)}/${managerId}`)).status).toBe(200);
    expectRefusal(await reader.rest("POST", managers(id), { body: { metadata: { name: "no" } } }), 403);
    expectRefusal(await reader.rest("DELETE", `${managers(id)}/${managerId}`), 403);
    expectRefusal(await reader.rest("GET", managers()), 403);
    expectRefusal(await worker.rest("GET", managers(id)), 403);
  });
});
