/** A running Tenure for tests: services and gateway in this process, on free ports, over a database of their own. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { OWN_DESCRIPTORS } from "../../gateway/config.ts";
import { type Gateway, startGateway } from "../../gateway/server.ts";
import { type Services, startServices } from "../../services/server.ts";
import { createDatabase } from "./postgres.ts";

export interface System {
  /** Token of the identity `admin`, which holds IAM_OWNER. */
  readonly adminToken: string;
  /** Where gRPC listens: host:port. */
  readonly grpcAddress: string;
  /** Where REST and gRPC-web listen: http://host:port. */
  readonly baseUrl: string;
  readonly databaseUrl: string;
  readonly dataDir: string;
  /** The issuer, which is not where the gateway listens: the port was not known before. */
  readonly publicUrl: string;
  readonly services: Services;
  readonly gateway: Gateway;
  close(): Promise<void>;
}

const silent = pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });

/**
 * Starts everything on a fresh store.
 *
 * @param reach the URL by which the services reach the database of the given URL, for tests that stand in between
 */
export async function startSystem(reach: (databaseUrl: string) => string | Promise<string> = (url) => url): Promise<System> {
  const database = await createDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), "tenure-test-"));
  const host = "127.0.0.1";
  const publicUrl = "http://localhost:8080";
  const services = await startServices(
    {
      databaseUrl: await reach(database.url),
      dataDir,
      host,
      grpcPort: 0,
      issuerPort: 0,
      issuerKey: undefined,
      publicUrl,
      adminPat: undefined,
      logLevel: "silent",
      poolSize: 8,
    },
    silent,
  );
  const grpcAddress = `${host}:${services.port}`;
  const gateway = await startGateway({
    host,
    port: 0,
    upstream: grpcAddress,
    issuerUpstream: `${host}:${services.issuerPort}`,
    publicUrl,
    descriptors: OWN_DESCRIPTORS,
    logLevel: "silent",
  });
  return {
    adminToken: (await readFile(join(dataDir, "admin.pat"), "utf8")).trim(),
    grpcAddress,
    baseUrl: gateway.url,
    databaseUrl: database.url,
    dataDir,
    publicUrl,
    services,
    gateway,
    close: async () => {
      await gateway.close();
      await services.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
