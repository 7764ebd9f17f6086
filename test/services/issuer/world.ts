/** An org with a user, a project and its clients, and a relying party (openid-client) that reaches the issuer through a gateway. */
import * as oidc from "openid-client";
import { expect } from "vitest";
import { createClient, type NewClient } from "../../../services/issuer/clients.ts";
import type { OrgId, ProjectId } from "../../../services/kernel/ids.ts";
import { fresh, person, startWorld as startTenants, type World as Tenants, within } from "../zitadel/world.ts";
import { Browser, type Stop } from "./browser.ts";

export const apiScope = "urn:zitadel:iam:org:project:id:zitadel:aud";
export const redirectUri = "http://127.0.0.1:9/callback";
export const password = "Correct-Horse-7";

export interface User {
  readonly id: string;
  readonly orgId: string;
  readonly email: string;
}

/** A relying party with its client. */
export interface Party {
  readonly config: oidc.Configuration;
  readonly clientId: string;
}

export type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

export interface World {
  readonly tenants: Tenants;
  readonly origin: string;
  /** Reaches the issuer through the gateway. */
  readonly through: typeof fetch;
  user(orgId: string, email?: string): Promise<User>;
  project(orgId: string): Promise<string>;
  /** Makes a client and its relying party. */
  party(orgId: string, projectId: string, more?: Partial<NewClient>): Promise<Party>;
  browser(): Browser;
  close(): Promise<void>;
}

/** A fetch that finds an origin somewhere else. */
export function leading(origin: string, to: string): typeof fetch {
  return (input, init) => {
    const url = new URL(String(input));
    return fetch(url.origin === origin ? `${to}${url.pathname}${url.search}` : url, init);
  };
}

export async function startWorld(): Promise<World> {
  const tenants = await startTenants();
  const { system, admin } = tenants;
  const origin = system.publicUrl;
  const through = leading(origin, system.baseUrl);
  return {
    tenants,
    origin,
    through,
    user: async (orgId, email) => {
      const userName = fresh("person");
      const own = email === undefined ? {} : { email: { email } };
      const body = person(userName, { initialPassword: password, ...own });
      const answer = await admin<{ userId: string }>("POST", "/management/v1/users/human", { ...within(orgId), body });
      expect(answer.status, answer.text).toBe(200);
      return { id: answer.body.userId, orgId, email: email ?? `${userName}@example.com` };
    },
    project: async (orgId) => {
      const answer = await admin<{ id: string }>("POST", "/management/v1/projects", { ...within(orgId), body: { name: fresh("Project") } });
      expect(answer.status, answer.text).toBe(200);
      return answer.body.id;
    },
    party: async (orgId, projectId, more = {}) => {
      const wish = { name: fresh("client"), kind: "oidc", confidential: true, redirectUris: [redirectUri], ...more } as const;
      const place = { orgId: orgId as OrgId, projectId: projectId as ProjectId };
      const actor = { orgId: null, principalId: null, requestId: null };
      const { id, secret } = await createClient(system.services.db, { ...place, ...wish }, actor);
      return { clientId: id, config: await relyingParty(origin, through, id, secret) };
    },
    browser: () => new Browser(origin, through),
    close: () => tenants.close(),
  };
}

/** A relying party that found the issuer by discovery. */
export async function relyingParty(
  origin: string,
  through: typeof fetch,
  clientId: string,
  secret: string | null,
): Promise<oidc.Configuration> {
  const authentication = secret === null ? oidc.None() : oidc.ClientSecretBasic(secret);
  const options = { [oidc.customFetch]: through as oidc.CustomFetch, execute: [oidc.allowInsecureRequests] };
  return oidc.discovery(new URL(origin), clientId, undefined, authentication, options);
}

export interface Request {
  readonly url: URL;
  readonly verifier: string;
  readonly state: string;
}

/** What a relying party sends a browser to. */
export async function authorization({ config }: Party, scope: string, more: Record<string, string> = {}): Promise<Request> {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const code_challenge = await oidc.calculatePKCECodeChallenge(verifier);
  const parameters = { redirect_uri: redirectUri, scope, state, code_challenge, code_challenge_method: "S256", ...more };
  return { url: oidc.buildAuthorizationUrl(config, parameters), verifier, state };
}

/** Types a name and a password. */
export async function logIn(browser: Browser, url: URL, loginName: string, secret = password, org = ""): Promise<Stop> {
  const first = await browser.visit(url);
  const second = await browser.submit(first, { login_name: loginName });
  return browser.submit(second, { password: secret, org });
}

export const everyScope = `openid profile email offline_access ${apiScope}`;

/** The whole way: a login, and the code for tokens. */
export async function tokensOf(world: World, party: Party, user: User, scope = everyScope, browser = world.browser()): Promise<Tokens> {
  const request = await authorization(party, scope);
  const stop = await logIn(browser, request.url, user.email);
  return redeem(party, stop, request);
}

/** The code of a redirect for tokens. */
export function redeem({ config }: Party, { url }: Stop, { verifier, state }: Request): Promise<Tokens> {
  return oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state });
}

/** The OAuth error that a call ends with. */
export async function oauthError(call: Promise<unknown>): Promise<{ status: number; error: string }> {
  const error = await call.then(
    () => expect.fail("the call was answered"),
    (refusal: unknown) => refusal,
  );
  if (error instanceof oidc.ResponseBodyError) return { status: error.status, error: error.error };
  if (error instanceof oidc.WWWAuthenticateChallengeError) return { status: error.status, error: error.cause[0]?.parameters.error ?? "" };
  throw error;
}
