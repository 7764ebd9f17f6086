/** Keeps a process running: starts it again when it ends unasked, ever more slowly, and gives up when that does not help. */
import { setTimeout as pause } from "node:timers/promises";
import { StartFailure } from "./failure.ts";
import type { Running } from "./running.ts";

export interface Kept {
  /** Fulfilled when it serves for the first time; rejected with a StartFailure when its first start fails. */
  readonly ready: Promise<void>;
  /** Ends it in good order, for good. */
  stop(): Promise<void>;
  /** Ends it at once, for good. */
  kill(): void;
}

export interface Care {
  /** As people call it, in log lines. */
  readonly name: string;
  readonly start: () => Running | Promise<Running>;
  readonly log: (line: string) => void;
  /** Called once, when it will not be started again. */
  readonly giveUp: (failure: StartFailure) => void;
}

/** So many ends within so many milliseconds are not an accident any more. */
const LIMIT = 5;
const WINDOW = 60_000;
/** Before the first new start, in milliseconds; doubles with each end within the window. */
const PAUSE = 100;

/** Starts it now. The first start gets no second try: what fails then is a wrong setting, and a person is waiting. */
export function keep({ name, start, log, giveUp }: Care): Kept {
  let stopping = false;
  let child: Running | undefined;
  let present = attempt();

  async function attempt(): Promise<Running> {
    child = await start();
    return child;
  }

  async function firstStart(): Promise<void> {
    const first = await present;
    if ((await first.ready) || stopping) return;
    stopping = true;
    throw new StartFailure(`${name} did not start: ${await first.ended}`);
  }

  async function watch(): Promise<void> {
    const ends: number[] = [];
    for (;;) {
      const how = await present.then(
        ({ ended }) => ended,
        (error: Error) => error.message,
      );
      if (stopping) return;
      const now = performance.now();
      const recent = ends.push(now) - ends.findIndex((end) => now - end < WINDOW);
      if (recent >= LIMIT) {
        giveUp(new StartFailure(`${name} ended ${recent} times within a minute, the last time with ${how}`));
        return;
      }
      log(`${name} ended (${how}); starting again`);
      await pause(PAUSE * 2 ** (recent - 1));
      if (stopping) return;
      present = attempt();
      void present
        .then(({ ready }) => ready)
        .then(
          (serves) => serves && log(`${name} serves again`),
          () => {},
        );
    }
  }

  const ready = firstStart();
  void ready.then(watch, () => {});
  return {
    ready,
    async stop() {
      stopping = true;
      await present.then(
        (last) => last.stop(),
        () => {},
      );
    },
    kill() {
      stopping = true;
      child?.kill();
    },
  };
}
