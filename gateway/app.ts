// The Express application: what every exchange has in common, then the issuer, health, gRPC-web and REST, each for its own requests.
import type { Express, NextFunction, Request, Response } from "express";
import express from "express";
import type { Logger } from "pino";
import { Code } from "../proto/gen/google/rpc/code.ts";
import { writeFailure } from "./answer.ts";
import { answerPreflight, CORS_HEADERS, isPreflight } from "./cors.ts";
import type { Catalogue } from "./descriptors.ts";
import { dialectOfPath } from "./dialects/index.ts";
import type { Exchange } from "./exchange.ts";
import { openExchange } from "./exchange.ts";
import { grpcWebHandler, isGrpcWeb, refuseProtocol } from "./grpcweb/handler.ts";
import type { IssuerProxy } from "./issuer.ts";
import { isOfIssuer } from "./issuer.ts";
import { restHandler } from "./rest.ts";
import { failureOf } from "./status.ts";
import type { Upstream } from "./upstream.ts";

/** How long /debug/ready waits for the services, milliseconds. */
const READY_TIMEOUT = 2_000;

const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  ...CORS_HEADERS,
};

/** Builds the application that serves a catalogue of methods from one upstream, and the issuer's paths from another. */
export function createApp(catalogue: Catalogue, upstream: Upstream, issuer: IssuerProxy, log: Logger): Express {
  const rest = restHandler(catalogue, upstream, log);
  const grpcWeb = grpcWebHandler(catalogue, upstream);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.disable("query parser");
  app.use((request, response, next) => {
    const exchange = openExchange(request);
    response.locals.exchange = exchange;
    for (const name in COMMON_HEADERS) {
      response.setHeader(name, COMMON_HEADERS[name] ?? "");
    }
    response.setHeader("x-request-id", exchange.requestId);
    response.once("close", () => logExchange(log, exchange, response));
    if (isOfIssuer(exchange.path)) {
      issuer.forward(request, response, exchange);
    } else if (isPreflight(request)) {
      answerPreflight(response);
    } else {
      next();
    }
  });
  app.get("/debug/healthz", (_request, response) => {
    exchangeOf(response).route = "/debug/healthz";
    response.type("text/plain").send("ok");
  });
  app.get("/debug/ready", async (_request, response) => {
    exchangeOf(response).route = "/debug/ready";
    const isReady = await upstream.ready(READY_TIMEOUT);
    response.status(isReady ? 200 : 412).json(isReady ? "ok" : "the services are not ready");
  });
  app.use((request, response) => {
    const exchange = exchangeOf(response);
    const method = catalogue.methods.get(exchange.path);
    if (isGrpcWeb(request)) {
      return grpcWeb(request, response, exchange);
    }
    return method === undefined ? rest(request, response, exchange) : refuseProtocol(method, response, exchange, catalogue.registry);
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const exchange = exchangeOf(response);
    log.error({ requestId: exchange.requestId, route: exchange.route, err: error }, "an exchange failed inside the gateway");
    const failure = failureOf(Code.INTERNAL, "INTERNAL", "internal error");
    if (response.headersSent) {
      response.destroy();
    } else {
      writeFailure(response, exchange, dialectOfPath(exchange.path), failure, catalogue.registry);
    }
  });
  return app;
}

function exchangeOf(response: Response): Exchange {
  return response.locals.exchange as Exchange;
}

function logExchange(log: Logger, exchange: Exchange, response: Response): void {
  const { requestId, verb, route, code, startedAt } = exchange;
  const ms = Math.round((performance.now() - startedAt) * 10) / 10;
  const status = response.writableFinished ? response.statusCode : 499;
  log.info({ requestId, verb, route, status, code, ms }, "request");
}
