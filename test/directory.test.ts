/** One directory: what any dialect creates, every dialect can delete, and then no dialect shows it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManagementServiceService as Nscale } from "../proto/gen/nscale/identity/v1/management.ts";
import { AdminServiceService as ZitadelAdmin } from "../proto/gen/zitadel/admin/v1/admin.ts";
import { grpcWebClient } from "./support/grpcweb.ts";
import { type Rest, restClient } from "./support/rest.ts";
import { type System, startSystem } from "./support/system.ts";

let system: System;
let rest: Rest;
let serial = 0;
beforeAll(async () => {
  system = await startSystem();
  rest = restClient(system.baseUrl, system.adminToken);
});
afterAll(() => system.close());

/** Where something was made: its id, its org, and the project for what a project owns. */
interface Made {
  readonly id: string;
  readonly orgId: string;
  readonly projectId?: string;
}

const inOrg = (orgId: string) => ({ "x-zitadel-orgid": orgId });
const fresh = (word: string) => `${word}-${++serial}`;

async function ok<Body = Record<string, unknown>>(...call: Parameters<Rest>): Promise<Body> {
  const answer = await rest<Body>(...call);
  expect(answer.status, `${call[0]} ${call[1]}: ${answer.text}`).toBeLessThan(300);
  return answer.body;
}

async function addOrg(): Promise<string> {
  return (await ok<{ id: string }>("POST", "/management/v1/orgs", { body: { name: fresh("org") } })).id;
}

async function addProject(orgId: string): Promise<string> {
  return (await ok<{ id: string }>("POST", "/management/v1/projects", { headers: inOrg(orgId), body: { name: fresh("project") } })).id;
}

type Metadata = { metadata: { id: string } };
type Maker = () => Promise<Made>;
type Remover = readonly [expected: number, path: (made: Made) => string];
type Reader = (made: Made) => Promise<boolean>;

interface Kind {
  readonly makers: Readonly<Record<string, Maker>>;
  readonly removers: Readonly<Record<string, Remover>>;
  /** Whether each dialect shows it. */
  readonly readers: Readonly<Record<string, Reader>>;
}

const nscale = (made: Made, rest_ = "") => `/api/v1/organizations/${made.orgId}${rest_}`;

const listed =
  (path: (made: Made) => string): Reader =>
  async (made) => {
    const { status, body } = await rest<Metadata[]>("GET", path(made));
    return status === 200 && body.some((item) => item.metadata.id === made.id);
  };

const zitadelUser: Reader = async (made) =>
  (await rest("GET", `/management/v1/users/${made.id}`, { headers: inOrg(made.orgId) })).status === 200;

const orgs: Kind = {
  makers: {
    "ZITADEL's Management": async () => {
      const id = await addOrg();
      return { id, orgId: id };
    },
    "ZITADEL's Admin": async () => {
      const human = {
        userName: fresh("root"),
        profile: { firstName: "A", lastName: "B" },
        email: { email: "a@example.com", isEmailVerified: true },
      };
      const { orgId } = await ok<{ orgId: string }>("POST", "/admin/v1/orgs/_setup", { body: { org: { name: fresh("org") }, human } });
      return { id: orgId, orgId };
    },
    nscale: async () => {
      const body = { metadata: { name: fresh("org") }, spec: { organizationType: "adhoc" } };
      const { id } = (await ok<Metadata>("POST", "/api/v1/organizations", { body })).metadata;
      return { id, orgId: id };
    },
  },
  removers: {
    "ZITADEL's Admin": [200, (made) => `/admin/v1/orgs/${made.id}`],
    "ZITADEL's Management": [200, () => "/management/v1/orgs/me"],
  },
  readers: {
    ZITADEL: async (made) => (await rest("GET", `/admin/v1/orgs/${made.id}`)).status === 200,
    nscale: async (made) => (await rest("GET", nscale(made))).status === 200,
  },
};

const projects: Kind = {
  makers: {
    ZITADEL: async () => {
      const orgId = await addOrg();
      return { id: await addProject(orgId), orgId };
    },
    nscale: async () => {
      const orgId = await addOrg();
      const body = { metadata: { name: fresh("project") }, spec: { groupIDs: [] } };
      return { id: (await ok<Metadata>("POST", `/api/v1/organizations/${orgId}/projects`, { body })).metadata.id, orgId };
    },
  },
  removers: {
    ZITADEL: [200, (made) => `/management/v1/projects/${made.id}`],
    nscale: [202, (made) => nscale(made, `/projects/${made.id}`)],
  },
  readers: {
    ZITADEL: async (made) => (await rest("GET", `/management/v1/projects/${made.id}`, { headers: inOrg(made.orgId) })).status === 200,
    nscale: listed((made) => nscale(made, "/projects")),
    Infisical: async (made) => (await rest("GET", `/api/v1/projects/${made.id}/identities`)).status === 200,
  },
};

