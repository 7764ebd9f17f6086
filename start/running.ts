/** A process that runs: how it ends, and how to end it. What Postgres, the services and the gateway have in common. */
import type { ChildProcess } from "node:child_process";

export interface Running {
  readonly pid: number;
  /** Fulfilled with whether it came to serve; false when it ended before. Never rejected. */
  readonly ready: Promise<boolean>;
  /** Fulfilled with how it ended ("exit code 1", "SIGKILL"), whoever ended it. Never rejected. */
  readonly ended: Promise<string>;
  /** Asks it to end in good order, and waits until it has ended. Who has waited too long is killed. */
  stop(): Promise<void>;
  /** Ends it without asking. */
  kill(): void;
}

export interface Habits {
  /** The signal that asks for an orderly end. */
  readonly stop: NodeJS.Signals;
  /** The signal that leaves no choice. */
  readonly kill: NodeJS.Signals;
  /** How long an orderly end may take, in milliseconds. */
  readonly patience: number;
}

/** What there is to know and to do about a child that was just spawned, except whether it serves. */
export function watch(child: ChildProcess, { stop, kill, patience }: Habits): Omit<Running, "ready"> {
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill(stop);
      const timer = setTimeout(() => child.kill(kill), patience);
      await ended;
      clearTimeout(timer);
    },
    kill() {
      child.kill(kill);
    },
  };
}
