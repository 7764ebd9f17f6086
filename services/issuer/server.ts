/** The issuer's HTTP server: the login pages, and everything else by the provider. It starts and stops as one thing. */
import type { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Database } from "../kernel/database.ts";
import { requestIdOf } from "./form.ts";
import { answerLogin } from "./login.ts";
import { createProvider, paths } from "./provider.ts";
import { startPruning } from "./prune.ts";
import { readSigningKeys } from "./signing-keys.ts";
import { Transactions } from "./transaction.ts";
import { openVault } from "./vault.ts";

export type Issuer = { readonly port: number; close(): Promise<void> };

/** The other family's paths of the same endpoints. */
const aliases: Readonly<Record<string, string>> = {
  "/oauth2/v2/authorization": paths.authorization,
  "/oauth2/v2/token": paths.token,
  "/oauth2/v2/introspect": paths.introspection,
  "/oauth2/v2/revoke": paths.revocation,
  "/oauth2/v2/userinfo": paths.userinfo,
  "/oauth2/v2/jwks": paths.jwks,
};

/**
 * The paths that there are, spelled as they are. The provider's router takes other spellings too, and what is decided by
 * path before it must not be led around.
 */
const served: ReadonlySet<string> = new Set([
  ...Object.values(paths),
  "/.well-known/openid-configuration",
  `${paths.end_session}/confirm`,
  `${paths.end_session}/success`,
]);
const resumed = new RegExp(`^${paths.authorization}/[\\w-]+$`);

/** How long requests under way may take when the process stops, in milliseconds. */
const drainFor = 5_000;

/** @throws Error when the port cannot be bound, or the key is not the one of this store */
export async function startIssuer(db: Database, config: Config, log: Logger): Promise<Issuer> {
  const issuer = config.publicUrl.replace(/\/+$/, "");
  const vault = await openVault(config.issuerKey, config.dataDir);
  const store = new Transactions(db);
  const provider = createProvider(issuer, await readSigningKeys(db, vault), vault.cookieKey, store);
  const tell = (error: unknown, requestId: string | null) => log.error({ err: error, requestId }, "the issuer failed");
  provider.on("server_error", (ctx, error) => tell(error, requestIdOf(ctx.req)));
  // Koa's own event, which the provider's types leave out; without a listener it writes to the console.
  (provider as EventEmitter).on("error", (error) => tell(error, null));
  const around = { provider, store, vault, origin: new URL(issuer).origin };
  const answer = provider.callback();
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/login/")) {
      answerLogin(request, response, around).catch((error: unknown) => fail(request, response, error, log));
      return;
    }
    const { path, query } = locate(request);
    if (!served.has(path) && !resumed.test(path)) {
      response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error: "not_found" }));
      return;
    }
    request.url = path + query;
    void answer(request, response);
  });
  await listen(server, config);
  const stopPruning = startPruning(db, log);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await drain(server);
      await stopPruning();
    },
  };
}

function locate({ url = "/" }: IncomingMessage): { path: string; query: string } {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  return { path: aliases[path] ?? path, query: mark < 0 ? "" : url.slice(mark) };
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown, log: Logger): void {
  log.error({ err: error, requestId: requestIdOf(request) }, "a login failed inside");
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { "content-type": "text/plain", "cache-control": "no-store" }).end("The login failed. Try again.");
}

function listen(server: Server, { host, issuerPort }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(issuerPort, host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), drainFor);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
