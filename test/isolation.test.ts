/**
 * Tenant isolation, generated: every RPC x every id that its request names x another tenant's id, for several callers. The
 * answer must equal the one for an id that names nothing. Exceptions are listed with their reason; an RPC that takes ids
 * and is missing here fails the test.
 */
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { v7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registry } from "../services/api/contract.ts";
import { type Rest, restClient } from "./support/rest.ts";
import { type System, startSystem } from "./support/system.ts";

type Ids = Readonly<
  Record<
    "org" | "project" | "user" | "machine" | "bot" | "group" | "manager" | "cluster" | "token" | "userToken" | "projectGrant" | "userGrant",
    string
  >
>;
type Template = (ids: Ids) => JsonValue;

let serial = 0;
const fresh = () => `n${++serial}`;
const metadata = () => ({ name: fresh() });

const inProject =
  (more: (ids: Ids) => object = () => ({})): Template =>
  (ids) =>
    ({ organizationId: ids.org, projectId: ids.project, ...more(ids) }) as JsonValue;
const manager = { metadata: { name: "m" } };
const cluster = (ids: Ids) => ({ metadata: { name: "c" }, spec: { clusterManagerId: ids.manager } });
const group = (ids: Ids) => ({ metadata: metadata(), spec: { roleIDs: [], userIDs: [ids.user], serviceAccountIDs: [ids.machine] } });
const account = (ids: Ids) => ({ metadata: metadata(), spec: { groupIDs: [ids.group] } });
const person = (ids: Ids) => ({ spec: { subject: "p@example.com", state: "active", groupIDs: [ids.group] } });
const roles = [{ role: "viewer" }];

