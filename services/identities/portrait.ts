/**
 * An identity as it is shown, whole, as one jsonb expression over its row in principals: the same for those who read it and
 * for the delete that answers what it removed.
 */
import { type RawBuilder, sql } from "kysely";
import { hasLiveToken } from "../access/live-token.ts";
import type { OrgId, PrincipalId, ProjectId } from "../kernel/ids.ts";

export type MetadataEntry = { readonly id: string; readonly key: string; readonly value: string };

export type Portrait = {
  readonly id: PrincipalId;
  readonly orgId: OrgId;
  /** Null for an identity of the org. */
  readonly projectId: ProjectId | null;
  readonly name: string;
  readonly protected: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** It has a token that opens something. */
  readonly hasToken: boolean;
  readonly metadata: readonly MetadataEntry[];
};

/** What the expression gives: JSON has no dates. */
export type PortraitJson = Omit<Portrait, "createdAt" | "updatedAt"> & { readonly createdAt: string; readonly updatedAt: string };

/**
 * The expression.
 *
 * @param alias of the row of principals; not "named" or "pair", which it uses itself
 */
export function portrait(alias: string): RawBuilder<PortraitJson> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  return sql<PortraitJson>`jsonb_build_object(
    'id', ${column("id")}, 'orgId', ${column("org_id")}, 'projectId', ${column("project_id")}, 'protected', ${column("protected")},
    'createdAt', ${column("created_at")}, 'updatedAt', coalesce(${column("updated_at")}, ${column("created_at")}), 'hasToken', ${hasLiveToken(alias)},
    'name', (select named.name from identities named where named.org_id = ${column("org_id")} and named.id = ${column("id")}),
    'metadata', (
      select coalesce(jsonb_agg(jsonb_build_object('id', pair.id, 'key', pair.key, 'value', pair.value) order by pair.id), '[]')
      from identity_metadata pair where pair.org_id = ${column("org_id")} and pair.identity_id = ${column("id")}
    ))`;
}

/** Reads what the expression gave. */
export function readPortrait(json: PortraitJson): Portrait {
  return { ...json, createdAt: new Date(json.createdAt), updatedAt: new Date(json.updatedAt) };
}
