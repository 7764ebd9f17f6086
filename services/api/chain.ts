/**
 * The guard chain: every call of every dialect passes through here, in this order: request id, log, error mapping, decode,
 * authentication, authorization, validation, handler. It wraps handlers; it knows none of them by name.
 */
import { randomInt } from "node:crypto";
import type { handleUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { Scope } from "../../proto/gen/tenure/options/v1/rpc.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { toFailure } from "../kernel/sqlstate.ts";
import type { Call, Envelope, Handler } from "./call.ts";
import type { Rpc } from "./contract.ts";
import { authorize, type ForeignTokens } from "./interceptors/authorize.ts";
import { decode } from "./interceptors/decode.ts";
import { toServiceError } from "./status.ts";
import type { Words } from "./words.ts";

/** What the chain needs of the process. */
export type Surroundings = { readonly db: Database; readonly log: Logger; readonly foreignTokens: ForeignTokens };

/** One RPC with its handler and its codec. */
export type Route = {
  readonly rpc: Rpc;
  readonly words: Words;
  readonly parse: (bytes: Buffer) => unknown;
  readonly serialize: (response: never) => Buffer;
  readonly handler: Handler<never, unknown>;
};

/** Makes the grpc-js handler of a route: bytes in, bytes out. */
export function guard(route: Route, around: Surroundings): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const started = performance.now();
    const envelope: Envelope = { rpc: route.rpc, requestId: requestIdOf(call.metadata), metadata: call.metadata, bytes: call.request };
    const log = around.log.child({ rpc: route.rpc.path, requestId: envelope.requestId });
    answer(route, around, envelope).then(
      (response) => {
        log.info({ code: 0, ms: elapsed(started) }, "answered");
        callback(null, response);
      },
      (error: unknown) => {
        callback(refuse(error, route, envelope.requestId, log, started));
      },
    );
  };
}

async function answer(route: Route, around: Surroundings, envelope: Envelope): Promise<Buffer> {
  const { fields, refusal } = decode(envelope);
  let call: Call | null = null;
  if (route.rpc.scope !== Scope.SCOPE_PUBLIC) {
    const authorized = await authorize(around.db, around.foreignTokens, envelope, fields);
    if (refusal) throw refusal;
    if (authorized.missing) throw failure("ORG_NOT_FOUND");
    call = authorized;
  }
  if (refusal) throw refusal;
  // A public RPC has no caller; its handler takes none.
  const response = await route.handler(route.parse(envelope.bytes) as never, call as Call);
  return route.serialize(response as never);
}

function refuse(error: unknown, route: Route, requestId: string, log: Logger, started: number): ServiceError {
  const failed = toFailure(error);
  const told = toServiceError(failed, route.rpc, route.words, requestId);
  const line = {
    code: told.code,
    reason: failed.reason,
    ms: elapsed(started),
    ...(failed.cause === undefined ? {} : { err: failed.cause }),
  };
  if (failed.reason === "INTERNAL") log.error(line, "failed");
  else log.info(line, "refused");
  return told;
}

const wellFormed = /^[A-Za-z0-9-]{1,64}$/;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The id that the edge gave the request, or a new one of the same form for callers of gRPC. */
function requestIdOf(metadata: Metadata): string {
  const sent = String(metadata.get("x-request-id")[0] ?? "");
  if (wellFormed.test(sent)) return sent;
  return `req-${Array.from({ length: 14 }, () => alphabet[randomInt(alphabet.length)]).join("")}`;
}

function elapsed(started: number): number {
  return Math.round((performance.now() - started) * 100) / 100;
}
