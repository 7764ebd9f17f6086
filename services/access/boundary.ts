/** Giving roles: nobody gives a role that outranks themselves. */
import { failure } from "../kernel/failure.ts";
import { type Permission, permissions } from "./permissions.ts";
import type { Rights } from "./rights.ts";
import { roleOf } from "./roles.ts";

/**
 * Refuses roles on a project whose permissions the caller does not all have there. A name that is no system role gives
 * nothing, so anybody may give it.
 *
 * @throws Failure PRIVILEGE_BOUNDARY, naming the missing permissions
 */
export function refuseRolesBeyond(rights: Rights, projectId: string, roles: readonly string[]): void {
  const given = new Set<Permission>(roles.flatMap((name) => [...(roleOf(name)?.project ?? [])]));
  const missing = permissions.filter((permission) => given.has(permission) && !rights.on(permission, { projectId }));
  if (missing.length > 0) throw failure("PRIVILEGE_BOUNDARY", { missing: missing.join(" ") });
}
