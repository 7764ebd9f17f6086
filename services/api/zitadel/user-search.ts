/** How ZITADEL searches and sorts users. Expressions only; the store runs them. */
import { type RawBuilder, sql } from "kysely";
import { type SearchQuery, type Type, UserFieldName, type UserState } from "../../../proto/gen/zitadel/user/v1/user.ts";
import { invalid } from "../../kernel/failure.ts";
import { type PrincipalId, parseId } from "../../kernel/ids.ts";
import type { PrincipalKind, PrincipalState } from "../../kernel/schema.ts";
import { principalColumns as columns } from "../../users/directory.ts";
import { broken, defined } from "./rules.ts";
import { every, limitConditions, matches, namesAny, some } from "./search.ts";
import { userStates, userTypes } from "./user-message.ts";

const maxDepth = 20;

type Condition = RawBuilder<boolean>;

/**
 * The condition of all queries of a request together.
 *
 * @throws Failure REQUEST_INVALID when queries nest deeper than 20 levels, or are too many
 */
export function userCondition(queries: readonly SearchQuery[]): Condition {
  limitConditions(count(queries, 0));
  return every(queries.map(toCondition));
}

/** How many queries there are on all levels; looked at first, so that nothing is built for a request that is refused. */
function count(queries: readonly SearchQuery[], depth: number): number {
  if (depth > maxDepth && queries.length > 0) {
    throw invalid([{ field: "queries", rule: "NESTING", message: `value must not nest deeper than ${maxDepth} levels` }]);
  }
  return queries.reduce((sum, query) => sum + 1 + count(inner(query), depth + 1), 0);
}

function inner({ query }: SearchQuery): readonly SearchQuery[] {
  if (query?.$case === "orQuery" || query?.$case === "andQuery") return query.value.queries;
  if (query?.$case !== "notQuery") return [];
  if (!query.value.query) throw broken("NotQuery", "query", "REQUIRED", "value is required");
  return [query.value.query];
}

function toCondition(search: SearchQuery): Condition {
  const { query } = search;
  switch (query?.$case) {
    case "userNameQuery":
      return matches(columns.userName, query.value.userName, query.value.method);
    case "firstNameQuery":
      return matches(columns.firstName, query.value.firstName, query.value.method);
    case "lastNameQuery":
      return matches(columns.lastName, query.value.lastName, query.value.method);
    case "nickNameQuery":
      return matches(columns.nickName, query.value.nickName, query.value.method);
    case "displayNameQuery":
      return matches(columns.displayName, query.value.displayName, query.value.method);
    case "emailQuery":
      return matches(columns.email, query.value.emailAddress, query.value.method);
    case "loginNameQuery":
      return matches(columns.loginName, query.value.loginName, query.value.method);
    case "stateQuery":
      return sql`${columns.state} = any(${storedStates(query.value.state)}::text[])`;
    case "typeQuery":
      return sql`${columns.kind} = any(${storedKinds(query.value.type)}::text[])`;
    case "inUserIdsQuery":
      return namesAny(
        columns.id,
        query.value.userIds.flatMap((id) => parseId<PrincipalId>(id) ?? []),
      );
    case "inUserEmailsQuery":
      return sql`${columns.email} = any(${query.value.userEmails}::text[])`;
    case "orQuery":
      return some(inner(search).map(toCondition));
    case "andQuery":
      return every(inner(search).map(toCondition));
    case "notQuery":
      // A column that an identity does not have gives null, which is not true either: the negation holds.
      return sql`(${every(inner(search).map(toCondition))}) is not true`;
    default:
      return sql`true`;
  }
}

/** Stored states that ZITADEL tells as this one; none for those that no live user is in. */
function storedStates(state: UserState): PrincipalState[] {
  return (Object.keys(userStates) as PrincipalState[]).filter((stored) => userStates[stored] === state);
}

function storedKinds(type: Type): PrincipalKind[] {
  return (Object.keys(userTypes) as PrincipalKind[]).filter((kind) => userTypes[kind] === type);
}

/** Text sorts without regard to case; what an identity does not have sorts as empty. */
function text(column: RawBuilder<string>): RawBuilder<unknown> {
  return sql`lower(coalesce(${column}, ''))`;
}

/** By ZITADEL's number, so that the order is that of the enum which the client knows. */
function numbered(column: RawBuilder<string>, numbers: Readonly<Record<string, number>>): RawBuilder<unknown> {
  const cases = Object.entries(numbers).map(([stored, number]) => sql`when ${stored} then ${number}::int`);
  return sql`case ${column} ${sql.join(cases, sql` `)} end`;
}

const sorts: Readonly<Record<UserFieldName, RawBuilder<unknown> | null>> = {
  [UserFieldName.USER_FIELD_NAME_UNSPECIFIED]: null,
  [UserFieldName.USER_FIELD_NAME_USER_NAME]: text(columns.userName),
  [UserFieldName.USER_FIELD_NAME_FIRST_NAME]: text(columns.firstName),
  [UserFieldName.USER_FIELD_NAME_LAST_NAME]: text(columns.lastName),
  [UserFieldName.USER_FIELD_NAME_NICK_NAME]: text(columns.nickName),
  [UserFieldName.USER_FIELD_NAME_DISPLAY_NAME]: text(columns.displayName),
  [UserFieldName.USER_FIELD_NAME_EMAIL]: text(columns.email),
  [UserFieldName.USER_FIELD_NAME_STATE]: numbered(columns.state, userStates),
  [UserFieldName.USER_FIELD_NAME_TYPE]: numbered(columns.kind, userTypes),
  [UserFieldName.USER_FIELD_NAME_CREATION_DATE]: columns.createdAt,
};

/**
 * What to sort by; null leaves it at the order of making.
 *
 * @throws Failure REQUEST_INVALID for a column that there is not
 */
export function userSort(column: UserFieldName): RawBuilder<unknown> | null {
  return defined(sorts, column, "ListUsersRequest", "sorting_column");
}
