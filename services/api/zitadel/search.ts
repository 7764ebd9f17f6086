/** How ZITADEL asks for lists: pages, text comparison, sorting. Expressions only; the stores run them. */
import { type RawBuilder, sql } from "kysely";
import { type ListQuery, TextQueryMethod } from "../../../proto/gen/zitadel/v1/details.ts";
import { failure } from "../../kernel/failure.ts";
import { parseId } from "../../kernel/ids.ts";
import type { Page } from "../../kernel/page.ts";
import { broken } from "./rules.ts";

const defaultLimit = 100;
const maxLimit = 1_000;
const maxConditions = 500;

/**
 * The page of a list; without a query the first hundred, descending.
 *
 * @throws Failure PAGE_TOO_LARGE above 1000
 */
export function pageOf(query: ListQuery | undefined): Page {
  if (query && query.limit > maxLimit) throw failure("PAGE_TOO_LARGE", { limit: String(maxLimit) });
  return { offset: query?.offset ?? 0n, limit: query?.limit || defaultLimit, asc: query?.asc ?? false };
}

type Compare = (text: RawBuilder<string>, term: string) => RawBuilder<boolean>;

const like =
  (pattern: (term: string) => string, fold: boolean): Compare =>
  (text, term) => {
    const escaped = pattern(term.replace(/[\\%_]/g, (special) => `\\${special}`));
    return fold ? sql<boolean>`lower(${text}) like lower(${escaped})` : sql<boolean>`${text} like ${escaped}`;
  };

const comparisons: Readonly<Record<TextQueryMethod, Compare>> = {
  [TextQueryMethod.TEXT_QUERY_METHOD_EQUALS]: (text, term) => sql<boolean>`${text} = ${term}`,
  [TextQueryMethod.TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE]: (text, term) => sql<boolean>`lower(${text}) = lower(${term})`,
  [TextQueryMethod.TEXT_QUERY_METHOD_STARTS_WITH]: like((term) => `${term}%`, false),
  [TextQueryMethod.TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE]: like((term) => `${term}%`, true),
  [TextQueryMethod.TEXT_QUERY_METHOD_CONTAINS]: like((term) => `%${term}%`, false),
  [TextQueryMethod.TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE]: like((term) => `%${term}%`, true),
  [TextQueryMethod.TEXT_QUERY_METHOD_ENDS_WITH]: like((term) => `%${term}`, false),
  [TextQueryMethod.TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE]: like((term) => `%${term}`, true),
};

/** A text column (or expression) compared with a term; an empty term with a method other than equality matches all. */
export function matches(text: RawBuilder<string>, term: string, method: TextQueryMethod): RawBuilder<boolean> {
  return comparisons[method](text, term);
}

/** A column of ids compared with an id as a client sent it. Where the answer would show no id, the empty text finds it. */
export function namesId(column: RawBuilder<string>, id: string): RawBuilder<boolean> {
  return id === "" ? sql<boolean>`${column} is null` : sql<boolean>`${column} = ${parseId(id)}::uuid`;
}

/** A column of ids that must be one of these. */
export function namesAny(column: RawBuilder<string>, ids: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`${column} = any(${ids}::uuid[])`;
}

/** A column compared with one of its values; no value finds nothing. */
export function equals<T extends string>(column: RawBuilder<T>, value: T | undefined): RawBuilder<boolean> {
  return sql<boolean>`${column} = ${value ?? null}`;
}

/**
 * All conditions together; none means everything.
 *
 * @throws Failure REQUEST_INVALID when they are more than {@link limitConditions} lets pass
 */
export function every(conditions: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  limitConditions(conditions.length);
  return conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`(${sql.join([...conditions], sql` and `)})`;
}

/** Any of the conditions; none means nothing. */
export function some(conditions: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return conditions.length === 0 ? sql<boolean>`false` : sql<boolean>`(${sql.join([...conditions], sql` or `)})`;
}

/**
 * Refuses more conditions than a person writes: a statement has a bounded number of parameters, and its plan costs time
 * before its first row.
 *
 * @throws Failure REQUEST_INVALID
 */
export function limitConditions(count: number): void {
  if (count <= maxConditions) return;
  throw broken("Request", "queries", "MAX_ITEMS", `value must contain no more than ${maxConditions} item(s)`);
}
