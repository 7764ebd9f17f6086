// The contracts of the dialects whose REST is given and whose gRPC names are ours, held against the wire as it is known:
// routes, statuses, members of the JSON objects. All tables here are written from the published APIs, not from the protos.

import type { DescMessage, DescMethod, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { permissions } from "../../services/access/permissions.ts";
import { messageNamed, option, ownContract, serviceNamed } from "./support.ts";

const contract = ownContract();
const packages = ["nscale.", "infisical.", "tenure."];

const org = "/api/v1/organizations/{organization_id}";
const project = `${org}/projects/{project_id}`;
const identities = "/api/v1/projects/{project_id}/identities";
const memberships = "/api/v1/projects/{project_id}/memberships/identities";
const olderMemberships = "/api/v1/projects/{project_id}/identity-memberships/{identity_id}";
const oldestMemberships = "/api/v2/workspace/{project_id}/identity-memberships/{identity_id}";
const tokens = "/tenure/v1/orgs/{org_id}/principals/{principal_id}/tokens";

/** For each RPC its routes, older ones after the first, and what answers them: a status and the kind of the body. */
const routes: Record<string, Record<string, string[]>> = {
  "nscale.identity.v1.AdminService": {
    CreateOrganization: ["POST /api/v1/organizations", "202 object"],
    ListOrganizations: ["GET /api/v1/organizations", "200 array"],
  },
  "nscale.identity.v1.ManagementService": {
    GetOrganization: [`GET ${org}`, "200 object"],
    UpdateOrganization: [`PUT ${org}`, "200 empty"],
    CreateProject: [`POST ${org}/projects`, "202 object"],
    ListProjects: [`GET ${org}/projects`, "200 array"],
    GetProject: [`GET ${project}`, "200 object"],
    UpdateProject: [`PUT ${project}`, "200 empty"],
    DeleteProject: [`DELETE ${project}`, "202 empty"],
    PutProjectReference: [`PUT ${project}/references/{reference}`, "201 empty"],
    DeleteProjectReference: [`DELETE ${project}/references/{reference}`, "204 empty"],
    CreateGroup: [`POST ${org}/groups`, "201 object"],
    ListGroups: [`GET ${org}/groups`, "200 array"],
    GetGroup: [`GET ${org}/groups/{group_id}`, "200 object"],
    UpdateGroup: [`PUT ${org}/groups/{group_id}`, "200 empty"],
    DeleteGroup: [`DELETE ${org}/groups/{group_id}`, "200 empty"],
    ListUsers: [`GET ${org}/users`, "200 array"],
    CreateUser: [`POST ${org}/users`, "201 object"],
    UpdateUser: [`PUT ${org}/users/{user_id}`, "200 object"],
    DeleteUser: [`DELETE ${org}/users/{user_id}`, "200 empty"],
    ListServiceAccounts: [`GET ${org}/serviceaccounts`, "200 array"],
    CreateServiceAccount: [`POST ${org}/serviceaccounts`, "201 object"],
    UpdateServiceAccount: [`PUT ${org}/serviceaccounts/{service_account_id}`, "200 object"],
    DeleteServiceAccount: [`DELETE ${org}/serviceaccounts/{service_account_id}`, "200 empty"],
    RotateServiceAccount: [`POST ${org}/serviceaccounts/{service_account_id}/rotate`, "200 object"],
    ListRoles: [`GET ${org}/roles`, "200 array"],
    CreateClusterManager: [`POST ${project}/clustermanagers`, "202 object"],
    ListClusterManagers: [`GET ${project}/clustermanagers`, "200 array"],
    GetClusterManager: [`GET ${project}/clustermanagers/{cluster_manager_id}`, "200 object"],
    UpdateClusterManager: [`PUT ${project}/clustermanagers/{cluster_manager_id}`, "202 empty"],
    DeleteClusterManager: [`DELETE ${project}/clustermanagers/{cluster_manager_id}`, "202 empty"],
    CreateCluster: [`POST ${project}/clusters`, "202 object"],
    ListClusters: [`GET ${project}/clusters`, "200 array"],
    GetCluster: [`GET ${project}/clusters/{cluster_id}`, "200 object"],
    UpdateCluster: [`PUT ${project}/clusters/{cluster_id}`, "202 empty"],
    DeleteCluster: [`DELETE ${project}/clusters/{cluster_id}`, "202 empty"],
  },
  "infisical.identity.v1.AdminService": {
    GetIdentity: ["GET /api/v1/identities/{identity_id}", "200 object"],
    DeleteIdentity: ["DELETE /api/v1/identities/{identity_id}", "200 object"],
  },
  "infisical.identity.v1.ManagementService": {
    CreateProjectIdentity: [`POST ${identities}`, "200 object"],
    ListProjectIdentities: [`GET ${identities}`, "200 object"],
    GetProjectIdentity: [`GET ${identities}/{identity_id}`, "200 object"],
    UpdateProjectIdentity: [`PATCH ${identities}/{identity_id}`, "200 object"],
    DeleteProjectIdentity: [`DELETE ${identities}/{identity_id}`, "200 object"],
    CreateIdentityMembership: [
      ...[`POST ${memberships}/{identity_id}`, `POST ${olderMemberships}`, `POST ${oldestMemberships}`],
      "200 object",
    ],
    ListIdentityMemberships: [`GET ${memberships}`, "200 object"],
    GetIdentityMembership: [`GET ${memberships}/{identity_id}`, "200 object"],
    UpdateIdentityMembership: [
      ...[`PATCH ${memberships}/{identity_id}`, `PATCH ${olderMemberships}`, `PATCH ${oldestMemberships}`],
      "200 object",
    ],
    DeleteIdentityMembership: [
      ...[`DELETE ${memberships}/{identity_id}`, `DELETE ${olderMemberships}`, `DELETE ${oldestMemberships}`],
      "200 object",
    ],
  },
  "tenure.access.v1.TokenService": {
    MintToken: [`POST ${tokens}`, "200 object"],
    ListTokens: [`GET ${tokens}`, "200 object"],
    RevokeToken: [`DELETE ${tokens}/{token_id}`, "200 empty"],
  },
};

/** Request fields that an option must name, by its scope. */
const fieldsOfScope: Record<string, string[]> = {
  SCOPE_PUBLIC: [],
  SCOPE_AUTHENTICATED: [],
  SCOPE_INSTANCE: [],
  SCOPE_CONTEXT_ORG: [],
  SCOPE_ORG: ["orgField"],
  SCOPE_PROJECT: ["projectField"],
};

const services = [...contract]
  .filter((type) => type.kind === "service")
  .filter((type) => packages.some((pkg) => type.typeName.startsWith(pkg)));
const rpcs = services.flatMap((service) => service.methods).map((method) => ({ method, name: `${method.parent.typeName}.${method.name}` }));

describe("every RPC of the dialects named by us", () => {
  test("belongs to a service of the table", () => {
    expect(services.map((service) => service.typeName).sort()).toEqual(Object.keys(routes).sort());
  });

  test.each(Object.entries(routes))("%s has the routes and statuses of the wire, and no others", (service, table) => {
    const found = serviceNamed(contract, service).methods.map((method) => [method.name, [...routesOf(method), answerOf(method)]]);
    expect(Object.fromEntries(found)).toEqual(table);
  });

  test.each(rpcs)("$name is reached by REST through fields that its messages have", ({ method }) => {
    expect(routesOf(method)).not.toEqual([]);
    const http = httpRule(method);
    for (const variable of bindingsOf(http).flatMap((binding) => variablesOf(pathOf(binding))))
      expect(method.input.fields.map((field) => field.name)).toContain(variable);
    if (http.responseBody) expect(method.output.fields.map((field) => field.name)).toContain(http.responseBody);
  });

  // Whoever has to do with the org may call these; what they may not see is left out of the answer.
  const narrowing = ["ListProjects"];

  test.each(rpcs)("$name says which permission it takes, and where that is looked up", ({ method }) => {
    const rule = guardOf(method);
    const scope = String(rule.scope);
    expect(Object.keys(fieldsOfScope)).toContain(scope);
    expect(Object.keys(rule)).toEqual(expect.arrayContaining(fieldsOfScope[scope] ?? []));
    for (const named of ["orgField", "projectField", "grantField"])
      if (named in rule) expect(method.input.fields.map((field) => field.name)).toContain(rule[named]);
    if (["SCOPE_PUBLIC", "SCOPE_AUTHENTICATED"].includes(scope) || narrowing.includes(method.name))
      expect(rule).not.toHaveProperty("permission");
    else expect(permissions).toContain(rule.permission);
  });

  test.each(rpcs)("$name may be allowed by a right on the project, where its path has one", ({ method }) => {
    const inProject = method.input.fields.some((field) => field.name === "project_id");
    expect(guardOf(method).projectField).toBe(inProject ? "project_id" : undefined);
  });

  test("only reading, deleting and releasing a project work on one that is being deleted", () => {
    const below = rpcs.filter(({ method }) => guardOf(method).belowTombstone).map(({ method }) => method.name);
    expect(below.sort()).toEqual(["DeleteProject", "DeleteProjectReference", "GetProject"]);
  });
});

const time = "2023-11-07T05:31:56Z";
const metadata = {
  ...{ id: "1", name: "a", description: "b", tags: [{ name: "c", value: "d" }] },
  ...{ creationTime: time, createdBy: "e", modifiedTime: time, modifiedBy: "f", deletionTime: time },
  ...{ provisioningStatus: "deprovisioning", healthStatus: "healthy" },
};
const inOrg = { ...metadata, organizationId: "2" };
const inProject = { ...inOrg, projectId: "3" };
const pair = { key: "k", value: "v", id: "1" };
const born = { createdAt: time, updatedAt: time };
const temporary = { temporaryMode: "relative", temporaryRange: "1h", temporaryAccessStartTime: time, temporaryAccessEndTime: time };
const held = { id: "1", role: "custom", customRoleId: "2", customRoleName: "n", customRoleSlug: "s", isTemporary: true, ...temporary };
const member = { id: "1", name: "n", orgId: "2", authMethods: ["token-auth"] };

/** Each object with all its members filled, as the published APIs know it. */
const objects: Record<string, JsonObject> = {
  "nscale.identity.v1.Organization": {
    metadata,
    spec: { organizationType: "domain", domain: "a.example", providerScope: "global", providerID: "1", googleCustomerID: "2" },
  },
  "nscale.identity.v1.Project": { metadata: inOrg, spec: { groupIDs: ["1"] } },
  "nscale.identity.v1.Group": {
    metadata: inOrg,
    spec: { roleIDs: ["1"], serviceAccountIDs: ["2"], userIDs: ["3"], subjects: [{ id: "4", issuer: "5", email: "a@a.example" }] },
  },
  "nscale.identity.v1.User": {
    metadata: inOrg,
    spec: { subject: "a@a.example", state: "active", groupIDs: ["1"] },
    status: { lastActive: time },
  },
  "nscale.identity.v1.ServiceAccount": { metadata: inOrg, spec: { groupIDs: ["1"] }, status: { expiry: time, accessToken: "t" } },
  "nscale.identity.v1.Role": { metadata, grantable: true },
  "nscale.identity.v1.ClusterManager": { metadata: inProject },
  "nscale.identity.v1.Cluster": { metadata: inProject, spec: { clusterManagerId: "1", regionId: "2", version: "v1.34.1" } },
  "infisical.identity.v1.Identity": {
    ...{ id: "1", name: "n", orgId: "2", projectId: "3", ...born, hasDeleteProtection: true },
    ...{ activeLockoutAuthMethods: ["universal-auth"], authMethods: ["token-auth"], metadata: [pair] },
  },
  "infisical.identity.v1.IdentityRow": { id: "1", name: "n", orgId: "2", projectId: "3", ...born, hasDeleteProtection: true },
  "infisical.identity.v1.OrgMembership": {
    ...{ id: "1", role: "member", orgId: "2", ...born, identityId: "3", lastLoginAuthMethod: "token-auth", lastLoginTime: time },
    ...{ metadata: [pair], identity: { ...member, hasDeleteProtection: true, activeLockoutAuthMethods: ["universal-auth"] } },
  },
  "infisical.identity.v1.IdentityMembership": { id: "1", projectId: "2", identityId: "3", ...born },
  "infisical.identity.v1.IdentityMembershipDetail": {
    ...{ id: "1", ...born, roles: [held], lastLoginAuthMethod: "token-auth", lastLoginTime: time },
    identity: { ...member, projectId: "3", metadata: [pair] },
  },
  "infisical.identity.v1.IdentityMembershipItem": {
    ...{ id: "1", identityId: "2", ...born, roles: [held] },
    identity: { ...member, projectId: "3", activeLockoutAuthMethods: ["universal-auth"] },
  },
  "infisical.identity.v1.AssignedRole": {
    ...{ id: "1", role: "custom", projectMembershipId: "2", customRoleId: "3", isTemporary: true, ...temporary, ...born },
  },
};

describe("the JSON of an answer", () => {
  test.each(Object.entries(objects))("%s prints every member that its document shows", (name, object) => {
    expect(printed(name, object)).toEqual(object);
  });

  test.each(Object.entries(objects))("%s has no member that its document does not show", (name, object) => {
    expect(membersOf(messageNamed(contract, name))).toEqual(membersIn(object));
  });

  test("an identity with nothing to tell shows its members all the same", () => {
    const bare = { id: "1", name: "n", orgId: "2", projectId: "3", ...born };
    const empty = { hasDeleteProtection: false, activeLockoutAuthMethods: [], authMethods: [], metadata: [] };
    expect(printed("infisical.identity.v1.Identity", bare)).toEqual({ ...bare, ...empty });
  });

  test("a group without members shows four empty lists", () => {
    const empty = { roleIDs: [], serviceAccountIDs: [], userIDs: [], subjects: [] };
    expect(printed("nscale.identity.v1.Group", { spec: {} })).toEqual({ spec: empty });
  });

  test("a user who never signed in shows an empty status", () => {
    expect(printed("nscale.identity.v1.User", { status: {} })).toEqual({ status: {} });
  });

  test.each(["ResourceReadMetadata", "OrganizationScopedResourceReadMetadata", "ProjectScopedResourceReadMetadata"])(
    "%s leaves out what is unset, and tags when there are none",
    (name) => {
      const schema = messageNamed(contract, `nscale.identity.v1.${name}`);
      const optional = ["description", "creationTime", "createdBy", "modifiedTime", "modifiedBy", "deletionTime"];
      expect(Object.keys(printed(schema.typeName, {})).filter((member) => optional.includes(member))).toEqual([]);
      expect(schema.fields.filter((field) => option(contract, field, "tenure.options.v1.json_presence") !== undefined)).toEqual([
        schema.field.tags,
      ]);
    },
  );
});

describe("the JSON of a request", () => {
  const update = messageNamed(contract, "infisical.identity.v1.UpdateProjectIdentityRequest");

  test.each([
    ["is left out", {}],
    ["clears all pairs", { metadata: [] }],
    ["replaces all pairs", { metadata: [{ key: "k", value: "v" }] }],
  ])("metadata that %s is told apart in an update of an identity", (_, json) => {
    expect(toJson(update, fromJson(update, json), { alwaysEmitImplicit: true })).toEqual({ projectId: "", identityId: "", ...json });
  });

  test.each(["0001-01-01T00:00:00Z", ""])("a permanent role is accepted with an access start of %j", (start) => {
    const role = { role: "viewer", isTemporary: false, temporaryMode: "", temporaryRange: "", temporaryAccessStartTime: start };
    const schema = messageNamed(contract, "infisical.identity.v1.CreateProjectIdentityRequest");
    expect(toJson(schema, fromJson(schema, { name: "n", roles: [role] }))).toMatchObject({ roles: [{ role: "viewer" }] });
  });

  test.each([
    ["a", true],
    ["a.b_c-9", true],
    ["a".repeat(63), true],
    ["a".repeat(64), false],
    ["", false],
    ["-a", false],
    ["a.", false],
    ["a b", false],
  ])("%j as the name of an nscale object is valid: %s", (name, valid) => {
    const field = messageNamed(contract, "nscale.identity.v1.ResourceWriteMetadata").field.name;
    const rules = field && option(contract, field, "validate.rules");
    const pattern = asObject(asObject(rules).string).pattern;
    expect(new RegExp(String(pattern), "u").test(name)).toBe(valid);
  });
});

function httpRule(method: DescMethod): JsonObject {
  return asObject(option(contract, method, "google.api.http"));
}

function guardOf(method: DescMethod): JsonObject {
  return asObject(option(contract, method, "tenure.options.v1.rpc"));
}

function bindingsOf(rule: JsonObject): JsonObject[] {
  const others = rule.additionalBindings;
  return [rule, ...(Array.isArray(others) ? others.map(asObject) : [])];
}

function verbOf(binding: JsonObject): string {
  return ["get", "put", "post", "delete", "patch"].find((verb) => verb in binding) ?? "";
}

function pathOf(binding: JsonObject): string {
  return String(binding[verbOf(binding)]);
}

function variablesOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
}

