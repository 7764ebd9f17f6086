import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createDatabase } from "../support/postgres.ts";
import { createInstallation, Installation, type Started } from "./installation.ts";

describe("a running system", () => {
  let installation: Installation;
  let started: Started;

  beforeAll(async () => {
    installation = await Installation.create();
    started = await installation.startReady();
  });
  afterAll(() => installation.remove());

  test("says where everything is, and its command works as it stands", async () => {
    const [, tokenFile = "", url = ""] = /Bearer \$\(cat (\S+)\)" (\S+)/.exec(started.output()) ?? [];
    expect(readFileSync(tokenFile, "utf8")).toBe("token");
    expect((await fetch(url)).status).toBe(200);
    expect(started.output()).toContain(`gRPC               localhost:${installation.ports[1]}`);
  });

  test("keeps what only its owner may read from everybody else", () => {
    for (const name of ["postgres", "postgres.log", "services.log", "gateway.log"]) {
      expect(statSync(join(installation.dataDir, name)).mode & 0o077, name).toBe(0);
    }
  });

  test("refuses a second start with one line, and comes to no harm", async () => {
    const before = [...installation.processes()].sort();
    const second = installation.start();
    expect(await second.ended()).toBe(1);
    expect(second.output().trim()).toBe(
      `tenure: ${installation.dataDir} is in use by another Tenure (pid ${started.child.pid}): stop that one, or set DATA_DIR to another directory`,
    );
    expect([...installation.processes()].sort()).toEqual(before);
    expect((await fetch(installation.rest)).status).toBe(200);
  });
});

describe("npm start", () => {
  test("leaves no process, no socket and no lock behind on SIGTERM, and ends with 0", async () => {
    const installation = await createInstallation();
    const started = await installation.startReady();
    expect(installation.processes().size).toBeGreaterThanOrEqual(4);
    started.child.kill("SIGTERM");
    expect(await started.ended()).toBe(0);
    expect([...installation.processes()]).toEqual([]);
    const { sockets } = installation;
    expect(sockets).not.toBe("");
    expect(existsSync(sockets)).toBe(false);
    const again = await installation.startReady();
    again.child.kill("SIGINT");
    // A terminal and npm send the same Ctrl-C: it must count as one.
    again.child.kill("SIGINT");
    expect(await again.ended()).toBe(0);
    expect([...installation.processes()]).toEqual([]);
  });

  test("stops everything when its terminal goes away", async () => {
    const installation = await createInstallation();
    const started = await installation.startReady();
    started.child.stdout?.destroy();
    started.child.stderr?.destroy();
    started.child.kill("SIGHUP");
    expect(await started.ended()).toBe(0);
    expect([...installation.processes()]).toEqual([]);
  });

  test("stops when it is interrupted before it is ready", async () => {
    const installation = await createInstallation();
    const started = installation.start();
    await once(started.child.stdout ?? started.child, "data");
    started.child.kill("SIGINT");
    expect(await started.ended()).toBe(0);
    expect(started.output()).not.toContain("ready");
    expect([...installation.processes()]).toEqual([]);
  });

  test("uses the Postgres of DATABASE_URL and starts none", async () => {
    const installation = await createInstallation();
    const database = await createDatabase();
    onTestFinished(database.drop);
    const started = await installation.startReady({ DATABASE_URL: database.url });
    expect(() => installation.postmaster).toThrow();
    expect(existsSync(join(installation.dataDir, "postgres"))).toBe(false);
    started.child.kill("SIGTERM");
    expect(await started.ended()).toBe(0);
  });
});

describe("a start", () => {
  test("leaves exactly one winner of many at the same moment", async () => {
    const installation = await createInstallation();
    const rivals = Array.from({ length: 4 }, () => installation.start());
    const outcomes = await Promise.all(
      rivals.map(async (rival) => ((await rival.ready()) ? "ready" : `ended with ${await rival.ended()}`)),
    );
    expect(outcomes.sort()).toEqual(["ended with 1", "ended with 1", "ended with 1", "ready"]);
  });

  test("names port and setting when a port is in use", async () => {
    const installation = await createInstallation();
    const [, grpcPort] = installation.ports;
    const stranger = createServer().listen(grpcPort, "127.0.0.1");
    await once(stranger, "listening");
    const started = installation.start();
    expect(await started.ended()).toBe(1);
    stranger.close();
    expect(started.output().trim()).toBe(`tenure: port ${grpcPort} is in use: set GRPC_PORT to another port, or stop what listens there`);
    expect(existsSync(join(installation.dataDir, "postgres"))).toBe(false);
  });

  test("says when DATA_DIR cannot be made", async () => {
    const installation = await createInstallation();
    const started = installation.start({ DATA_DIR: "/dev/null/data" });
    expect(await started.ended()).toBe(1);
    expect(started.output()).toMatch(/^tenure: \/dev\/null\/data cannot be used \(ENOTDIR: .*\): make it writable, or set DATA_DIR\n$/);
  });

  test("names the setting that makes no sense", async () => {
    const installation = await createInstallation();
    const started = installation.start({ HTTP_PORT: "eighty" });
    expect(await started.ended()).toBe(1);
    expect(started.output().trim()).toBe('tenure: HTTP_PORT is "eighty": set it to a port number, 1 to 65535');
  });
});
