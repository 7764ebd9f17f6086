import { randomUUID } from "node:crypto";
import { type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MintTokenResponse, TokenServiceService } from "../../../proto/gen/tenure/access/v1/token.ts";
import { grpcClient } from "../../support/grpc.ts";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, path as identitiesOf, type Place, World } from "../infisical/world.ts";

type Token = { id: string; name: string; createTime: string; expireTime?: string };
type Page = { tokens: Token[]; nextPageToken: string };
type Minted = { id: string; token: string; expireTime?: string };
type Refusal = { code: number; message: string; details: { "@type": string; reason?: string; fieldViolations?: { field: string }[] }[] };

let system: System;
let world: World;
let place: Place;
let owner: Caller;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  place = await world.place();
  owner = await world.ofOrg(place.orgId, "ORG_OWNER");
});

afterAll(() => system.close());

function at(principal: string, org: string = place.orgId, token?: string): string {
  return `/tenure/v1/orgs/${org}/principals/${principal}/tokens${token === undefined ? "" : `/${token}`}`;
}

const mint = (principal: string, body: object = {}, caller = owner, org: string = place.orgId) =>
  caller.rest<Minted & Refusal>("POST", at(principal, org), { body });
const list = (principal: string, query = "", caller = owner) => caller.rest<Page & Refusal>("GET", `${at(principal)}${query}`);
const revoke = (principal: string, token: string, caller = owner) => caller.rest<Refusal>("DELETE", at(principal, place.orgId, token));

function told({ status: http, body }: { status: number; body: Refusal }) {
  const info = body.details.find(({ "@type": type }) => type.endsWith("google.rpc.ErrorInfo"));
  expect(body.message).toMatch(/^[A-Z].*\.$/);
  return [http, body.code, info?.reason];
}

