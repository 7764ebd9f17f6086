/** What becomes of tokens: rotation, reuse, races, introspection, revocation, and the one session that some clients allow. */
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prune } from "../../../services/issuer/prune.ts";
import { restClient } from "../../support/rest.ts";
import {
  authorization,
  everyScope,
  logIn,
  oauthError,
  type Party,
  redeem,
  startWorld,
  type Tokens,
  tokensOf,
  type User,
  type World,
} from "./world.ts";

let world: World;
let orgId: string;
let projectId: string;
let party: Party;
let api: Party;
let user: User;

beforeAll(async () => {
  world = await startWorld();
  orgId = await world.tenants.org();
  projectId = await world.project(orgId);
  party = await world.party(orgId, projectId);
  api = await world.party(orgId, projectId, { kind: "api", redirectUris: [] });
  user = await world.user(orgId);
});

afterAll(() => world.close());

function refresh(tokens: Tokens, by = party): Promise<Tokens> {
  return oidc.refreshTokenGrant(by.config, tokens.refresh_token ?? "");
}

async function isActive(token: string | undefined, asker = api): Promise<boolean> {
  return (await oidc.tokenIntrospection(asker.config, token ?? "")).active;
}

const invalidGrant = { status: 400, error: "invalid_grant" };

describe("a refresh token", () => {
  it("is given only to who asks for offline access", async () => {
    expect((await tokensOf(world, party, user, "openid")).refresh_token).toBeUndefined();
  });

  it("is good for new tokens once, and they are as good as the first", async () => {
    const first = await tokensOf(world, party, user);
    const second = await refresh(first);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await oidc.fetchUserInfo(party.config, second.access_token, user.id)).toMatchObject({ sub: user.id });
    expect((await refresh(second)).access_token).toMatch(/^tnr_at_/);
  });

  it("used again is refused, and ends the whole family", async () => {
    const first = await tokensOf(world, party, user);
    const second = await refresh(first);
    expect(await oauthError(refresh(first))).toEqual(invalidGrant);
    expect(await oauthError(refresh(second))).toEqual(invalidGrant);
    expect(await isActive(second.access_token)).toBe(false);
    expect(await isActive(first.access_token)).toBe(false);
  });

  it("used again ends no other family of the same user", async () => {
    const bystander = await tokensOf(world, party, user);
    const first = await tokensOf(world, party, user);
    await refresh(first);
    await oauthError(refresh(first));
    expect(await isActive(bystander.access_token)).toBe(true);
  });

  it("used by several at once is good for exactly one, and the others' reuse ends the family", async () => {
    for (let round = 0; round < 5; round += 1) {
      const first = await tokensOf(world, party, user);
      const results = await Promise.allSettled(Array.from({ length: 4 }, () => refresh(first)));
      const won = results.filter((result) => result.status === "fulfilled");
      expect(won).toHaveLength(1);
      expect(await isActive(won[0]?.value.access_token)).toBe(false);
    }
  });

  it("is refused from another client, and stays good for its own", async () => {
    const first = await tokensOf(world, party, user);
    const other = await world.party(orgId, projectId);
    expect(await oauthError(refresh(first, other))).toEqual(invalidGrant);
    expect((await refresh(first)).access_token).toBeTruthy();
  });

  it("cannot be widened", async () => {
    const first = await tokensOf(world, party, user, "openid offline_access");
    const wider = oidc.refreshTokenGrant(party.config, first.refresh_token ?? "", { scope: "openid email" });
    expect(await oauthError(wider)).toEqual({ status: 400, error: "invalid_scope" });
  });

  it("cut, stretched or changed anywhere is refused without an error inside", async () => {
    const { refresh_token: token = "" } = await tokensOf(world, party, user);
    const changed = [...Array(token.length).keys()].map((at) => token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1));
    for (const wrong of [token.slice(0, -1), `${token}A`, "x".repeat(100_000), ...changed.filter((_, at) => at % 7 === 0)]) {
      const error = await oauthError(oidc.refreshTokenGrant(party.config, wrong));
      expect(["invalid_grant", "invalid_request"], wrong).toContain(error.error);
    }
    expect((await oidc.refreshTokenGrant(party.config, token)).access_token).toBeTruthy();
  });
});

