/**
 * The README's transcripts, typed into a shell: each command's output is what the README shows, but for ids, times and
 * tokens. UPDATE=1 writes the outputs instead. Needs curl and a shell, which npm does not install, so it runs where
 * .ci/run runs it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../support/system.ts";

const root = join(import.meta.dirname, "../..");
const file = join(root, "README.md");
const text = readFileSync(file, "utf8");

let system: System;
let outputs: string[];

type Step = { readonly block: number; readonly command: string; readonly shown: string };

/** Commands with the lines that follow them, block by block, in order. */
const steps: readonly Step[] = [...text.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, body = ""], block) =>
  body
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = "", ...shown] = part.split("\n");
      return { block, command, shown: shown.join("\n").trimEnd() };
    }),
);

const mark = "--8<-- next --8<--";

beforeAll(async () => {
  system = await startSystem();
  outputs = await type(steps.map((step) => step.command));
}, 120_000);
afterAll(() => system.close());

/** Types the commands into one bash; returns what each printed. */
async function type(commands: readonly string[]): Promise<string[]> {
  const here = (command: string) =>
    command.replaceAll("localhost:8080", system.baseUrl.slice("http://".length)).replaceAll("localhost:50051", system.grpcAddress);
  const script = commands.map((command) => (command.includes("data/admin.pat") ? `T=${system.adminToken}` : here(command)));
  const bash = spawn("bash", ["-c", script.map((line) => `${line}\nprintf '\\n%s\\n' '${mark}'`).join("\n")], { cwd: root });
  const chunks: Buffer[] = [];
  bash.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(bash, "close");
  return Buffer.concat(chunks)
    .toString()
    .split(mark)
    .slice(0, commands.length)
    .map((output) => output.trim().replaceAll(system.baseUrl.slice("http://".length), "localhost:8080"));
}

/** What differs from one run to the next. */
function settled(output: string): string {
  return output
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<id>")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>")
    .replace(/req-[A-Za-z0-9]{14}/g, "<request>")
    .replace(/tnr_[a-z]+_[A-Za-z0-9_-]+/g, "<token>")
    .replace(/\s+/g, " ");
}

describe("the transcripts of the README", () => {
  it("are there", () => {
    expect(steps.length).toBeGreaterThan(25);
  });

  it.each(steps.map((step, index) => ({ ...step, index })))("$command", ({ index, shown }) => {
    if (process.env.UPDATE) return expect(outputs[index]).toBeDefined();
    return expect(settled(outputs[index] ?? "")).toBe(settled(shown));
  });

  it("are rewritten on demand", () => {
    if (!process.env.UPDATE) return expect(outputs.length).toBe(steps.length);
    let block = -1;
    const written = text.replace(/```console\n[\s\S]*?```/g, (before) => {
      block++;
      if (!before.includes("\n$ ")) return before;
      const lines = steps.flatMap((step, index) => (step.block === block ? [`$ ${step.command}`, outputs[index] ?? ""] : []));
      return `\`\`\`console\n${lines.filter((line) => line !== "").join("\n")}\n\`\`\``;
    });
    writeFileSync(file, written);
  });
});
