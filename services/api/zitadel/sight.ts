/** What a caller sees of a list when its right holds on single objects only. */
import type { Permission } from "../../access/permissions.ts";
import type { Call } from "../call.ts";

/** Ids of the projects and project grants on which the caller holds the permission; null when it holds in the whole org. */
export function only(call: Call, permission: Permission): readonly string[] | null {
  return call.rights.on(permission) ? null : call.rights.objects(permission);
}
