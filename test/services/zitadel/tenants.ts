/** Orgs with callers of every rank for tests of ZITADEL's Management, all made over its own API; and deletes that are held open. */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { expect } from "vitest";
import { ManagementServiceService } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { Rights } from "../../../services/access/rights.ts";
import { requestDelete } from "../../../services/deletion/commands.ts";
import type { Kind } from "../../../services/deletion/kinds.ts";
import { type Database, openDatabase } from "../../../services/kernel/database.ts";
import type { OrgId } from "../../../services/kernel/ids.ts";
import { holds } from "../../../start/condition.ts";
import { type GrpcClient, grpcClient } from "../../support/grpc.ts";
import { type Answer, type Rest, restClient } from "../../support/rest.ts";
import type { System } from "../../support/system.ts";

export type Body = Record<string, unknown>;
/** A call of `/management/v1` in the context of the tenant. */
export type Management = <Result = Body>(method: string, path: string, body?: unknown) => Promise<Answer<Result>>;

export interface Caller {
  readonly userId: string;
  readonly token: string;
  readonly call: Management;
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  /** As the instance's admin. */
  readonly admin: Management;
  /** As the tenant's ORG_OWNER. */
  readonly owner: Caller;
  readonly call: Management;
  /** gRPC as the tenant's ORG_OWNER. */
  readonly grpc: GrpcClient;
}

/** What every test of a file starts from. */
export interface Tenants {
  readonly system: System;
  tenant(label: string): Promise<Tenant>;
  /** A user of the tenant with roles on the org; none: a user without any right. */
  caller(tenant: Tenant, ...roles: string[]): Promise<Caller>;
  user(tenant: Tenant, userName: string, more?: Body): Promise<string>;
  machine(tenant: Tenant, userName: string): Promise<string>;
  /** A token for a principal of the tenant. */
  token(tenant: Tenant, principalId: string): Promise<string>;
  /** Makes a call of a REST client one in the context of the tenant. */
  as(token: string, orgId: string): Management;
  close(): void;
}

