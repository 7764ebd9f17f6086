/**
 * The directory of Postgres' Unix socket. Whoever reaches the socket is superuser (no password, no TCP), so the directory
 * is the door: it belongs to the server's account alone, mode 0700, and is refused if it is anything else.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Account, mayEnter, own } from "./account.ts";
import { StartFailure, systemCode } from "./failure.ts";

/** Part of the socket's file name; TCP is off, so it never meets another server's port. */
export const PORT = 5432;

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing NUL included. */
const LONGEST = 103;

/**
 * Makes, or finds again and empties, the socket directory of a DATA_DIR: always the same one, so that a killed start leaves
 * at most one. No server of that DATA_DIR may run. It is not below DATA_DIR because a socket's path must be short.
 * @throws StartFailure when no place for temporary files serves.
 */
export function socketDirectory(dir: string, account: Account): string {
  const name = `tenure-${createHash("sha256").update(realpathSync(dir)).digest("hex").slice(0, 16)}`;
  for (const base of [tmpdir(), "/tmp"]) {
    const path = join(base, name);
    const socket = join(path, `.s.PGSQL.${PORT}`);
    if (Buffer.byteLength(socket) > LONGEST || !mayEnter(base, account) || !claimed(path, account)) continue;
    // A lock file names a pid, and Postgres would believe a zombie or a reused one.
    for (const left of [socket, `${socket}.lock`]) rmSync(left, { force: true });
    return path;
  }
  throw new StartFailure(`no private directory for Postgres' socket in ${tmpdir()} or /tmp (${name} is another user's?): set TMPDIR`);
}

/** Whether the directory is, or now became, the account's alone. `lstat`: a link planted in a shared /tmp must not count. */
function claimed(path: string, account: Account): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") return false;
  }
  const found = lstatSync(path);
  const self = process.getuid?.() ?? found.uid;
  if (!found.isDirectory() || (found.mode & 0o077) !== 0 || ![self, account.uid].includes(found.uid)) return false;
  own(path, account);
  return true;
}
