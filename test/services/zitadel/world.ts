/** A system with orgs and callers in it, made the way a client of ZITADEL makes them. */
import type { ServiceError } from "@grpc/grpc-js";
import pg from "pg";
import { expect } from "vitest";
import { Status } from "../../../proto/gen/google/rpc/status.ts";
import { ErrorDetail } from "../../../proto/gen/zitadel/v1/details.ts";
import { type Answer, type Rest, restClient } from "../../support/rest.ts";
import { type System, startSystem } from "../../support/system.ts";

export interface Caller {
  readonly id: string;
  readonly token: string;
  readonly rest: Rest;
}

export interface World {
  readonly system: System;
  /** REST as the identity that holds IAM_OWNER. */
  readonly admin: Rest;
  /** Makes an org; it belongs to nobody else. */
  org(name?: string): Promise<string>;
  /** Makes a machine of an org with roles in it, and a token for it. */
  machine(orgId: string, ...roles: string[]): Promise<Caller>;
  /** Makes a human of an org with roles in it, and a token for it. */
  human(orgId: string, ...roles: string[]): Promise<Caller>;
  /** Another connection to the database, for locks and for looking behind the wire. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

interface Made {
  readonly id: string;
  readonly userId: string;
  readonly token: string;
}

let count = 0;

/** A name that no other call gave. */
export function fresh(prefix: string): string {
  count += 1;
  return `${prefix}-${count}`;
}

/** The header that names the context org. */
export function within(orgId: string): { headers: Record<string, string> } {
  return { headers: { "x-zitadel-orgid": orgId } };
}

/** A body of AddHumanUser that is complete. */
export function person(userName: string, more: object = {}): object {
  const email = { email: `${userName}@example.com` };
  return { userName, profile: { firstName: "Ada", lastName: "Byron" }, email, ...more };
}

export async function startWorld(): Promise<World> {
  const system = await startSystem();
  const admin = restClient(system.baseUrl, system.adminToken);
  const connections: pg.Client[] = [];

  async function make(path: string, orgId: string | undefined, body: object): Promise<Made> {
    const answer = await admin<Made>("POST", path, { ...(orgId === undefined ? {} : within(orgId)), body });
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  }

  async function caller(orgId: string, id: string, roles: string[], token: string): Promise<Caller> {
    if (roles.length > 0) await make("/management/v1/orgs/me/members", orgId, { userId: id, roles });
    return { id, token, rest: restClient(system.baseUrl, token) };
  }

  return {
    system,
    admin,
    org: async (name = fresh("Org")) => (await make("/management/v1/orgs", undefined, { name })).id,
    machine: async (orgId, ...roles) => {
      const userName = fresh("machine");
      const { userId } = await make("/management/v1/users/machine", orgId, { userName, name: userName });
      const { token } = await make(`/management/v1/users/${userId}/pats`, orgId, {});
      return caller(orgId, userId, roles, token);
    },
    human: async (orgId, ...roles) => {
      const { userId } = await make("/management/v1/users/human", orgId, person(fresh("human")));
      const { token } = await make(`/tenure/v1/orgs/${orgId}/principals/${userId}/tokens`, undefined, {});
      return caller(orgId, userId, roles, token);
    },
    connect: async () => {
      const client = new pg.Client(system.databaseUrl);
      await client.connect();
      connections.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(connections.map((client) => client.end()));
      await system.close();
    },
  };
}

/** Waits until so many statements of the database wait for a lock. */
export async function untilWaiting(client: pg.Client, statements: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows[0].waiting >= statements) return;
  }
}

interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly details?: readonly { readonly "@type": string; readonly id?: string; readonly message?: string }[];
}

/** Expects ZITADEL's error: the id in the message and in the first detail. */
export function expectError(answer: Answer<unknown>, status: number, code: number, id: string, text?: string): void {
  const body = answer.body as ErrorBody;
  expect({ status: answer.status, code: body.code, id: body.details?.[0]?.id }, answer.text).toEqual({ status, code, id });
  const detail = body.details?.[0];
  expect(detail?.["@type"]).toBe("type.googleapis.com/zitadel.v1.ErrorDetail");
  expect(body.message).toBe(`${detail?.message} (${id})`);
  if (text !== undefined) expect(detail?.message).toBe(text);
}

/** Expects a refusal of the request itself: protoc-gen-validate's sentence, and no detail of ZITADEL's. */
export function expectInvalid(answer: Answer<unknown>, message: string): void {
  const body = answer.body as ErrorBody;
  expect({ status: answer.status, code: body.code, message: body.message }, answer.text).toEqual({ status: 400, code: 3, message });
  expect(body.details?.some((detail) => detail["@type"].endsWith("zitadel.v1.ErrorDetail"))).toBe(false);
}

/** What a gRPC call was refused with, in the words that REST shows. */
export async function grpcError(call: Promise<unknown>): Promise<{ code: number; message: string; id: string | undefined }> {
  const error = await call.then(
    () => expect.fail("the call was answered"),
    (refusal: ServiceError) => refusal,
  );
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const status = Status.decode(bytes as Buffer);
  const detail = status.details.find(({ typeUrl }) => typeUrl.endsWith("/zitadel.v1.ErrorDetail"));
  return { code: error.code, message: error.details, id: detail && ErrorDetail.decode(detail.value).id };
}
