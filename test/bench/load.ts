/** Closed-loop load: so many callers, each asking again as soon as it was answered. Bounded in time and count. */

export interface Result {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
  readonly failed: number;
}

/**
 * Runs `call` with `concurrency` callers until the time is over or `most` calls were made.
 *
 * @param call gets the number of the call, from 0; a rejection counts as failed
 */
export async function load(
  call: (index: number) => Promise<unknown>,
  {
    concurrency,
    seconds = Number.POSITIVE_INFINITY,
    most = Number.POSITIVE_INFINITY,
  }: { concurrency: number; seconds?: number; most?: number },
): Promise<Result> {
  const latencies: number[] = [];
  let next = 0;
  let failed = 0;
  const started = performance.now();
  const caller = async () => {
    while (next < most && performance.now() - started < seconds * 1_000) {
      const index = next++;
      const began = performance.now();
      try {
        await call(index);
        latencies.push(performance.now() - began);
      } catch (error) {
        if (failed++ === 0) console.error("first failed call:", error);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const elapsed = (performance.now() - started) / 1_000;
  latencies.sort((a, b) => a - b);
  return {
    perSecond: latencies.length / elapsed,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    count: latencies.length,
    failed,
  };
}

/** The value below which a share of the sorted numbers lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Middle value. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
