/**
 * The gRPC server of one services process: every row of api/services.ts behind the guard chain, health, reflection, the
 * OpenID Connect issuer, and the deletion worker. Starts and stops as one thing; tests and benchmarks start it in process.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { sql } from "kysely";
import type { Logger } from "pino";
import { migrate } from "../migrations/run.ts";
import { register } from "./api/registry.ts";
import { services } from "./api/services.ts";
import { bootstrap, readFixedToken } from "./bootstrap.ts";
import type { Config } from "./config.ts";
import { executeDeletion } from "./deletion/execute.ts";
import { startIssuer } from "./issuer/server.ts";
import { ForeignVault } from "./issuer/signing-keys.ts";
import { type Database, openDatabase } from "./kernel/database.ts";
import { startWorker } from "./operations/worker.ts";
import { reflection } from "./reflection.ts";

export type Services = {
  readonly port: number;
  /** Where the issuer listens (HTTP); null when this process has not got the secret of this store's issuer. */
  readonly issuerPort: number | null;
  readonly db: Database;
  close(): Promise<void>;
};

const maxMessageBytes = 4 * 1024 * 1024;
/** The purge of one big tenant must not hold up the small ones behind it. */
const workerCount = 2;
/** How often the database is asked whether it is there, in milliseconds. */
const healthEvery = 1_000;
/** How long calls in flight may take to finish when the process stops, in milliseconds. */
const drainFor = 5_000;

/** Migrates, makes the first things on an empty store, and serves. */
export async function startServices(config: Config, log: Logger): Promise<Services> {
  await migrate(config.databaseUrl);
  const db = openDatabase(config.databaseUrl, config.poolSize, (error) => log.warn({ err: error }, "a database connection broke"));
  await bootstrap(db, config, log);
  const foreignTokens = await readFixedToken(db, config, log);
  const workers = Array.from({ length: workerCount }, () =>
    startWorker(db, log, (operation, stopping) => executeDeletion(db, operation, stopping)),
  );
  const announce = () => {
    for (const worker of workers) worker.wake();
  };
  const registrations = services({ db, announce }, config).map((row) => register(row, { db, log, foreignTokens }));
  const names = registrations.map(({ definition }) => Object.values(definition)[0]?.path.split("/")[1] ?? "");

  const server = new Server({ "grpc.max_receive_message_length": maxMessageBytes });
  for (const { definition, implementation } of [...registrations, ...reflection([...names, "grpc.health.v1.Health"])]) {
    server.addService(definition, implementation);
  }
  const stopHealth = serveHealth(server, names, db);
  const issuer = await startIssuer(db, config, log).catch((error: unknown) => withoutIssuer(error, log));
  const port = await listen(server, `${config.host}:${config.grpcPort}`);
  return {
    port,
    issuerPort: issuer?.port ?? null,
    db,
    close: async () => {
      stopHealth();
      await Promise.all([drain(server), issuer?.close()]);
      await Promise.all(workers.map((worker) => worker.stop()));
      await db.destroy();
    },
  };
}

/** The APIs need no secret: a replica that was not given the issuer's serves them, and says what it does not serve. */
function withoutIssuer(error: unknown, log: Logger): null {
  if (!(error instanceof ForeignVault)) throw error;
  log.error({ err: error }, "the issuer is not served by this process");
  return null;
}

function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
  });
}

/** Serving means that the database answers: an instance that cannot reach it is taken out of rotation and comes back. */
function serveHealth(server: Server, names: readonly string[], db: Database): () => void {
  const health = new HealthImplementation(Object.fromEntries(["", ...names].map((name) => [name, "SERVING"])));
  health.addToServer(server);
  let told = true;
  let asking = false;
  const look = async () => {
    if (asking) return;
    asking = true;
    const serving = await sql`select 1`.execute(db).then(
      () => true,
      () => false,
    );
    asking = false;
    if (serving === told) return;
    told = serving;
    for (const name of ["", ...names]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  const timer = setInterval(() => void look(), healthEvery);
  return () => clearInterval(timer);
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), drainFor);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
