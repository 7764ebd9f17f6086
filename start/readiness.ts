/** Whether something serves, and whether something may listen: single looks, for others to repeat. */
import { once } from "node:events";
import { get } from "node:http";
import { createServer, type Server } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { holds } from "./condition.ts";
import { StartFailure, systemCode } from "./failure.ts";

/** One look, in milliseconds. */
const LOOK = 1_000;

/** HealthCheckResponse with `status = SERVING`, as bytes: field 1, value 1 (grpc/health/v1/health.proto). */
const SERVING = Buffer.from([0x08, 0x01]);

/** Asks `grpc.health.v1.Health/Check` for the server as a whole. */
export function servesGrpc(address: string): () => Promise<boolean> {
  // No state of the channel survives a look: its own backoff would make us wait for a server that is already there.
  return () =>
    new Promise((resolve) => {
      const client = new Client(address, credentials.createInsecure());
      const same = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        same,
        same,
        Buffer.alloc(0),
        { deadline: Date.now() + LOOK },
        (error, reply) => {
          client.close();
          resolve(error === null && reply !== undefined && SERVING.equals(reply));
        },
      );
    });
}

/** Asks for a URL and expects 200. */
export function servesHttp(url: string): () => Promise<boolean> {
  return () =>
    new Promise((resolve) => {
      const request = get(url, { timeout: LOOK, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on("timeout", () => request.destroy());
      request.on("error", () => resolve(false));
    });
}

/** What earlier processes on our ports get to go away: they stop when they notice that their supervisor was killed. */
const PATIENCE = 4_000;

/**
 * Makes sure that we may listen on each of the ports.
 * @param ports by the setting that names them.
 * @throws StartFailure naming port and setting.
 */
export async function requirePorts(host: string, ports: Readonly<Record<string, number>>): Promise<void> {
  const held: Server[] = [];
  try {
    // All at once, so that two settings with the same port show too.
    for (const [setting, port] of Object.entries(ports)) held.push(await listen(host, port, setting));
  } finally {
    for (const server of held) {
      server.close();
      await once(server, "close");
    }
  }
}

async function listen(host: string, port: number, setting: string): Promise<Server> {
  let code: string | undefined;
  const server = createServer();
  await holds(
    async () => {
      code = await attempt(server, host, port);
      return code !== "EADDRINUSE";
    },
    { within: PATIENCE },
  );
  if (code === undefined) return server;
  if (code === "EADDRINUSE") throw new StartFailure(`port ${port} is in use: set ${setting} to another port, or stop what listens there`);
  if (code === "EACCES")
    throw new StartFailure(`port ${port} needs privileges that this account lacks: set ${setting} to a port above 1023`);
  throw new StartFailure(`cannot listen on ${host} (${code}): set HOST to an address of this machine`);
}

async function attempt(server: Server, host: string, port: number): Promise<string | undefined> {
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return systemCode(error) ?? String(error);
  }
}
