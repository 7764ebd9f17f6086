/** SQL that finds rows by their path from the root: shared by purge, blockers and verification. */
import { type RawBuilder, sql } from "kysely";
import { keys, type Table } from "./graph.ts";
import type { Step } from "./plan.ts";

/** The row that an operation deletes. */
export type Root = { readonly table: Table; readonly orgId: string; readonly id: string };

/** A condition on `step.table`: the row hangs on the root through the step's path. */
export function hangsOn(step: Step, root: Root): RawBuilder<boolean> {
  let values: RawBuilder<unknown> = sql``;
  step.path.forEach((edge, depth) => {
    const next = step.path[depth + 1];
    const columns = sql.join(edge.columns.map((column) => sql.ref(column)));
    const match = depth === 0 ? sql`(${columns}) = (${rootValues(edge.parentColumns, root)})` : sql`(${columns}) in (${values})`;
    values = next
      ? sql`select ${sql.join(next.parentColumns.map((column) => sql.ref(column)))} from ${sql.table(edge.child)} where ${match}`
      : match;
  });
  return sql<boolean>`${values}`;
}

/** The root row itself. */
export function isRoot(root: Root): RawBuilder<boolean> {
  return root.table === "orgs" ? sql<boolean>`id = ${root.id}::uuid` : sql<boolean>`org_id = ${root.orgId}::uuid and id = ${root.id}::uuid`;
}

function rootValues(columns: readonly string[], root: Root): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql`${column === "org_id" ? root.orgId : root.id}::uuid`));
}

/** The primary key of a table, in order. */
export function keyColumns(table: Table): RawBuilder<unknown>[] {
  return (keys[table] ?? []).map((column) => sql.ref(column));
}

/** Assignments by which a detached row lets go. */
export function cleared(step: Step): RawBuilder<unknown> {
  const edge = step.path.at(-1);
  return sql.join((edge?.clears ?? edge?.columns ?? []).map((column) => sql`${sql.ref(column)} = null`));
}
