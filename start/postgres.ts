/**
 * A Postgres of our own below DATA_DIR: made once, started, watched, stopped. It listens on a private Unix socket only.
 * It knows nothing of Tenure's schema, and takes no lock on DATA_DIR: that is its caller's (`lock.ts`).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { type Account, accountOf, own } from "./account.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { holds } from "./condition.ts";
import { StartFailure } from "./failure.ts";
import { type Journal, openJournal, wordsIn } from "./journal.ts";
import { clearLeftovers, killResidents } from "./leftovers.ts";
import { type Running, watch } from "./running.ts";
import { PORT, socketDirectory } from "./sockets.ts";

export interface PostgresOptions {
  /** DATA_DIR. The cluster is `postgres/` in it, the server's log `postgres.log`. */
  readonly dir: string;
  /** Receives one line a remarkable event. */
  readonly log?: (line: string) => void;
  /** False gives up what is promised for a power loss, and nothing else: for tests. Default true. */
  readonly durable?: boolean;
}

/** Accepts connections already. It stops fast: sessions end, a checkpoint is written. Killed, it recovers at its next start. */
export interface Postgres extends Running {
  /** Of the database `tenure`, for node-postgres and libpq alike. The same at every start of a DATA_DIR. */
  readonly url: string;
}

/** Also the superuser's name. */
const DATABASE = "tenure";

/** Recovery after a crash replays up to a checkpoint distance of log; on a slow disk that takes minutes. */
const STARTUP = 300_000;

/** A last checkpoint may have much to write. */
const HABITS = { stop: "SIGINT", kill: "SIGQUIT", patience: 60_000 } as const;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "200",
  shared_buffers: "128MB",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] ",
};

/** Commits still reach the kernel one by one (`synchronous_commit` stays on), so that only power loss can lose them. */
const CARELESS: Readonly<Record<string, string>> = { fsync: "off", full_page_writes: "off" };

/**
 * Starts the Postgres of a DATA_DIR and waits until it accepts connections to the database `tenure`.
 * Whatever an earlier start left running or half-made there is stopped or removed first.
 * @throws StartFailure with one line that says what to do.
 */
export async function startPostgres({ dir, log = () => {}, durable = true }: PostgresOptions): Promise<Postgres> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const data = join(dir, "postgres");
  const account = accountOf(data);
  const binaries = findBinaries(dir, account, log);
  const journal = openJournal(join(dir, "postgres.log"));
  try {
    const place = { data, account, journal };
    if (existsSync(data)) await clearLeftovers(data, log);
    else {
      log(`making a Postgres cluster in ${data}`);
      await createCluster({ ...place, dir, binaries, durable });
    }
    refuseOtherMajor(data, binaries);
    return await serve({ ...place, binaries, sockets: socketDirectory(dir, account), durable });
  } finally {
    journal.close();
  }
}

async function serve({ sockets, binaries, durable, ...place }: Server): Promise<Postgres> {
  const settings = { ...SETTINGS, unix_socket_directories: sockets, ...(durable ? {} : CARELESS) };
  const child = run(binaries.postgres, ["-D", seenAs(place), "-p", String(PORT), ...flags(settings)], place);
  child.once("exit", () => rmSync(sockets, { recursive: true, force: true }));
  const watched = watch(child, HABITS);
  try {
    await ready(child, place.data);
    await ensureDatabase(sockets);
    return { ...watched, ready: Promise.resolve(true), url: urlOf(DATABASE, sockets) };
  } catch (error) {
    await watched.stop();
    const why = complaint(place.journal) ?? (error instanceof Error ? error.message : String(error));
    throw new StartFailure(`Postgres did not start: ${why} (see ${place.journal.path})`);
  }
}

interface Place {
  readonly data: string;
  readonly account: Account;
  readonly journal: Journal;
}

interface Server extends Place {
  readonly binaries: Binaries;
  readonly sockets: string;
  readonly durable: boolean;
}

