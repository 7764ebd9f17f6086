/** The table of edges against the catalog of a migrated database, both ways: neither may know what the other does not. */
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Edge, graph, keys } from "../../../services/deletion/graph.ts";
import { kinds } from "../../../services/deletion/kinds.ts";
import { createDatabase, type TestDatabase } from "../../support/postgres.ts";

/** Edges that no foreign key holds, and why. */
const withoutForeignKey: Readonly<Record<string, string>> = {
  "operations(requester_org_id, requester_id) -> principals(org_id, id)": "an operation outlives who asked for it",
  "operations(requester_org_id) -> orgs(id)": "an operation outlives the org of who asked for it",
};

/** Tables whose rows no purge touches, and why. */
const withoutKeys: Readonly<Record<string, string>> = {
  instance: "one row, which no delete can reach",
  aggregates: "every id ever used stays known",
  audit_events: "evidence outlives the tenant",
  migrations: "the schema's own history",
  issuer_keys: "of the installation, not of a tenant",
  login_attempts: "names nobody, and is gone within the hour",
};

type Reference = { child: string; columns: string[]; parent: string; parent_columns: string[] };
type Index = { child: string; columns: string[]; predicate: string | null };

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new Client(database.url);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

function spell({
  child,
  columns,
  parent,
  parentColumns,
}: Pick<Edge, "columns" | "parentColumns"> & { child: string; parent: string }): string {
  return `${child}(${columns.join(", ")}) -> ${parent}(${parentColumns.join(", ")})`;
}

async function query<Row extends object>(text: string): Promise<Row[]> {
  return (await client.query<Row>(text)).rows;
}

function foreignKeys(): Promise<Reference[]> {
  return query<Reference>(`
    select c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent,
      array(select a.attname::text from unnest(c.conkey) with ordinality k (n, i) join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by k.i) as columns,
      array(select a.attname::text from unnest(c.confkey) with ordinality k (n, i) join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n order by k.i) as parent_columns
    from pg_constraint c where c.contype = 'f'`);
}

function indexes(condition: string): Promise<Index[]> {
  return query<Index>(`
    select i.indrelid::regclass::text as child, pg_get_expr(i.indpred, i.indrelid) as predicate,
      array(select coalesce(a.attname::text, '') from unnest(i.indkey::int[]) with ordinality k (n, i)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n and k.n > 0 order by k.i) as columns
    from pg_index i join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
    where n.nspname = 'public' and ${condition}`);
}

describe("the graph of edges", () => {
  it("has exactly one edge for every foreign key, and a foreign key for every edge but the listed ones", async () => {
    const held = (await foreignKeys()).map(({ parent_columns, ...rest }) => spell({ ...rest, parentColumns: parent_columns }));
    expect(graph.map(spell).sort()).toEqual([...held, ...Object.keys(withoutForeignKey)].sort());
  });

  it("knows every table of the schema but the listed ones, and no table that is not there", async () => {
    const tables = await query<{ name: string }>("select tablename as name from pg_tables where schemaname = 'public'");
    expect([...Object.keys(keys), ...Object.keys(withoutKeys)].sort()).toEqual(tables.map(({ name }) => name).sort());
  });

  it("hangs every table that has keys below an org", () => {
    const children = new Set<string>(graph.filter(({ parent, rule }) => parent === "orgs" && rule !== "keep").map(({ child }) => child));
    expect(Object.keys(keys).filter((table) => table !== "orgs" && !children.has(table))).toEqual([]);
  });

  it("orders batches by the primary keys", async () => {
    const primary = Object.fromEntries((await indexes("i.indisprimary")).map(({ child, columns }) => [child, columns]));
    expect(keys).toEqual(Object.fromEntries(Object.keys(keys).map((table) => [table, primary[table]])));
  });

  it("finds the children of every edge by an index", async () => {
    const all = await indexes("i.indisvalid");
    const unserved = graph.filter(({ rule }) => rule !== "keep").filter((edge) => !all.some((index) => serves(index, edge)));
    expect(unserved.map(spell)).toEqual([]);
  });

  it("never sets to null what may not be null", async () => {
    const required = await query<{ name: string }>(`
      select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attnotnull and a.attnum > 0`);
    const names = new Set(required.map(({ name }) => name));
    const cleared = graph
      .filter(({ rule }) => rule === "detach")
      .flatMap((edge) => (edge.clears ?? edge.columns).map((column) => `${edge.child}.${column}`));
    expect(cleared.filter((name) => names.has(name))).toEqual([]);
  });

  it("keeps a tombstone and an operation on everything that can be deleted by name, behind a view that hides it", async () => {
    const found = await query<{ name: string }>(
      "select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'",
    );
    const names = new Set(found.map(({ name }) => name));
    const needed = Object.values(kinds).flatMap(({ table, live }) => [
      `${table}.deleted_at`,
      `${table}.operation_id`,
      `${table}.generation`,
      `${live}.id`,
    ]);
    expect(needed.filter((name) => !names.has(name))).toEqual([]);
  });
});

/** Whether rows of the edge are found by the leading columns of the index, which must then hold them all. */
function serves({ child, columns, predicate }: Index, edge: Edge): boolean {
  if (child !== edge.child) return false;
  const leading = columns.slice(0, edge.columns.length);
  const partial = predicate === null ? null : /^\((\w+) IS NOT NULL\)$/.exec(predicate)?.[1];
  // Equality with a value implies that the column is not null; it implies no other predicate.
  return [...leading].sort().join() === [...edge.columns].sort().join() && (partial === null || edge.columns.includes(partial ?? ""));
}
