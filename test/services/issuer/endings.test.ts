/**
 * What the issuer gave out, after what it hangs on was deleted: refused on the next use, on the replica that deleted, on
 * another one, and by processes that were started afterwards.
 */
import * as oidc from "openid-client";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_DESCRIPTORS } from "../../../gateway/config.ts";
import { startGateway } from "../../../gateway/server.ts";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { startServices } from "../../../services/server.ts";
import { grpcClient } from "../../support/grpc.ts";
import { restClient } from "../../support/rest.ts";
import { within } from "../zitadel/world.ts";
import type { Browser } from "./browser.ts";
import {
  authorization,
  everyScope,
  leading,
  logIn,
  oauthError,
  type Party,
  type Request,
  startWorld,
  type Tokens,
  tokensOf,
  type User,
  type World,
} from "./world.ts";

let world: World;
let second: Replica;

/** Services with a gateway of their own, on the same database. */
interface Replica {
  readonly baseUrl: string;
  readonly grpcAddress: string;
  close(): Promise<void>;
}

async function startReplica(): Promise<Replica> {
  const { databaseUrl, dataDir, publicUrl } = world.tenants.system;
  const ports = { host: "127.0.0.1", grpcPort: 0, issuerPort: 0 };
  const rest = { publicUrl, adminPat: undefined, issuerKey: undefined, logLevel: "silent", poolSize: 4 };
  const services = await startServices({ databaseUrl, dataDir, ...ports, ...rest }, pino({ level: "silent" }));
  const grpcAddress = `127.0.0.1:${services.port}`;
  const upstreams = { upstream: grpcAddress, issuerUpstream: `127.0.0.1:${services.issuerPort}` };
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    publicUrl,
    descriptors: OWN_DESCRIPTORS,
    logLevel: "silent",
    ...upstreams,
  });
  return {
    baseUrl: gateway.url,
    grpcAddress,
    close: async () => {
      await gateway.close();
      await services.close();
    },
  };
}

beforeAll(async () => {
  world = await startWorld();
  second = await startReplica();
});

afterAll(async () => {
  await second.close();
  await world.close();
});

/** A user, a client of another org, and everything that a login between them gives. */
interface Scene {
  readonly user: User;
  readonly clientOrg: string;
  readonly project: string;
  readonly party: Party;
  readonly api: Party;
  readonly tokens: Tokens;
  /** A code that was not redeemed. */
  readonly pending: { readonly request: Request; readonly at: URL };
  readonly cookies: Browser;
}

async function stage(): Promise<Scene> {
  const clientOrg = await world.tenants.org();
  const project = await world.project(clientOrg);
  const party = await world.party(clientOrg, project);
  const api = await world.party(clientOrg, project, { kind: "api", redirectUris: [] });
  const user = await world.user(await world.tenants.org());
  const cookies = world.browser();
  const tokens = await tokensOf(world, party, user, everyScope, cookies);
  const request = await authorization(party, everyScope);
  const { url: at } = await cookies.visit(request.url);
  return { user, clientOrg, project, party, api, tokens, pending: { request, at }, cookies };
}

/** The relying party, which from now on goes by way of a replica. */
function via(replica: Replica, { config, ...party }: Party): Party {
  config[oidc.customFetch] = leading(world.origin, replica.baseUrl) as oidc.CustomFetch;
  return { ...party, config };
}

/** What each use is answered with. */
async function uses(scene: Scene, replica: Replica): Promise<Record<string, unknown>> {
  const { tokens, pending } = scene;
  const party = via(replica, scene.party);
  const api = via(replica, scene.api);
  const grpc = grpcClient(replica.grpcAddress, ManagementServiceService, tokens.access_token);
  const redeeming = { pkceCodeVerifier: pending.request.verifier, expectedState: pending.request.state };
  const { url: silent } = await authorization(party, everyScope, { prompt: "none" });
  const cookies = scene.cookies.through(leading(world.origin, replica.baseUrl));
  const stop = await cookies.visit(silent);
  const result = {
    rest: (await restClient(replica.baseUrl, tokens.access_token)("GET", "/management/v1/orgs/me")).status,
    grpc: await grpc.call("getMyOrg", {}).catch((error: { code: number }) => error.code),
    introspection: await oidc.tokenIntrospection(api.config, tokens.access_token).catch(({ status }) => status),
    refreshIntrospection: await oidc.tokenIntrospection(api.config, tokens.refresh_token ?? "").catch(({ status }) => status),
    userinfo: await oauthError(oidc.fetchUserInfo(party.config, tokens.access_token, scene.user.id)),
    refresh: await oauthError(oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? "")),
    code: await oauthError(oidc.authorizationCodeGrant(party.config, pending.at, redeeming)),
    cookie: stop.url.origin === world.origin ? stop.status : stop.url.searchParams.get("error"),
  };
  grpc.close();
  return result;
}

const userGone = {
  rest: 401,
  grpc: 16,
  introspection: { active: false },
  refreshIntrospection: { active: false },
  userinfo: { status: 401, error: "invalid_token" },
  refresh: { status: 400, error: "invalid_grant" },
  code: { status: 400, error: "invalid_grant" },
  cookie: "login_required",
};

/** The client is gone with its project: it is not known any more, and neither is who asks for the same project. */
const clientGone = {
  ...userGone,
  introspection: 401,
  refreshIntrospection: 401,
  refresh: { status: 401, error: "invalid_client" },
  code: { status: 401, error: "invalid_client" },
  cookie: 400,
};

