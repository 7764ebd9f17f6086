/** The log files in DATA_DIR, one a process. Processes write to them directly, so they go on whatever becomes of the supervisor. */
import { closeSync, openSync, readFileSync, renameSync, statSync } from "node:fs";

/** A journal is set aside (`.1`, one generation) at the next opening after it grew beyond this many bytes. */
const LIMIT = 16 * 1024 * 1024;

/** A file that a child writes to, and where its own words begin in it. */
export interface Journal {
  readonly path: string;
  readonly descriptor: number;
  readonly start: number;
  /** Ours only; the child keeps its own. */
  close(): void;
}

/** Opens a journal for appending; only its owner may read it. */
export function openJournal(path: string): Journal {
  if (sizeOf(path) > LIMIT) renameSync(path, `${path}.1`);
  const descriptor = openSync(path, "a", 0o600);
  return { path, descriptor, start: sizeOf(path), close: () => closeSync(descriptor) };
}

/** What was written since the journal was opened. */
export function wordsIn({ path, start }: Pick<Journal, "path" | "start">): string {
  return readFileSync(path).subarray(start).toString();
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
