/** `@zitadel/client`, unmodified, over both of its transports: gRPC for servers, gRPC-web for browsers. */

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createServerTransport } from "@zitadel/client/node";
import { createAdminServiceClient, createManagementServiceClient } from "@zitadel/client/v1";
import { createClientTransport } from "@zitadel/client/web";
import { ErrorDetailSchema } from "@zitadel/proto/zitadel/message_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

const inOrg =
  (orgId: string): Interceptor =>
  (next) =>
  (request) => {
    request.header.set("x-zitadel-orgid", orgId);
    return next(request);
  };

const transports = {
  "gRPC over HTTP/2": (...interceptors: Interceptor[]) =>
    createServerTransport(system.adminToken, { baseUrl: `http://${system.grpcAddress}`, interceptors }),
  "gRPC-web through the gateway": (...interceptors: Interceptor[]) =>
    createClientTransport(system.adminToken, { baseUrl: system.baseUrl, interceptors }),
};

describe.each(Object.entries(transports))("@zitadel/client by %s", (name, transport) => {
  it("makes an org, reads it, removes it, and is told the second time", async () => {
    const admin = createAdminServiceClient(transport());
    const management = createManagementServiceClient(transport());
    const { id } = await management.addOrg({ name: `Unmodified ${name}` });
    const inside = createManagementServiceClient(transport(inOrg(id)));
    expect((await inside.getMyOrg({})).org?.name).toBe(`Unmodified ${name}`);

    const { details } = await admin.removeOrg({ orgId: id });
    expect(details?.sequence).toBe(6n);
    expect(details?.creationDate).toBeDefined();
    expect(details?.changeDate).toBeDefined();
    expect(details?.resourceOwner).not.toBe(id);

    const refused = await admin.removeOrg({ orgId: id }).catch((error: unknown) => ConnectError.from(error));
    expect(refused).toBeInstanceOf(ConnectError);
    const error = refused as ConnectError;
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toBe("Organisation not found (COMMA-aps2n)");
    expect(error.findDetails(ErrorDetailSchema)).toMatchObject([{ id: "COMMA-aps2n", message: "Organisation not found" }]);
  });

  it("adds a machine user with a token that works until the user is removed", async () => {
    const management = createManagementServiceClient(transport());
    const { id: orgId } = await management.addOrg({ name: `Machines ${name}` });
    const inside = createManagementServiceClient(transport(inOrg(orgId)));
    const { userId } = await inside.addMachineUser({ userName: "robot", name: "Robot" });
    await inside.addOrgMember({ userId, roles: ["ORG_OWNER"] });
    const { token } = await inside.addPersonalAccessToken({ userId });
    const robot = createManagementServiceClient(createServerTransport(token, { baseUrl: `http://${system.grpcAddress}` }));
    expect((await robot.getMyOrg({})).org?.id).toBe(orgId);

    await inside.removeUser({ id: userId });
    await expect(robot.getMyOrg({})).rejects.toMatchObject({ code: Code.Unauthenticated });
  });
});
