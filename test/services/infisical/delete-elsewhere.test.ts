/** The same deletion by gRPC and gRPC-web, and what it and the deletions above it end in every dialect at once. */
import { randomUUID } from "node:crypto";
import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ErrorInfo } from "../../../proto/gen/google/rpc/error_details.ts";
import { Status } from "../../../proto/gen/google/rpc/status.ts";
import { ErrorDetail } from "../../../proto/gen/infisical/identity/v1/error.ts";
import type { DeleteProjectIdentityResponse } from "../../../proto/gen/infisical/identity/v1/identity.ts";
import { ManagementServiceService } from "../../../proto/gen/infisical/identity/v1/management.ts";
import { registry } from "../../../services/api/contract.ts";
import { addMember } from "../../../services/grants/members.ts";
import { type GrpcClient, grpcClient } from "../../support/grpc.ts";
import { type System, startSystem } from "../../support/system.ts";
import { breaches } from "./document.schema.ts";
import { type Caller, type Place, path, World } from "./world.ts";

let system: System;
let world: World;
let here: Place;
let owner: Caller;
let grpc: GrpcClient;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  here = await world.place();
  owner = await world.member(here, "admin");
  grpc = grpcClient(system.grpcAddress, ManagementServiceService, owner.token);
});

afterAll(async () => {
  grpc.close();
  await system.close();
});

function removeByGrpc(identityId: string, token = owner.token): Promise<DeleteProjectIdentityResponse> {
  return grpc.call("deleteProjectIdentity", { projectId: here.projectId, identityId }, { token });
}

function detailsOf(error: ServiceError) {
  const told = Status.decode(Buffer.from(error.metadata.get("grpc-status-details-bin")[0] ?? ""));
  const [first, second] = told.details;
  return {
    code: told.code,
    own: ErrorDetail.decode(first?.value ?? new Uint8Array()),
    info: ErrorInfo.decode(second?.value ?? new Uint8Array()),
    types: told.details.map(({ typeUrl }) => typeUrl.split("/")[1]),
  };
}

describe("by gRPC", () => {
  it("answers the identity as it was", async () => {
    const id = await world.owned(here, { name: "by wire", metadata: [{ key: "a", value: "b" }] });
    const { identity } = await removeByGrpc(id);
    expect(identity).toMatchObject({
      id,
      name: "by wire",
      orgId: here.orgId,
      projectId: here.projectId,
      authMethods: [],
      metadata: [{ key: "a" }],
    });
    expect(identity?.createdAt).toBeInstanceOf(Date);
    expect((await owner.rest("GET", path(here, id))).status).toBe(404);
  });

  it("names the error first, then the reason, then the thing", async () => {
    const id = randomUUID();
    const error = await removeByGrpc(id).catch((refused: ServiceError) => refused);
    expect(error).toMatchObject({ code: status.NOT_FOUND, details: `Identity with id ${id} not found` });
    const told = detailsOf(error as ServiceError);
    expect(told.types).toEqual(["infisical.identity.v1.ErrorDetail", "google.rpc.ErrorInfo", "google.rpc.ResourceInfo"]);
    expect(told.own).toEqual({ error: "NotFound", details: undefined });
    expect(told.info).toMatchObject({ reason: "IDENTITY_NOT_FOUND", domain: "tenure", metadata: { id, kind: "identity" } });
  });

  it("refuses in the order 401, 403, 404, with the code of each", async () => {
    const code = (token: string, id: string) =>
      removeByGrpc(id, token).then(
        () => status.OK,
        (refused: ServiceError) => refused.code,
      );
    const viewer = await world.member(here, "viewer");
    const id = await world.owned(here, { protected: true });
    expect(await code("nothing", id)).toBe(status.UNAUTHENTICATED);
    expect(await code(viewer.token, id)).toBe(status.PERMISSION_DENIED);
    expect(await code(owner.token, "malformed")).toBe(status.NOT_FOUND);
    expect(await code(owner.token, id)).toBe(status.FAILED_PRECONDITION);
  });
});

describe("by gRPC-web", () => {
  const method = registry.getService("infisical.identity.v1.ManagementService")?.method.deleteProjectIdentity as DescMethodUnary;

  async function remove(identityId: string, token: string) {
    const transport = createGrpcWebTransport({ baseUrl: system.baseUrl, httpVersion: "1.1" });
    const message = create(method.input, { projectId: here.projectId, identityId } as MessageInitShape<typeof method.input>);
    const header = { authorization: `Bearer ${token}` };
    return transport.unary(method, undefined, 5_000, header, message, createContextValues());
  }

  it("answers the identity, and on a repeat that there is none", async () => {
    const id = await world.owned(here, { name: "by page" });
    const { message } = await remove(id, owner.token);
    expect(message).toMatchObject({ identity: { id, name: "by page", projectId: here.projectId } });
    const error = await remove(id, owner.token).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: `Identity with id ${id} not found` });
  });

  it("refuses who may not", async () => {
    const viewer = await world.member(here, "viewer");
    await expect(remove(randomUUID(), viewer.token)).rejects.toMatchObject({ code: Code.PermissionDenied });
    await expect(remove(randomUUID(), "nothing")).rejects.toMatchObject({ code: Code.Unauthenticated });
  });
});