function routesOf(method: DescMethod): string[] {
  return bindingsOf(httpRule(method)).map((binding) => `${verbOf(binding).toUpperCase()} ${pathOf(binding)}`);
}

function answerOf(method: DescMethod): string {
  const status = guardOf(method).successStatus ?? 200;
  if (method.output.typeName === "google.protobuf.Empty") return `${status} empty`;
  const body = method.output.fields.find((field) => field.name === httpRule(method).responseBody);
  return `${status} ${body?.fieldKind === "list" ? "array" : "object"}`;
}

/** JSON of the message as the gateway prints it for these dialects: empty values too. */
function printed(typeName: string, json: JsonObject): JsonObject {
  const schema = messageNamed(contract, typeName);
  return asObject(toJson(schema, Object.keys(json).length ? fromJson(schema, json) : create(schema), { alwaysEmitImplicit: true }));
}

type Members = { [name: string]: Members };

/** JSON names of all members of a message, of messages within too; a well-known type is a leaf. */
function membersOf(schema: DescMessage): Members {
  if (schema.typeName.startsWith("google.protobuf.")) return {};
  return Object.fromEntries(schema.fields.map((field) => [field.jsonName, field.message ? membersOf(field.message) : {}]));
}

/** The same of a JSON object; a list stands for its first item. */
function membersIn(value: JsonValue | undefined): Members {
  if (Array.isArray(value)) return membersIn(value[0]);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, membersIn(inner)]));
}

function asObject(value: JsonValue | undefined): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`no JSON object: ${JSON.stringify(value)}`);
  return value;
}
