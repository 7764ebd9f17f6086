import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import type { Detail } from "./statuses.ts";
import { statusWith } from "./statuses.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

const INFO: Detail = ["google.rpc.ErrorInfo", { reason: "ORG_NOT_FOUND", domain: "tenure" }];

const PATHS = {
  zitadel: "/admin/v1/orgs/42",
  nscale: "/api/v1/organizations/o/projects/p",
  infisical: "/api/v1/projects/p/identities/i",
  tenure: "/echo/v1/things/t",
};

type Name = keyof typeof PATHS;

async function failWith(name: Name, code: number, message: string, ...details: Detail[]) {
  world.services.behave = () => ({ status: statusWith(world.catalogue, code, message, ...details) });
  return world.send("DELETE", PATHS[name]);
}

describe.each(Object.keys(PATHS) as Name[])("a failed call in the %s dialect", (name) => {
  it("carries the gRPC status in headers, and a request id", async () => {
    const answer = await failWith(name, Code.NOT_FOUND, "gone: 100 % ünknown", INFO);
    expect(answer.headers["grpc-status"]).toBe("5");
    expect(answer.headers["grpc-message"]).toBe("gone: 100 %25 %C3%BCnknown");
    const status = Status.decode(Buffer.from(String(answer.headers["grpc-status-details-bin"]), "base64"));
    expect(status).toMatchObject({
      code: 5,
      message: "gone: 100 % ünknown",
      details: [{ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo" }],
    });
    expect(answer.headers["x-request-id"]).toMatch(/^req-[0-9A-Za-z]{14}$/);
    expect(world.lastCall().metadata.get("x-request-id")).toEqual([answer.headers["x-request-id"]]);
  });

  it("is JSON that no cache keeps and no browser guesses about", async () => {
    const answer = await failWith(name, Code.NOT_FOUND, "gone", INFO);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["cache-control"]).toBe(name === "nscale" ? "no-cache" : "no-store");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    expect(answer.headers["x-powered-by"]).toBeUndefined();
    expect(answer.headers.etag).toBeUndefined();
  });
});

const STATUSES: readonly [code: number, statuses: Readonly<Record<Name, number>>][] = [
  [Code.CANCELLED, { zitadel: 499, nscale: 499, infisical: 499, tenure: 499 }],
  [Code.UNKNOWN, { zitadel: 500, nscale: 500, infisical: 500, tenure: 500 }],
  [Code.INVALID_ARGUMENT, { zitadel: 400, nscale: 400, infisical: 400, tenure: 400 }],
  [Code.DEADLINE_EXCEEDED, { zitadel: 504, nscale: 500, infisical: 500, tenure: 504 }],
  [Code.NOT_FOUND, { zitadel: 404, nscale: 404, infisical: 404, tenure: 404 }],
  [Code.ALREADY_EXISTS, { zitadel: 409, nscale: 409, infisical: 400, tenure: 409 }],
  [Code.PERMISSION_DENIED, { zitadel: 403, nscale: 403, infisical: 403, tenure: 403 }],
  [Code.RESOURCE_EXHAUSTED, { zitadel: 429, nscale: 429, infisical: 429, tenure: 429 }],
  [Code.FAILED_PRECONDITION, { zitadel: 400, nscale: 400, infisical: 400, tenure: 400 }],
  [Code.ABORTED, { zitadel: 409, nscale: 409, infisical: 400, tenure: 409 }],
  [Code.OUT_OF_RANGE, { zitadel: 400, nscale: 400, infisical: 400, tenure: 400 }],
  [Code.UNIMPLEMENTED, { zitadel: 501, nscale: 500, infisical: 500, tenure: 501 }],
  [Code.INTERNAL, { zitadel: 500, nscale: 500, infisical: 500, tenure: 500 }],
  [Code.UNAVAILABLE, { zitadel: 503, nscale: 500, infisical: 500, tenure: 503 }],
  [Code.DATA_LOSS, { zitadel: 500, nscale: 500, infisical: 500, tenure: 500 }],
  [Code.UNAUTHENTICATED, { zitadel: 401, nscale: 401, infisical: 401, tenure: 401 }],
];

describe("HTTP statuses", () => {
  it.each(STATUSES)("of code %i are those of each dialect", async (code, statuses) => {
    for (const name of Object.keys(PATHS) as Name[]) {
      expect((await failWith(name, code, "words", INFO)).status, name).toBe(statuses[name]);
    }
  });
});

describe("the zitadel dialect", () => {
  it("prints code, message and details with their types", async () => {
    const detail: Detail = ["zitadel.v1.ErrorDetail", { id: "COMMA-aps2n", message: "Organisation not found" }];
    const answer = await failWith("zitadel", Code.NOT_FOUND, "Organisation not found (COMMA-aps2n)", detail, INFO);
    expect(answer.json()).toEqual({
      code: 5,
      message: "Organisation not found (COMMA-aps2n)",
      details: [
        { "@type": "type.googleapis.com/zitadel.v1.ErrorDetail", id: "COMMA-aps2n", message: "Organisation not found" },
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "ORG_NOT_FOUND", domain: "tenure" },
      ],
    });
  });

  it("leaves details out when there are none", async () => {
    expect((await failWith("zitadel", Code.UNAUTHENTICATED, "auth header missing")).json()).toEqual({
      code: 16,
      message: "auth header missing",
    });
  });

  it("answers an unknown path with code 5", async () => {
    const answer = await world.send("GET", "/admin/v1/no/such/path?secret=1");
    expect(answer.status).toBe(404);
    expect(answer.json()).toEqual({ code: 5, message: "Not Found" });
  });

  it("answers a wrong verb with 405, code 12 and the verbs that there are", async () => {
    const answer = await world.send("PATCH", "/admin/v1/orgs/42");
    expect(answer.status).toBe(405);
    expect(answer.json()).toEqual({ code: 12, message: "Method Not Allowed" });
    expect(answer.headers.allow).toBe("DELETE, GET, HEAD");
  });

  it("prints no zero values", async () => {
    world.services.behave = () => ({ messages: [Buffer.alloc(0)] });
    expect((await world.send("GET", "/admin/v1/orgs/42")).json()).toEqual({});
  });
});

