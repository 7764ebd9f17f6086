/** Which roles a member of an org may be given by ZITADEL's names, and by whom. */
import type { Rights } from "../../access/rights.ts";
import { roleOf } from "../../access/roles.ts";
import type { HeldRole } from "../../grants/members.ts";
import { failure } from "../../kernel/failure.ts";

/** The one role of an org whose name does not say so. */
const selfManagement = "SELF_MANAGEMENT_GLOBAL";

/**
 * Reads the roles of a new member. Nobody gives a role that outranks them, else they could take it themselves.
 *
 * @throws Failure ROLE_NOT_GRANTABLE, ROLE_UNKNOWN (no such role, or one that is not held on an org)
 */
export function orgRoles(names: readonly string[], rights: Rights): HeldRole[] {
  const above = new Set(rights.outranking().org);
  const roles = [...new Set(names)];
  const refused = roles.find((name) => isOrgRole(name) && above.has(name));
  if (refused !== undefined) throw failure("ROLE_NOT_GRANTABLE", { role: refused });
  const unknown = roles.find((name) => !isOrgRole(name));
  if (unknown !== undefined) throw failure("ROLE_UNKNOWN", { role: unknown.slice(0, 64) });
  return roles.map((role) => ({ role }));
}

function isOrgRole(name: string): boolean {
  return roleOf(name)?.dialect === "zitadel" && (name.startsWith("ORG_") || name === selfManagement);
}
