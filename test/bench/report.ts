/** What the benchmark says: one line a measure, on the terminal and as a table that the README shows. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Line {
  readonly measure: string;
  readonly must: number;
  readonly aim: number;
  /** Whether more is better. */
  readonly higher: boolean;
  readonly value: number;
  readonly detail: string;
}

const folder = join(import.meta.dirname, "results");

/** Prints the lines and writes results/summary.md; returns whether every "must" holds. */
export async function report(lines: readonly Line[]): Promise<boolean> {
  const rows = lines.map((line) => {
    const verdict = holds(line, line.aim) ? "aim" : holds(line, line.must) ? "must" : "MISSED";
    return `| ${line.measure} | ${line.must} | ${line.aim} | **${line.value.toFixed(2)}** | ${verdict} | ${line.detail} |`;
  });
  const table = ["| measure | must | aim | measured | reached | figures |", "|---|---|---|---|---|---|", ...rows].join("\n");
  console.log(table);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "summary.md"), `${table}\n`);
  return lines.every((line) => holds(line, line.must));
}

function holds(line: Line, bound: number): boolean {
  return line.higher ? line.value >= bound : line.value <= bound;
}
