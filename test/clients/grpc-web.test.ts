/** The npm `grpc-web` client, unmodified, in both of its formats; it needs an XMLHttpRequest, which xhr2 is. */
import grpcWeb from "grpc-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import xhr2 from "xhr2";
import { RemoveOrgRequest, RemoveOrgResponse } from "../../proto/gen/zitadel/admin/v1/admin.ts";
import { AddOrgRequest, AddOrgResponse } from "../../proto/gen/zitadel/management/v1/management.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  Object.assign(globalThis, { XMLHttpRequest: xhr2 });
  system = await startSystem();
});
afterAll(async () => {
  Reflect.deleteProperty(globalThis, "XMLHttpRequest");
  await system.close();
});

type Codec<T> = { encode(message: T): { finish(): Uint8Array }; decode(bytes: Uint8Array): T };

class Message {}

function method<Request, Response>(path: string, request: Codec<Request>, response: Codec<Response>) {
  return new grpcWeb.MethodDescriptor<Request, Response>(
    path,
    "unary",
    Message as new () => Request,
    Message as new () => Response,
    (message: Request) => request.encode(message).finish(),
    (bytes: Uint8Array) => response.decode(bytes),
  );
}

const addOrg = method("/zitadel.management.v1.ManagementService/AddOrg", AddOrgRequest, AddOrgResponse);
const removeOrg = method("/zitadel.admin.v1.AdminService/RemoveOrg", RemoveOrgRequest, RemoveOrgResponse);

describe.each(["text", "binary"])("grpc-web in %s format", (format) => {
  it("makes an org, removes it, and gets code and message of the refusal", async () => {
    const client = new grpcWeb.GrpcWebClientBase({ format });
    const metadata = { authorization: `Bearer ${system.adminToken}` };
    const call = <Request, Response>(descriptor: InstanceType<typeof grpcWeb.MethodDescriptor<Request, Response>>, request: Request) =>
      client.unaryCall(`${system.baseUrl}${descriptor.getName()}`, request, metadata, descriptor);

    const { id } = await call(addOrg, { name: `Grüße ${format}` });
    const { details } = await call(removeOrg, { orgId: id });
    expect(details?.sequence).toBe(6n);
    await expect(call(removeOrg, { orgId: id })).rejects.toMatchObject({ code: 5, message: "Organisation not found (COMMA-aps2n)" });
  });
});
