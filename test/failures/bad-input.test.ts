/**
 * What no well-meaning client sends, to every dialect over REST: each is refused in the dialect's own shape, nothing is
 * half-done, and the process lives.
 */
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Rest, restClient } from "../support/rest.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
let rest: Rest;
let orgId: string;
let projectId: string;

beforeAll(async () => {
  system = await startSystem();
  rest = restClient(system.baseUrl, system.adminToken);
  orgId = (await rest<{ id: string }>("POST", "/management/v1/orgs", { body: { name: "Target" } })).body.id;
  const headers = { "x-zitadel-orgid": orgId };
  projectId = (await rest<{ id: string }>("POST", "/management/v1/projects", { headers, body: { name: "Target" } })).body.id;
});
afterAll(() => system.close());

type Body = Record<string, unknown>;

/** A dialect: something to create, something to delete, and what an error looks like. */
const dialects = {
  zitadel: {
    create: () => "/management/v1/projects",
    remove: (id: string) => `/management/v1/projects/${id}`,
    isError: (body: Body) => typeof body.code === "number" && typeof body.message === "string" && !("error" in body),
  },
  nscale: {
    create: () => `/api/v1/organizations/${orgId}/groups`,
    remove: (id: string) => `/api/v1/organizations/${orgId}/groups/${id}`,
    isError: (body: Body) => typeof body.error === "string" && typeof body.error_description === "string" && typeof body.code === "number",
  },
  infisical: {
    create: () => `/api/v1/projects/${projectId}/identities`,
    remove: (id: string) => `/api/v1/projects/${projectId}/identities/${id}`,
    isError: (body: Body) =>
      /^req-[A-Za-z0-9]{14}$/.test(String(body.reqId)) &&
      typeof body.statusCode === "number" &&
      typeof body.error === "string" &&
      "message" in body,
  },
  tenure: {
    create: () => `/tenure/v1/orgs/${orgId}/principals/00000000-0000-7000-8000-000000000000/tokens`,
    remove: (id: string) => `/tenure/v1/orgs/${orgId}/principals/${projectId}/tokens/${id}`,
    isError: (body: Body) => typeof body.code === "number" && typeof body.message === "string" && Array.isArray(body.details),
  },
};

type Name = keyof typeof dialects;
const names = Object.keys(dialects) as Name[];

/** Sends bytes as they are: fetch would tidy up paths. Node frames the body of a DELETE only when its length is given. */
function send(method: string, path: string, body?: Buffer, headers: Record<string, string> = {}): Promise<{ status: number; body: Body }> {
  const { hostname, port } = new URL(system.baseUrl);
  return new Promise((resolve, reject) => {
    const all = {
      authorization: `Bearer ${system.adminToken}`,
      ...(body ? { "content-type": "application/json", "content-length": body.length } : {}),
      ...headers,
    };
    const sent = request({ hostname, port, method, path, headers: all }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, body: text === "" ? {} : (JSON.parse(text) as Body) });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function counts(): Promise<unknown> {
  const { db } = system.services;
  const tables = ["projects", "groups", "principals", "credentials", "operations", "audit_events"] as const;
  return Promise.all(
    tables.map(async (table) => (await db.selectFrom(table).select(db.fn.countAll().as("count")).executeTakeFirst())?.count),
  );
}

const json = (text: string) => Buffer.from(text);
const big = Buffer.from(`{"name":"${"x".repeat(1024 * 1024)}"}`);

const bodies: readonly {
  readonly what: string;
  readonly body: Buffer;
  readonly expected: readonly number[];
  readonly headers?: Record<string, string>;
}[] = [
  { what: "a truncated object", body: json('{"name":"x'), expected: [400, 422] },
  { what: "no JSON at all", body: json("name=x"), expected: [400, 422] },
  { what: "a list", body: json("[]"), expected: [400, 422] },
  { what: "a bare text", body: json('"x"'), expected: [400, 422] },
  { what: "nesting of a thousand levels", body: json(`{"name":${"[".repeat(1000)}${"]".repeat(1000)}}`), expected: [400, 422] },
  { what: "a hundred thousand open brackets", body: json("[".repeat(100_000)), expected: [400, 422] },
  { what: "a member twice", body: json('{"name":"a","name":"b"}'), expected: [400, 422] },
  { what: "a list where a text belongs", body: json('{"name":[],"metadata":[],"expireTime":[]}'), expected: [400, 422] },
  { what: "an object where a text belongs", body: json('{"name":{},"metadata":5,"expireTime":{}}'), expected: [400, 422] },
  {
    what: "bytes that are no UTF-8",
    body: Buffer.concat([json('{"name":"'), Buffer.from([0xc3, 0x28, 0xff]), json('"}')]),
    expected: [400, 422],
  },
  { what: "a body over 1 MiB", body: big, expected: [413] },
  {
    what: "a small body that inflates beyond 1 MiB",
    body: gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20)),
    expected: [413],
    headers: { "content-encoding": "gzip" },
  },
  { what: "a body that is not what its encoding says", body: json("{}"), expected: [400, 422], headers: { "content-encoding": "gzip" } },
];

