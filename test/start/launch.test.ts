import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { holds } from "../../start/condition.ts";
import { observe } from "./installation.ts";

const echo = fileURLToPath(new URL("stand-ins/echo.ts", import.meta.url));
const SOON = { within: 30_000 };

/** A project that has the launcher and, when asked for, a Node in node_modules; nothing else. */
function createProject({ bundled }: { bundled: boolean }): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "tenure-launch-")));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "start"));
  mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  copyFileSync(new URL("../../start/launch.mjs", import.meta.url), join(root, "start", "launch.mjs"));
  if (bundled) symlinkSync(process.execPath, join(root, "node_modules", ".bin", "node"));
  return root;
}

/** Runs the launcher in a project, on a Node that calls itself by the version. */
function launch(root: string, version: string, args: readonly string[]) {
  const pose = `Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`;
  const child = spawn(process.execPath, ["--import", `data:text/javascript,${pose}`, join(root, "start", "launch.mjs"), ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  return observe(child);
}

describe("the launcher", () => {
  test.each(["24.0.0", "22.18.0"])("runs a program itself on Node %s, arguments and exit code included", async (version) => {
    const run = launch(createProject({ bundled: false }), version, [echo, "7", "--flag"]);
    expect(await run.ended()).toBe(7);
    expect(JSON.parse(run.output())).toMatchObject({ arguments: ["7", "--flag"], channel: false });
  });

  test("asks Node 22.12 for what it does not do by itself", async () => {
    const run = launch(createProject({ bundled: false }), "22.12.0", [echo, "7"]);
    expect(await run.ended()).toBe(7);
    expect(JSON.parse(run.output()).flags).toEqual(expect.arrayContaining(["--experimental-strip-types", "--experimental-sqlite"]));
  });

  test.each(["18.0.0", "20.20.2", "22.11.0"])("hands over to the Node in node_modules on Node %s", async (version) => {
    const run = launch(createProject({ bundled: true }), version, [echo, "7", "--flag"]);
    expect(await run.ended()).toBe(7);
    expect(JSON.parse(run.output())).toMatchObject({ arguments: ["7", "--flag"], channel: true });
  });

  test("says what to install when no Node is fit", async () => {
    const run = launch(createProject({ bundled: false }), "20.20.2", [echo]);
    expect(await run.ended()).toBe(1);
    expect(run.output()).toMatch(/^Tenure needs Node 22\.12 or later; this is 20\.20\.2.*Run "npm ci".*or install Node 24\.\n$/);
  });

  test("passes signals on to the program that it handed over to", async () => {
    const run = launch(createProject({ bundled: true }), "20.20.2", [echo]);
    expect(await holds(() => run.output().includes("\n"), SOON)).toBe(true);
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(15);
  });

  test("does not leave that program behind when it is killed itself", async () => {
    const run = launch(createProject({ bundled: true }), "20.20.2", [echo]);
    expect(await holds(() => run.output().includes("\n"), SOON)).toBe(true);
    run.child.kill("SIGKILL");
    // Both share the output: "close" comes when both have ended.
    expect(await run.ended()).toBe("SIGKILL");
  });

  test("does not outlive npm, which cannot pass on that it was killed", async () => {
    const launcher = join(createProject({ bundled: false }), "start", "launch.mjs");
    // A shell stands for npm. "close" comes only when the program, which shares the shell's output, has ended as well.
    const parent = observe(spawn("/bin/sh", ["-c", `"${process.execPath}" "${launcher}" --stop-with-parent "${echo}"; exit`]));
    onTestFinished(() => void parent.child.kill("SIGKILL"));
    expect(await holds(() => parent.output().includes("\n"), SOON)).toBe(true);
    parent.child.kill("SIGKILL");
    expect(await parent.ended()).toBe("SIGKILL");
  });
});
