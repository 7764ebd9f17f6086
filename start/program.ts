/** One program of ours (the services, the gateway) as a child process. This does not know which, nor what to do when it ends. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { holds } from "./condition.ts";
import { openJournal, wordsIn } from "./journal.ts";
import { type Running, watch } from "./running.ts";

export interface Program {
  /** A module that Node runs. */
  readonly entry: URL;
  readonly environment: NodeJS.ProcessEnv;
  /** The file that both of its outputs go to. */
  readonly journal: string;
  /** Whether it serves now. Asked again and again until it does. */
  readonly serves: () => Promise<boolean>;
}

/** In milliseconds: a large database may migrate for a while. */
const STARTUP = 120_000;

/** Enough for requests in flight, and not too much for a person who waits. */
const HABITS = { stop: "SIGTERM", kill: "SIGKILL", patience: 10_000 } as const;

const ORPHAN = new URL("orphan.ts", import.meta.url).href;

/**
 * Starts a program. It gets a channel to this process, and nothing is ever said on it: when it closes, the supervisor is
 * dead, and the program stops (`orphan.ts`), so that the next start finds the ports free.
 */
export function startProgram({ entry, environment, journal: path, serves }: Program): Running {
  const journal = openJournal(path);
  // Detached: Ctrl-C in a terminal reaches the supervisor only, which then stops things in order.
  const child = spawn(process.execPath, [...process.execArgv, "--import", ORPHAN, fileURLToPath(entry)], {
    env: environment,
    detached: true,
    stdio: ["ignore", journal.descriptor, journal.descriptor, "ipc"],
  });
  journal.close();
  const watched = watch(child, HABITS);
  let over = false;
  const ended = watched.ended.then((how) => {
    over = true;
    return [how, ...lastWords(wordsIn(journal))].join(": ");
  });
  const ready = holds(async () => over || (await serves()), { within: STARTUP, every: 50 }).then((settled) => {
    if (!settled) watched.kill();
    return settled && !over;
  });
  return { ...watched, ended, ready };
}

/** Why a program ended, if its log says so: the last thrown error, or the last line of level error and above (pino: 50). */
function lastWords(text: string): string[] {
  return text.split("\n").flatMap(complaint).slice(-1);
}

function complaint(line: string): string[] {
  if (/^(\w*Error|Uncaught)\b.*?: /.test(line)) return [line];
  if (!line.startsWith("{")) return [];
  try {
    const { level, msg, err } = JSON.parse(line);
    return level >= 50 ? [String(err?.message ?? msg)] : [];
  } catch {
    return [];
  }
}