describe("a client with a single session", () => {
  it("gives a user one set of tokens at a time", async () => {
    const single = await world.party(orgId, projectId, { singleSession: true });
    const first = await tokensOf(world, single, user);
    const second = await tokensOf(world, single, user);
    expect(await isActive(first.access_token)).toBe(false);
    expect(await oauthError(refresh(first, single))).toEqual(invalidGrant);
    const third = await refresh(second, single);
    expect(await isActive(second.access_token)).toBe(false);
    expect(await isActive(third.access_token)).toBe(true);
  });

  it("keeps the sessions of other users and other clients", async () => {
    const single = await world.party(orgId, projectId, { singleSession: true });
    const elsewhere = await tokensOf(world, party, user);
    const others = await tokensOf(world, single, await world.user(orgId));
    await tokensOf(world, single, user);
    expect(await isActive(elsewhere.access_token)).toBe(true);
    expect(await isActive(others.access_token)).toBe(true);
  });

  it("ends with one set when a user logs in twice at once", async () => {
    const single = await world.party(orgId, projectId, { singleSession: true });
    const logins = await Promise.all([0, 1, 2].map(() => login(single)));
    const sets = await Promise.all(logins.map(({ stop, request }) => redeem(single, stop, request)));
    const active = await Promise.all(sets.map((set) => isActive(set.access_token)));
    expect(active.filter(Boolean)).toHaveLength(1);
  });
});

async function login(by: Party) {
  const request = await authorization(by, everyScope);
  return { request, stop: await logIn(world.browser(), request.url, user.email) };
}

describe("introspection", () => {
  it("says whose a token is, for what, and until when", async () => {
    const tokens = await tokensOf(world, party, user);
    const answer = await oidc.tokenIntrospection(api.config, tokens.access_token);
    expect(answer).toMatchObject({ active: true, sub: user.id, client_id: party.clientId, iss: world.origin, token_type: "Bearer" });
    expect(answer.scope?.split(" ").toSorted()).toEqual(everyScope.split(" ").toSorted());
    expect(answer.username).toMatch(/^person-\d+@/);
    expect(answer.exp).toBeGreaterThan(Date.now() / 1000);
    expect(JSON.stringify(answer)).not.toContain(tokens.access_token);
  });

  it("says only that it is inactive of a token that is unknown, malformed, or of a client of another project", async () => {
    const tokens = await tokensOf(world, party, user);
    const foreign = await world.party(orgId, await world.project(orgId), { kind: "api", redirectUris: [] });
    const stranger = { config: foreign.config, token: tokens.access_token };
    const malformed = { config: api.config, token: `${tokens.access_token}x` };
    const pat = { config: api.config, token: world.tenants.system.adminToken };
    for (const { config, token } of [stranger, malformed, pat])
      expect(await oidc.tokenIntrospection(config, token)).toEqual({ active: false });
  });

  it("is for clients that prove who they are", async () => {
    const body = new URLSearchParams({ token: (await tokensOf(world, party, user)).access_token });
    const answer = await world.through(`${world.origin}/oauth/v2/introspect`, { method: "POST", body });
    expect([400, 401]).toContain(answer.status);
    expect(await answer.json()).not.toHaveProperty("active");
  });
});

describe("revocation", () => {
  it("of a refresh token ends its family", async () => {
    const tokens = await tokensOf(world, party, user);
    await oidc.tokenRevocation(party.config, tokens.refresh_token ?? "");
    expect(await isActive(tokens.access_token)).toBe(false);
    expect(await oauthError(refresh(tokens))).toEqual(invalidGrant);
  });

  it("of an access token ends it on the APIs, too", async () => {
    const tokens = await tokensOf(world, party, user);
    const rest = restClient(world.tenants.system.baseUrl, tokens.access_token);
    expect((await rest("GET", "/management/v1/orgs/me")).status).not.toBe(401);
    await oidc.tokenRevocation(party.config, tokens.access_token);
    expect((await rest("GET", "/management/v1/orgs/me")).status).toBe(401);
  });

  it("of what is no token is answered like any other (RFC 7009, section 2.2)", async () => {
    await oidc.tokenRevocation(party.config, "nothing");
  });
});

describe("what expired", () => {
  it("opens nothing, and is removed with nothing else", async () => {
    const brief = await world.party(orgId, projectId);
    const dead = await tokensOf(world, brief, user);
    const alive = await tokensOf(world, party, user);
    const client = await world.tenants.connect();
    await client.query("update credentials set expires_at = now() - interval '1 second' where client_id = $1", [brief.clientId]);
    expect(await isActive(dead.access_token)).toBe(false);
    expect(await prune(world.tenants.system.services.db)).toBeGreaterThan(0);
    expect(await isActive(alive.access_token)).toBe(true);
    const { rows } = await client.query("select count(*)::int as left from credentials where client_id = $1", [brief.clientId]);
    expect(rows[0].left).toBe(0);
  });
});