interface NewCluster extends Place {
  readonly dir: string;
  readonly binaries: Binaries;
  readonly durable: boolean;
}

/** Makes the cluster under another name and renames it when it is whole: a cluster that exists is never half-made. */
async function createCluster({ dir, data, account, binaries, journal, durable }: NewCluster): Promise<void> {
  const draft = join(dir, "postgres.new");
  const place = { data: draft, account, journal };
  await killResidents(draft);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  own(draft, account);
  // The builtin provider compares and folds case the same way on every machine, whatever locales it has.
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const args = ["-D", seenAs(place), "-U", DATABASE, "--auth=trust", ...locale, ...(durable ? [] : ["--no-sync"])];
  const child = run(binaries.initdb, args, place);
  const how = await watch(child, HABITS).ended;
  if (how !== "exit code 0") {
    // A full disk, say, or a user whom /etc/passwd does not name: initdb insists on a name.
    throw new StartFailure(
      `Postgres could not make ${data}: ${complaint(journal) ?? how} (${journal.path}): repair that, or set DATABASE_URL`,
    );
  }
  renameSync(draft, data);
  if (durable) sync(dir);
}

/** A rename is durable only once its directory is. */
function sync(directory: string): void {
  const handle = openSync(directory, "r");
  fsyncSync(handle);
  closeSync(handle);
}

/**
 * Runs one of Postgres' programs inside its data directory, with both outputs appended to the journal.
 * Detached: Ctrl-C in a terminal must reach the supervisor only, which then stops things in order.
 */
function run(program: string, args: readonly string[], { data, account, journal }: Place): ChildProcess {
  const stdio = ["ignore", journal.descriptor, journal.descriptor] as const;
  // An empty environment: PGPORT, PGOPTIONS and the like of the person who starts us are meant for other servers.
  return spawn(program, args, { ...account, cwd: data, detached: true, env: { LC_ALL: "C" }, stdio: [...stdio] });
}

/**
 * How the server names its data directory. An account that root lends may not be able to walk there (below a home of mode
 * 0700), but it is born inside: Linux lets it call the place `/proc/self/cwd`, and no permission needs to change.
 */
function seenAs({ data, account }: Place): string {
  return account.uid !== undefined && process.platform === "linux" ? "/proc/self/cwd" : data;
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** `localhost` only satisfies parsers that want a host; the `host` parameter wins in node-postgres and in libpq. */
function urlOf(database: string, sockets: string): string {
  return `postgres://${DATABASE}@localhost:${PORT}/${database}?host=${encodeURIComponent(sockets)}`;
}

/** Waits until the server takes connections, which it says in the last line of postmaster.pid, or has ended. */
async function ready(child: ChildProcess, data: string): Promise<void> {
  const dead = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const says = () => existsSync(join(data, "postmaster.pid")) && /^ready\s*$/m.test(readFileSync(join(data, "postmaster.pid"), "utf8"));
  const settled = await holds(() => dead() || says(), { within: STARTUP, every: 10 });
  if (dead()) throw new Error("it ended at once");
  if (!settled) throw new Error(`it was not ready after ${STARTUP / 1000} s`);
}

async function ensureDatabase(sockets: string): Promise<void> {
  const session = new Client(urlOf("postgres", sockets));
  await session.connect();
  try {
    const found = await session.query("SELECT FROM pg_database WHERE datname = $1", [DATABASE]);
    if (found.rowCount === 0) await session.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await session.end();
  }
}

function refuseOtherMajor(data: string, { major }: Binaries): void {
  const made = readFileSync(join(data, "PG_VERSION"), "utf8").trim();
  if (made !== major) throw new StartFailure(`${data} was made by Postgres ${made}, and this is ${major}: dump it with the old one first`);
}

/** The last error that one of Postgres' programs has told the journal. */
function complaint(journal: Journal): string | undefined {
  return [...wordsIn(journal).matchAll(/(?:FATAL: |PANIC: |^postgres:|^initdb: error:|^initdb:) +(.*)/gm)].at(-1)?.[1];
}
