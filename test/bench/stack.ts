/** A Tenure for benchmarks: Postgres, services and gateway as processes of their own, as `npm start` runs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Database, openDatabase } from "../../services/kernel/database.ts";
import { startPostgres } from "../../start/postgres.ts";
import { listenCounting, type RoundTrips } from "./round-trips.ts";

export interface Stack {
  readonly grpcAddress: string;
  readonly baseUrl: string;
  readonly databaseUrl: string;
  readonly db: Database;
  readonly adminToken: string;
  /** Round trips between the services and Postgres; only on a counting stack, whose proxy costs time. */
  readonly roundTrips: RoundTrips | null;
  close(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");

/** Starts everything on an empty, durable store in a temporary folder. */
export async function startStack({ counting = false } = {}): Promise<Stack> {
  const dataDir = await mkdtemp(join(tmpdir(), "tenure-bench-"));
  const postgres = await startPostgres({ dir: dataDir });
  const roundTrips = counting ? await listenCounting(postgres.url) : null;
  const [grpcPort, httpPort, issuerPort] = [await freePort(), await freePort(), await freePort()];
  const env = {
    ...process.env,
    DATABASE_URL: roundTrips?.url ?? postgres.url,
    DATA_DIR: dataDir,
    GRPC_PORT: String(grpcPort),
    HTTP_PORT: String(httpPort),
    ISSUER_PORT: String(issuerPort),
    ISSUER_UPSTREAM: `127.0.0.1:${issuerPort}`,
    UPSTREAM: `127.0.0.1:${grpcPort}`,
    LOG_LEVEL: "warn",
  };
  const baseUrl = `http://127.0.0.1:${httpPort}`;
  const children = [run("services/main.ts", env), run("gateway/main.ts", env)];
  await ready(`${baseUrl}/debug/ready`);
  const db = openDatabase(postgres.url, 8, (error) => console.error(error));
  return {
    grpcAddress: `127.0.0.1:${grpcPort}`,
    baseUrl,
    databaseUrl: postgres.url,
    db,
    adminToken: (await readFile(join(dataDir, "admin.pat"), "utf8")).trim(),
    roundTrips,
    close: async () => {
      await db.destroy();
      for (const child of children) {
        child.kill("SIGTERM");
        if (child.exitCode === null) await once(child, "exit");
      }
      await roundTrips?.close();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function run(entry: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [entry], { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.status === 200) return;
    await delay(50);
  }
  throw new Error(`not ready: ${url}`);
}
