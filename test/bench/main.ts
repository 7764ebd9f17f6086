/** `npm run bench [name ...]`: all measures, or those named: edge, delete, accept. Ratios are taken in one run. */
import { measureAccept, measureDelete } from "./deletion.ts";
import { measureEdge } from "./edge.ts";
import { type Line, report } from "./report.ts";
import { type Stack, startStack } from "./stack.ts";

const measures: Readonly<Record<string, (stack: Stack) => Promise<Line[]>>> = {
  edge: measureEdge,
  delete: measureDelete,
  accept: measureAccept,
};

const wanted = process.argv.slice(2).filter((word) => word in measures);
const stack = await startStack();
const lines: Line[] = [];
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(measures)) lines.push(...((await measures[name]?.(stack)) ?? []));
} finally {
  await stack.close();
}
process.exitCode = (await report(lines)) ? 0 : 1;
