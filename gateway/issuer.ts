// The issuer's paths, passed on as they are: bodies are streamed both ways, nothing is read. Who asks, and under which name
// people know this gateway, is told in the x-forwarded headers; what a client says there itself is not believed.
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Agent, request as open } from "node:http";
import { pipeline } from "node:stream";
import type { Logger } from "pino";
import { Code } from "../proto/gen/google/rpc/code.ts";
import type { Exchange } from "./exchange.ts";

/** What the issuer serves: paths, and beginnings of paths that end with a slash. */
const SERVED = ["/.well-known/openid-configuration", "/oauth/v2/", "/oidc/v1/", "/oauth2/v2/", "/oidc/callback", "/login/"];

/** Headers of one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** How long the issuer may be silent, milliseconds. */
const TIMEOUT = 30_000;

export interface IssuerProxy {
  /** Passes a request on and answers it. */
  forward(request: IncomingMessage, response: ServerResponse, exchange: Exchange): void;
  close(): void;
}

/** Whether a path is the issuer's. */
export function isOfIssuer(path: string): boolean {
  return SERVED.some((served) => path === served || (served.endsWith("/") && path.startsWith(served)));
}

/**
 * A proxy to the issuer.
 *
 * @param upstream "host:port"
 * @param publicUrl under which people reach this gateway
 */
export function openIssuerProxy(upstream: string, publicUrl: string, log: Logger): IssuerProxy {
  const { protocol, host } = new URL(publicUrl);
  const { hostname, port } = new URL(`http://${upstream}`);
  const agent = new Agent({ keepAlive: true });
  const known = { "x-forwarded-proto": protocol.slice(0, -1), "x-forwarded-host": host, host };
  return {
    forward: (request, response, exchange) => {
      exchange.route = "issuer";
      const headers: OutgoingHttpHeaders = {
        ...endToEnd(request.headers),
        ...known,
        "x-forwarded-for": forwardedFor(request),
        "x-request-id": exchange.requestId,
      };
      const bare = hostname.replace(/^\[(.*)\]$/, "$1");
      const out = open({ agent, host: bare, port, method: request.method, path: request.url, headers, timeout: TIMEOUT });
      out.on("response", (answer) => pass(answer, response));
      out.on("timeout", () => out.destroy(new Error("the issuer is silent")));
      out.on("error", (error) => refuse(error, response, exchange, log));
      response.once("close", () => out.destroy());
      pipeline(request, out, () => {});
    },
    close: () => agent.destroy(),
  };
}

function pass(answer: IncomingMessage, response: ServerResponse): void {
  // The issuer decides for itself which pages of other origins may read it.
  response.removeHeader("access-control-allow-origin");
  response.removeHeader("access-control-expose-headers");
  response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
  pipeline(answer, response, () => {});
}

function refuse(error: Error, response: ServerResponse, exchange: Exchange, log: Logger): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  exchange.code = Code.UNAVAILABLE;
  log.warn({ requestId: exchange.requestId, err: error }, "the issuer cannot be reached");
  response.writeHead(503, { "content-type": "application/json", "cache-control": "no-store", "retry-after": "1" });
  response.end(JSON.stringify({ error: "temporarily_unavailable", error_description: "the issuer cannot be reached" }));
}

/** Without what belongs to the connection, by its own list too. */
function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name)));
}

function forwardedFor({ headers, socket }: IncomingMessage): string {
  return [headers["x-forwarded-for"], socket.remoteAddress].flat().filter(Boolean).join(", ");
}
