/** `@zitadel/node`, the community client on nice-grpc, unmodified. */
import { createAccessTokenInterceptor, createAdminClient, createManagementClient } from "@zitadel/node/dist/api/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

describe("@zitadel/node", () => {
  it("makes an org and removes it, with numbers and times as its own types", async () => {
    const address = `http://${system.grpcAddress}`;
    const token = createAccessTokenInterceptor(system.adminToken);
    const management = createManagementClient(address, token);
    const admin = createAdminClient(address, token);
    const { id } = await management.addOrg({ name: "Nice" });
    const found = await admin.getOrgByID({ id });
    expect(found.org?.primaryDomain).toBe("nice.localhost");

    const { details } = await admin.removeOrg({ orgId: id });
    expect(String(details?.sequence)).toBe("6");
    expect(details?.changeDate).toBeInstanceOf(Date);
    await expect(admin.getOrgByID({ id })).rejects.toMatchObject({ code: 5, details: "Organisation not found (QUERY-iTTGJ)" });
  });

  it("is told that a token opens nothing", async () => {
    const admin = createAdminClient(`http://${system.grpcAddress}`, createAccessTokenInterceptor("not-a-token"));
    await expect(admin.listOrgs({})).rejects.toMatchObject({ code: 16 });
  });
});
