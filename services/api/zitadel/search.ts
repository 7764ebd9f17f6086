/** How ZITADEL asks for lists: pages, text comparison, sorting. Expressions only; the stores run them. */
import { type RawBuilder, sql } from "kysely";
import { type ListQuery, TextQueryMethod } from "../../../proto/gen/zitadel/v1/details.ts";
import { failure } from "../../kernel/failure.ts";
import { parseId } from "../../kernel/ids.ts";
import type { Page } from "../../kernel/page.ts";

const defaultLimit = 100;
const maxLimit = 1_000;

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

/** All conditions together; none means everything. */
export function every(conditions: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`(${sql.join([...conditions], sql` and `)})`;
}
