/** The code flow with PKCE, from the relying party's redirect to tokens that the APIs take. */
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import { expectError, grpcError } from "../zitadel/world.ts";
import {
  apiScope,
  authorization,
  everyScope,
  logIn,
  oauthError,
  type Party,
  redeem,
  redirectUri,
  startWorld,
  tokensOf,
  type User,
  type World,
} from "./world.ts";

let world: World;
let orgId: string;
let projectId: string;
let party: Party;
let user: User;

beforeAll(async () => {
  world = await startWorld();
  orgId = await world.tenants.org();
  projectId = await world.project(orgId);
  party = await world.party(orgId, projectId);
  user = await world.user(orgId);
  const owner = { headers: { "x-zitadel-orgid": orgId }, body: { userId: user.id, roles: ["ORG_OWNER"] } };
  expect((await world.tenants.admin("POST", "/management/v1/orgs/me/members", owner)).status).toBe(200);
});

afterAll(() => world.close());

describe("discovery", () => {
  it("advertises exactly the endpoints that there are, all under the public URL", async () => {
    const metadata = party.config.serverMetadata();
    const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(metadata.issuer).toBe(world.origin);
    expect(Object.fromEntries(endpoints)).toEqual({
      authorization_endpoint: `${world.origin}/oauth/v2/authorize`,
      token_endpoint: `${world.origin}/oauth/v2/token`,
      introspection_endpoint: `${world.origin}/oauth/v2/introspect`,
      revocation_endpoint: `${world.origin}/oauth/v2/revoke`,
      jwks_uri: `${world.origin}/oauth/v2/keys`,
      userinfo_endpoint: `${world.origin}/oidc/v1/userinfo`,
      end_session_endpoint: `${world.origin}/oidc/v1/end_session`,
    });
    expect(metadata.response_types_supported).toEqual(["code"]);
    expect(metadata.code_challenge_methods_supported).toEqual(["S256"]);
    expect(metadata.grant_types_supported?.toSorted()).toEqual(["authorization_code", "refresh_token"]);
  });

  it.each(["/oauth/v2/TOKEN", "/oauth/v2/token/", "/oauth/v2/%74oken", "/oauth/v2/register", "/oidc/callback", "/oauth2/v2/constructor"])(
    "is all there is: no other spelling leads anywhere (%s)",
    async (path) => {
      expect((await world.through(`${world.origin}${path}`, { method: "POST" })).status).toBe(404);
    },
  );

  it("publishes keys without their private parts", async () => {
    const { keys } = (await (await world.through(`${world.origin}/oauth/v2/keys`)).json()) as { keys: Record<string, unknown>[] };
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });
});

describe("a login", () => {
  it("ends with tokens for the user, whose ID token and claims hold", async () => {
    const tokens = await tokensOf(world, party, user);
    expect(tokens.claims()).toMatchObject({ sub: user.id, aud: party.clientId, iss: world.origin });
    expect(tokens.access_token).toMatch(/^tnr_at_/);
    expect(tokens.refresh_token).toMatch(/^tnr_rt_/);
    expect(await oidc.fetchUserInfo(party.config, tokens.access_token, user.id)).toMatchObject({
      sub: user.id,
      email: user.email,
      given_name: "Ada",
      family_name: "Byron",
    });
  });

  it("is not needed twice in one browser", async () => {
    const browser = world.browser();
    await tokensOf(world, party, user, everyScope, browser);
    const request = await authorization(party, everyScope);
    const tokens = await redeem(party, await browser.visit(request.url), request);
    expect(tokens.claims()?.sub).toBe(user.id);
  });

  it("works for a program that keeps no secret", async () => {
    const spa = await world.party(orgId, projectId, { confidential: false });
    expect((await tokensOf(world, spa, user)).claims()?.sub).toBe(user.id);
  });

  it("works under the other family's paths", async () => {
    const request = await authorization(party, "openid");
    const url = new URL(request.url.href.replace("/oauth/v2/authorize", "/oauth2/v2/authorization"));
    expect((await redeem(party, await logIn(world.browser(), url, user.email), request)).claims()?.sub).toBe(user.id);
    expect((await world.through(`${world.origin}/oauth2/v2/jwks`)).status).toBe(200);
  });

  it("stores nothing that was presented", async () => {
    const tokens = await tokensOf(world, party, user);
    const client = await world.tenants.connect();
    const { rows } = await client.query(
      "select to_jsonb(c)::text as row from credentials c union all select to_jsonb(a)::text from issuer_artifacts a",
    );
    const all = rows.map(({ row }) => row).join("\n");
    expect(all).toContain(user.id);
    expect(all).not.toContain(tokens.access_token);
    expect(all).not.toContain(tokens.refresh_token);
  });
});

