/** Organizations, nscale's word for orgs: the platform's side of them and their own. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import type { AdminServiceServer } from "../../../proto/gen/nscale/identity/v1/admin.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import type { ResourceWriteMetadata } from "../../../proto/gen/nscale/identity/v1/metadata.ts";
import { Organization, type OrganizationSpec } from "../../../proto/gen/nscale/identity/v1/organization.ts";
import type { Core } from "../../kernel/core.ts";
import { failure, invalid } from "../../kernel/failure.ts";
import { createOrg } from "../../orgs/commands.ts";
import { changeOrg, type OrgSettings } from "../../orgs/settings.ts";
import { listOrgsOf, listOrgsOfEmail, listSettledOrgs, readSettledOrg, type SettledOrg } from "../../orgs/settings-store.ts";
import { readSubject } from "../../users/subjects-store.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataOf, stated, writtenOf } from "./metadata.ts";

/** The platform's side. */
export function platformOrganizations({ db }: Core): Handlers<AdminServiceServer> {
  return {
    createOrganization: async (request, call) => {
      const { id } = await createOrg(db, settingsOf(request.metadata, request.spec), call.actor);
      return toOrganization(found(await readSettledOrg(db, id), "ORG_NOT_FOUND", id));
    },
    listOrganizations: async ({ email }, call) => {
      const rows = await (email === undefined ? ownOrgs(db, call) : orgsOf(db, email, call));
      return { organizations: rows.map(toOrganization) };
    },
  };
}

/** What is inside an org's own reach. */
export function organizations({ db }: Core): Pick<Handlers<ManagementServiceServer>, "getOrganization" | "updateOrganization"> {
  return {
    getOrganization: async (_request, call) => toOrganization(found(await readSettledOrg(db, call.orgId), "ORG_NOT_FOUND", call.orgId)),
    updateOrganization: async (request, call) => {
      await changeOrg(db, call.orgId, settingsOf(request.metadata, request.spec), call.actor);
      return Empty.create();
    },
  };
}

function ownOrgs(db: Core["db"], { caller, rights }: Call): Promise<SettledOrg[]> {
  return rights.onInstance("org.read") ? listSettledOrgs(db) : listOrgsOf(db, caller);
}

/**
 * The orgs of an address. An address is no proof of who somebody is, since every org gives its users the addresses it likes:
 * without the right to read all users, one's own address shows just one's own orgs.
 */
async function orgsOf(db: Core["db"], email: string, { caller, rights }: Call): Promise<SettledOrg[]> {
  if (rights.onInstance("user.read")) {
    const rows = await listOrgsOfEmail(db, email);
    if (rows.length === 0) throw failure("USER_NOT_FOUND");
    return rows;
  }
  const self = caller.kind === "user" ? await readSubject(db, caller.orgId, caller.id) : null;
  if (self?.email.toLowerCase() !== email.toLowerCase()) throw rights.refusal("user.read");
  return listOrgsOf(db, caller);
}

function settingsOf(metadata: ResourceWriteMetadata | undefined, written: OrganizationSpec | undefined): OrgSettings {
  const spec = stated(written);
  if (spec.organizationType === "domain" && spec.domain === undefined) {
    throw invalid([{ field: "spec.domain", rule: "REQUIRED", message: "is required of the type domain" }]);
  }
  const settled = spec.organizationType === "domain";
  return {
    ...writtenOf(metadata),
    emailDomain: settled ? spec.domain : undefined,
    providerScope: settled ? spec.providerScope : undefined,
    providerId: settled ? spec.providerId : undefined,
    googleCustomerId: settled ? spec.googleCustomerId : undefined,
  };
}

function toOrganization(row: SettledOrg): Organization {
  return Organization.fromPartial({
    metadata: metadataOf(row),
    spec: {
      organizationType: row.email_domain === null ? "adhoc" : "domain",
      domain: row.email_domain ?? undefined,
      providerScope: row.provider_scope ?? undefined,
      providerId: row.provider_id ?? undefined,
      googleCustomerId: row.google_customer_id ?? undefined,
    },
  });
}
