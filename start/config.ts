/** The environment as one object: the only reader of process.env in this room. Names and defaults are part of the product. */
import { resolve } from "node:path";
import { StartFailure } from "./failure.ts";

export interface Config {
  /** Undefined: a Postgres of our own below `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly host: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly issuerPort: number;
  readonly publicUrl: string;
  /** What the services and the gateway read; all else in it passes through. The database's address is not in it yet. */
  readonly environment: NodeJS.ProcessEnv;
}

/** @throws StartFailure when a port is not one. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const text = (name: string) => environment[name] || undefined;
  const port = (name: string, fallback: number) => {
    const value = Number(text(name) ?? fallback);
    if (Number.isInteger(value) && value > 0 && value < 65_536) return value;
    throw new StartFailure(`${name} is "${text(name)}": set it to a port number, 1 to 65535`);
  };
  const host = text("HOST") ?? "127.0.0.1";
  const httpPort = port("HTTP_PORT", 8080);
  const grpcPort = port("GRPC_PORT", 50_051);
  const issuerPort = port("ISSUER_PORT", 8081);
  const dataDir = resolve(text("DATA_DIR") ?? "data");
  const publicUrl = text("PUBLIC_URL") ?? `http://localhost:${httpPort}`;
  return {
    databaseUrl: text("DATABASE_URL"),
    dataDir,
    host,
    httpPort,
    grpcPort,
    issuerPort,
    publicUrl,
    environment: {
      ...environment,
      NODE_ENV: text("NODE_ENV") ?? "production",
      HOST: host,
      HTTP_PORT: String(httpPort),
      GRPC_PORT: String(grpcPort),
      ISSUER_PORT: String(issuerPort),
      DATA_DIR: dataDir,
      PUBLIC_URL: publicUrl,
      UPSTREAM: `${reachable(host)}:${grpcPort}`,
      ISSUER_UPSTREAM: `${reachable(host)}:${issuerPort}`,
    },
  };
}

/** An address under which this machine reaches what listens on `host`, ready for a URL. */
export function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
