/** The plan is pure: from edges and a root to steps. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Edge, graph, keys, type Rule, type Table } from "../../../services/deletion/graph.ts";
import { kinds } from "../../../services/deletion/kinds.ts";
import { plan, type Step } from "../../../services/deletion/plan.ts";

const tables = Object.keys(keys) as Table[];
const roots = [...new Set(Object.values(kinds).map(({ table }) => table))];

function edge(child: Table, parent: Table, rule: Rule = "cascade", columns: readonly string[] = [`${parent}_id`]): Edge {
  return { child, columns, parent, parentColumns: ["id"], rule };
}

/** Pairs of steps in the wrong order: a row must be found, and gone, before what it hangs on goes. */
function disorder(steps: readonly Step[], edges: readonly Edge[]): string[] {
  const work = steps.filter(({ rule }) => rule !== "restrict");
  return edges.flatMap(({ child, parent }) => {
    const last = work.findLastIndex((step) => step.table === child);
    const first = work.findIndex((step) => step.table === parent);
    return last >= 0 && first >= 0 && last > first ? [`${child} after ${parent}`] : [];
  });
}

/** Tables that rows can hang in, from the root down. */
function reachable(edges: readonly Edge[], root: Table): Set<Table> {
  const found = new Set<Table>();
  const visit = (table: Table) => {
    for (const { child, parent, rule } of edges) {
      if (parent !== table || rule === "keep" || found.has(child)) continue;
      found.add(child);
      if (rule === "cascade") visit(child);
    }
  };
  visit(root);
  return found;
}

describe("a plan over the real graph", () => {
  it.each(roots)("deletes children before parents: %s", (root) => {
    expect(disorder(plan(graph, root), graph)).toEqual([]);
  });

  it.each(roots)("has a step for every table that can hold something of it: %s", (root) => {
    expect(new Set(plan(graph, root).map(({ table }) => table))).toEqual(reachable(graph, root));
  });

  it.each(roots)("follows paths that start at the root and hang together: %s", (root) => {
    for (const { table, path } of plan(graph, root)) {
      expect([root, ...path.map(({ child }) => child)]).toEqual([...path.map(({ parent }) => parent), table]);
    }
  });

  it("looks for what holds a project before it touches anything of the project, also when its org goes", () => {
    for (const root of ["projects", "orgs"] as const) {
      const [first] = plan(graph, root);
      expect({ rule: first?.rule, table: first?.table }).toEqual({ rule: "restrict", table: "project_references" });
    }
  });

  it("removes the last trace of a project grant in other orgs: the roles held through it", () => {
    const paths = plan(graph, "orgs")
      .filter(({ table }) => table === "grant_roles")
      .map(({ path }) => path.map(({ columns }) => columns.join("+")).join(" > "));
    expect(paths).toContain("granted_org_id > org_id+project_grant_id > org_id+grant_id");
    expect(paths).toContain("principal_org_id > org_id+grant_id");
    expect(paths).toContain("owner_org_id > org_id+grant_id");
  });
});

describe("a plan over any graph", () => {
  // Children stand behind their parents in the list of tables, so that no edges make a cycle.
  const edges = fc
    .uniqueArray(
      fc.record({
        child: fc.integer({ min: 1, max: tables.length - 1 }),
        parent: fc.integer({ min: 0, max: tables.length - 2 }),
        rule: fc.constantFrom<Rule>("cascade", "cascade", "cascade", "detach", "restrict", "keep"),
        inTenant: fc.boolean(),
      }),
      { selector: ({ child, parent, inTenant }) => `${child} ${parent} ${inTenant}`, maxLength: 40 },
    )
    .map((all) =>
      all
        .filter(({ child, parent }) => child > parent)
        .map(({ child, parent, rule, inTenant }) => {
          const [from, to] = [tables[child], tables[parent]] as [Table, Table];
          return edge(from, to, rule, inTenant ? ["org_id", `${to}_id`] : [`${to}_id`]);
        }),
    );

  it("deletes children before parents, whatever the edges", () => {
    fc.assert(
      fc.property(edges, fc.constantFrom(...tables), (all, root) => {
        expect(disorder(plan(all, root), all)).toEqual([]);
      }),
    );
  });

  it("puts every blocker before every other step", () => {
    fc.assert(
      fc.property(edges, fc.constantFrom(...tables), (all, root) => {
        const rules = plan(all, root).map(({ rule }) => rule === "restrict");
        expect(rules).toEqual([...rules].sort((a, b) => Number(b) - Number(a)));
      }),
    );
  });

  it("never goes on below what is only detached, kept or waited for", () => {
    fc.assert(
      fc.property(edges, fc.constantFrom(...tables), (all, root) => {
        for (const { path } of plan(all, root)) expect(path.slice(0, -1).every(({ rule }) => rule === "cascade")).toBe(true);
      }),
    );
  });

  it("takes the own edge to the org instead of a path inside the tenant, but only when both have the same rule", () => {
    const short: Edge = edge("clusters", "orgs", "cascade", ["org_id"]);
    const around = [edge("projects", "orgs", "cascade", ["org_id"]), edge("clusters", "projects", "cascade", ["org_id", "project_id"])];
    const depths = (steps: Step[]) => steps.filter(({ table }) => table === "clusters").map(({ path }) => path.length);
    expect(depths(plan([short, ...around], "orgs"))).toEqual([1]);
    expect(depths(plan([{ ...short, rule: "detach" }, ...around], "orgs")).sort()).toEqual([1, 2]);
    expect(depths(plan(around, "orgs"))).toEqual([2]);
  });
});
