/** Roles: the platform's, the same in every org. Those that it keeps for itself are not shown. */
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { Role } from "../../../proto/gen/nscale/identity/v1/role.ts";
import { isGrantable } from "../../access/grantable.ts";
import { type Role as CoreRole, roleId, rolesOf } from "../../access/roles.ts";
import type { Core } from "../../kernel/core.ts";
import { readInstance } from "../../orgs/instance-store.ts";
import type { Handlers } from "../registry.ts";
import { metadataOf } from "./metadata.ts";

/** By the id under which clients know it. */
const byId: ReadonlyMap<string, CoreRole> = new Map(rolesOf("nscale").map((role) => [roleId(role.name), role]));

const shown = [...byId.values()].filter((role) => !role.protected).sort((a, b) => (a.name < b.name ? -1 : 1));

/** The role that a client means, or null. */
export function roleNamed(id: string): CoreRole | null {
  return byId.get(id.toLowerCase()) ?? null;
}

export function roles({ db }: Core): Pick<Handlers<ManagementServiceServer>, "listRoles"> {
  return {
    listRoles: async (_request, call) => {
      const { created_at } = await readInstance(db);
      return { roles: shown.map((role) => toRole(role, created_at, isGrantable(role, call.rights))) };
    },
  };
}

/** A role came with the installation, and nobody changes it. */
function toRole({ name, description }: CoreRole, created_at: Date, grantable: boolean): Role {
  const row = { id: roleId(name), name, description, tags: [], created_at, updated_at: null, created_by: null, modified_by: null };
  return Role.fromPartial({ metadata: metadataOf(row), grantable });
}