/** A valid request of every RPC that takes ids, made of one tenant's ids. */
const templates: Readonly<Record<string, Readonly<Record<string, Template>>>> = {
  "zitadel.admin.v1.AdminService": {
    GetOrgByID: (ids) => ({ id: ids.org }),
    ListOrgs: (ids) => ({ queries: [{ idQuery: { id: ids.org } }] }),
    SetDefaultOrg: (ids) => ({ orgId: ids.org }),
    RemoveOrg: (ids) => ({ orgId: ids.org }),
  },
  "zitadel.management.v1.ManagementService": {
    AddMachineUser: (ids) => ({ userName: fresh(), name: "x", userId: ids.machine }),
    GetUserByID: (ids) => ({ id: ids.user }),
    ListUsers: (ids) => ({ queries: [{ inUserIdsQuery: { userIds: [ids.user, ids.bot] } }] }),
    RemoveUser: (ids) => ({ id: ids.user }),
    AddPersonalAccessToken: (ids) => ({ userId: ids.machine }),
    ListPersonalAccessTokens: (ids) => ({ userId: ids.machine }),
    RemovePersonalAccessToken: (ids) => ({ userId: ids.machine, tokenId: ids.token }),
    GetProjectByID: (ids) => ({ id: ids.project }),
    RemoveProject: (ids) => ({ id: ids.project }),
    AddProjectRole: (ids) => ({ projectId: ids.project, roleKey: fresh(), displayName: "x" }),
    ListProjectRoles: (ids) => ({ projectId: ids.project }),
    RemoveProjectRole: (ids) => ({ projectId: ids.project, roleKey: "r" }),
    AddOrgMember: (ids) => ({ userId: ids.user, roles: ["ORG_OWNER_VIEWER"] }),
    ListOrgMembers: (ids) => ({ queries: [{ userIdQuery: { userId: ids.user } }] }),
    RemoveOrgMember: (ids) => ({ userId: ids.user }),
    AddProjectGrant: (ids) => ({ projectId: ids.project, grantedOrgId: ids.org, roleKeys: ["r"] }),
    ListProjectGrants: (ids) => ({ projectId: ids.project }),
    RemoveProjectGrant: (ids) => ({ projectId: ids.project, grantId: ids.projectGrant }),
    AddUserGrant: (ids) => ({ userId: ids.user, projectId: ids.project, projectGrantId: ids.projectGrant, roleKeys: ["r"] }),
    ListUserGrants: (ids) => ({
      queries: [
        { projectIdQuery: { projectId: ids.project } },
        { userIdQuery: { userId: ids.user } },
        { projectGrantIdQuery: { projectGrantId: ids.projectGrant } },
      ],
    }),
    RemoveUserGrant: (ids) => ({ userId: ids.user, grantId: ids.userGrant }),
  },
  "nscale.identity.v1.AdminService": {},
  "nscale.identity.v1.ManagementService": {
    GetOrganization: (ids) => ({ organizationId: ids.org }),
    UpdateOrganization: (ids) => ({ organizationId: ids.org, metadata: metadata(), spec: { organizationType: "adhoc" } }),
    CreateProject: (ids) => ({ organizationId: ids.org, metadata: metadata(), spec: { groupIDs: [ids.group] } }),
    ListProjects: (ids) => ({ organizationId: ids.org }),
    GetProject: inProject(),
    UpdateProject: inProject((ids) => ({ metadata: { name: "p" }, spec: { groupIDs: [ids.group] } })),
    DeleteProject: inProject(),
    PutProjectReference: inProject(() => ({ reference: "r" })),
    DeleteProjectReference: inProject(() => ({ reference: "r" })),
    CreateGroup: (ids) => ({ organizationId: ids.org, ...group(ids) }),
    ListGroups: (ids) => ({ organizationId: ids.org }),
    GetGroup: (ids) => ({ organizationId: ids.org, groupId: ids.group }),
    UpdateGroup: (ids) => ({ organizationId: ids.org, groupId: ids.group, ...group(ids) }),
    DeleteGroup: (ids) => ({ organizationId: ids.org, groupId: ids.group }),
    ListUsers: (ids) => ({ organizationId: ids.org }),
    CreateUser: (ids) => ({ organizationId: ids.org, ...person(ids) }),
    UpdateUser: (ids) => ({ organizationId: ids.org, userId: ids.user, ...person(ids) }),
    DeleteUser: (ids) => ({ organizationId: ids.org, userId: ids.user }),
    ListServiceAccounts: (ids) => ({ organizationId: ids.org }),
    CreateServiceAccount: (ids) => ({ organizationId: ids.org, ...account(ids) }),
    UpdateServiceAccount: (ids) => ({ organizationId: ids.org, serviceAccountId: ids.machine, ...account(ids) }),
    DeleteServiceAccount: (ids) => ({ organizationId: ids.org, serviceAccountId: ids.machine }),
    RotateServiceAccount: (ids) => ({ organizationId: ids.org, serviceAccountId: ids.machine }),
    ListRoles: (ids) => ({ organizationId: ids.org }),
    CreateClusterManager: inProject(() => manager),
    ListClusterManagers: inProject(),
    GetClusterManager: inProject((ids) => ({ clusterManagerId: ids.manager })),
    UpdateClusterManager: inProject((ids) => ({ clusterManagerId: ids.manager, ...manager })),
    DeleteClusterManager: inProject((ids) => ({ clusterManagerId: ids.manager })),
    CreateCluster: inProject(cluster),
    ListClusters: inProject(),
    GetCluster: inProject((ids) => ({ clusterId: ids.cluster })),
    UpdateCluster: inProject((ids) => ({ clusterId: ids.cluster, ...cluster(ids) })),
    DeleteCluster: inProject((ids) => ({ clusterId: ids.cluster })),
  },
  "infisical.identity.v1.AdminService": {
    GetIdentity: (ids) => ({ identityId: ids.machine }),
    DeleteIdentity: (ids) => ({ identityId: ids.machine }),
  },
  "infisical.identity.v1.ManagementService": {
    CreateProjectIdentity: (ids) => ({ projectId: ids.project, name: "x" }),
    ListProjectIdentities: (ids) => ({ projectId: ids.project }),
    GetProjectIdentity: (ids) => ({ projectId: ids.project, identityId: ids.bot }),
    UpdateProjectIdentity: (ids) => ({ projectId: ids.project, identityId: ids.bot, name: "y" }),
    DeleteProjectIdentity: (ids) => ({ projectId: ids.project, identityId: ids.bot }),
    CreateIdentityMembership: (ids) => ({ projectId: ids.project, identityId: ids.machine, roles }),
    ListIdentityMemberships: (ids) => ({ projectId: ids.project }),
    GetIdentityMembership: (ids) => ({ projectId: ids.project, identityId: ids.machine }),
    UpdateIdentityMembership: (ids) => ({ projectId: ids.project, identityId: ids.machine, roles }),
    DeleteIdentityMembership: (ids) => ({ projectId: ids.project, identityId: ids.machine }),
  },
  "tenure.access.v1.TokenService": {
    MintToken: (ids) => ({ orgId: ids.org, principalId: ids.user }),
    ListTokens: (ids) => ({ orgId: ids.org, principalId: ids.user }),
    RevokeToken: (ids) => ({ orgId: ids.org, principalId: ids.user, tokenId: ids.userToken }),
  },
};

