import { setTimeout as pause } from "node:timers/promises";

/**
 * Waits until a condition holds, looking at it again every `every` milliseconds.
 * Returns false when it does not hold within `within` milliseconds: the caller decides what that means.
 */
export async function holds(condition: () => boolean | Promise<boolean>, { within, every = 20 }: { within: number; every?: number }) {
  const deadline = performance.now() + within;
  while (!(await condition())) {
    if (performance.now() >= deadline) return false;
    await pause(every);
  }
  return true;
}
