/**
 * The life of one `npm start`: take DATA_DIR, start everything, say so, and stop everything when asked to or when something
 * cannot be kept running. Its own words are few and for people; the programs log into DATA_DIR, because nobody can read a
 * banner between lines of JSON, and a program must be able to log when its supervisor is dead.
 */
import { banner } from "./banner.ts";
import { readConfig } from "./config.ts";
import { StartFailure } from "./failure.ts";
import { takeLock } from "./lock.ts";
import { assemble, type Plan, type System } from "./processes.ts";
import { requirePorts } from "./readiness.ts";

/** Ctrl-C reaches us twice at once, from the terminal and through npm; a second wish of a person takes longer. */
const SAME_WISH = 500;

/**
 * Runs an installation until it is told to stop; ends the process then, with 0, or with 1 after a line that says why.
 * @param plan what to run as services and gateway.
 */
export async function supervise(plan: Plan): Promise<void> {
  const begun = performance.now();
  // A terminal or pipe that is gone is no reason to die, and least of all without stopping the others.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  try {
    const config = readConfig();
    // Held until this process ends, so that nobody starts while we are still stopping.
    takeLock(config.dataDir);
    const system = assemble({ config, plan, log, giveUp: (failure) => void quit(system, failure) });
    obey(system);
    await requirePorts(config.host, { HTTP_PORT: config.httpPort, GRPC_PORT: config.grpcPort, ISSUER_PORT: config.issuerPort });
    await system.start().catch((failure) => quit(system, failure));
    if (!leaving) console.log(banner(config, (performance.now() - begun) / 1000));
  } catch (failure) {
    fail(failure);
    process.exit(1);
  }
}

let leaving = false;

/** Stops everything and ends this process: with 0 when asked to, with 1 and a line when there is a failure. */
async function quit(system: System, failure?: unknown): Promise<void> {
  if (leaving) return;
  leaving = true;
  if (failure !== undefined) fail(failure);
  await system.stop();
  process.exit(failure === undefined ? 0 : 1);
}

/** Stops when asked: by signal, or by the end of a launcher that would pass signals on. */
function obey(system: System): void {
  let first: number | undefined;
  const wish = () => {
    const now = performance.now();
    first ??= now;
    if (now - first > SAME_WISH) {
      log("stopping at once");
      system.kill();
      process.exit(1);
    }
    if (!leaving) log("stopping");
    void quit(system);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, wish);
  if (process.connected) process.once("disconnect", () => void quit(system));
}

function log(line: string): void {
  console.log(`tenure: ${line}`);
}

function fail(failure: unknown): void {
  console.error("tenure:", failure instanceof StartFailure ? failure.message : failure);
}
