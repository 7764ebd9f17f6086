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
import { type Handlers, type Row, serve } from "../registry.ts";
import { projectGrants } from "./project-grants.ts";
import { projectRoles } from "./project-roles.ts";
import { projects } from "./projects.ts";
import { userGrants } from "./user-grants.ts";
import { words } from "./words.ts";

type Management = Handlers<ManagementServiceServer>;

/** The row of the service. */
export function zitadelManagement(core: Core): Row {
  const healthz: Pick<Management, "healthz"> = { healthz: async () => HealthzResponse.create() };
  const parts: Partial<Management> = { ...healthz, ...projects(core), ...projectRoles(core), ...projectGrants(core), ...userGrants(core) };
  return serve<ManagementServiceServer>(ManagementServiceService, words, parts as Management);
}
