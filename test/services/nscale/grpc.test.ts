/** The same deletes over native gRPC, and every delete while the database is away. */
import { type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ErrorInfo, ResourceInfo } from "../../../proto/gen/google/rpc/error_details.ts";
import { Status } from "../../../proto/gen/google/rpc/status.ts";
import type { Group } from "../../../proto/gen/nscale/identity/v1/group.ts";
import { ManagementServiceService } from "../../../proto/gen/nscale/identity/v1/management.ts";
import type { Project } from "../../../proto/gen/nscale/identity/v1/project.ts";
import { type Cuttable, cuttable } from "../../support/cut.ts";
import { type GrpcClient, grpcClient } from "../../support/grpc.ts";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, nothing, type Org, World } from "./world.ts";

let way: Cuttable;
let system: System;
let org: Org;
let admin: Caller;
let grpc: GrpcClient;

beforeAll(async () => {
  system = await startSystem(async (url) => {
    way = await cuttable(url);
    return way.url;
  });
  org = await new World(system).org();
  admin = await org.holder("administrator");
  grpc = grpcClient(system.grpcAddress, ManagementServiceService, admin.token);
});

afterAll(async () => {
  grpc.close();
  way.mend();
  await system.close();
  await way.close();
});

async function refusal(call: Promise<unknown>): Promise<{ code: number; message: string; reason: string; resource: string | undefined }> {
  const error = await call.then(
    () => expect.unreachable("the call was answered"),
    (thrown: ServiceError) => thrown,
  );
  const told = Status.decode(error.metadata.get("grpc-status-details-bin")[0] as Buffer);
  const detail = (name: string) => told.details.find((any) => any.typeUrl.endsWith(`/google.rpc.${name}`))?.value;
  const resource = detail("ResourceInfo");
  return {
    code: error.code,
    message: error.details,
    reason: ErrorInfo.decode(detail("ErrorInfo") ?? Buffer.alloc(0)).reason,
    resource: resource && ResourceInfo.decode(resource).resourceName,
  };
}

describe("over gRPC", () => {
  it("a group is deleted once, with an empty answer", async () => {
    const target = { organizationId: org.id, groupId: await org.group(["reader"]) };
    expect((await grpc.call<Group>("getGroup", target)).metadata?.id).toBe(target.groupId);
    expect(await grpc.call("deleteGroup", target)).toEqual({});
    expect(await refusal(grpc.call("deleteGroup", target))).toEqual({
      code: status.NOT_FOUND,
      message: "the requested resource does not exist",
      reason: "GROUP_NOT_FOUND",
      resource: target.groupId,
    });
  });

  it("a project is deleted, read until it is gone, and then not found", async () => {
    const target = { organizationId: org.id, projectId: await org.project() };
    expect(await grpc.call("deleteProject", target)).toEqual({});
    await expect.poll(() => grpc.call<Project>("getProject", target).catch((error: ServiceError) => error.code)).toBe(status.NOT_FOUND);
    expect(await refusal(grpc.call("deleteProject", target))).toMatchObject({ code: status.NOT_FOUND, reason: "PROJECT_NOT_FOUND" });
  });

  it("a list that is left out is empty: the wire of gRPC cannot tell", async () => {
    const request = {
      organizationId: org.id,
      metadata: { name: "bare", tags: [] },
      spec: { roleIds: [], serviceAccountIds: [], userIds: [], subjects: [] },
    };
    expect((await grpc.call<Group>("createGroup", request)).spec).toEqual(request.spec);
  });

  it("is refused with the same words as over REST", async () => {
    const target = { organizationId: org.id, userId: nothing };
    const reader = await org.person([await org.group(["reader"])]);
    expect(await refusal(grpc.call("deleteUser", target, { token: undefined }))).toMatchObject({
      code: status.UNAUTHENTICATED,
      message: "authentication failed",
      reason: "CREDENTIAL_MISSING",
    });
    expect(await refusal(grpc.call("deleteUser", target, { token: reader.token }))).toMatchObject({
      code: status.PERMISSION_DENIED,
      message: "user credentials do not have the required privileges",
      reason: "PERMISSION_DENIED",
    });
  });
});

describe("while the database is away", () => {
  it("every delete is the documented 500 that tells nothing, and works again when it is back", async () => {
    const [project, group, user, account] = [await org.project(), await org.group([]), await org.user(), (await org.account()).id];
    const paths = [`projects/${project}`, `groups/${group}`, `users/${user}`, `serviceaccounts/${account}`];
    way.cut();
    for (const path of paths) {
      const answer = await admin.rest("DELETE", `${org.path}/${path}`);
      expect(answer).toMatchObject({ status: 500, body: { error: "server_error", code: status.INTERNAL } });
      expectErrorShape(answer);
      expect(answer.text).not.toMatch(/ECONN|terminated|127\.0\.0\.1|[Pp]ostgres/);
    }
    expect(await refusal(grpc.call("deleteGroup", { organizationId: org.id, groupId: group }))).toMatchObject({
      code: status.INTERNAL,
      message: "an internal error has occurred, please contact support",
      reason: "DATABASE_UNAVAILABLE",
    });
    way.mend();
    await expect.poll(async () => (await admin.rest("GET", `${org.path}/groups/${group}`)).status).toBe(200);
    for (const path of paths) expectEmpty(await admin.rest("DELETE", `${org.path}/${path}`), path === `projects/${project}` ? 202 : 200);
  });
});