/** Where another tenant's id rightly answers otherwise than one that names nothing. */
const exceptions: Readonly<Record<string, string>> = {
  "AddMachineUser machine": "a chosen id is refused when it was ever used, by anyone: ids are never given out twice",
  "AddOrgMember user": "a member may live in another org; that is what naming one by id is for",
  "AddUserGrant user": "a grant may go to another org's user",
  "AddProjectGrant org": "a project is granted to another org",
};

let system: System;
let own: Ids;
let other: Ids;
const callers: Record<string, string> = {};
let client: Client;

beforeAll(async () => {
  system = await startSystem();
  client = new Client(system.grpcAddress, credentials.createInsecure());
  const rest = restClient(system.baseUrl, system.adminToken);
  own = await tenant(rest);
  other = await tenant(rest);
  callers["an org owner"] = await member(rest, own, { org: ["ORG_OWNER"] });
  callers["an org viewer"] = await member(rest, own, { org: ["ORG_OWNER_VIEWER"] });
  callers["the admin of one project"] = await member(rest, own, { project: "admin" });
  callers["a user without a role"] = (
    await post<{ token: string }>(rest, `/tenure/v1/orgs/${own.org}/principals/${own.user}/tokens`, {})
  ).token;
}, 60_000);
afterAll(async () => {
  client.close();
  await system.close();
});

async function post<Body = { id: string }>(rest: Rest, path: string, body: object, orgId?: string): Promise<Body> {
  const answer = await rest<Body>("POST", path, { body, ...(orgId ? { headers: { "x-zitadel-orgid": orgId } } : {}) });
  expect(answer.status, `${path} ${answer.text}`).toBeLessThan(300);
  return answer.body;
}

type Made = { metadata: { id: string } };

async function tenant(rest: Rest): Promise<Ids> {
  const org = (await post(rest, "/management/v1/orgs", { name: fresh() })).id;
  const zitadel = <Body>(path: string, body: object) => post<Body>(rest, `/management/v1${path}`, body, org);
  const nscale = async (path: string, body: object) => (await post<Made>(rest, `/api/v1/organizations/${org}${path}`, body)).metadata.id;
  const human = { userName: fresh(), profile: { firstName: "A", lastName: "B" }, email: { email: "a@example.com", isEmailVerified: true } };
  const user = (await zitadel<{ userId: string }>("/users/human", human)).userId;
  const machine = (await zitadel<{ userId: string }>("/users/machine", { userName: fresh(), name: "M" })).userId;
  const token = (await zitadel<{ tokenId: string }>(`/users/${machine}/pats`, {})).tokenId;
  const project = (await zitadel<{ id: string }>("/projects", { name: "P" })).id;
  await zitadel(`/projects/${project}/roles`, { roleKey: "r", displayName: "R" });
  const borrower = (await post(rest, "/management/v1/orgs", { name: fresh() })).id;
  const projectGrant = (await zitadel<{ grantId: string }>(`/projects/${project}/grants`, { grantedOrgId: borrower, roleKeys: ["r"] }))
    .grantId;
  const userGrant = (await zitadel<{ userGrantId: string }>(`/users/${user}/grants`, { projectId: project, roleKeys: ["r"] })).userGrantId;
  const bot = (await post<{ identity: { id: string } }>(rest, `/api/v1/projects/${project}/identities`, { name: "B" })).identity.id;
  const groupId = await nscale("/groups", { metadata: { name: "G" }, spec: { roleIDs: [], userIDs: [user], serviceAccountIDs: [] } });
  const managerId = await nscale(`/projects/${project}/clustermanagers`, manager);
  const spec = { clusterManagerId: managerId };
  const clusterId = await nscale(`/projects/${project}/clusters`, { metadata: { name: "C" }, spec });
  const userToken = (await post(rest, `/tenure/v1/orgs/${org}/principals/${user}/tokens`, {})).id;
  return {
    org,
    project,
    user,
    machine,
    bot,
    group: groupId,
    manager: managerId,
    cluster: clusterId,
    token,
    userToken,
    projectGrant,
    userGrant,
  };
}