describe("the nscale dialect", () => {
  it("prints the OAuth 2.0 error beside code, message and details", async () => {
    const answer = await failWith("nscale", Code.NOT_FOUND, "resource not found", INFO);
    expect(answer.json()).toEqual({
      error: "not_found",
      error_description: "resource not found",
      code: 5,
      message: "resource not found",
      details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "ORG_NOT_FOUND", domain: "tenure" }],
    });
  });

  it.each([
    [Code.INVALID_ARGUMENT, "invalid_request"],
    [Code.UNAUTHENTICATED, "access_denied"],
    [Code.PERMISSION_DENIED, "forbidden"],
    [Code.NOT_FOUND, "not_found"],
    [Code.ALREADY_EXISTS, "conflict"],
    [Code.ABORTED, "conflict"],
    [Code.UNAVAILABLE, "server_error"],
    [Code.UNIMPLEMENTED, "server_error"],
  ])("names code %i %s", async (code, error) => {
    expect((await failWith("nscale", code, "words")).json()).toMatchObject({ error });
  });

  it("challenges who is not authenticated", async () => {
    const answer = await failWith("nscale", Code.UNAUTHENTICATED, 'no "bearer"\u00e9', INFO);
    expect(answer.headers["www-authenticate"]).toBe('Bearer error="access_denied",error_description="no ?bearer??"');
  });

  it("keeps the words of an internal failure to itself", async () => {
    const answer = await failWith("nscale", Code.INTERNAL, "relation users does not exist", INFO);
    expect(answer.text).not.toContain("relation users");
  });

  it("answers unknown paths and wrong verbs with its own words", async () => {
    const unknown = await world.send("GET", "/api/v1/organizations/o/nothing");
    expect([unknown.status, unknown.json()]).toMatchObject([404, { error: "not_found", code: 5 }]);
    const wrong = await world.send("PATCH", PATHS.nscale);
    expect([wrong.status, wrong.json()]).toMatchObject([405, { error: "method_not_allowed", code: 12 }]);
  });

  it("answers a method that returns nothing with its status, no body and no type", async () => {
    world.services.behave = () => ({ messages: [Buffer.alloc(0)] });
    const answer = await world.send("DELETE", PATHS.nscale);
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([202, "", undefined]);
    expect(answer.headers["cache-control"]).toBe("no-cache");
  });
});

