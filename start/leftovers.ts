/**
 * What an earlier supervisor left behind when it was killed: a Postgres that still serves, backends that have not yet
 * noticed the death of their postmaster, a stale postmaster.pid. Only for a cluster whose DATA_DIR we hold the lock of.
 * A process counts as the cluster's by what it is and where it stands, never by a number read from a file: pids are reused.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { holds } from "./condition.ts";
import { StartFailure, systemCode } from "./failure.ts";

/** Fast shutdown ends sessions and writes a checkpoint, which can take its time. */
const FAST_SHUTDOWN = 30_000;
/** Backends without a postmaster end by themselves as soon as they look up. */
const NOTICE = 5_000;
const DEATH = 5_000;

/**
 * Stops whatever still runs in the cluster, then removes its stale lock file.
 * @throws StartFailure when a process cannot be stopped.
 */
export async function clearLeftovers(data: string, log: (line: string) => void): Promise<void> {
  const empty = () => residents(data).length === 0;
  const postmaster = lockHolder(data);
  if (postmaster !== undefined && residents(data).includes(postmaster)) {
    log(`stopping the Postgres that an earlier start left running (pid ${postmaster})`);
    signal(postmaster, "SIGINT");
    await holds(empty, { within: FAST_SHUTDOWN });
  } else {
    await holds(empty, { within: NOTICE });
  }
  await killResidents(data);
  // Postgres itself would believe a zombie or a reused pid in this file, and refuse to start for ever.
  rmSync(join(data, "postmaster.pid"), { force: true });
}

/** Kills whatever runs in the directory, at once. The write-ahead log makes that safe for a cluster. */
export async function killResidents(directory: string): Promise<void> {
  for (const pid of residents(directory)) signal(pid, "SIGKILL");
  if (await holds(() => residents(directory).length === 0, { within: DEATH })) return;
  throw new StartFailure(`processes ${residents(directory).join(", ")} still use ${directory} and cannot be stopped`);
}

/** The pid in the first line of postmaster.pid, if there is one. */
function lockHolder(data: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10) || undefined;
  } catch {
    return undefined;
  }
}

/** The live processes of Postgres that belong to the directory. Postgres works inside its directory from start to end. */
function residents(directory: string): number[] {
  const place = statSync(directory, { throwIfNoEntry: false });
  if (place === undefined) return [];
  if (process.platform !== "linux") return lockHolderIfAlive(directory);
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        if (!/^(postgres|initdb)$/m.test(readFileSync(`/proc/${pid}/comm`, "utf8"))) return false;
        const { dev, ino } = statSync(`/proc/${pid}/cwd`);
        return dev === place.dev && ino === place.ino;
      } catch {
        // Gone meanwhile, a zombie, or another user's: not one that we could have left.
        return false;
      }
    });
}

/** Without /proc: the holder of the lock file, if its command line names the directory. */
function lockHolderIfAlive(directory: string): number[] {
  const pid = lockHolder(directory);
  if (pid === undefined) return [];
  return spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout.includes(directory) ? [pid] : [];
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw new StartFailure(`process ${pid} of an earlier start cannot be stopped: ${systemCode(error)}`);
  }
}
