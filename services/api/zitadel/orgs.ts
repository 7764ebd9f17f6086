/** Orgs as ZITADEL tells of them, and the part of ManagementService that is about the context org. */
import {
  AddOrgResponse,
  GetMyOrgResponse,
  type ManagementServiceServer,
  RemoveOrgResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { type Org, OrgState } from "../../../proto/gen/zitadel/org/v1/org.ts";
import type { ObjectDetails } from "../../../proto/gen/zitadel/v1/details.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure, invalid } from "../../kernel/failure.ts";
import type { OrgId } from "../../kernel/ids.ts";
import { createOrg } from "../../orgs/commands.ts";
import { findOrg, type StoredOrg } from "../../orgs/store.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, readDetails } from "./details.ts";

type OrgHandlers = Pick<Handlers<ManagementServiceServer>, "addOrg" | "getMyOrg" | "removeOrg">;

/** Makes, reads and deletes the context org. */
export function orgs(core: Core): OrgHandlers {
  return {
    addOrg: async ({ name }, call) => {
      const made = await createOrg(core.db, { name: nameOf(name, "name"), owner: call.caller }, call.actor);
      return AddOrgResponse.create({ id: made.id, details: addedDetails(made, made.id) });
    },
    getMyOrg: async (_request, call) => {
      const org = await findOrg(core.db, call.orgId);
      if (!org) throw failure("ORG_NOT_FOUND", { kind: "org", id: call.orgId });
      return GetMyOrgResponse.create({ org: toOrg(org) });
    },
    removeOrg: async (_request, call) => RemoveOrgResponse.create({ details: await removeOrg(core, call.orgId, call) }),
  };
}

/** Deletes an org; its details are the whole documented answer, and name the instance as owner. */
export async function removeOrg(core: Core, id: OrgId, call: Call): Promise<ObjectDetails> {
  const gone = await requestDeleteOnce(core, { kind: "org", orgId: id, id, actor: call.actor, outranking: call.rights.outranking() });
  return { sequence: gone.sequence, creationDate: gone.createdAt, changeDate: gone.deletedAt, resourceOwner: gone.instanceId };
}

/**
 * The name of a new org; blanks around it do not count, and nothing else is no name.
 *
 * @param field where it stands in the request
 */
export function nameOf(name: string, field: string): string {
  const trimmed = name.trim();
  if (trimmed === "") throw invalid([{ field, rule: "REQUIRED", message: "value is required" }]);
  return trimmed;
}

const states: Readonly<Record<StoredOrg["state"], OrgState>> = {
  active: OrgState.ORG_STATE_ACTIVE,
  inactive: OrgState.ORG_STATE_INACTIVE,
};

/** The stored state that a state of ZITADEL's stands for; undefined for those that no live org is in. */
export function orgStateOf(state: OrgState): StoredOrg["state"] | undefined {
  return (Object.keys(states) as StoredOrg["state"][]).find((stored) => states[stored] === state);
}

/** An org as it is read. */
export function toOrg(org: StoredOrg): Org {
  return {
    id: org.id,
    details: readDetails(org, org.id),
    state: states[org.state],
    name: org.name,
    primaryDomain: org.primary_domain,
  };
}
