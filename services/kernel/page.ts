/** Pages of a list with the total, in one statement. What is listed, and how it is asked for, is the caller's. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "./database.ts";

/** Which rows of a list: `limit` rows after the first `offset`, by id (which is by time of making) or what comes before it. */
export type Page = { readonly offset: bigint; readonly limit: number; readonly asc: boolean };

/** The rows of a page, and how many rows there are on all pages. */
export type Listed<Row> = { readonly rows: Row[]; readonly total: bigint };

/** The largest bigint of Postgres; a client may ask for a page behind it. */
const farthest = 2n ** 63n - 1n;

/**
 * Reads one page.
 *
 * @param found a select of the keys of all that match, `id` among them; it should join no more than its conditions need
 * @param row a select over `page` (the keys of this page) that makes the rows, `id` among them
 * @param sorted both selects have a column `sort`, which orders before the id
 */
export async function readPage<Row extends { id: string }>(
  db: Database,
  found: RawBuilder<unknown>,
  row: RawBuilder<Row>,
  page: Page,
  sorted = false,
): Promise<Listed<Row>> {
  const direction = sql.raw(page.asc ? "asc" : "desc");
  const order = (of: string) =>
    sorted ? sql`${sql.ref(`${of}.sort`)} ${direction}, ${sql.ref(`${of}.id`)} ${direction}` : sql`${sql.ref(`${of}.id`)} ${direction}`;
  const offset = page.offset > farthest ? farthest : page.offset;
  const { rows } = await sql<Row & { found_total: bigint }>`
    with found as materialized (${found}),
    page as (select * from found order by ${order("found")} limit ${page.limit} offset ${offset})
    select t.found_total, r.* from (select count(*) as found_total from found) t left join (${row}) r on true order by ${order("r")}`.execute(
    db,
  );
  const total = rows[0]?.found_total ?? 0n;
  return { total, rows: rows.filter((candidate) => candidate.id !== null) };
}
