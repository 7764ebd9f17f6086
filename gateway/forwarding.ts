// A call on its way from a REST request to its answer, and what unary and streamed answers share.
import type { ServerResponse } from "node:http";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { Code } from "../proto/gen/google/rpc/code.ts";
import { writeFailure } from "./answer.ts";
import type { MetadataEntry } from "./call.ts";
import type { Binding } from "./descriptors.ts";
import type { Exchange } from "./exchange.ts";
import type { Failure } from "./status.ts";
import { failureOf } from "./status.ts";
import { answerHeaders } from "./transcode/metadata.ts";
import type { Upstream } from "./upstream.ts";

export interface Forwarding {
  readonly response: ServerResponse;
  readonly exchange: Exchange;
  readonly binding: Binding;
  readonly registry: Registry;
  readonly upstream: Upstream;
  readonly log: Logger;
  /** What the services were told to answer if the caller is allowed at all; undefined for a call that is to be run. */
  readonly refusal: Failure | undefined;
}

/** Puts initial metadata on an answer whose headers are not sent yet. */
export function passHeaders({ response }: Forwarding, entries: readonly MetadataEntry[]): void {
  for (const [name, value] of answerHeaders(entries)) {
    response.appendHeader(name, value);
  }
}

/**
 * The JSON of a response message. A success where a refusal was asked for, or bytes that are no such message, is a breach
 * of contract by the services: loud in the log, mute on the wire.
 */
export function print({ binding, exchange, log, refusal }: Forwarding, message: Buffer): JsonValue | Breach {
  const { requestId, route } = exchange;
  if (refusal !== undefined) {
    log.error({ requestId, route }, "a call that had to be refused came back with success");
    return BREACH;
  }
  try {
    return binding.print(message);
  } catch {
    log.error({ requestId, route }, "the services answered with bytes that are not the method's response");
    return BREACH;
  }
}

export type Breach = typeof BREACH;
export const BREACH = Symbol("breach of contract");

/** The failure that a breach is answered with. */
export function breachFailure(): Failure {
  return failureOf(Code.INTERNAL, "INTERNAL", "internal error");
}

/** Answers with a failure, unless nobody is there to read it. */
export function fail({ response, exchange, binding, registry }: Forwarding, failure: Failure): void {
  if (response.destroyed) {
    exchange.code = Code.CANCELLED;
  } else {
    writeFailure(response, exchange, binding.method.dialect, failure, registry);
  }
}
