/**
 * Access dies first, generated: every kind of token x every way to end it x every path x every replica, before and after a
 * restart. And the race: no use succeeds that started after the delete was answered.
 */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_DESCRIPTORS } from "../gateway/config.ts";
import { startGateway } from "../gateway/server.ts";
import { ManagementServiceService as Management } from "../proto/gen/zitadel/management/v1/management.ts";
import { startServices } from "../services/server.ts";
import { grpcClient } from "./support/grpc.ts";
import { grpcWebClient } from "./support/grpcweb.ts";
import { type Rest, restClient } from "./support/rest.ts";
import { type System, startSystem } from "./support/system.ts";

interface Replica {
  readonly baseUrl: string;
  readonly grpcAddress: string;
  close(): Promise<void>;
}

let system: System;
let second: Replica;
let rest: Rest;
let serial = 0;

/** Another services process in all but name, with a gateway of its own, over the same database. */
async function startReplica(): Promise<Replica> {
  const host = "127.0.0.1";
  const publicUrl = "http://localhost:8080";
  const { databaseUrl } = system;
  const services = await startServices(
    {
      databaseUrl,
      dataDir: system.dataDir,
      host,
      grpcPort: 0,
      issuerPort: 0,
      issuerKey: undefined,
      publicUrl,
      adminPat: undefined,
      logLevel: "silent",
      poolSize: 8,
    },
    pino({ level: "silent" }),
  );
  const grpcAddress = `${host}:${services.port}`;
  const gateway = await startGateway({
    host,
    port: 0,
    upstream: grpcAddress,
    issuerUpstream: grpcAddress,
    publicUrl,
    descriptors: OWN_DESCRIPTORS,
    logLevel: "silent",
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
  system = await startSystem();
  second = await startReplica();
  rest = restClient(system.baseUrl, system.adminToken);
});
afterAll(async () => {
  await second.close();
  await system.close();
});

/** A token and what stands above it. */
interface Holder {
  readonly token: string;
  readonly tokenId?: string;
  readonly orgId: string;
  readonly id: string;
  readonly projectId?: string;
}

async function post<Body>(path: string, body: object, orgId?: string): Promise<Body> {
  const answer = await rest<Body>("POST", path, { body, ...(orgId ? { headers: { "x-zitadel-orgid": orgId } } : {}) });
  expect(answer.status, `${path} ${answer.text}`).toBeLessThan(300);
  return answer.body;
}

const addOrg = async () => (await post<{ id: string }>("/management/v1/orgs", { name: `death-${++serial}` })).id;
const own = (orgId: string, userId: string) => post("/management/v1/orgs/me/members", { userId, roles: ["ORG_OWNER"] }, orgId);
const machine = async (orgId: string) =>
  (await post<{ userId: string }>("/management/v1/users/machine", { userName: `m-${++serial}`, name: "M" }, orgId)).userId;
type Minted = { id: string; token: string };
const mint = (orgId: string, id: string) => post<Minted>(`/tenure/v1/orgs/${orgId}/principals/${id}/tokens`, {});

const kinds: Readonly<Record<string, () => Promise<Holder>>> = {
  "a machine's personal access token": async () => {
    const orgId = await addOrg();
    const id = await machine(orgId);
    await own(orgId, id);
    const { token, tokenId } = await post<{ token: string; tokenId: string }>(`/management/v1/users/${id}/pats`, {}, orgId);
    return { token, tokenId, orgId, id };
  },
  "a human's token": async () => {
    const orgId = await addOrg();
    const body = {
      userName: `h-${++serial}`,
      profile: { firstName: "A", lastName: "B" },
      email: { email: "a@example.com", isEmailVerified: true },
    };
    const { userId } = await post<{ userId: string }>("/management/v1/users/human", body, orgId);
    await own(orgId, userId);
    const minted = await mint(orgId, userId);
    return { token: minted.token, tokenId: minted.id, orgId, id: userId };
  },
  "a service account's token": async () => {
    const orgId = await addOrg();
    type Account = { metadata: { id: string }; status: { accessToken: string } };
    const body = { metadata: { name: "sa" }, spec: { groupIDs: [] } };
    const { metadata, status } = await post<Account>(`/api/v1/organizations/${orgId}/serviceaccounts`, body);
    await own(orgId, metadata.id);
    return { token: status.accessToken, orgId, id: metadata.id };
  },
  "a project's identity's token": async () => {
    const orgId = await addOrg();
    const projectId = (await post<{ id: string }>("/management/v1/projects", { name: "P" }, orgId)).id;
    const { identity } = await post<{ identity: { id: string } }>(`/api/v1/projects/${projectId}/identities`, { name: "B" });
    await own(orgId, identity.id);
    const minted = await mint(orgId, identity.id);
    return { token: minted.token, tokenId: minted.id, orgId, id: identity.id, projectId };
  },
};

type End = (holder: Holder) => Promise<{ status: number; text: string }>;
const remove = (path: string, orgId?: string) => rest("DELETE", path, orgId ? { headers: { "x-zitadel-orgid": orgId } } : {});

/** Every way to end a token, by what it ends, with the kinds that it applies to. */
const ends: Readonly<Record<string, { readonly end: End; readonly applies: (kind: string) => boolean }>> = {
  "its org is removed": { end: (h) => remove(`/admin/v1/orgs/${h.orgId}`), applies: () => true },
  "its principal is removed over ZITADEL": { end: (h) => remove(`/management/v1/users/${h.id}`, h.orgId), applies: () => true },
  "its principal is removed over nscale": {
    end: async (h) => {
      const user = await remove(`/api/v1/organizations/${h.orgId}/users/${h.id}`);
      return user.status === 404 ? remove(`/api/v1/organizations/${h.orgId}/serviceaccounts/${h.id}`) : user;
    },
    applies: () => true,
  },
  "its identity is removed over Infisical": {
    end: (h) => remove(`/api/v1/projects/${h.projectId}/identities/${h.id}`),
    applies: (kind) => kind.startsWith("a project's"),
  },
  "its project is removed": {
    end: (h) => remove(`/api/v1/organizations/${h.orgId}/projects/${h.projectId}`),
    applies: (kind) => kind.startsWith("a project's"),
  },
  "it is revoked": {
    end: (h) => remove(`/tenure/v1/orgs/${h.orgId}/principals/${h.id}/tokens/${h.tokenId}`),
    applies: (kind) => !kind.startsWith("a service"),
  },
  "it is rotated": {
    end: (h) => rest("POST", `/api/v1/organizations/${h.orgId}/serviceaccounts/${h.id}/rotate`),
    applies: (kind) => kind.startsWith("a service"),
  },
  "its user is suspended": {
    end: (h) =>
      rest("PUT", `/api/v1/organizations/${h.orgId}/users/${h.id}`, {
        body: { spec: { subject: "a@example.com", state: "suspended", groupIDs: [] } },
      }),
    applies: (kind) => kind.startsWith("a human"),
  },
};

/** Every path to a replica; each answers whether the token opened it, and how it was refused. */
const paths: Readonly<Record<string, (at: Replica, holder: Holder) => Promise<string>>> = {
  "ZITADEL over REST": (at, h) => status(at, h, "/management/v1/orgs/me"),
  "nscale over REST": (at, h) => status(at, h, `/api/v1/organizations/${h.orgId}/users`),
  "Infisical over REST": (at, h) => status(at, h, `/api/v1/identities/${h.id}`),
  "Tenure over REST": (at, h) => status(at, h, `/tenure/v1/orgs/${h.orgId}/principals/${h.id}/tokens`),
  gRPC: async (at, h) => {
    const client = grpcClient(at.grpcAddress, Management, h.token);
    const code = await client.call("getMyOrg", {}).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    client.close();
    return code === 16 ? "refused" : `code ${code}`;
  },
  "gRPC-web": async (at, h) => {
    const { code } = await grpcWebClient(at.baseUrl, h.token)(Management, "getMyOrg", {});
    return code === 16 ? "refused" : `code ${code}`;
  },
};

async function status(at: Replica, holder: Holder, path: string): Promise<string> {
  const answer = await restClient(at.baseUrl, holder.token)("GET", path);
  return answer.status === 401 ? "refused" : `status ${answer.status}`;
}

async function everywhere(replicas: readonly Replica[], holder: Holder): Promise<string[]> {
  return Promise.all(replicas.flatMap((at) => Object.values(paths).map((path) => path(at, holder))));
}

const matrix = Object.entries(kinds).flatMap(([kind, make]) =>
  Object.entries(ends)
    .filter(([, { applies }]) => applies(kind))
    .map(([how, { end }]) => ({ kind, make, how, end })),
);
const dead: Holder[] = [];

describe("access dies first", () => {
  it.each(matrix)("$kind opens nothing anywhere once $how", async ({ make, end }) => {
    const holder = await make();
    const replicas: Replica[] = [system, second];
    expect(new Set(await everywhere(replicas, holder))).not.toContain("refused");
    const answer = await end(holder);
    expect(answer.status, answer.text).toBeLessThan(300);
    expect(new Set(await everywhere(replicas, holder))).toEqual(new Set(["refused"]));
    dead.push(holder);
  });

  it("stays dead for a replica that started afterwards", async () => {
    const third = await startReplica();
    expect(dead.length).toBe(matrix.length);
    for (const holder of dead) expect(new Set(await everywhere([third], holder))).toEqual(new Set(["refused"]));
    await third.close();
  });

  it("lets no use succeed that started after the delete was answered, with 64 users on two replicas", async () => {
    const make = kinds["a machine's personal access token"];
    const holder = await make?.();
    if (!holder) throw new Error("no such kind");
    const clients = [system.grpcAddress, second.grpcAddress].map((address) => grpcClient(address, Management, holder.token));
    let answered = Number.POSITIVE_INFINITY;
    let over = false;
    const late: number[] = [];
    let accepted = 0;
    const users = Array.from({ length: 64 }, async (_, index) => {
      while (!over) {
        const started = performance.now();
        const ok = await clients[index % 2]?.call("getMyOrg", {}).then(
          () => true,
          () => false,
        );
        if (ok) accepted++;
        if (ok && started > answered) late.push(started - answered);
      }
    });
    await expect.poll(() => accepted, { timeout: 10_000 }).toBeGreaterThan(200);
    expect((await remove(`/admin/v1/orgs/${holder.orgId}`)).status).toBe(200);
    answered = performance.now();
    const until = accepted;
    await expect.poll(() => performance.now() - answered, { timeout: 5_000 }).toBeGreaterThan(500);
    over = true;
    await Promise.all(users);
    for (const client of clients) client.close();
    expect(until).toBeGreaterThan(0);
    expect(late).toEqual([]);
  });
});
