import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holds } from "../../start/condition.ts";
import { createInstallation, Installation, type Started } from "./installation.ts";

const SOON = { within: 30_000 };

/** Waits until the one process with the text is another one than before. */
async function replaced(installation: Installation, text: string, before: number): Promise<boolean> {
  return holds(() => {
    const found = [...installation.processes()].find(([, command]) => command.includes(text));
    return found !== undefined && found[0] !== before;
  }, SOON);
}

function answers(installation: Installation): Promise<boolean> {
  return holds(
    () =>
      fetch(installation.rest)
        .then(({ ok }) => ok)
        .catch(() => false),
    SOON,
  );
}

describe("while the supervisor lives", () => {
  let installation: Installation;
  let started: Started;

  beforeAll(async () => {
    installation = await Installation.create();
    started = await installation.startReady();
  });
  afterAll(() => installation.remove());

  test("Postgres comes back after kill -9 with every committed row", async () => {
    await installation.query("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number");
    const before = installation.postmaster;
    process.kill(before, "SIGKILL");
    expect(await holds(() => started.output().includes("tenure: Postgres serves again"), SOON)).toBe(true);
    expect(started.output()).toContain("tenure: Postgres ended (SIGKILL); starting again");
    expect(installation.postmaster).not.toBe(before);
    expect(await installation.query("SELECT count(*)::int FROM kept")).toEqual([{ count: 1000 }]);
  });

  test("services and gateway come back after kill -9", async () => {
    for (const [name, text] of Object.entries({ services: "stand-ins/services.ts", gateway: "stand-ins/gateway.ts" })) {
      const before = installation.pid(text);
      process.kill(before, "SIGKILL");
      expect(await replaced(installation, text, before)).toBe(true);
      expect(await holds(() => started.output().includes(`tenure: ${name} serves again`), SOON)).toBe(true);
    }
    expect(await answers(installation)).toBe(true);
  });

  test("a program that keeps failing is given up, with its own last words, and everything else is stopped", async () => {
    writeFileSync(join(installation.dataDir, "broken"), "");
    installation.kill("stand-ins/services.ts");
    expect(await started.ended()).toBe(1);
    const line = "tenure: services ended 5 times within a minute, the last time with exit code 1: Error: broken on purpose";
    expect(started.output()).toContain(line);
    expect([...installation.processes()]).toEqual([]);
  });
});

describe("the next start", () => {
  test("fails at once when a program cannot start, and says why", async () => {
    const installation = await createInstallation();
    writeFileSync(join(installation.dataDir, "broken"), "");
    const started = installation.start();
    expect(await started.ended()).toBe(1);
    expect(started.output()).toContain("tenure: services did not start: exit code 1: Error: broken on purpose");
    expect([...installation.processes()]).toEqual([]);
  });

  test("recovers from kill -9 of the supervisor, whose programs stop by themselves and whose Postgres does not", async () => {
    const installation = await createInstallation();
    const first = await installation.startReady();
    const orphan = installation.postmaster;
    first.child.kill("SIGKILL");
    const second = await installation.startReady();
    expect(second.output()).toContain(`stopping the Postgres that an earlier start left running (pid ${orphan})`);
    expect(installation.postmaster).not.toBe(orphan);
    expect(await installation.query("SELECT count(*)::int FROM starts")).toEqual([{ count: 2 }]);
  });

  test("recovers from kill -9 of the supervisor while its programs were starting", async () => {
    const installation = await createInstallation();
    const first = installation.start();
    expect(
      await holds(() => [...installation.processes().values()].some((command) => command.includes("stand-ins/services.ts")), SOON),
    ).toBe(true);
    first.child.kill("SIGKILL");
    await installation.startReady();
  });

  test("recovers from kill -9 of everything at once", async () => {
    const installation = await createInstallation();
    await installation.startReady();
    installation.killAll();
    await installation.startReady();
    expect(await installation.query("SELECT count(*)::int FROM starts")).toEqual([{ count: 2 }]);
  });

  test("recovers from kill -9 while the cluster was being made", async () => {
    const installation = await createInstallation();
    installation.start();
    const draft = join(installation.dataDir, "postgres.new");
    // Half-made: some of the cluster's files are there, and it was not renamed.
    expect(await holds(() => existsSync(draft) && readdirSync(draft).length > 5, { within: 30_000, every: 1 })).toBe(true);
    installation.killAll();
    expect(existsSync(join(installation.dataDir, "postgres"))).toBe(false);
    await installation.startReady();
    expect(existsSync(draft)).toBe(false);
  });

  test("is not fooled by a lock file whose pid now belongs to somebody else", async () => {
    const installation = await createInstallation();
    const first = await installation.startReady();
    first.child.kill("SIGTERM");
    await first.ended();
    // This very process: alive, and no Postgres. The numbers after it are what Postgres writes.
    const lockFile = join(installation.dataDir, "postgres", "postmaster.pid");
    writeFileSync(lockFile, `${process.pid}\n${installation.dataDir}\n1700000000\n5432\n\n*\n0 0\nready   \n`);
    await installation.startReady();
    expect(await installation.query("SELECT count(*)::int FROM starts")).toEqual([{ count: 2 }]);
  });
});
