/**
 * Counts round trips to Postgres from outside: a proxy on the wire that counts what a client must wait for, the Sync and
 * simple-Query messages of the frontend protocol. Nothing in the services knows that it is counted.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface RoundTrips {
  /** Connection string through the proxy. */
  readonly url: string;
  /** Round trips so far. */
  count(): number;
  close(): Promise<void>;
}

const simpleQuery = "Q".charCodeAt(0);
const sync = "S".charCodeAt(0);

/** Listens on a free port of the loopback and forwards to the server of a connection string with a Unix socket. */
export async function listenCounting(databaseUrl: string): Promise<RoundTrips> {
  const target = new URL(databaseUrl);
  const directory = target.searchParams.get("host") ?? "";
  const port = target.searchParams.get("port") ?? (target.port || "5432");
  const sockets = new Set<Socket>();
  let trips = 0;
  const server = createServer((client) => {
    const upstream = connect(`${directory}/.s.PGSQL.${port}`);
    const seen = follow(() => trips++);
    client.on("data", (chunk) => seen(chunk));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => client.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = new URL(databaseUrl);
  url.search = "";
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    count: () => trips,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Follows the frontend stream of one connection: a startup message without a type, then type, length, body. */
function follow(onTrip: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const header = started ? 5 : 4;
      if (rest.length < header) return;
      const length = rest.readUInt32BE(header - 4) + header - 4;
      if (rest.length < length) return;
      if (started && (rest[0] === simpleQuery || rest[0] === sync)) onTrip();
      started = true;
      rest = rest.subarray(length);
    }
  };
}
