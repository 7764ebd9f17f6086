/** Orgs with callers of each default role, made through the API; only the platform's roles, which no API gives, come by SQL. */
import { expect } from "vitest";
import { roleId } from "../../../services/access/roles.ts";
import { type GrantId, mintId, type OrgId, type PrincipalId } from "../../../services/kernel/ids.ts";
import { type Answer, type Rest, type RestCall, restClient } from "../../support/rest.ts";
import type { System } from "../../support/system.ts";

export type Caller = { readonly id: string; readonly token: string; readonly rest: Rest };
export type OrgRole = "administrator" | "auditor" | "user" | "reader";
export type PlatformRole = "platform-administrator" | "platform-reader" | "region-service";

type Named = { metadata: { id: string } };

/** A name of an object that no other test uses. */
let count = 0;
export function fresh(word: string): string {
  count += 1;
  return `${word}-${count}-${Date.now().toString(36)}`;
}

/** An id that names nothing. */
export const nothing = "0190f2c1-0000-7000-8000-00000000dead";

/** The body of every error: OAuth words beside the gateway's own. */
export type ErrorBody = { error: string; error_description: string; code: number; message: string; details: unknown[] };

export const documented = {
  401: { error: "access_denied", error_description: "authentication failed", code: 16 },
  403: { error: "forbidden", error_description: "user credentials do not have the required privileges", code: 7 },
  404: { error: "not_found", error_description: "the requested resource does not exist", code: 5 },
} as const;

/** Checks an answer against the documents: status, words, and no member beyond those of the gateway. */
export function expectRefusal(answer: Answer<unknown>, status: keyof typeof documented): void {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body: documented[status] });
  expectErrorShape(answer);
}

export function expectErrorShape(answer: Answer<unknown>): void {
  const body = answer.body as ErrorBody;
  expect(Object.keys(body).sort()).toEqual(["code", "details", "error", "error_description", "message"]);
  expect(body.message).toBe(body.error_description);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  expect(answer.headers.get("cache-control")).toBe("no-cache");
}

/** Checks that an answer is a success without a body. */
export function expectEmpty(answer: Answer<unknown>, status: number): void {
  expect({ status: answer.status, text: answer.text, type: answer.headers.get("content-type") }).toEqual({ status, text: "", type: null });
}

export class Org {
  readonly world: World;
  readonly id: string;
  readonly path: string;

  constructor(world: World, id: string) {
    this.world = world;
    this.id = id;
    this.path = `/api/v1/organizations/${id}`;
  }

  /** Posts as the platform's owner and gives the id of what was made. */
  async make(path: string, body: object): Promise<string> {
    const answer = await this.world.root<Named>("POST", this.path + path, { body });
    expect([201, 202], answer.text).toContain(answer.status);
    return answer.body.metadata.id;
  }

  group(roles: readonly string[], members: { userIDs?: string[]; serviceAccountIDs?: string[] } = {}): Promise<string> {
    const spec = { roleIDs: roles.map(roleId), serviceAccountIDs: [], ...members };
    return this.make("/groups", { metadata: { name: fresh("group") }, spec });
  }

  project(groupIDs: readonly string[] = [], name = fresh("project")): Promise<string> {
    return this.make("/projects", { metadata: { name }, spec: { groupIDs } });
  }

  user(subject = `${fresh("user")}@example.com`, groupIDs: readonly string[] = []): Promise<string> {
    return this.make("/users", { spec: { subject, state: "active", groupIDs } });
  }

  manager(projectId: string): Promise<string> {
    return this.make(`/projects/${projectId}/clustermanagers`, { metadata: { name: fresh("manager") } });
  }

  cluster(projectId: string, clusterManagerId: string): Promise<string> {
    return this.make(`/projects/${projectId}/clusters`, { metadata: { name: fresh("cluster") }, spec: { clusterManagerId } });
  }

  /** A service account in these groups, calling with its token. */
  async account(groupIDs: readonly string[] = []): Promise<Caller> {
    const body = { metadata: { name: fresh("account") }, spec: { groupIDs } };
    const answer = await this.world.root<Named & { status: { accessToken: string } }>("POST", `${this.path}/serviceaccounts`, { body });
    expect(answer.status, answer.text).toBe(201);
    return this.world.caller(answer.body.metadata.id, answer.body.status.accessToken);
  }

  /** A person in these groups, calling with a token. */
  async person(groupIDs: readonly string[] = [], subject?: string): Promise<Caller> {
    return this.speaking(await this.user(subject, groupIDs));
  }

  /** A principal of the org, with a new token. */
  async speaking(principalId: string): Promise<Caller> {
    const answer = await this.world.root<{ token: string }>("POST", `/tenure/v1/orgs/${this.id}/principals/${principalId}/tokens`, {
      body: {},
    });
    expect(answer.status, answer.text).toBe(200);
    return this.world.caller(principalId, answer.body.token);
  }

  /** Somebody with a default role, and the group that gives it. */
  async holder(role: OrgRole): Promise<Caller & { readonly groupId: string }> {
    const groupId = await this.group([role]);
    return { ...(await this.account([groupId])), groupId };
  }

  /** Somebody with a role of another dialect on the whole org. */
  async member(role: string): Promise<Caller> {
    const caller = await this.account();
    const headers = { "x-zitadel-orgid": this.id };
    const answer = await this.world.root("POST", "/management/v1/orgs/me/members", { headers, body: { userId: caller.id, roles: [role] } });
    expect(answer.status, answer.text).toBe(200);
    return caller;
  }

  /** Somebody with one of the platform's roles. */
  async platform(role: PlatformRole): Promise<Caller> {
    const caller = await this.account();
    const [org_id, principal_id, id] = [this.id as OrgId, caller.id as PrincipalId, mintId<GrantId>()];
    const grant = { org_id, id, kind: "member", scope: "instance", owner_org_id: org_id } as const;
    const { db } = this.world.system.services;
    await db
      .insertInto("grants")
      .values({ ...grant, principal_org_id: org_id, principal_id, sequence: 1n })
      .execute();
    await db.insertInto("grant_roles").values({ org_id, grant_id: id, id: mintId<GrantId>(), role }).execute();
    return caller;
  }
}

export class World {
  readonly system: System;
  /** As the owner of the instance. */
  readonly root: Rest;

  constructor(system: System) {
    this.system = system;
    this.root = restClient(system.baseUrl, system.adminToken);
  }

  async org(name = fresh("org")): Promise<Org> {
    const body = { metadata: { name }, spec: { organizationType: "adhoc" } };
    const answer = await this.root<Named>("POST", "/api/v1/organizations", { body });
    expect(answer.status, answer.text).toBe(202);
    return new Org(this, answer.body.metadata.id);
  }

  caller(id: string, token: string): Caller {
    return { id, token, rest: restClient(this.system.baseUrl, token) };
  }
}

export type { Answer, RestCall };
