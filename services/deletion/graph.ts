/**
 * THE table of what hangs on what. One row a foreign key (and the few id columns that have none), with the rule for what
 * happens to the child when its parent is deleted. A test holds it against the catalog, both ways: a table or column added
 * without a row here fails the build. Nothing but facts lives in this file.
 */
import type { Schema } from "../kernel/schema.ts";

export type Table = keyof Schema;

/**
 * cascade: the child is deleted. detach: the child stays, its columns are set to null. restrict: the parent waits until no
 * child is left. keep: the child stays as it is (evidence, or a row that no delete can reach).
 */
export type Rule = "cascade" | "detach" | "restrict" | "keep";

export type Edge = {
  readonly child: Table;
  readonly columns: readonly string[];
  readonly parent: Table;
  readonly parentColumns: readonly string[];
  readonly rule: Rule;
  /** For detach: the columns to set to null, when they are more than `columns`. */
  readonly clears?: readonly string[];
};

const tenant = ["org_id", "id"] as const;

function edge(child: Table, columns: readonly string[], parent: Table, rule: Rule = "cascade"): Edge {
  const parentColumns = columns.length === 1 ? ["id"] : tenant;
  return { child, columns, parent, parentColumns, rule };
}

function ofOrg(child: Table): Edge {
  return edge(child, ["org_id"], "orgs");
}

export const graph: readonly Edge[] = [
  // No delete may take the default org or the org of the IAM project; the accepting statement refuses them.
  edge("instance", ["default_org_id"], "orgs", "keep"),
  edge("instance", ["iam_org_id"], "orgs", "keep"),

  ofOrg("org_domains"),
  ofOrg("claims"),
  ofOrg("projects"),
  ofOrg("project_roles"),
  ofOrg("project_grants"),
  edge("project_grants", ["granted_org_id"], "orgs"),
  ofOrg("project_grant_roles"),
  ofOrg("principals"),
  ofOrg("users"),
  ofOrg("identities"),
  ofOrg("identity_metadata"),
  ofOrg("credentials"),
  ofOrg("clients"),
  ofOrg("issuer_artifacts"),
  ofOrg("groups"),
  ofOrg("group_members"),
  ofOrg("group_subjects"),
  ofOrg("project_groups"),
  ofOrg("grants"),
  edge("grants", ["owner_org_id"], "orgs"),
  edge("grants", ["principal_org_id"], "orgs"),
  ofOrg("grant_roles"),
  ofOrg("project_references"),
  ofOrg("cluster_managers"),
  ofOrg("clusters"),

  edge("project_roles", ["org_id", "project_id"], "projects"),
  edge("project_grants", ["org_id", "project_id"], "projects"),
  edge("principals", ["org_id", "project_id"], "projects"),
  edge("project_groups", ["org_id", "project_id"], "projects"),
  edge("grants", ["org_id", "project_id"], "projects"),
  edge("project_references", ["org_id", "project_id"], "projects", "restrict"),
  edge("clients", ["org_id", "project_id"], "projects"),
  edge("cluster_managers", ["org_id", "project_id"], "projects"),
  edge("clusters", ["org_id", "project_id"], "projects"),
  edge("clusters", ["org_id", "cluster_manager_id"], "cluster_managers"),

  edge("project_grant_roles", ["org_id", "project_grant_id"], "project_grants"),
  edge("project_grant_roles", ["org_id", "project_role_id"], "project_roles"),
  edge("grants", ["org_id", "project_grant_id"], "project_grants"),
  edge("grant_roles", ["org_id", "project_role_id"], "project_roles"),
  edge("grant_roles", ["org_id", "grant_id"], "grants"),

  edge("users", ["org_id", "id"], "principals"),
  edge("identities", ["org_id", "id"], "principals"),
  edge("identity_metadata", ["org_id", "identity_id"], "identities"),
  edge("credentials", ["org_id", "principal_id"], "principals"),
  edge("credentials", ["client_org_id", "client_id"], "clients"),
  edge("issuer_artifacts", ["org_id", "principal_id"], "principals"),
  edge("group_members", ["org_id", "principal_id"], "principals"),
  edge("grants", ["principal_org_id", "principal_id"], "principals"),

  edge("group_members", ["org_id", "group_id"], "groups"),
  edge("group_subjects", ["org_id", "group_id"], "groups"),
  edge("project_groups", ["org_id", "group_id"], "groups"),
  edge("grants", ["org_id", "group_id"], "groups"),

  // No foreign key: the operation that somebody asked for outlives them, but does not name them.
  edge("operations", ["requester_org_id", "requester_id"], "principals", "detach"),
  { ...edge("operations", ["requester_org_id"], "orgs", "detach"), clears: ["requester_org_id", "requester_id"] },
];

/** Primary keys, for key-ordered batches. */
export const keys: Readonly<Partial<Record<Table, readonly string[]>>> = {
  orgs: ["id"],
  org_domains: ["org_id", "domain"],
  claims: ["kind", "key"],
  projects: tenant,
  project_roles: tenant,
  project_grants: tenant,
  project_grant_roles: ["org_id", "project_grant_id", "project_role_id"],
  principals: tenant,
  users: tenant,
  identities: tenant,
  identity_metadata: ["org_id", "identity_id", "id"],
  credentials: tenant,
  clients: tenant,
  issuer_artifacts: ["model", "digest"],
  groups: tenant,
  group_members: ["org_id", "group_id", "principal_id"],
  group_subjects: ["org_id", "group_id", "issuer", "subject"],
  project_groups: ["org_id", "project_id", "group_id"],
  grants: tenant,
  grant_roles: ["org_id", "grant_id", "id"],
  project_references: ["org_id", "project_id", "reference"],
  cluster_managers: tenant,
  clusters: tenant,
  operations: tenant,
};
