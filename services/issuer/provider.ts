/**
 * The provider, configured: oidc-provider speaks the protocol, this file says which parts of it and where. Discovery tells
 * exactly what is on.
 */
import type { JsonWebKey } from "node:crypto";
import { type Account, type Configuration, errors, interactionPolicy, type JWK, type KoaContextWithOIDC, Provider } from "oidc-provider";
import { claimsOf, claimsOfScopes, loginNameOf, readAccount } from "./accounts.ts";
import { adapterFactory } from "./adapter.ts";
import { compareDigests, projectMember } from "./client-metadata.ts";
import { existingGrant } from "./grant.ts";
import { renderError, renderLoggedOut, renderLogout } from "./pages.ts";
import { mintOwnTokens } from "./pointers.ts";
import type { Transactions } from "./transaction.ts";

export const paths = {
  authorization: "/oauth/v2/authorize",
  token: "/oauth/v2/token",
  introspection: "/oauth/v2/introspect",
  revocation: "/oauth/v2/revoke",
  jwks: "/oauth/v2/keys",
  userinfo: "/oidc/v1/userinfo",
  end_session: "/oidc/v1/end_session",
} as const;

/** Scopes that say what an access token is for; they open no claim. */
const audienceScopes = ["urn:zitadel:iam:org:project:id:zitadel:aud"];

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

const off = { enabled: false } as const;

/**
 * Makes the provider of an issuer.
 *
 * @param issuer the public URL, without a slash at the end
 */
export function createProvider(issuer: string, keys: readonly JsonWebKey[], cookieKey: string, store: Transactions): Provider {
  const provider = new Provider(issuer, {
    ...protocol,
    adapter: adapterFactory(store),
    jwks: { keys: keys as readonly JWK[] },
    cookies: {
      keys: [cookieKey],
      names: { session: "tenure_session", interaction: "tenure_interaction", resume: "tenure_resume" },
      long: { signed: true, httpOnly: true, sameSite: "lax" },
      short: { signed: true, httpOnly: true, sameSite: "lax" },
    },
    findAccount: (_ctx, sub) => findAccount(store, sub),
    loadExistingGrant: (ctx) => existingGrant(ctx, store),
  });
  // The gateway in front says where people reach it, and over what.
  provider.proxy = true;
  mintOwnTokens(provider);
  compareDigests(provider);
  provider.use(async (ctx, next) => {
    if (ctx.path === paths.token || ctx.path === paths.revocation) {
      return allOrNothing(ctx, next, store, (error) => provider.emit("server_error", ctx, error));
    }
    if (ctx.path === paths.authorization) askForConsent(ctx);
    await next();
    if (ctx.path === paths.introspection) await describe(ctx as unknown as KoaContextWithOIDC, store);
  });
  return provider;
}

const protocol: Configuration = {
  routes: paths,
  responseTypes: ["code"],
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "none"],
  pkce: { required: () => true },
  scopes: ["openid", "offline_access", ...audienceScopes, ...Object.keys(claimsOfScopes).filter((scope) => scope !== "openid")],
  claims: Object.fromEntries(Object.entries(claimsOfScopes).map(([scope, claims]) => [scope, [...claims]])),
  conformIdTokenClaims: true,
  clockTolerance: 0,
  rotateRefreshToken: true,
  // Tokens end with their family, not with the browser's session.
  expiresWithSession: () => false,
  extraClientMetadata: { properties: [projectMember] },
  interactions: { policy: policy(), url: (_ctx, interaction) => `/login/${interaction.uid}` },
  renderError,
  ttl: {
    AuthorizationCode: minute,
    AccessToken: hour,
    IdToken: hour,
    RefreshToken: 30 * day,
    Grant: 90 * day,
    Session: 14 * day,
    Interaction: 30 * minute,
  },
  features: {
    devInteractions: off,
    resourceIndicators: off,
    pushedAuthorizationRequests: off,
    dPoP: off,
    introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => mayIntrospect(client, token) },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => mayRevoke(client, token) },
    rpInitiatedLogout: { enabled: true, logoutSource: renderLogout, postLogoutSuccessSource: renderLoggedOut },
  },
};

class Undone extends Error {}

type Answer = { status: number; body: unknown };

/** A refusal is kept, for it may have ended a family; a token request that broke leaves nothing behind. */
async function allOrNothing(ctx: Answer, next: () => Promise<unknown>, store: Transactions, tell: (error: unknown) => void): Promise<void> {
  try {
    await store.run(async () => {
      await next();
      if (ctx.status >= 500) throw new Undone();
    });
  } catch (error) {
    if (error instanceof Undone) return;
    tell(error);
    ctx.status = 500;
    ctx.body = { error: "server_error", error_description: "the issuer failed; try again" };
  }
}

/** Clients are the installation's own programs: whoever logs in is asked who they are, not whether they allow it. */
function policy(): interactionPolicy.Prompt[] {
  const login = interactionPolicy.base().get("login");
  if (!login) throw new Error("the provider has no login prompt");
  return [login, new interactionPolicy.Prompt({ name: "consent", requestable: true })];
}

/** ZITADEL's clients ask for offline_access alone; the provider gives it only with consent (OpenID Connect Core, section 11). */
function askForConsent(ctx: { query: Record<string, unknown> }): void {
  const { scope, prompt } = ctx.query;
  if (typeof scope !== "string" || !scope.split(" ").includes("offline_access")) return;
  if (prompt === undefined) ctx.query = { ...ctx.query, prompt: "consent" };
  else if (prompt === "login") ctx.query = { ...ctx.query, prompt: "login consent" };
}

async function findAccount(store: Transactions, sub: string): Promise<Account | undefined> {
  const account = await readAccount(store.db, sub);
  return account ? { accountId: account.id, claims: async () => claimsOf(account) } : undefined;
}

type Introspectable = { readonly clientId?: string | undefined };
type Asking = Introspectable & { readonly [projectMember]?: unknown };

/** What is not of the caller's project is inactive to it (RFC 7662, section 2.2). */
async function mayIntrospect(client: Asking, token: Introspectable): Promise<boolean> {
  if (token.clientId === client.clientId) return true;
  const owner = token.clientId === undefined ? undefined : await ownerOf(token.clientId);
  return owner !== undefined && owner === client[projectMember];
}

async function ownerOf(clientId: string): Promise<unknown> {
  const client = await Provider.ctx?.oidc.provider.Client.find(clientId);
  return client?.[projectMember];
}

function mayRevoke(client: Introspectable, token: Introspectable): boolean {
  if (token.clientId === client.clientId) return true;
  throw new errors.InvalidRequest("the token is not of this client");
}

/** Adds to an introspection answer what only the user's row knows. */
async function describe(ctx: KoaContextWithOIDC, store: Transactions): Promise<void> {
  const body = ctx.body as { active?: boolean; sub?: string; [member: string]: unknown };
  if (body?.active !== true || body.sub === undefined) return;
  const account = await readAccount(store.db, body.sub);
  if (account) body.username = loginNameOf(account);
}
