/** What can be deleted by name, one row a kind. The statements built from these rows know no kind. */
import type { ReasonName } from "../kernel/failure.ts";
import type { Table } from "./graph.ts";

export type Kind = "org" | "project" | "group" | "user" | "identity" | "project_role" | "project_grant" | "cluster_manager" | "cluster";

export type KindRow = {
  /** Where its tombstone is. */
  readonly table: Table;
  /** The view that hides it when it or anything above it is dead. */
  readonly live: Table;
  /** Column of `table` that must hold a value for a row to be of this kind. */
  readonly discriminator?: readonly [column: string, value: string];
  /** Event type of an accepted delete. */
  readonly event: string;
  readonly missing: ReasonName;
  /** Roles that it holds or gives are asked for: whether it outranks the caller. Null: it has none. */
  readonly ranksAs: "principal" | "group" | null;
};

export const kinds: Readonly<Record<Kind, KindRow>> = {
  org: { table: "orgs", live: "live_orgs", event: "org.removed", missing: "ORG_NOT_FOUND", ranksAs: null },
  project: { table: "projects", live: "live_projects", event: "project.removed", missing: "PROJECT_NOT_FOUND", ranksAs: null },
  group: { table: "groups", live: "live_groups", event: "group.removed", missing: "GROUP_NOT_FOUND", ranksAs: "group" },
  user: {
    table: "principals",
    live: "live_principals",
    discriminator: ["kind", "user"],
    event: "user.removed",
    missing: "USER_NOT_FOUND",
    ranksAs: "principal",
  },
  identity: {
    table: "principals",
    live: "live_principals",
    discriminator: ["kind", "identity"],
    event: "user.removed",
    missing: "IDENTITY_NOT_FOUND",
    ranksAs: "principal",
  },
  project_role: {
    table: "project_roles",
    live: "live_project_roles",
    event: "project.role.removed",
    missing: "PROJECT_ROLE_NOT_FOUND",
    ranksAs: null,
  },
  project_grant: {
    table: "project_grants",
    live: "live_project_grants",
    event: "project.grant.removed",
    missing: "PROJECT_GRANT_NOT_FOUND",
    ranksAs: null,
  },
  cluster_manager: {
    table: "cluster_managers",
    live: "live_cluster_managers",
    event: "cluster_manager.removed",
    missing: "CLUSTER_MANAGER_NOT_FOUND",
    ranksAs: null,
  },
  cluster: { table: "clusters", live: "live_clusters", event: "cluster.removed", missing: "CLUSTER_NOT_FOUND", ranksAs: null },
};
