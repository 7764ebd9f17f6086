/** The first start: what is there, and what can never go. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { restClient } from "../support/rest.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

describe("an empty store", () => {
  it("gets one org, which is the default and holds the IAM project, and one identity that owns the instance", async () => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const { body: orgs } = await rest<{ result: { id: string; name: string }[] }>("POST", "/admin/v1/orgs/_search", { body: {} });
    expect(orgs.result.map((org) => org.name)).toEqual(["Tenure"]);
    expect((await rest("GET", "/admin/v1/orgs/default")).body).toMatchObject({ org: { id: orgs.result[0]?.id } });
    const { body: users } = await rest<{ result: { userName: string }[] }>("POST", "/management/v1/users/_search", { body: {} });
    expect(users.result.map((user) => user.userName)).toEqual(["admin"]);
  });

  it("keeps its default org and its IAM project, in every dialect", async () => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const instance = await system.services.db.selectFrom("instance").selectAll().executeTakeFirstOrThrow();
    expect((await rest("DELETE", `/admin/v1/orgs/${instance.default_org_id}`)).body).toMatchObject({ code: 9 });
    expect((await rest("DELETE", "/management/v1/orgs/me")).body).toMatchObject({ code: 9 });
    expect((await rest("DELETE", `/management/v1/projects/${instance.iam_project_id}`)).body).toMatchObject({ code: 9 });
    const path = `/api/v1/organizations/${instance.iam_org_id}/projects/${instance.iam_project_id}`;
    expect((await rest("DELETE", path)).status).toBe(403);
    expect((await rest("GET", path)).body).toMatchObject({ metadata: { provisioningStatus: "provisioned" } });
  });

  it("gives the id of the instance to nobody else", async () => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const { id } = await system.services.db.selectFrom("instance").select("id").executeTakeFirstOrThrow();
    const answer = await rest("POST", "/management/v1/users/machine", { body: { userId: id, userName: "instance", name: "instance" } });
    expect([answer.status, answer.body], answer.text).toMatchObject([400, { code: 9 }]);
  });

  it("is made once, however many processes start on it", async () => {
    const { startServices } = await import("../../services/server.ts");
    const { pino } = await import("pino");
    const config = {
      databaseUrl: system.databaseUrl,
      dataDir: system.dataDir,
      host: "127.0.0.1",
      grpcPort: 0,
      issuerPort: 0,
      issuerKey: undefined,
    };
    const replica = await startServices(
      { ...config, publicUrl: "http://localhost:8080", adminPat: undefined, logLevel: "silent", poolSize: 2 },
      pino({ level: "silent" }),
    );
    const { count } = await replica.db
      .selectFrom("instance")
      .select((q) => q.fn.countAll<bigint>().as("count"))
      .executeTakeFirstOrThrow();
    await replica.close();
    expect(count).toBe(1n);
  });
});