type Ending = {
  readonly what: string;
  readonly path: (scene: Scene) => string;
  readonly org?: (scene: Scene) => string;
  readonly after: object;
};

const endings: readonly Ending[] = [
  { what: "the user", path: ({ user }) => `/management/v1/users/${user.id}`, org: ({ user }) => user.orgId, after: userGone },
  { what: "the user's org", path: ({ user }) => `/admin/v1/orgs/${user.orgId}`, after: userGone },
  {
    what: "the client's project",
    path: ({ project }) => `/management/v1/projects/${project}`,
    org: ({ clientOrg }) => clientOrg,
    after: clientGone,
  },
  { what: "the client's org", path: ({ clientOrg }) => `/admin/v1/orgs/${clientOrg}`, after: clientGone },
];

describe("after the delete of", () => {
  it.each(endings)("$what everything that a login gave is refused, on every replica and after a restart", async ({ path, org, after }) => {
    const scene = await stage();
    const first = world.tenants.system;
    expect((await oidc.tokenIntrospection(scene.api.config, scene.tokens.access_token)).active).toBe(true);
    expect((await oidc.fetchUserInfo(via(second, scene.party).config, scene.tokens.access_token, scene.user.id)).sub).toBe(scene.user.id);
    const call = org ? within(org(scene)) : {};
    expect((await world.tenants.admin("DELETE", path(scene), call)).status).toBe(200);
    expect(await uses(scene, second)).toEqual(after);
    expect(await uses(scene, first)).toEqual(after);
    const restarted = await startReplica();
    expect(await uses(scene, restarted)).toEqual(after);
    await restarted.close();
  });

  it("the user, no refresh that started afterwards succeeds, and none that ran meanwhile leaves a token that works", async () => {
    const { user, party, api } = await stage();
    const families = await Promise.all(Array.from({ length: 8 }, () => tokensOf(world, party, user)));
    let isDeleted = false;
    const refreshing = families.map(async ({ refresh_token: token = "" }) => {
      const got: { access: string; late: boolean }[] = [];
      for (let refresh = token; ; ) {
        const late = isDeleted;
        const next = await oidc.refreshTokenGrant(party.config, refresh).catch(() => null);
        if (!next) return got;
        got.push({ access: next.access_token, late });
        refresh = next.refresh_token ?? "";
      }
    });
    await Promise.all(families.slice(0, 1).map(({ access_token }) => oidc.fetchUserInfo(party.config, access_token, user.id)));
    expect((await world.tenants.admin("DELETE", `/management/v1/users/${user.id}`, within(user.orgId))).status).toBe(200);
    isDeleted = true;
    const got = (await Promise.all(refreshing)).flat();
    expect(got.filter(({ late }) => late)).toEqual([]);
    const active = await Promise.all(got.slice(-20).map(({ access }) => oidc.tokenIntrospection(api.config, access)));
    expect(active.filter((answer) => answer.active)).toEqual([]);
  });

  it("the user, nothing of the logins is left", async () => {
    const { user } = await stage();
    await world.tenants.admin("DELETE", `/management/v1/users/${user.id}`, within(user.orgId));
    const client = await world.tenants.connect();
    await expect
      .poll(async () => {
        const rows = await client.query(
          "select 1 from credentials where principal_id = $1 union all select 1 from issuer_artifacts where principal_id = $1 or payload::text like '%' || $1::text || '%'",
          [user.id],
        );
        return rows.rowCount;
      })
      .toBe(0);
  });
});

describe("a user or client that is switched off", () => {
  it("is refused until it is on again", async () => {
    const { user, project, party, api, tokens } = await stage();
    const client = await world.tenants.connect();
    const isActive = async () => (await oidc.tokenIntrospection(api.config, tokens.access_token)).active;
    for (const state of ["inactive", "locked"]) {
      await client.query("update principals set state = $2 where id = $1", [user.id, state]);
      expect(await isActive()).toBe(false);
      const { url } = await authorization(party, "openid");
      expect((await logIn(world.browser(), url, user.email)).status).toBe(401);
    }
    await client.query("update principals set state = 'active' where id = $1", [user.id]);
    expect(await isActive()).toBe(true);
    await client.query("update projects set state = 'inactive' where id = $1", [project]);
    expect((await restClient(world.tenants.system.baseUrl, tokens.access_token)("GET", "/management/v1/orgs/me")).status).toBe(401);
    const { url } = await authorization(party, "openid");
    expect((await world.browser().visit(url)).status).toBe(400);
  });
});

describe("a generation that is past", () => {
  it.each([
    ["the user's", "principals", ({ user }: Scene) => user.id],
    ["the user's org's", "orgs", ({ user }: Scene) => user.orgId],
    ["the client's project's", "projects", ({ project }: Scene) => project],
    ["the client's org's", "orgs", ({ clientOrg }: Scene) => clientOrg],
  ])("ends what was given out under it, also when all are alive again: %s", async (whose, table, id) => {
    const scene = await stage();
    const client = await world.tenants.connect();
    await client.query(`update ${table} set generation = generation + 1 where id = $1`, [id(scene)]);
    const { cookie, ...rest } = await uses(scene, world.tenants.system);
    const { cookie: _, ...gone } = userGone;
    expect(rest).toEqual(gone);
    // A browser's session is its user's, whatever became of one client.
    expect(cookie).toBe(whose.startsWith("the user") ? "login_required" : null);
    expect((await tokensOf(world, scene.party, scene.user)).access_token).toBeTruthy();
  });
});
