/** nscale's AdminService: the platform's side. */
import { type AdminServiceServer, AdminServiceService } from "../../../proto/gen/nscale/identity/v1/admin.ts";
import type { Core } from "../../kernel/core.ts";
import { type Row, serve } from "../registry.ts";
import { platformOrganizations } from "./organizations.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function nscaleAdmin(core: Core): Row {
  return serve<AdminServiceServer>(AdminServiceService, words, platformOrganizations(core));
}
