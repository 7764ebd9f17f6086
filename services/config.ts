/** The only place in the services that reads the environment. */
import { resolve } from "node:path";

/** Settings of one services process. Names of the variables are fixed: other programs rely on them. */
export type Config = {
  /** Postgres connection string. */
  readonly databaseUrl: string;
  /** Directory that receives `admin.pat` on first start. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 binds any free port. */
  readonly grpcPort: number;
  /** Of the OpenID Connect issuer (HTTP); 0 binds any free port. */
  readonly issuerPort: number;
  /** 32 bytes in base64url, the same for every process on one database. Unset: kept in `dataDir`, made on first start. */
  readonly issuerKey: string | undefined;
  /** Where users reach this installation; its host is the suffix of generated org domains. */
  readonly publicUrl: string;
  /** Fixes the first token instead of generating one. */
  readonly adminPat: string | undefined;
  readonly logLevel: string;
  /** Connections to Postgres held by this process. */
  readonly poolSize: number;
};

/**
 * Reads and checks the settings.
 *
 * @throws Error naming the variable that is missing or wrong
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const databaseUrl = env.DATABASE_URL;
  if (!databaseUrl) throw new Error("DATABASE_URL is not set (npm start sets it when it runs its own Postgres)");
  return Object.freeze({
    databaseUrl,
    dataDir: resolve(env.DATA_DIR ?? "./data"),
    host: env.HOST ?? "127.0.0.1",
    grpcPort: port(env, "GRPC_PORT", 50051),
    issuerPort: port(env, "ISSUER_PORT", 8081),
    issuerKey: env.ISSUER_KEY || undefined,
    publicUrl: env.PUBLIC_URL ?? "http://localhost:8080",
    adminPat: env.ADMIN_PAT || undefined,
    logLevel: env.LOG_LEVEL ?? "info",
    poolSize: 16,
  });
}

function port(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const value = Number(env[name] ?? fallback);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new Error(`${name} is not a port: ${env[name]}`);
  return value;
}