const humans: Kind = {
  makers: {
    ZITADEL: async () => {
      const orgId = await addOrg();
      const body = { userName: fresh("jo"), profile: { firstName: "J", lastName: "O" }, email: { email: `${fresh("jo")}@example.com` } };
      return { id: (await ok<{ userId: string }>("POST", "/management/v1/users/human", { headers: inOrg(orgId), body })).userId, orgId };
    },
    nscale: async () => {
      const orgId = await addOrg();
      const body = { spec: { subject: `${fresh("jo")}@example.com`, state: "active", groupIDs: [] } };
      return { id: (await ok<Metadata>("POST", `/api/v1/organizations/${orgId}/users`, { body })).metadata.id, orgId };
    },
  },
  removers: { ZITADEL: [200, (made) => `/management/v1/users/${made.id}`], nscale: [200, (made) => nscale(made, `/users/${made.id}`)] },
  readers: { ZITADEL: zitadelUser, nscale: listed((made) => nscale(made, "/users")) },
};

const machines: Kind = {
  makers: {
    ZITADEL: async () => {
      const orgId = await addOrg();
      const body = { userName: fresh("bot"), name: "Bot" };
      return { id: (await ok<{ userId: string }>("POST", "/management/v1/users/machine", { headers: inOrg(orgId), body })).userId, orgId };
    },
    nscale: async () => {
      const orgId = await addOrg();
      const body = { metadata: { name: fresh("bot") }, spec: { groupIDs: [] } };
      return { id: (await ok<Metadata>("POST", `/api/v1/organizations/${orgId}/serviceaccounts`, { body })).metadata.id, orgId };
    },
  },
  removers: {
    ZITADEL: [200, (made) => `/management/v1/users/${made.id}`],
    nscale: [200, (made) => nscale(made, `/serviceaccounts/${made.id}`)],
    Infisical: [200, (made) => `/api/v1/identities/${made.id}`],
  },
  readers: { ZITADEL: zitadelUser, nscale: listed((made) => nscale(made, "/serviceaccounts")) },
};

const projectMachines: Kind = {
  makers: {
    Infisical: async () => {
      const orgId = await addOrg();
      const projectId = await addProject(orgId);
      const { identity } = await ok<{ identity: { id: string } }>("POST", `/api/v1/projects/${projectId}/identities`, {
        body: { name: "bot" },
      });
      return { id: identity.id, orgId, projectId };
    },
  },
  removers: {
    ...machines.removers,
    Infisical: [200, (made) => `/api/v1/projects/${made.projectId}/identities/${made.id}`],
  },
  readers: {
    ...machines.readers,
    Infisical: async (made) => (await rest("GET", `/api/v1/projects/${made.projectId}/identities/${made.id}`)).status === 200,
  },
};

const kinds = { org: orgs, project: projects, user: humans, identity: machines, "identity of a project": projectMachines };
const matrix = Object.entries(kinds).flatMap(([kind, { makers, removers, readers }]) =>
  Object.entries(makers).flatMap(([maker, make]) =>
    Object.entries(removers).map(([remover, remove]) => ({ kind, maker, make, remover, remove, readers })),
  ),
);

async function shown(readers: Kind["readers"], made: Made): Promise<Record<string, boolean>> {
  return Object.fromEntries(await Promise.all(Object.entries(readers).map(async ([name, read]) => [name, await read(made)] as const)));
}

describe("one directory", () => {
  it.each(matrix)("shows an $kind made by $maker to all, and to nobody once $remover removed it", async ({ make, remove, readers }) => {
    const made = await make();
    const everybody = Object.fromEntries(Object.keys(readers).map((name) => [name, true]));
    expect(await shown(readers, made)).toEqual(everybody);
    // An org's Management acts in the org that the header names; Infisical acts in the org of the identity the same way.
    const [expected, path] = remove;
    const call = { headers: inOrg(made.orgId) };
    const answer = await rest("DELETE", path(made), call);
    expect(answer.status, answer.text).toBe(expected);
    expect(await shown(readers, made)).toEqual(Object.fromEntries(Object.keys(readers).map((name) => [name, false])));
  });
});

describe("over gRPC-web", () => {
  it("an org, a group and a project are deleted as over REST", async () => {
    const web = grpcWebClient(system.baseUrl, system.adminToken);
    const orgId = await addOrg();
    const projectId = await addProject(orgId);
    const group = { metadata: { name: "g" }, spec: { roleIDs: [], serviceAccountIDs: [] } };
    const { metadata } = await ok<Metadata>("POST", `/api/v1/organizations/${orgId}/groups`, { body: group });

    const groupRequest = { organizationId: orgId, groupId: metadata.id };
    expect(await web(Nscale, "deleteGroup", groupRequest)).toMatchObject({ code: 0, response: {} });
    expect(await web(Nscale, "deleteGroup", groupRequest)).toMatchObject({ code: 5, response: undefined });
    expect(await web(Nscale, "deleteProject", { organizationId: orgId, projectId })).toMatchObject({ code: 0, response: {} });
    expect(await web(ZitadelAdmin, "removeOrg", { orgId })).toMatchObject({
      code: 0,
      response: { details: { creationDate: expect.any(Date) } },
    });
    expect(await web(ZitadelAdmin, "removeOrg", { orgId })).toMatchObject({ code: 5, message: "Organisation not found (COMMA-aps2n)" });
  });
});
