/** While Postgres cannot be reached: ZITADEL's 503 that tells nothing, the readiness says so, and all is well again after. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cuttable, cuttable } from "../../support/cut.ts";
import { restClient } from "../../support/rest.ts";
import { type System, startSystem } from "../../support/system.ts";

let system: System;
let way: Cuttable;
beforeAll(async () => {
  system = await startSystem(async (url) => {
    way = await cuttable(url);
    return way.url;
  });
});
afterAll(async () => {
  await system.close();
  await way.close();
});

describe("RemoveOrg while the database is away", () => {
  it("is 503 in ZITADEL's shape, deletes nothing, and works again without a restart", async () => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const { body: org } = await rest<{ id: string }>("POST", "/management/v1/orgs", { body: { name: "Away" } });
    way.cut();
    const away = await rest("DELETE", `/admin/v1/orgs/${org.id}`);
    expect(away.status).toBe(503);
    expect(away.body).toMatchObject({
      code: 14,
      details: [{ "@type": "type.googleapis.com/zitadel.v1.ErrorDetail" }, { reason: "DATABASE_UNAVAILABLE" }],
    });
    expect(away.text).not.toMatch(/ECONN|postgres|connect|terminat/i);
    await expect.poll(async () => (await rest("GET", "/debug/ready")).status, { timeout: 10_000 }).toBe(412);
    way.mend();
    await expect.poll(async () => (await rest("GET", "/debug/ready")).status, { timeout: 10_000 }).toBe(200);
    expect((await rest("GET", `/admin/v1/orgs/${org.id}`)).status).toBe(200);
    expect((await rest("DELETE", `/admin/v1/orgs/${org.id}`)).status).toBe(200);
  });
});
