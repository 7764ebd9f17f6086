/** An installation for tests: a DATA_DIR and ports of its own, the real supervisor and Postgres, stand-ins for the programs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { expect, onTestFinished, vi } from "vitest";
import { holds } from "../../start/condition.ts";

// Each test starts several processes; on a busy machine that is slow, and slowness is no failure.
vi.setConfig({ testTimeout: 60_000 });

const project = fileURLToPath(new URL("../..", import.meta.url));
/** The supervisor over stand-ins for the programs, or exactly what `npm start` runs. */
const entries = { "stand-ins": "test/start/stand-ins/main.ts", real: "start/main.ts" };

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface InstallationOptions {
  readonly parent?: string;
  readonly account?: Account;
  readonly programs?: keyof typeof entries;
}

export interface Started {
  readonly child: ChildProcess;
  /** Everything that it has printed so far. */
  output(): string;
  /** Fulfilled when the banner is there, with true, or when the process has ended without one. */
  ready(): Promise<boolean>;
  /** Fulfilled with its exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals>;
}

export class Installation {
  readonly dataDir: string;
  readonly ports: readonly number[];
  readonly account: Account | undefined;
  readonly #entry: string;

  /** @param options.parent where DATA_DIR is to be made. */
  static async create({ parent = tmpdir(), account, programs = "stand-ins" }: InstallationOptions = {}): Promise<Installation> {
    return new Installation(parent, await freePorts(3), account, entries[programs]);
  }

  private constructor(parent: string, ports: readonly number[], account: Account | undefined, entry: string) {
    this.#entry = entry;
    this.dataDir = mkdtempSync(join(parent, "tenure-start-"));
    this.ports = ports;
    this.account = account;
    if (account !== undefined) chownSync(this.dataDir, account.uid, account.gid);
  }

  get rest(): string {
    return `http://127.0.0.1:${this.ports[0]}`;
  }

  /** Runs the supervisor. Its environment is nobody's but ours, except for what the machine needs. */
  start(environment: Record<string, string> = {}): Started {
    const [HTTP_PORT, GRPC_PORT, ISSUER_PORT] = this.ports.map(String);
    const env = { PATH: process.env.PATH, TMPDIR: tmpdir(), DATA_DIR: this.dataDir, HTTP_PORT, GRPC_PORT, ISSUER_PORT, ...environment };
    const child = spawn(process.execPath, [join(project, "start/launch.mjs"), this.#entry], { env, ...this.account });
    return observe(child);
  }

  async startReady(environment?: Record<string, string>): Promise<Started> {
    const started = this.start(environment);
    expect(await started.ready(), started.output()).toBe(true);
    return started;
  }

  /** Every live process that belongs to the installation, by its environment or by where it works, with its command line. */
  processes(): Map<number, string> {
    const found = new Map<number, string>();
    for (const pid of readdirSync("/proc").map(Number).filter(Boolean)) {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
        const inside = readlinkSync(`/proc/${pid}/cwd`).startsWith(this.dataDir);
        if (inside || environment.includes(`DATA_DIR=${this.dataDir}`)) found.set(pid, readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        // Ended meanwhile, or not ours to look into.
      }
    }
    return found;
  }

  /** The one process whose command line contains the text. */
  pid(text: string): number {
    const [found, ...others] = [...this.processes()].filter(([, command]) => command.includes(text));
    if (found === undefined || others.length > 0) throw new Error(`${others.length + (found ? 1 : 0)} processes have ${text}`);
    return found[0];
  }

  get postmaster(): number {
    return this.pid("bin/postgres\0-D");
  }

  /** Runs a query in the database of the embedded Postgres. */
  async query(text: string) {
    const client = new Client({ host: this.sockets, port: 5432, user: "tenure", database: "tenure" });
    await client.connect();
    return (await client.query(text).finally(() => client.end())).rows;
  }

  kill(text: string): void {
    process.kill(this.pid(text), "SIGKILL");
  }

  /** Kills them one by one; the death of one may have ended another before its turn. */
  killAll(): void {
    for (const pid of this.processes().keys()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
  }

  /** The directory of Postgres' socket, as its log says; empty when it never started. */
  get sockets(): string {
    const log = join(this.dataDir, "postgres.log");
    if (!existsSync(log)) return "";
    return [...readFileSync(log, "utf8").matchAll(/Unix socket "(.*)\/\.s\.PGSQL/g)].at(-1)?.[1] ?? "";
  }

  /** Kills what still runs, and removes DATA_DIR and the socket. */
  async remove(): Promise<void> {
    this.killAll();
    await this.isEmpty();
    if (this.sockets !== "") rmSync(this.sockets, { recursive: true, force: true });
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Waits until no process belongs to the installation. */
  isEmpty(within = 30_000): Promise<boolean> {
    return holds(() => this.processes().size === 0, { within });
  }
}

/** An installation that is removed when the test is over. */
export async function createInstallation(options?: InstallationOptions): Promise<Installation> {
  const installation = await Installation.create(options);
  onTestFinished(() => installation.remove());
  return installation;
}

/** What a child prints, and when it ends. */
export function observe(child: ChildProcess): Started {
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  const closed = once(child, "close").then(() => child.exitCode ?? child.signalCode ?? 0);
  return {
    child,
    output: () => text,
    ready: async () => {
      const over = () => child.exitCode !== null || child.signalCode !== null;
      await holds(() => text.includes("Tenure is ready") || over(), { within: 45_000 });
      return text.includes("Tenure is ready");
    },
    ended: () => closed,
  };
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
