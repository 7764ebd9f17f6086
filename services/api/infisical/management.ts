/** Infisical inside one project: the service is composed of its two nouns. */
import { type ManagementServiceServer, ManagementServiceService } from "../../../proto/gen/infisical/identity/v1/management.ts";
import type { Core } from "../../kernel/core.ts";
import { type Row, serve } from "../registry.ts";
import { projectIdentities } from "./identities.ts";
import { identityMemberships } from "./memberships.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function infisicalManagement(core: Core): Row {
  return serve<ManagementServiceServer>(ManagementServiceService, words, { ...projectIdentities(core), ...identityMemberships(core) });
}
