/** The shape of the code, executed: allowed arrows, no cycles, sizes, names, and who may read the environment. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const programs = ["services", "gateway", "start", "migrations"];

const foundation = ["kernel", "audit", "access", "operations", "deletion"];
const nouns = ["orgs", "users", "identities", "projects", "groups", "grants", "credentials", "resources"];

/** room -> rooms it may import besides itself. A room that is not listed fails the test. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  "proto/gen": [],
  migrations: [],
  "services/config": [],
  "services/kernel": ["proto/gen"],
  "services/audit": ["services/kernel"],
  "services/access": ["services/kernel"],
  "services/operations": ["services/kernel"],
  "services/deletion": rooms("kernel", "audit", "access", "operations"),
  ...Object.fromEntries(nouns.map((noun) => [`services/${noun}`, rooms(...foundation)])),
  "services/issuer": ["services/config", ...rooms(...foundation)],
  "services/api": ["proto/gen", "services/config", ...rooms(...foundation, ...nouns)],
  "services/reflection": ["proto/gen", "services/api"],
  "services/bootstrap": ["services/config", ...rooms(...foundation, ...nouns)],
  "services/server": [
    "migrations",
    "services/config",
    "services/bootstrap",
    "services/reflection",
    ...rooms("api", "issuer", ...foundation, ...nouns),
  ],
  "services/main": ["services/config", "services/server"],
  gateway: ["proto/gen"],
  start: [],
};

function rooms(...names: string[]): string[] {
  return names.map((name) => `services/${name}`);
}

function files(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

const importForm = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"(\.[^"]+)"/g;

type Import = { from: string; to: string; typeOnly: boolean };

function importsOf(file: string): Import[] {
  return [...read(file).matchAll(importForm)].map((match) => ({
    from: file,
    to: relative(root, join(root, dirname(file), match[2] ?? "")),
    typeOnly: match[1] !== undefined,
  }));
}

function roomOf(file: string): string {
  const [program = "", second = ""] = file.split("/");
  if (program === "proto") return "proto/gen";
  if (program !== "services") return program;
  return `services/${second.replace(/\.ts$/, "")}`;
}

const sources = programs.flatMap(files);
const imports = sources.flatMap(importsOf);

describe("architecture", () => {
  it("draws only the allowed arrows between rooms", () => {
    const wrong = imports.filter(({ from, to }) => roomOf(from) !== roomOf(to) && !arrows[roomOf(from)]?.includes(roomOf(to)));
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
    expect(sources.map(roomOf).filter((room) => !(room in arrows))).toEqual([]);
  });

  it("lets the gateway know no contract but gRPC's own: everything else it reads from descriptors", () => {
    const known = imports.filter(({ from, to }) => from.startsWith("gateway/") && to.startsWith("proto/gen/"));
    expect(known.filter(({ to }) => !/^proto\/gen\/(google|grpc)\//.test(to))).toEqual([]);
  });

  it("has no import cycles", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to } of imports) edges.set(from, [...(edges.get(from) ?? []), to]);
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (state.get(file) === "open") cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      if (state.has(file)) return;
      state.set(file, "open");
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, "done");
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("keeps files small: none over 400 lines, the median at most 110, tests at most 600", () => {
    const lines = (file: string) => read(file).split("\n").length - 1;
    const sizes = sources.map((file) => ({ file, lines: lines(file) }));
    expect(sizes.filter((size) => size.lines > 400)).toEqual([]);
    const sorted = sizes.map((size) => size.lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(110);
    expect(files("test").filter((file) => lines(file) > 600)).toEqual([]);
  });

  it("reads the environment only where settings are read", () => {
    const readers = sources.filter((file) => read(file).includes("process.env") && !/^(services|gateway|start)\/config\.ts$/.test(file));
    // Runs before any TypeScript can: it decides which Node runs the rest.
    expect(readers.filter((file) => file !== "start/launch.mjs")).toEqual([]);
  });

  it("has no room for leftovers and no barrels", () => {
    expect(sources.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.ts$)/.test(file))).toEqual([]);
    const barrels = sources.filter((file) => {
      const code = read(file)
        .replace(/\/\*[\s\S]*?\*\//g, "")
        .split("\n")
        .filter((line) => line.trim() !== "" && !line.trim().startsWith("//"));
      return code.length > 0 && code.every((line) => /^export (type )?(\*|\{)/.test(line));
    });
    expect(barrels).toEqual([]);
  });

  it("writes SQL nowhere in the API layer", () => {
    const writers = sources.filter(
      (file) => file.startsWith("services/api/") && /\.execute\(|\b(insertInto|updateTable|deleteFrom|selectFrom)\(/.test(read(file)),
    );
    expect(writers.filter((file) => !/transaction\(\)\.execute/.test(read(file)))).toEqual([]);
  });
});
