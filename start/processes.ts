/** The processes of one installation: which there are, in which order they start and stop, and what each is told. */
import { join } from "node:path";
import { type Config, reachable } from "./config.ts";
import type { StartFailure } from "./failure.ts";
import { type Kept, keep } from "./keeper.ts";
import { startPostgres } from "./postgres.ts";
import { startProgram } from "./program.ts";
import { servesGrpc, servesHttp } from "./readiness.ts";

/** What is run. Fixed in the product; tests put other programs in these places, and spare the disk. */
export interface Plan {
  readonly services: URL;
  readonly gateway: URL;
  /** Of the embedded Postgres, see `startPostgres`. Default true. */
  readonly durable?: boolean;
}

export interface System {
  /** Starts everything, each when what it needs is ready. Fulfilled when all of it serves. */
  start(): Promise<void>;
  /** Ends everything, edge first, Postgres last. May be called at any time, also while `start` has not returned. */
  stop(): Promise<void>;
  /** Ends everything at once, Postgres too, which then recovers at the next start. */
  kill(): void;
}

export interface Options {
  readonly config: Config;
  readonly plan: Plan;
  readonly log: (line: string) => void;
  /** Called when a process cannot be kept running. Nothing was stopped yet. */
  readonly giveUp: (failure: StartFailure) => void;
}

export function assemble({ config, plan, log, giveUp }: Options): System {
  const { dataDir, host, grpcPort, httpPort } = config;
  const kept: Kept[] = [];
  let stopping = false;

  async function up(name: string, start: Parameters<typeof keep>[0]["start"]): Promise<void> {
    if (stopping) return;
    const one = keep({ name, start, log, giveUp });
    kept.unshift(one);
    await one.ready;
  }

  async function startDatabase(): Promise<string> {
    if (config.databaseUrl !== undefined) return config.databaseUrl;
    let url = "";
    await up("Postgres", async () => {
      const postgres = await startPostgres({ dir: dataDir, log, durable: plan.durable ?? true });
      // The same at every start: it follows from DATA_DIR.
      url = postgres.url;
      return postgres;
    });
    return url;
  }

  return {
    async start() {
      const environment = { ...config.environment, DATABASE_URL: await startDatabase() };
      const program = (name: "services" | "gateway", serves: () => Promise<boolean>) => () =>
        startProgram({ entry: plan[name], environment, journal: join(dataDir, `${name}.log`), serves });
      const address = reachable(host);
      const services = servesGrpc(`${address}:${grpcPort}`);
      const gateway = servesHttp(`http://${address}:${httpPort}/debug/ready`);
      // Both start at once. The gateway is not asked before the services serve: it would only log one refusal after the other.
      await Promise.all([
        up("services", program("services", services)),
        up(
          "gateway",
          program("gateway", async () => (await services()) && (await gateway())),
        ),
      ]);
    },
    async stop() {
      stopping = true;
      for (const one of kept) await one.stop();
    },
    kill() {
      stopping = true;
      for (const one of kept) one.kill();
    },
  };
}
