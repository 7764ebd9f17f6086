// Cross-origin access: any page may call, none with ambient credentials. A bearer token is sent by who holds it, so an
// origin is nothing to trust or distrust; cookies are never looked at, and credentials are never allowed.
import type { IncomingMessage, ServerResponse } from "node:http";

/** What a page may read of every answer. */
export const EXPOSED_HEADERS = ["grpc-status", "grpc-message", "grpc-status-details-bin", "location", "x-request-id", "x-tenure-operation"];

const ALLOWED_HEADERS = "authorization, content-type, x-grpc-web, x-user-agent, grpc-timeout, x-zitadel-orgid, accept, accept-language";
const ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const MAX_AGE = "7200";

/** Headers of every answer. */
export const CORS_HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": EXPOSED_HEADERS.join(", "),
};

/** Whether a browser asks here if it may send its real request (Fetch standard, "CORS-preflight request"). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

/** Answers a preflight. */
export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    "access-control-allow-methods": ALLOWED_METHODS,
    "access-control-allow-headers": ALLOWED_HEADERS,
    "access-control-max-age": MAX_AGE,
  });
  response.end();
}