export function tenants(system: System): Tenants {
  const rest = restClient(system.baseUrl, system.adminToken);
  const clients: GrpcClient[] = [];

  const as = (token: string, orgId: string): Management => {
    const client: Rest = restClient(system.baseUrl, token);
    return (method, path, body) => client(method, `/management/v1${path}`, { headers: { "x-zitadel-orgid": orgId }, body });
  };
  const user = async (tenant: Pick<Tenant, "admin">, userName: string, more: Body = {}): Promise<string> => {
    const body = { userName, profile: { firstName: "Given", lastName: "Family" }, email: { email: `${userName}@mail.test` }, ...more };
    return text(ok(await tenant.admin("POST", "/users/human", body)).body, "userId");
  };
  const token = async (orgId: string, principalId: string): Promise<string> =>
    text(ok(await rest("POST", `/tenure/v1/orgs/${orgId}/principals/${principalId}/tokens`, { body: {} })).body, "token");
  const caller = async (tenant: Pick<Tenant, "admin" | "id">, ...roles: string[]): Promise<Caller> => {
    const userId = await user(tenant, `caller-${randomUUID()}`);
    if (roles.length > 0) ok(await tenant.admin("POST", "/orgs/me/members", { userId, roles }));
    const minted = await token(tenant.id, userId);
    return { userId, token: minted, call: as(minted, tenant.id) };
  };

  return {
    system,
    as,
    user,
    caller,
    token: (tenant, principalId) => token(tenant.id, principalId),
    machine: async (tenant, userName) =>
      text(ok(await tenant.admin("POST", "/users/machine", { userName, name: `Machine ${userName}` })).body, "userId"),
    tenant: async (label) => {
      const name = `${label} ${randomUUID().slice(0, 8)}`;
      const id = text(ok(await rest("POST", "/management/v1/orgs", { body: { name } })).body, "id");
      const admin = as(system.adminToken, id);
      const org = ok(await admin<{ org: { primaryDomain: string } }>("GET", "/orgs/me")).body.org;
      const owner = await caller({ admin, id }, "ORG_OWNER");
      const client = grpcClient(system.grpcAddress, ManagementServiceService, owner.token);
      clients.push(client);
      return { id, name, domain: org.primaryDomain, admin, owner, call: owner.call, grpc: client };
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

/** The answer, which must be a success. */
export function ok<Result>(answer: Answer<Result>): Answer<Result> {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 200 });
  return answer;
}

/** A text member that must be there. */
export function text(body: object, name: string): string {
  const value = (body as Body)[name];
  if (typeof value !== "string" || value === "") throw new Error(`no ${name} in ${JSON.stringify(body)}`);
  return value;
}

export const anyTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
export const anyId = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
export const addedBy = (resourceOwner: string, sequence = "1") => ({ sequence, creationDate: anyTime, resourceOwner });
export const changedBy = (resourceOwner: string, sequence: string) => ({ sequence, changeDate: anyTime, resourceOwner });
export const readOf = (resourceOwner: string, sequence = "1") => ({ sequence, creationDate: anyTime, changeDate: anyTime, resourceOwner });

/** Status, code, id and text of a refusal, and nothing that varies from one call to the next. */
export function refusal({ status, body }: Answer<unknown>) {
  const { code, message, details } = body as { code: number; message: string; details?: Body[] };
  const detail = details?.find((candidate) => candidate["@type"] === "type.googleapis.com/zitadel.v1.ErrorDetail");
  return { status, code, message, id: detail?.id };
}

/** What {@link refusal} makes of an error with an id. */
export function refused(status: number, code: number, id: string, words: string) {
  return { status, code, message: `${words} (${id})`, id };
}

export const random = () => randomUUID();

const everything = new Rights([{ role: "IAM_OWNER", scope: "instance", projectId: null, projectGrantId: null, linked: [] }]);

/**
 * Calls while a delete is accepted but not committed: the call must wait for it, and then see it. Forced by the locks, so
 * there is no timing in it.
 */
export async function whileDeleting<Result>(
  system: System,
  target: { readonly kind: Kind; readonly orgId: string; readonly id: string },
  call: () => Promise<Result>,
): Promise<Result> {
  const order = { ...target, orgId: target.orgId as OrgId, actor: nobody, outranking: everything.outranking() };
  return whileOpen(system, (tx) => requestDelete({ db: tx, announce: () => {} }, order), call);
}

/** Calls while a transaction is open that did something; the call must wait for a lock of it. */
export async function whileOpen<Result>(
  system: System,
  first: (tx: Database) => Promise<unknown>,
  call: () => Promise<Result>,
): Promise<Result> {
  const db = openDatabase(system.databaseUrl, 2, () => {});
  try {
    let answer: Promise<Result> | undefined;
    await db.transaction().execute(async (tx) => {
      await first(tx);
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      answer = call();
      const waits = await holds(() => waitsFor(db, rows[0]?.pid ?? 0), { within: 5_000, every: 5 });
      if (!waits) throw new Error("nothing waited for the open transaction");
    });
    if (!answer) throw new Error("not called");
    return await answer;
  } finally {
    await db.destroy();
  }
}

/**
 * Runs while no purge can remove anything that holds a role: what is not seen then is hidden by the tombstone alone. What
 * the body deletes must have held roles of a project.
 */
export async function whilePurgeWaits(system: System, body: () => Promise<void>): Promise<void> {
  const db = openDatabase(system.databaseUrl, 1, () => {});
  try {
    await db.transaction().execute(async (tx) => {
      const held = await sql`select from grant_roles where project_role_id is not null for key share`.execute(tx);
      await body();
      const kept = await sql`select from grant_roles where project_role_id is not null`.execute(tx);
      expect(kept.rows.length).toBe(held.rows.length);
      const { rows } = await sql`select from operations where done_at is null`.execute(tx);
      expect(rows.length).toBeGreaterThan(0);
    });
  } finally {
    await db.destroy();
  }
}

async function waitsFor(db: Database, pid: number): Promise<boolean> {
  const { rows } = await sql<{ waits: boolean }>`
    select exists (select from pg_stat_activity a where ${pid}::int = any(pg_blocking_pids(a.pid))) as waits`.execute(db);
  return rows[0]?.waits ?? false;
}

export const nobody = { orgId: null, principalId: null, requestId: null };