describe("an access token", () => {
  const path = "/management/v1/orgs/me";

  it("opens the APIs, over REST and gRPC", async () => {
    const { access_token: token } = await tokensOf(world, party, user);
    const answer = await restClient(world.tenants.system.baseUrl, token)<{ org: { id: string } }>("GET", path);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.org.id).toBe(orgId);
    const grpc = grpcClient(world.tenants.system.grpcAddress, ManagementServiceService, token);
    expect(await grpc.call("getMyOrg", {})).toMatchObject({ org: { id: orgId } });
    grpc.close();
  });

  it("opens nothing of ZITADEL's APIs without their scope", async () => {
    const { access_token: token } = await tokensOf(world, party, user, "openid profile");
    expectError(await restClient(world.tenants.system.baseUrl, token)("GET", path), 401, 16, "AUTH-7fs1e");
    const grpc = grpcClient(world.tenants.system.grpcAddress, ManagementServiceService, token);
    expect(await grpcError(grpc.call("getMyOrg", {}))).toMatchObject({ code: 16, id: "AUTH-7fs1e" });
    grpc.close();
  });

  it("is the only one of the issuer's tokens that the APIs take", async () => {
    const tokens = await tokensOf(world, party, user);
    const answer = await restClient(world.tenants.system.baseUrl, tokens.refresh_token)("GET", path);
    expectError(answer, 401, 16, "AUTH-7fs1e");
  });

  it("gives no more than its user has", async () => {
    const stranger = await world.user(await world.tenants.org());
    const { access_token: token } = await tokensOf(world, party, stranger);
    expect((await restClient(world.tenants.system.baseUrl, token)("GET", path)).status).toBe(403);
  });
});

describe("an authorization request", () => {
  it.each([
    ["another path", `${redirectUri}/more`],
    ["a query more", `${redirectUri}?a=b`],
    ["another port", "http://127.0.0.1:10/callback"],
    ["another host", "http://127.0.0.1.evil.test:9/callback"],
    ["another scheme", "https://127.0.0.1:9/callback"],
    ["a fragment", `${redirectUri}#x`],
    ["dots", "http://127.0.0.1:9/x/../callback%2f"],
  ])("is refused on the spot when its redirect URI has %s", async (_, redirect_uri) => {
    const { url } = await authorization(party, "openid", { redirect_uri });
    const stop = await world.browser().visit(url);
    expect({ status: stop.status, at: stop.url.origin }).toEqual({ status: 400, at: world.origin });
  });

  it("is refused without PKCE, also to a client with a secret", async () => {
    const { url } = await authorization(party, "openid");
    url.searchParams.delete("code_challenge");
    url.searchParams.delete("code_challenge_method");
    const stop = await world.browser().visit(url);
    expect(stop.url.searchParams.get("error")).toBe("invalid_request");
    const plain = await authorization(party, "openid", { code_challenge_method: "plain" });
    expect((await world.browser().visit(plain.url)).url.searchParams.get("error")).toBe("invalid_request");
  });

  it("that asks for no page is told that a login is required", async () => {
    const { url } = await authorization(party, "openid", { prompt: "none" });
    expect((await world.browser().visit(url)).url.searchParams.get("error")).toBe("login_required");
  });
});

describe("a code", () => {
  it("is refused with another verifier, and from another client", async () => {
    const request = await authorization(party, "openid");
    const stop = await logIn(world.browser(), request.url, user.email);
    const wrong = { ...request, verifier: oidc.randomPKCECodeVerifier() };
    expect(await oauthError(redeem(party, stop, wrong))).toEqual({ status: 400, error: "invalid_grant" });
    const other = await world.party(orgId, projectId);
    expect(await oauthError(redeem(other, stop, request))).toEqual({ status: 400, error: "invalid_grant" });
    expect((await redeem(party, stop, request)).claims()?.sub).toBe(user.id);
  });

  it("used twice is refused, and ends what the first use gave", async () => {
    const request = await authorization(party, `openid ${apiScope}`);
    const stop = await logIn(world.browser(), request.url, user.email);
    const { access_token: token } = await redeem(party, stop, request);
    const rest = restClient(world.tenants.system.baseUrl, token);
    expect((await rest("GET", "/management/v1/orgs/me")).status).toBe(200);
    expect(await oauthError(redeem(party, stop, request))).toEqual({ status: 400, error: "invalid_grant" });
    expect((await rest("GET", "/management/v1/orgs/me")).status).toBe(401);
  });
});

describe("a client", () => {
  it("is refused with a wrong secret, and with the digest of its secret", async () => {
    const request = await authorization(party, "openid");
    const stop = await logIn(world.browser(), request.url, user.email);
    const db = world.tenants.system.services.db;
    const row = await db
      .selectFrom("clients")
      .select("secret_digest")
      .where("org_id", "=", orgId as never)
      .executeTakeFirstOrThrow();
    for (const secret of ["wrong", row.secret_digest?.toString("base64url") ?? ""]) {
      const config = new oidc.Configuration(party.config.serverMetadata(), party.clientId, undefined, oidc.ClientSecretBasic(secret));
      config[oidc.customFetch] = world.through as oidc.CustomFetch;
      oidc.allowInsecureRequests(config);
      expect((await oauthError(redeem({ ...party, config }, stop, request))).status).toBe(401);
    }
  });
});

describe("logging out", () => {
  it("ends the browser's session", async () => {
    const browser = world.browser();
    const tokens = await tokensOf(world, party, user, "openid", browser);
    const url = oidc.buildEndSessionUrl(party.config, { id_token_hint: tokens.id_token ?? "" });
    const asked = await browser.visit(url);
    expect(asked.text).toContain("Log out?");
    expect((await browser.submit(asked, { logout: "yes" })).text).toContain("Logged out");
    const { url: again } = await authorization(party, "openid", { prompt: "none" });
    expect((await browser.visit(again)).url.searchParams.get("error")).toBe("login_required");
  });
});
