/** How ZITADEL searches and sorts orgs. Expressions only; the store runs them. */
import { type RawBuilder, sql } from "kysely";
import { OrgFieldName, type OrgQuery } from "../../../proto/gen/zitadel/org/v1/org.ts";
import { orgColumns } from "../../orgs/store.ts";
import { orgStateOf } from "./orgs.ts";
import { defined } from "./rules.ts";
import { equals, matches, namesId } from "./search.ts";

/** The condition of one query; a state or id that no org can have holds for none. */
export function orgCondition({ query }: OrgQuery): RawBuilder<boolean> {
  switch (query?.$case) {
    case "nameQuery":
      return matches(orgColumns.name, query.value.name, query.value.method);
    case "domainQuery":
      return matches(orgColumns.primaryDomain, query.value.domain, query.value.method);
    case "stateQuery":
      return equals(orgColumns.state, orgStateOf(query.value.state));
    case "idQuery":
      return namesId(orgColumns.id, query.value.id);
    default:
      return sql`true`;
  }
}

const sorts: Readonly<Record<OrgFieldName, RawBuilder<unknown> | null>> = {
  [OrgFieldName.ORG_FIELD_NAME_UNSPECIFIED]: null,
  [OrgFieldName.ORG_FIELD_NAME_NAME]: sql`lower(${orgColumns.name})`,
};

/**
 * What to sort by; null leaves it at the order of making.
 *
 * @throws Failure REQUEST_INVALID for a column that there is not
 */
export function orgSort(column: OrgFieldName): RawBuilder<unknown> | null {
  return defined(sorts, column, "ListOrgsRequest", "sorting_column");
}
