/** `npm run bench [name ...]`: all measures, or those named: edge, delete, trips, accept. Ratios are taken in one run. */
import { measureAccept, measureDelete, measureTrips } from "./deletion.ts";
import { measureEdge } from "./edge.ts";
import { type Line, report } from "./report.ts";
import { type Stack, startStack } from "./stack.ts";

type Measure = { readonly counting: boolean; readonly run: (stack: Stack) => Promise<Line[]> };

const measures: Readonly<Record<string, Measure>> = {
  edge: { counting: false, run: measureEdge },
  delete: { counting: false, run: measureDelete },
  trips: { counting: true, run: measureTrips },
  accept: { counting: false, run: measureAccept },
};

const wanted = process.argv.slice(2).filter((word) => word in measures);
const lines: Line[] = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(measures)) {
  const measure = measures[name];
  if (!measure) continue;
  const stack = await startStack({ counting: measure.counting });
  try {
    lines.push(...(await measure.run(stack)));
  } finally {
    await stack.close();
  }
}
process.exitCode = (await report(lines)) ? 0 : 1;
