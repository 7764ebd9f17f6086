/** The grant rule of roles: nobody hands out more than they have. Pure. */
import type { Rights } from "./rights.ts";
import type { Role } from "./roles.ts";

/**
 * Whether the caller may put the role into a group: the platform does not keep it for itself, and the caller holds every
 * permission of it as widely as it counts. Permissions of the project block may be held in any one project of the org;
 * where a group that gets the role reaches, {@link Rights.groupBounds} decides.
 */
export function isGrantable(role: Role, rights: Rights): boolean {
  return (
    !role.protected &&
    [...role.instance].every((permission) => rights.onInstance(permission)) &&
    [...role.org].every((permission) => rights.on(permission)) &&
    [...role.project].every((permission) => rights.on(permission) || rights.objects(permission).length > 0)
  );
}
