/**
 * From the graph and a root to the ordered steps of a purge: blockers first, then leaves before what they hang on, the root
 * row last. Pure: it reads no database and knows no table by name.
 */
import type { Edge, Rule, Table } from "./graph.ts";

/** Rows of `table` that hang on the root through `path` (root first), and what happens to them. */
export type Step = {
  readonly rule: Exclude<Rule, "keep">;
  readonly table: Table;
  readonly path: readonly Edge[];
};

/**
 * The steps of deleting one row of `root`.
 *
 * @returns restrict steps, then cascade and detach steps leaves first; the root row itself is not a step
 */
export function plan(graph: readonly Edge[], root: Table): Step[] {
  const steps: Step[] = [];
  walk(graph, root, [], steps);
  const depth = depths(graph);
  const blockers = steps.filter((step) => step.rule === "restrict");
  const rest = steps.filter((step) => step.rule !== "restrict");
  rest.sort((a, b) => rank(depth, b) - rank(depth, a));
  return [...blockers, ...rest];
}

function walk(graph: readonly Edge[], table: Table, path: readonly Edge[], steps: Step[]): void {
  for (const edge of graph) {
    if (edge.parent !== table || edge.rule === "keep") continue;
    const longer = [...path, edge];
    if (subsumed(graph, longer)) continue;
    steps.push({ rule: edge.rule, table: edge.child, path: longer });
    if (edge.rule === "cascade") walk(graph, edge.child, longer, steps);
  }
}

/**
 * A path that stays inside one tenant until its last hop reaches nothing that the child's own edge to the org does not
 * reach: org -> principals -> credentials is org -> credentials. Walking it would cost a join over the whole tenant. An own
 * edge with another rule does not stand in: what holds a project holds its org too.
 */
function subsumed(graph: readonly Edge[], path: readonly Edge[]): boolean {
  const [first, last] = [path[0], path.at(-1)];
  if (!first || !last || path.length === 1 || !path.slice(0, -1).every(inTenant)) return false;
  return graph.some(
    (own) =>
      own.parent === first.parent &&
      own.child === last.child &&
      own.rule === last.rule &&
      own.columns.length === 1 &&
      own.columns[0] === last.columns[0],
  );
}

function inTenant(edge: Edge): boolean {
  return edge.columns[0] === "org_id";
}

/** How far below the roots a table stands: longer than that of everything it points at. */
function depths(graph: readonly Edge[]): Map<Table, number> {
  const known = new Map<Table, number>();
  const depth = (table: Table): number => {
    const found = known.get(table);
    if (found !== undefined) return found;
    const parents = graph.filter((edge) => edge.child === table && edge.parent !== table);
    const value = parents.length === 0 ? 0 : 1 + Math.max(...parents.map((edge) => depth(edge.parent)));
    known.set(table, value);
    return value;
  };
  for (const edge of graph) depth(edge.child);
  return known;
}

function rank(depth: Map<Table, number>, step: Step): number {
  return depth.get(step.table) ?? 0;
}