describe("the infisical dialect", () => {
  it("closes its body over four members", async () => {
    const answer = await failWith("infisical", Code.NOT_FOUND, "Identity with id i not found", INFO);
    expect(answer.json()).toEqual({
      reqId: answer.headers["x-request-id"],
      statusCode: 404,
      message: "Identity with id i not found",
      error: "NotFound",
    });
  });

  it.each([
    [Code.FAILED_PRECONDITION, 400, "BadRequest"],
    [Code.UNAUTHENTICATED, 401, "UnauthorizedError"],
    [Code.PERMISSION_DENIED, 403, "PermissionDenied"],
    [Code.INTERNAL, 500, "InternalServerError"],
  ])("names code %i: %i %s", async (code, statusCode, error) => {
    expect((await failWith("infisical", code, "words")).json()).toMatchObject({ statusCode, error });
  });

  it("takes the error's name and the details of a 403 from the services", async () => {
    const details = [{ action: "delete", subject: "identity" }];
    const detail: Detail = ["infisical.identity.v1.ErrorDetail", { error: "PermissionBoundaryError", details }];
    const answer = await failWith("infisical", Code.PERMISSION_DENIED, "no", detail, INFO);
    expect(answer.json()).toMatchObject({ statusCode: 403, error: "PermissionBoundaryError", details });
  });

  it("shows details on a 403 alone", async () => {
    const detail: Detail = ["infisical.identity.v1.ErrorDetail", { error: "NotFound", details: { a: 1 } }];
    expect((await failWith("infisical", Code.NOT_FOUND, "no", detail)).json()).not.toHaveProperty("details");
  });

  it("answers field violations with 422 and a list of issues", async () => {
    const fieldViolations = [
      { field: "metadata[0].key", description: "is too short", reason: "TOO_SMALL" },
      { field: "name", description: "is required" },
    ];
    const answer = await failWith("infisical", Code.INVALID_ARGUMENT, "invalid", ["google.rpc.BadRequest", { fieldViolations }], INFO);
    expect(answer.json()).toEqual({
      reqId: answer.headers["x-request-id"],
      statusCode: 422,
      message: [
        { code: "too_small", path: ["metadata", "0", "key"], message: "is too short" },
        { code: "custom", path: ["name"], message: "is required" },
      ],
      error: "ValidationFailure",
    });
  });

  it("hides what went wrong on the server's side", async () => {
    const answer = await failWith("infisical", Code.UNAVAILABLE, "connect ECONNREFUSED", INFO);
    expect(answer.json()).toMatchObject({ statusCode: 500, message: "Something went wrong", error: "InternalServerError" });
  });

  it.each(["GET", "PUT"])("answers %s on a path without a route, or not for that verb, as an unknown route", async (verb) => {
    const path = verb === "GET" ? "/api/v1/projects/p/nothing" : PATHS.infisical;
    const answer = await world.send(verb, `${path}?token=secret`);
    expect([answer.status, answer.json()]).toMatchObject([404, { error: "Not Found", message: `Route ${verb}:${path} not found` }]);
  });

  it("ignores a trailing slash", async () => {
    world.services.behave = () => ({ messages: [Buffer.alloc(0)] });
    const answer = await world.send("GET", `${PATHS.infisical}/`);
    expect(answer.status).toBe(200);
    expect(world.lastMessage("infisical.identity.v1.GetProjectIdentityRequest")).toEqual({ projectId: "p", identityId: "i" });
  });
});

describe("any other path", () => {
  it.each([
    ["GET", "/nowhere", 404, { code: 5 }],
    ["PUT", "/echo/v1/stream", 405, { code: 12 }],
  ])("%s %s is answered in the tenure dialect", async (verb, path, status, body) => {
    const answer = await world.send(verb, path);
    expect([answer.status, answer.json()]).toMatchObject([status, body]);
  });

  it("keeps a detail whose type nobody knows", async () => {
    const details = [{ typeUrl: "type.googleapis.com/unheard.of.Thing", value: Buffer.from("abc") }];
    world.services.behave = () => ({ status: { code: Code.NOT_FOUND, message: "gone", details } });
    const answer = await world.send("GET", PATHS.tenure);
    expect([answer.status, answer.json()]).toEqual([
      404,
      { code: 5, message: "gone", details: [{ "@type": "type.googleapis.com/unheard.of.Thing", value: "YWJj" }] },
    ]);
  });
});
