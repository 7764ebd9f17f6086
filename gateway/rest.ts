// Serves REST: finds the route, reads the request, calls the method, writes what it answered. Whether the caller may do
// that is for the services alone to say, so a request that must be refused still asks them first.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { Code } from "../proto/gen/google/rpc/code.ts";
import { writeFailure } from "./answer.ts";
import { announcesBody, BODY_MAX, readBody } from "./body.ts";
import type { Call } from "./call.ts";
import type { Binding, Catalogue } from "./descriptors.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { dialectOfPath } from "./dialects/index.ts";
import type { Exchange } from "./exchange.ts";
import { buildMatcher } from "./httprule/match.ts";
import { forwardStream } from "./ndjson.ts";
import type { Failure } from "./status.ts";
import { failureOf, Refusal, statusBytes } from "./status.ts";
import { DEADLINE_DEFAULT, REFUSAL, readTimeout, restMetadata } from "./transcode/metadata.ts";
import { forwardUnary } from "./unary.ts";
import type { Upstream } from "./upstream.ts";

export type RestHandler = (request: IncomingMessage, response: ServerResponse, exchange: Exchange) => Promise<void>;

/**
 * Prepares the REST side of the gateway; boot work.
 *
 * @throws Error when two bindings claim the same requests
 */
export function restHandler({ bindings, registry }: Catalogue, upstream: Upstream, log: Logger): RestHandler {
  const match = buildMatcher(bindings);
  return async (request, response, exchange) => {
    const dialect = dialectOfPath(exchange.path);
    const refuse = (failure: Failure, by: Dialect): void => writeFailure(response, exchange, by, failure, registry);
    const found = match(exchange.verb, dialect.ignoresTrailingSlash ? withoutTrailingSlash(exchange.path) : exchange.path);
    if (found.kind === "unknown") {
      refuse(failureOf(Code.NOT_FOUND, "ROUTE_UNKNOWN", "no such route", { seam: "route" }), dialect);
    } else if (found.kind === "wrong-verb") {
      response.setHeader("allow", found.allow.join(", "));
      refuse(failureOf(Code.UNIMPLEMENTED, "METHOD_UNKNOWN", "the path does not have this method", { seam: "verb" }), dialect);
    } else {
      exchange.route = found.route.template.text;
      const reading = await readCall(found.route, found.captures, request, exchange);
      if (reading.call === undefined) {
        refuse(reading.refusal, found.route.method.dialect);
      } else if (!response.destroyed) {
        const forward = found.route.method.streamsResponses ? forwardStream : forwardUnary;
        forward({ response, exchange, binding: found.route, registry, upstream, log, refusal: reading.refusal }, reading.call);
      }
    }
  };
}

/** What is to be sent: a call, a call that only asks whether the caller would have been allowed, or nothing. */
type Reading = { readonly call: Call; readonly refusal: Failure | undefined } | { readonly call: undefined; readonly refusal: Failure };

async function readCall(binding: Binding, captures: readonly string[], request: IncomingMessage, exchange: Exchange): Promise<Reading> {
  const { method } = binding;
  const metadata = restMetadata(request.headers, { requestId: exchange.requestId, peer: request.socket.remoteAddress });
  try {
    const strict = exchange.verb === "DELETE";
    const wantsBody = (binding.request.takesBody || strict) && announcesBody(request);
    const body = wantsBody ? await readBody(request, BODY_MAX) : Buffer.alloc(0);
    const message = binding.request.read({ captures, query: exchange.query, body, strict });
    return { call: { path: method.path, message, metadata, timeout: readTimeout(request.headers) }, refusal: undefined };
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    const refusal = error.failure;
    if (refusal.seam !== "call" || !method.isGuarded) {
      return { call: undefined, refusal };
    }
    metadata.push([REFUSAL, statusBytes(refusal)]);
    return { call: { path: method.path, message: binding.request.readPath(captures), metadata, timeout: DEADLINE_DEFAULT }, refusal };
  }
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