describe("a stranger cannot tell", () => {
  it("another org's project and identity from ones that never were", async () => {
    const foreign = await world.place();
    const id = await world.owned(foreign);
    const strangers = [
      await world.ofOrg(here.orgId),
      await world.ofOrg(here.orgId, "ORG_OWNER"),
      owner,
      await world.ofOrg(here.orgId, "ORG_SETTINGS_MANAGER"),
    ];
    for (const stranger of strangers) {
      const never = { orgId: here.orgId, projectId: randomUUID() };
      for (const verb of ["DELETE", "GET"]) {
        const real = await stranger.rest(verb, path(foreign, id));
        const unreal = await stranger.rest(verb, path(never, id));
        const strip = (text: string) =>
          text
            .replaceAll(foreign.projectId, "P")
            .replaceAll(never.projectId, "P")
            .replace(/req-\w+/, "R");
        expect([real.status, strip(real.text)]).toEqual([unreal.status, strip(unreal.text)]);
        expect(breaches(real)).toEqual([]);
      }
    }
    expect((await world.admin("GET", path(foreign, id))).status).toBe(200);
  });

  it("whoever holds a role on one project of another org, its other projects from ones that never were", async () => {
    const [known, other] = [await world.place(), await world.place()];
    const sibling = await world.project(known.orgId);
    const caller = await world.ofOrg(other.orgId, "ORG_OWNER");
    await addMember(
      world.db,
      { ...known, principalId: caller.id, roles: [{ role: "viewer" }] },
      { orgId: null, principalId: null, requestId: null },
    );
    expect((await caller.rest("GET", path(known))).status).toBe(200);
    expect((await caller.rest("GET", path(sibling))).status).toBe(404);
    expect((await caller.rest("GET", path({ projectId: randomUUID() }))).status).toBe(404);
  });

  it("nor reach it by naming the other org as the context", async () => {
    const foreign = await world.place();
    const id = await world.owned(foreign);
    const orgOwner = await world.ofOrg(here.orgId, "ORG_OWNER");
    const headers = { "x-zitadel-orgid": foreign.orgId };
    expect((await orgOwner.rest("DELETE", path(foreign, id), { headers })).status).toBe(403);
    expect((await world.admin("GET", path(foreign, id))).status).toBe(200);
  });
});

describe("after the answer", () => {
  it("the worker removes every row of the identity; what is left is the operation, done, and the audit", async () => {
    const id = await world.owned(here, { metadata: [{ key: "a", value: "b" }] }, "admin");
    await world.token(here.orgId, id);
    await removeByGrpc(id);
    const { db } = world;
    const operation = db.selectFrom("operations").select("phase").where("target_id", "=", id);
    await expect.poll(async () => (await operation.executeTakeFirst())?.phase, { timeout: 10_000 }).toBe("done");
    const left = await Promise.all([
      db.selectFrom("principals").select("id").where("id", "=", id).execute(),
      db.selectFrom("identities").select("id").where("id", "=", id).execute(),
      db.selectFrom("identity_metadata").select("id").where("identity_id", "=", id).execute(),
      db.selectFrom("credentials").select("id").where("principal_id", "=", id).execute(),
      db.selectFrom("grants").select("id").where("principal_id", "=", id).execute(),
    ]);
    expect(left.flat()).toEqual([]);
    const events = await db.selectFrom("audit_events").select("type").where("aggregate_id", "=", id).orderBy("sequence").execute();
    expect(events.map(({ type }) => type)).toEqual(["user.machine.added", "user.pat.added", "user.removed", "operation.done"]);
  });
});

describe("what lives below ends with what is above", () => {
  it("the tokens of a project's identities with the project, and the identities with it", async () => {
    const place = await world.project(here.orgId);
    const inside = await world.as(place.orgId, await world.owned(place, {}, "admin"));
    const member = await world.member(place, "admin");
    expect((await inside.rest("GET", path(place))).status).toBe(200);
    const answer = await world.admin("DELETE", `/api/v1/organizations/${place.orgId}/projects/${place.projectId}`);
    expect(answer.status).toBe(202);
    expect((await inside.rest("GET", path(place))).status).toBe(401);
    // The org's identity lives on: only what it had through the project is gone.
    expect((await member.rest("GET", path(place))).status).toBe(403);
    expect((await world.admin("GET", path(place, inside.id))).status).toBe(404);
    expect((await world.admin("GET", `/tenure/v1/orgs/${place.orgId}/principals/${inside.id}/tokens`)).status).toBe(404);
  });

  it("every token of an org with the org, in every dialect", async () => {
    const place = await world.place();
    const callers = [
      await world.member(place, "admin"),
      await world.human(place, "admin"),
      await world.ofOrg(place.orgId, "ORG_OWNER"),
      await world.as(place.orgId, await world.owned(place, {}, "viewer")),
    ];
    const paths = [
      path(place),
      "/api/v1/identities/x",
      `/tenure/v1/orgs/${place.orgId}/principals/${randomUUID()}/tokens`,
      `/api/v1/organizations/${place.orgId}/projects`,
      "/management/v1/orgs/me",
    ];
    expect((await world.admin("DELETE", `/admin/v1/orgs/${place.orgId}`)).status).toBe(200);
    for (const { rest } of callers) {
      for (const target of paths) expect((await rest("GET", target)).status).toBe(401);
    }
    expect((await world.admin("GET", path(place))).body).toMatchObject({
      statusCode: 404,
      message: `Project with ${place.projectId} not found`,
    });
  });
});
