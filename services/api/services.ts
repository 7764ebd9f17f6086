/** THE table of services that this process answers. Adding one adds a line here and nothing elsewhere. */
import type { Config } from "../config.ts";
import type { Core } from "../kernel/core.ts";
import { infisicalAdmin } from "./infisical/admin.ts";
import { infisicalManagement } from "./infisical/management.ts";
import { nscaleAdmin } from "./nscale/admin.ts";
import { nscaleManagement } from "./nscale/management.ts";
import type { Row } from "./registry.ts";
import { tenureTokens } from "./tenure/tokens.ts";
import { zitadelAdmin } from "./zitadel/admin.ts";
import { zitadelManagement } from "./zitadel/management.ts";

/** Every service with its handlers. */
export function services(core: Core, config: Config): Row[] {
  return [
    zitadelAdmin(core),
    zitadelManagement(core),
    infisicalAdmin(core),
    infisicalManagement(core),
    nscaleAdmin(core),
    nscaleManagement(core, config),
    tenureTokens(core),
  ];
}
