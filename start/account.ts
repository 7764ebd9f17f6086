/**
 * As whom Postgres runs. It refuses to run as root, so a supervisor that is root lends it another account.
 * Nothing here changes who owns what: whoever makes a directory for Postgres gives it away with `own`.
 */
import { spawnSync } from "node:child_process";
import { chownSync, statSync } from "node:fs";
import { StartFailure } from "./failure.ts";

/** Spread into the options of `spawn`. Empty: the account that we run under. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** `nobody`: by convention the account that owns nothing. */
const NOBODY = 65534;

/**
 * The account for the cluster in `data`: our own, or, when we are root, the present owner of the cluster, or nobody.
 * @throws StartFailure when we are root and may not become that account, or are not root and the cluster is another's.
 */
export function accountOf(data: string): Account {
  const owner = statSync(data, { throwIfNoEntry: false });
  const self = process.getuid?.();
  if (self === undefined) return {};
  if (self !== 0) {
    if (owner !== undefined && owner.uid !== self) {
      throw new StartFailure(`${data} belongs to user ${owner.uid}, not to user ${self}: start as its owner or as root, or set DATA_DIR`);
    }
    return {};
  }
  const account = owner === undefined || owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : { uid: owner.uid, gid: owner.gid };
  const trial = spawnSync("/bin/sh", ["-c", ":"], account);
  if (trial.status !== 0) {
    throw new StartFailure(
      `Postgres does not run as root, and this system does not let root become user ${account.uid}: start as another user, or set DATABASE_URL`,
    );
  }
  return account;
}

/** Gives a file or directory that we made to the account. */
export function own(path: string, { uid, gid }: Account): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** Whether the account may enter a directory, by asking the kernel: bits alone do not tell (ACLs, mounts). */
export function mayEnter(directory: string, account: Account): boolean {
  if (account.uid === undefined) return true;
  return spawnSync("/bin/sh", ["-c", 'test -r "$0" && test -x "$0"', directory], { ...account, cwd: "/" }).status === 0;
}
