// Starts and stops the gateway: descriptors read, channel opened, port bound.
import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { createApp } from "./app.ts";
import type { GatewayConfig } from "./config.ts";
import type { Catalogue } from "./descriptors.ts";
import { readDescriptors } from "./descriptors.ts";
import { openIssuerProxy } from "./issuer.ts";
import { openUpstream } from "./upstream.ts";

export interface Gateway {
  /** The port it listens on. */
  readonly port: number;
  /** "http://host:port" of that port. */
  readonly url: string;
  /** Lets exchanges under way finish, for eight seconds at most, then closes everything. Every call waits for the same end. */
  close(): Promise<void>;
}

/** How long a connection without requests stays open, milliseconds; longer than the minute after which proxies drop theirs. */
const KEEP_ALIVE = 65_000;

/** How long exchanges under way may take when the gateway stops, milliseconds; less than supervisors commonly allow. */
const DRAIN_TIMEOUT = 8_000;

/**
 * Starts a gateway.
 *
 * @throws Error when the descriptor set cannot be read or contradicts itself, or the port cannot be bound
 */
export async function startGateway(config: GatewayConfig): Promise<Gateway> {
  const log = pino({ level: config.logLevel, base: { process: "gateway" } });
  const catalogue = await loadCatalogue(config.descriptors);
  const upstream = openUpstream(config.upstream);
  const issuer = openIssuerProxy(config.issuerUpstream, config.publicUrl, log);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE }, createApp(catalogue, upstream, issuer, log));
  await listen(server, config).catch((error: unknown) => {
    upstream.close();
    issuer.close();
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`;
  log.info({ url, publicUrl: config.publicUrl, upstream: config.upstream, routes: catalogue.bindings.length }, "gateway listens");
  const stop = async (): Promise<void> => {
    log.info("gateway stops");
    await drain(server);
    upstream.close();
    issuer.close();
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    url,
    close: () => {
      closing ??= stop();
      return closing;
    },
  };
}

async function loadCatalogue(path: string): Promise<Catalogue> {
  const bytes = await readFile(path);
  try {
    return readDescriptors(bytes);
  } catch (error) {
    throw new Error(`${path} cannot be served: ${error instanceof Error ? error.message : error}`);
  }
}

function listen(server: Server, { host, port }: GatewayConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