/** A machine of the tenant with a role, and its token. */
async function member(rest: Rest, ids: Ids, role: { org?: string[]; project?: string }): Promise<string> {
  const { userId } = await post<{ userId: string }>(rest, "/management/v1/users/machine", { userName: fresh(), name: "C" }, ids.org);
  if (role.org) await post(rest, "/management/v1/orgs/me/members", { userId, roles: role.org }, ids.org);
  if (role.project)
    await post(rest, `/api/v1/projects/${ids.project}/memberships/identities/${userId}`, { roles: [{ role: role.project }] });
  return (await post<{ token: string }>(rest, `/management/v1/users/${userId}/pats`, {}, ids.org)).token;
}

/** What a call came to, without what differs by id. */
function ask(service: string, name: string, request: JsonValue, token: string): Promise<unknown> {
  const method = registry.getService(service)?.methods.find((candidate) => candidate.name === name);
  if (!method) throw new Error(`${service} has no ${name}`);
  const message = fromJson(method.input, request, { registry });
  const metadataSent = new Metadata();
  metadataSent.set("authorization", `Bearer ${token}`);
  const settle = (value: unknown) =>
    JSON.stringify(value)
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, "<id>")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
      .replace(/tnr_[\w-]+/g, "<token>")
      .replace(/"n\d+"/g, '"<name>"');
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      `/${service}/${name}`,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
      Buffer.from(toBinary(method.input, message)),
      metadataSent,
      (error: ServiceError | null, bytes?: Buffer) => {
        if (error) resolve(settle({ code: error.code, message: error.details }));
        else resolve(settle({ code: 0, body: toJson(method.output, fromBinary(method.output, bytes ?? Buffer.alloc(0)), { registry }) }));
      },
    );
  });
}

/** Which ids a template uses. */
function used(template: Template): (keyof Ids)[] {
  const seen = new Set<keyof Ids>();
  const spy = new Proxy({} as Ids, {
    get: (_, key) => {
      seen.add(key as keyof Ids);
      return v7();
    },
  });
  template(spy);
  return [...seen];
}

const matrix = Object.entries(templates).flatMap(([service, rpcs]) =>
  Object.entries(rpcs).flatMap(([rpc, template]) => used(template).map((key) => ({ service, rpc, template, key }))),
);

describe("tenant isolation", () => {
  it("knows every RPC that takes an id", () => {
    const taking = [...registry.files]
      .flatMap((file) => file.services)
      .filter((service) => /^(zitadel|nscale|infisical|tenure)\./.test(service.typeName))
      .flatMap((service) => service.methods)
      .filter((method) => method.input.fields.some((field) => /(^|_)ids?$/.test(field.name)))
      .map((method) => `${method.parent.typeName}/${method.name}`)
      .filter((path) => {
        const [service = "", rpc = ""] = path.split("/");
        return templates[service]?.[rpc] === undefined;
      });
    expect(taking).toEqual([]);
  });

  const named = (row: (typeof matrix)[number]) => `${row.rpc} ${row.key}`;

  it.each(matrix.filter((row) => !(named(row) in exceptions)))(
    "$service $rpc: another tenant's $key is as good as none",
    async ({ service, rpc, template, key }) => {
      for (const [caller, token] of Object.entries(callers)) {
        const nothing = await ask(service, rpc, template({ ...own, [key]: v7() }), token);
        const foreign = await ask(service, rpc, template({ ...own, [key]: other[key] }), token);
        expect({ caller, answer: foreign }).toEqual({ caller, answer: nothing });
      }
    },
  );

  it("leaves the other tenant as it was", async () => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const headers = { "x-zitadel-orgid": other.org };
    for (const path of [
      `/management/v1/users/${other.user}`,
      `/management/v1/users/${other.bot}`,
      `/management/v1/projects/${other.project}`,
    ]) {
      expect((await rest("GET", path, { headers })).status).toBe(200);
    }
    const tokens = await rest<{ tokens: unknown[] }>("GET", `/tenure/v1/orgs/${other.org}/principals/${other.user}/tokens`);
    expect(tokens.body.tokens).toHaveLength(1);
  });
});
