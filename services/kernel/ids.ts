/** Branded ids: UUIDs that cannot be mixed up. Minted as version 7 here, any canonical UUID is parsed. */
import { v7 } from "uuid";

declare const brand: unique symbol;
type Id<Kind extends string> = string & { readonly [brand]: Kind };

export type OrgId = Id<"org">;
export type ProjectId = Id<"project">;
export type PrincipalId = Id<"principal">;
export type GroupId = Id<"group">;
export type GrantId = Id<"grant">;
export type ProjectGrantId = Id<"project grant">;
export type ProjectRoleId = Id<"project role">;
export type CredentialId = Id<"credential">;
export type ClientId = Id<"client">;
export type ClusterManagerId = Id<"cluster manager">;
export type ClusterId = Id<"cluster">;
export type OperationId = Id<"operation">;

type AnyId =
  | OrgId
  | ProjectId
  | PrincipalId
  | GroupId
  | GrantId
  | ProjectGrantId
  | ProjectRoleId
  | CredentialId
  | ClientId
  | ClusterManagerId
  | ClusterId
  | OperationId;

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A new id; time-ordered (RFC 9562, version 7), so new rows land together in an index. */
export function mintId<T extends AnyId>(): T {
  return v7() as T;
}

/**
 * Reads an id from outside. Anything that is not a canonical lower- or upper-case UUID names nothing.
 *
 * @returns the id in lower case, or null
 */
export function parseId<T extends AnyId>(text: string): T | null {
  const lower = text.length === 36 ? text.toLowerCase() : "";
  return canonical.test(lower) ? (lower as T) : null;
}