describe("mint", () => {
  it("makes a token that works at once, for an identity and for a human", async () => {
    const identity = await world.member(place, "viewer");
    const human = await world.human(place, "viewer");
    for (const { id, rest } of [identity, human]) {
      const { status: http, body } = await mint(id, { name: "laptop" });
      expect(http).toBe(200);
      expect(body).toEqual({ id: body.id, token: body.token });
      expect((await rest("GET", identitiesOf(place), { token: body.token })).status).toBe(200);
    }
  });

  it("makes one that ends by itself", async () => {
    const { id } = await world.member(place, "viewer");
    const expireTime = new Date(Date.now() + 1_500);
    const { body } = await mint(id, { expireTime });
    expect(body.expireTime).toBe(expireTime.toISOString());
    const open = async () => (await owner.rest("GET", identitiesOf(place), { token: body.token })).status;
    expect(await open()).toBe(200);
    await expect.poll(open, { timeout: 5_000 }).toBe(401);
    expect(Date.now()).toBeGreaterThanOrEqual(expireTime.getTime());
  });

  it("refuses an expiry that is not in the future, or that no clock can show", async () => {
    const { id } = await world.ofOrg(place.orgId);
    for (const expireTime of [new Date(Date.now() - 1_000), new Date(0)]) {
      expect(told(await mint(id, { expireTime }))).toEqual([400, status.INVALID_ARGUMENT, "EXPIRY_IN_PAST"]);
    }
    const grpc = grpcClient(system.grpcAddress, TokenServiceService, owner.token);
    const far = { orgId: place.orgId, principalId: id, name: "", expireTime: new Date(8.64e15) };
    const error = await grpc.call<MintTokenResponse>("mintToken", far).catch((refused: ServiceError) => refused);
    grpc.close();
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it("refuses a principal that is not there, or that is another org's, in the same words", async () => {
    const foreign = await world.ofOrg(await world.org());
    for (const id of [randomUUID(), "malformed", foreign.id, place.projectId]) {
      expect(told(await mint(id))).toEqual([404, status.NOT_FOUND, "USER_NOT_FOUND"]);
    }
  });

  it("refuses who is outranked, and who may not write credentials", async () => {
    const manager = await world.ofOrg(place.orgId, "ORG_USER_MANAGER");
    const plain = await world.ofOrg(place.orgId);
    expect((await mint(plain.id, {}, manager)).status).toBe(200);
    expect(told(await mint(owner.id, {}, manager))).toEqual([403, status.PERMISSION_DENIED, "PRIVILEGE_BOUNDARY"]);
    expect(told(await mint(plain.id, {}, plain))).toEqual([403, status.PERMISSION_DENIED, "MEMBERSHIP_MISSING"]);
    expect(told(await mint(plain.id, {}, await world.ofOrg(place.orgId, "ORG_OWNER_VIEWER")))).toEqual([
      403,
      status.PERMISSION_DENIED,
      "PERMISSION_DENIED",
    ]);
  });

  it("is none of another org's business; the instance's admin learns that an org is not there", async () => {
    const stranger = await world.ofOrg(await world.org(), "ORG_OWNER");
    expect((await mint(owner.id, {}, stranger)).status).toBe(403);
    expect((await mint(owner.id, {}, stranger, randomUUID())).status).toBe(403);
    const admin: Caller = { ...owner, rest: world.admin };
    for (const org of [randomUUID(), "malformed"]) {
      expect(told(await mint(owner.id, {}, admin, org))).toEqual([404, status.NOT_FOUND, "ORG_NOT_FOUND"]);
    }
  });

  it("refuses a name too long, before it looks for the principal", async () => {
    const answer = await mint(randomUUID(), { name: "n".repeat(201) });
    expect([answer.status, answer.body.details.at(-1)?.fieldViolations]).toMatchObject([400, [{ field: "name" }]]);
  });
});

describe("list", () => {
  it("shows what was minted, oldest first, never the token", async () => {
    const id = await world.identity(place.orgId);
    const expireTime = new Date(Date.now() + 3_600_000).toISOString();
    const minted = [await mint(id, { name: "first" }), await mint(id, { expireTime })];
    const { body, text } = await list(id);
    expect(body.nextPageToken).toBe("");
    expect(body.tokens).toMatchObject([
      { id: minted[0]?.body.id, name: "first" },
      { id: minted[1]?.body.id, name: "", expireTime },
    ]);
    expect(Object.keys(body.tokens[0] ?? {}).sort()).toEqual(["createTime", "id", "name"]);
    expect(text).not.toContain("tnr_");
  });

  it("pages with an opaque token, each token on one page; a size above the maximum is the maximum", async () => {
    const id = await world.identity(place.orgId);
    const ids = [];
    for (let n = 0; n < 5; n += 1) ids.push((await mint(id)).body.id);
    const seen: string[] = [];
    let page = (await list(id, "?pageSize=2")).body;
    const sizes = [page.tokens.length];
    seen.push(...page.tokens.map((token) => token.id));
    while (page.nextPageToken !== "") {
      page = (await list(id, `?pageSize=2&pageToken=${page.nextPageToken}`)).body;
      sizes.push(page.tokens.length);
      seen.push(...page.tokens.map((token) => token.id));
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect(seen).toEqual(ids);
    expect((await list(id, "?pageSize=5000")).body).toMatchObject({ nextPageToken: "" });
    expect((await list(id, "?pageSize=5")).body.nextPageToken).toBe("");
  });

  it("refuses a page token of another list, or of none, and a size below nothing", async () => {
    const [one, other] = [await world.identity(place.orgId), await world.identity(place.orgId)];
    for (const id of [one, one, other, other]) await mint(id);
    const { nextPageToken } = (await list(one, "?pageSize=1")).body;
    expect((await list(one, `?pageToken=${nextPageToken}`)).status).toBe(200);
    for (const [id, query] of [
      [other, `?pageToken=${nextPageToken}`],
      [one, "?pageToken=x"],
      [one, `?pageToken=${nextPageToken}AA`],
      [one, "?pageSize=-1"],
    ] as const) {
      expect(told(await list(id, query))).toEqual([400, status.INVALID_ARGUMENT, "REQUEST_INVALID"]);
    }
  });

  it("finds no principal that is not there, and none of another org", async () => {
    const foreign = await world.identity(await world.org());
    for (const id of [randomUUID(), "malformed", foreign]) {
      expect(told(await list(id))).toEqual([404, status.NOT_FOUND, "USER_NOT_FOUND"]);
    }
  });
});

describe("revoke", () => {
  it("ends the token with the answer, and no other; a repeat finds nothing", async () => {
    const caller = await world.member(place, "viewer");
    const { body } = await mint(caller.id);
    const open = async (token: string) => (await owner.rest("GET", identitiesOf(place), { token })).status;
    expect(await open(body.token)).toBe(200);
    const answer = await revoke(caller.id, body.id);
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect([await open(body.token), await open(caller.token)]).toEqual([401, 200]);
    expect(told(await revoke(caller.id, body.id))).toEqual([404, status.NOT_FOUND, "CREDENTIAL_NOT_FOUND"]);
    expect((await list(caller.id)).body.tokens.map(({ id }) => id)).not.toContain(body.id);
  });

  it("ends it once when several race", async () => {
    const id = await world.identity(place.orgId);
    const { body } = await mint(id);
    const answers = await Promise.all([1, 2, 3, 4].map(() => revoke(id, body.id)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404, 404, 404]);
  });

  it("finds only tokens of that principal in that org", async () => {
    const foreign = await world.ofOrg(await world.org());
    const theirs = await world.token(foreign.orgId, foreign.id);
    const other = await world.identity(place.orgId);
    const mine = (await mint(await world.identity(place.orgId))).body.id;
    for (const [principal, token] of [
      [foreign.id, theirs.id],
      [other, mine],
      [other, randomUUID()],
      [other, "x"],
      ["x", mine],
    ] as const) {
      expect(told(await revoke(principal, token))).toEqual([404, status.NOT_FOUND, "CREDENTIAL_NOT_FOUND"]);
    }
  });

  it("locks nobody out who outranks the caller", async () => {
    const { body } = await mint(owner.id);
    const manager = await world.ofOrg(place.orgId, "ORG_USER_MANAGER");
    expect(told(await revoke(owner.id, body.id, manager))).toEqual([403, status.PERMISSION_DENIED, "PRIVILEGE_BOUNDARY"]);
    expect((await owner.rest("GET", at(owner.id), { token: body.token })).status).toBe(200);
  });

  it("takes nothing that it does not know", async () => {
    const id = await world.identity(place.orgId);
    const { body } = await mint(id);
    const answer = await owner.rest("DELETE", `${at(id, place.orgId, body.id)}?validateOnly=true`);
    expect(answer.status).toBe(400);
    expect((await list(id)).body.tokens).toHaveLength(1);
  });
});
