/** Tokens that open nothing, over the wire, in the documented 401 of every dialect. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mintToken, parseToken } from "../../../services/access/token.ts";
import { type CredentialId, mintId, type OrgId } from "../../../services/kernel/ids.ts";
import { type Answer, restClient } from "../../support/rest.ts";
import { type System, startSystem } from "../../support/system.ts";
import { breaches } from "../infisical/document.schema.ts";
import { type Caller, type Place, World } from "../infisical/world.ts";

let system: System;
let world: World;
let place: Place;
let caller: Caller;
let stored: { id: string; token: string };

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  place = await world.place();
  caller = await world.ofOrg(place.orgId, "ORG_OWNER");
  stored = await world.token(place.orgId, caller.id);
});

afterAll(() => system.close());

type Body = Record<string, unknown>;

const dialects: readonly [name: string, path: () => string, check: (answer: Answer<Body>) => void][] = [
  [
    "zitadel",
    () => `/admin/v1/orgs/${randomUUID()}`,
    ({ body }) => {
      expect(Object.keys(body).filter((name) => !["code", "message", "details"].includes(name))).toEqual([]);
      expect(body).toMatchObject({ code: 16 });
    },
  ],
  [
    "nscale",
    () => `/api/v1/organizations/${place.orgId}/projects/${randomUUID()}`,
    ({ body, headers }) => {
      expect(body).toMatchObject({ error: "access_denied", error_description: expect.any(String), code: 16 });
      expect(headers.get("www-authenticate")).toMatch(/^Bearer error=/);
    },
  ],
  [
    "infisical",
    () => `/api/v1/projects/${place.projectId}/identities/${randomUUID()}`,
    (answer) => {
      expect(breaches(answer)).toEqual([]);
      expect(answer.body).toMatchObject({ statusCode: 401, error: "UnauthorizedError" });
    },
  ],
  [
    "tenure",
    () => `/tenure/v1/orgs/${place.orgId}/principals/${randomUUID()}/tokens/${randomUUID()}`,
    ({ body }) => {
      const details = [{ reason: expect.stringMatching(/^CREDENTIAL_/), domain: "tenure" }];
      expect(body).toMatchObject({ code: 16, message: expect.stringMatching(/^The .*\.$/), details });
    },
  ],
];

async function expire(token: { id: string; token: string }): Promise<string> {
  await world.db
    .updateTable("credentials")
    .set({ expires_at: new Date(Date.now() - 1) })
    .where("id", "=", token.id as CredentialId)
    .execute();
  return token.token;
}

async function revoke(token: { id: string; token: string }): Promise<string> {
  const path = `/tenure/v1/orgs/${place.orgId}/principals/${caller.id}/tokens/${token.id}`;
  expect((await world.admin("DELETE", path)).status).toBe(200);
  return token.token;
}

const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

const bad: readonly [what: string, header: () => Promise<string> | string][] = [
  ["truncated by one character", () => `Bearer ${stored.token.slice(0, -1)}`],
  ["cut to its prefix", () => `Bearer ${stored.token.slice(0, 8)}`],
  ["flipped in its secret", () => `Bearer ${flip(stored.token, 60)}`],
  ["flipped in its checksum", () => `Bearer ${flip(stored.token, stored.token.length - 2)}`],
  ["extended by one character", () => `Bearer ${stored.token}A`],
  ["extended by another token", () => `Bearer ${stored.token} ${stored.token}`],
  ["in lower case", () => `Bearer ${stored.token.toLowerCase()}`],
  ["unknown though well formed", () => `Bearer ${mintToken("pat", place.orgId, mintId<CredentialId>())}`],
  [
    "well formed for the stored credential, but with another secret",
    () => `Bearer ${mintToken("pat", place.orgId, stored.id as CredentialId)}`,
  ],
  ["well formed for another org", () => `Bearer ${mintToken("pat", mintId<OrgId>(), stored.id as CredentialId)}`],
  [
    "expired",
    async () => `Bearer ${await expire(await world.token(place.orgId, caller.id, { expireTime: new Date(Date.now() + 60_000) }))}`,
  ],
  ["revoked", async () => `Bearer ${await revoke(await world.token(place.orgId, caller.id))}`],
  ["of no scheme", () => stored.token],
  ["of another scheme", () => `Basic ${stored.token}`],
  ["empty", () => "Bearer "],
];

describe.each(dialects)("in the %s dialect", (_, path, check) => {
  it("a live token is let in", async () => {
    const answer = await caller.rest("DELETE", path(), { token: stored.token });
    expect(answer.status).not.toBe(401);
    expect(answer.status).toBeLessThan(500);
  });

  it("no token is refused", async () => {
    const answer = await restClient(system.baseUrl)("DELETE", path());
    expect(answer.status).toBe(401);
    check(answer);
  });

  it.each(bad)("a token %s is refused", async (__, header) => {
    const authorization = await header();
    const answer = await restClient(system.baseUrl)("DELETE", path(), { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("grpc-status")).toBe("16");
    expect(answer.text).not.toContain(stored.token.slice(20));
    check(answer);
  });
});

it("tokens are stored as digests only", async () => {
  const rows = await world.db
    .selectFrom("credentials")
    .selectAll()
    .where("id", "=", stored.id as CredentialId)
    .execute();
  expect(rows[0]?.digest).toEqual(parseToken(stored.token)?.digest);
  expect(JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(stored.token.slice(8, 40));
});
