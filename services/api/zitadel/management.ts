/**
 * ZITADEL's ManagementService: one org from inside. The service is composed of parts, one a noun, each made by a function of
 * the file of that name; together they must be all of it, or tsc says what is missing.
 */
import {
  HealthzResponse,
  type ManagementServiceServer,
  ManagementServiceService,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { Core } from "../../kernel/core.ts";
import { type Row, serve } from "../registry.ts";
import { members } from "./members.ts";
import { orgs } from "./orgs.ts";
import { projectGrants } from "./project-grants.ts";
import { projectRoles } from "./project-roles.ts";
import { projects } from "./projects.ts";
import { tokens } from "./tokens.ts";
import { userGrants } from "./user-grants.ts";
import { users } from "./users.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function zitadelManagement(core: Core): Row {
  return serve<ManagementServiceServer>(ManagementServiceService, words, {
    healthz: async () => HealthzResponse.create(),
    ...orgs(core),
    ...users(core),
    ...tokens(core),
    ...members(core),
    ...projects(core),
    ...projectRoles(core),
    ...projectGrants(core),
    ...userGrants(core),
  });
}
