/**
 * One supervisor a DATA_DIR. The lock is the kernel's (an advisory file lock), so it ends with its holder however that dies,
 * no pid is ever compared, and it holds between containers that share a volume. Node offers such locks only through SQLite,
 * so an empty SQLite file serves: a transaction is begun in it and never ended.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartFailure } from "./failure.ts";

/** In milliseconds: a holder that is on its way out (its parent was killed) gets this long. */
const PATIENCE = 2_000;

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html */
const BUSY = 5;

/** Keeps the garbage collector from closing, and so unlocking, the file. */
const held: DatabaseSync[] = [];

/**
 * Takes the lock of a DATA_DIR, which is made if need be, until this process ends.
 * @throws StartFailure when another process holds it, or the directory cannot be made or written.
 */
export function takeLock(dir: string): void {
  const note = join(dir, "lock.pid");
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = new DatabaseSync(join(dir, "lock"));
    file.exec(`PRAGMA busy_timeout = ${PATIENCE}; PRAGMA journal_mode = MEMORY`);
    file.exec("BEGIN EXCLUSIVE");
    // For people only: nothing decides by it.
    writeFileSync(note, `${process.pid}\n`);
    held.push(file);
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error && error.errcode === BUSY)) {
      throw new StartFailure(
        `${dir} cannot be used (${error instanceof Error ? error.message : error}): make it writable, or set DATA_DIR`,
      );
    }
    throw new StartFailure(`${dir} is in use by another Tenure${holder(note)}: stop that one, or set DATA_DIR to another directory`);
  }
}

function holder(note: string): string {
  try {
    return ` (pid ${readFileSync(note, "utf8").trim()})`;
  } catch {
    return "";
  }
}