const ids: readonly (readonly [string, string])[] = [
  ["no id", "x"],
  ["an escaped slash", "%2F"],
  ["two escaped dots", "%2e%2e"],
  ["an escaped NUL", "%00"],
  ["an escape that is no UTF-8", "%ff%fe"],
  ["half an escape", "%2"],
  ["ten thousand letters", "a".repeat(10_000)],
  ["a quote and SQL", "'%20or%201=1--"],
  ["an emoji", "%F0%9F%92%A5"],
  ["a UUID and more", "00000000-0000-7000-8000-000000000000x"],
  ["a UUID that names nothing", "00000000-0000-7000-8000-000000000000"],
];

describe.each(names)("%s", (name) => {
  const dialect = dialects[name];

  it.each(bodies)("refuses $what and makes nothing", async ({ body, expected, headers = {} }) => {
    const before = await counts();
    const answer = await send("POST", dialect.create(), body, { "x-zitadel-orgid": orgId, ...headers });
    expect(expected).toContain(answer.status);
    expect(answer.body).toSatisfy(dialect.isError);
    expect(await counts()).toEqual(before);
  });

  it.each(ids)("answers a delete of %s with not found or a bad request", async (_, id) => {
    const before = await counts();
    const answer = await send("DELETE", dialect.remove(id), undefined, { "x-zitadel-orgid": orgId });
    expect([400, 404]).toContain(answer.status);
    expect(answer.body).toSatisfy(dialect.isError);
    expect(await counts()).toEqual(before);
  });

  it("never deletes when the query has a name that it does not know", async () => {
    const answer = await send("DELETE", `${dialect.remove(projectId)}?validateonly=true`, undefined, { "x-zitadel-orgid": orgId });
    expect(answer.status === 400 || answer.status === 422).toBe(true);
    expect(answer.body).toSatisfy(dialect.isError);
    expect((await rest("GET", `/api/v1/organizations/${orgId}/projects/${projectId}`)).status).toBe(200);
  });

  it("never deletes when the delete has a body", async () => {
    const answer = await send("DELETE", dialect.remove(projectId), json('{"dryRun":true}'), { "x-zitadel-orgid": orgId });
    expect(answer.status === 400 || answer.status === 422).toBe(true);
    expect((await rest("GET", `/api/v1/organizations/${orgId}/projects/${projectId}`)).status).toBe(200);
  });

  it("tells a caller without a token nothing about a malformed body", async () => {
    const answer = await send("POST", dialect.create(), json("{"), { authorization: "" });
    expect(answer.status).toBe(401);
    expect(answer.body).toSatisfy(dialect.isError);
  });
});

describe("texts that Postgres cannot store", () => {
  it.each([
    ["NUL", "a\\u0000b"],
    ["half a surrogate pair", "a\\ud800b"],
  ])("refuses %s in a name", async (_, text) => {
    for (const name of ["zitadel", "nscale", "infisical"] as const) {
      const body = json(
        `{"name":"${text}","metadata":${name === "nscale" ? `{"name":"${text}"}` : "[]"},"spec":{"roleIDs":[],"serviceAccountIDs":[]}}`,
      );
      const answer = await send("POST", dialects[name].create(), body, { "x-zitadel-orgid": orgId });
      expect([400, 422]).toContain(answer.status);
      expect(answer.body).toSatisfy(dialects[name].isError);
    }
  });
});
