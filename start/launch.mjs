/**
 * Runs a program of ours on a Node that can run it: `node start/launch.mjs [--stop-with-parent] ENTRY [ARGUMENT...]`.
 * Plain JavaScript, readable by Node 18 and later, because this is the only file that an unfit Node ever sees.
 *
 * Fit is this process when it strips types (22.12 or later); otherwise the Node that came with `npm ci`; otherwise
 * nothing, and a person is told so. npm puts that Node first on PATH itself, so only runs without npm need the detour.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const bundled = join(project, "node_modules", ".bin", "node");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const given = process.argv.slice(2);
const follows = given[0] === "--stop-with-parent";
const [entry, ...rest] = follows ? given.slice(1) : given;

/** Strips types unasked. */
const fit = major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
/** Strips types when asked, and keeps the lock of DATA_DIR (`node:sqlite`) when asked. */
const flags = ["--experimental-strip-types", "--experimental-sqlite", "--disable-warning=ExperimentalWarning"];
const asked = flags.every((flag) => process.execArgv.includes(flag));
const willing = major === 23 || (major === 22 && minor >= 12);

/** How often to look whether the parent still lives, in milliseconds. */
const GLANCE = 250;

if (follows) followParent(process.ppid);
if (entry === undefined) {
  fail("usage: node start/launch.mjs [--stop-with-parent] ENTRY [ARGUMENT...]");
} else if (fit || (willing && asked)) {
  const program = resolve(project, entry);
  process.argv = [process.execPath, program, ...rest];
  await import(pathToFileURL(program).href);
} else if (willing) {
  handOver(process.execPath, [...flags, fileURLToPath(import.meta.url), entry, ...rest]);
} else if (existsSync(bundled)) {
  handOver(bundled, [fileURLToPath(import.meta.url), entry, ...rest]);
} else {
  fail(
    `Tenure needs Node 22.12 or later; this is ${process.versions.node}, and the Node 24 that "npm ci" brings is not in node_modules. ` +
      'Run "npm ci" (with optional dependencies, on Linux or macOS, x64 or arm64), or install Node 24.',
  );
}

/** Becomes a shell around another process: same terminal, its signals, its exit code. */
function handOver(command, args) {
  // Our own programs get a channel as well: its end tells them that this process was killed and cannot forward any more.
  const channel = entry.endsWith(".ts") ? ["ipc"] : [];
  const child = spawn(command, args, { stdio: ["inherit", "inherit", "inherit", ...channel] });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${command} does not run: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Die the same death, so that whoever waits for us sees what happened.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/**
 * Under npm a person stops npm, which passes SIGINT and SIGTERM on to us; killed, it cannot, and we would go on unseen.
 * The end of a parent sends no signal, but it changes who our parent is.
 */
function followParent(parent) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, GLANCE);
  timer.unref();
}

function fail(line) {
  console.error(line);
  process.exitCode = 1;
}
