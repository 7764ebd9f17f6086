/** A way to Postgres that a test can cut and mend: a TCP proxy in front of the server, which itself stays untouched. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

export interface Cuttable {
  /** Reaches the database through the proxy. */
  readonly url: string;
  /** Breaks every connection and takes no new ones: what is behind cannot be reached. */
  cut(): void;
  /** Takes connections again. */
  mend(): void;
  close(): Promise<void>;
}

/**
 * Opens the proxy on a free port.
 *
 * @param databaseUrl where it leads: a host and port, or a directory of Unix sockets in the parameter `host`
 */
export async function cuttable(databaseUrl: string): Promise<Cuttable> {
  const target = new URL(databaseUrl);
  const port = Number(target.port || 5432);
  const sockets = target.searchParams.get("host");
  const reach = () => (sockets?.startsWith("/") ? connect(join(sockets, `.s.PGSQL.${port}`)) : connect(port, target.hostname));
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = reach();
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  url.searchParams.delete("host");
  const breakAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    cut: () => {
      isCut = true;
      breakAll();
    },
    mend: () => {
      isCut = false;
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
