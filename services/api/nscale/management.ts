/** nscale's ManagementService: one org from inside, composed of parts, one a noun. */
import { type ManagementServiceServer, ManagementServiceService } from "../../../proto/gen/nscale/identity/v1/management.ts";
import type { Config } from "../../config.ts";
import type { Core } from "../../kernel/core.ts";
import { type Row, serve } from "../registry.ts";
import { clusterManagers } from "./cluster-managers.ts";
import { clusters } from "./clusters.ts";
import { groups } from "./groups.ts";
import { organizations } from "./organizations.ts";
import { projects } from "./projects.ts";
import { references } from "./references.ts";
import { roles } from "./roles.ts";
import { serviceAccounts } from "./service-accounts.ts";
import { users } from "./users.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function nscaleManagement(core: Core, config: Config): Row {
  return serve<ManagementServiceServer>(ManagementServiceService, words, {
    ...organizations(core),
    ...projects(core),
    ...references(core),
    ...groups(core, config.publicUrl),
    ...users(core),
    ...serviceAccounts(core),
    ...roles(core),
    ...clusterManagers(core),
    ...clusters(core),
  });
}
