/** What is known about one call besides its message. Made by the guard chain in api/, read by handlers and commands. */
import type { OrgId, PrincipalId } from "./ids.ts";
import type { PrincipalKind } from "./schema.ts";

/** Who acts, for audit and operations. Null ids: the system itself (first start). */
export type Actor = {
  readonly orgId: OrgId | null;
  readonly principalId: PrincipalId | null;
  readonly requestId: string | null;
};

/** The authenticated principal behind a call. */
export type Caller = {
  readonly orgId: OrgId;
  readonly id: PrincipalId;
  readonly kind: PrincipalKind;
};
