/** ZITADEL's AdminService: the instance and its orgs. Messages in, commands called, messages out; no SQL, no rules. */
import {
  type AdminServiceServer,
  AdminServiceService,
  GetDefaultOrgResponse,
  GetOrgByIDResponse,
  HealthzResponse,
  IsOrgUniqueResponse,
  ListOrgsResponse,
  RemoveOrgResponse,
  SetDefaultOrgResponse,
  type SetUpOrgRequest,
  SetUpOrgResponse,
} from "../../../proto/gen/zitadel/admin/v1/admin.ts";
import { addMember } from "../../grants/members.ts";
import type { Core } from "../../kernel/core.ts";
import { failure, invalid } from "../../kernel/failure.ts";
import { type OrgId, parseId } from "../../kernel/ids.ts";
import { createOrg } from "../../orgs/commands.ts";
import { setDefaultOrg } from "../../orgs/default.ts";
import { findDefaultOrg, findOrg, isFree, listOrgs } from "../../orgs/store.ts";
import { createUser } from "../../users/commands.ts";
import type { Call } from "../call.ts";
import { type Handlers, type Row, serve } from "../registry.ts";
import { addedDetails, changedDetails, listDetails } from "./details.ts";
import { newHuman } from "./humans.ts";
import { orgRoles } from "./member-roles.ts";
import { orgCondition, orgSort } from "./org-search.ts";
import { nameOf, removeOrg, toOrg } from "./orgs.ts";
import { every, pageOf } from "./search.ts";
import { words } from "./words.ts";

/** The row of the service. */
export function zitadelAdmin(core: Core): Row {
  const handlers: Handlers<AdminServiceServer> = {
    healthz: async () => HealthzResponse.create(),
    getOrgById: async (request) => {
      const org = await findOrg(core.db, orgIdOf(request.id));
      if (!org) throw missing(request.id);
      return GetOrgByIDResponse.create({ org: toOrg(org) });
    },
    isOrgUnique: async ({ name, domain }) => {
      if (name === "" && domain === "") throw invalid([{ field: "name", rule: "REQUIRED", message: "name or domain is required" }]);
      return IsOrgUniqueResponse.create({ isUnique: await isFree(core.db, { name: name || undefined, domain: domain || undefined }) });
    },
    listOrgs: async ({ query, sortingColumn, queries }) => {
      const { rows, total } = await listOrgs(core.db, every(queries.map(orgCondition)), orgSort(sortingColumn), pageOf(query));
      return ListOrgsResponse.create({ details: listDetails(total), sortingColumn, result: rows.map(toOrg) });
    },
    setUpOrg: (request, call) => setUpOrg(core, request, call),
    getDefaultOrg: async () => {
      const org = await findDefaultOrg(core.db);
      if (!org) throw failure("ORG_NOT_FOUND", { kind: "org" });
      return GetDefaultOrgResponse.create({ org: toOrg(org) });
    },
    setDefaultOrg: async (request, call) => {
      const changed = await setDefaultOrg(core.db, orgIdOf(request.orgId), call.actor);
      return SetDefaultOrgResponse.create({ details: changedDetails(changed, changed.instanceId) });
    },
    removeOrg: async (request, call) => RemoveOrgResponse.create({ details: await removeOrg(core, orgIdOf(request.orgId), call) }),
  };
  return serve<AdminServiceServer>(AdminServiceService, words, handlers);
}

/** One transaction over three rooms: an org without its first human, or a human without a role, must not be seen by anyone. */
async function setUpOrg(core: Core, request: SetUpOrgRequest, call: Call): Promise<SetUpOrgResponse> {
  const human = request.user?.value;
  if (!request.org || !human) throw failure("REQUEST_INVALID");
  const name = nameOf(request.org.name, "org.name");
  const domain = request.org.domain === "" ? undefined : domainOf(request.org.domain);
  const roles = orgRoles(request.roles.length === 0 ? ["ORG_OWNER"] : request.roles, call.rights);
  const person = await newHuman(human, human.password);
  return core.db.transaction().execute(async (tx) => {
    const org = await createOrg(tx, { name, domain }, call.actor);
    const user = await createUser(tx, { ...person, orgId: org.id }, call.actor);
    const member = await addMember(tx, { orgId: org.id, principalId: user.id, principalOrgId: org.id, roles }, call.actor);
    return SetUpOrgResponse.create({ details: addedDetails(member, org.id), orgId: org.id, userId: user.id });
  });
}

/** Names of hosts (RFC 1123, section 2.1). */
const domainForm = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

function domainOf(domain: string): string {
  const trimmed = domain.trim();
  if (!domainForm.test(trimmed)) throw invalid([{ field: "org.domain", rule: "DOMAIN", message: "value must be a domain name" }]);
  return trimmed;
}

function orgIdOf(text: string): OrgId {
  const id = parseId<OrgId>(text);
  if (!id) throw missing(text);
  return id;
}

function missing(id: string) {
  return failure("ORG_NOT_FOUND", { kind: "org", id });
}
