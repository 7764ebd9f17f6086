/**
 * System roles: named sets of permissions in three blocks. The instance block counts everywhere, the org block in the org
 * where the role is held, the project block only in one project: the one it is held on, or, held through a group, those
 * that list the group. Names come from three dialects and never collide.
 */
import { createHash } from "node:crypto";
import { type Permission, permissions } from "./permissions.ts";

export type Dialect = "zitadel" | "nscale" | "infisical";
export type Block = "instance" | "org" | "project";
export type Role = {
  readonly name: string;
  readonly dialect: Dialect;
  readonly description: string;
  /** Given by the platform only; nobody may bind it through an API of an org. */
  readonly protected: boolean;
} & Readonly<Record<Block, ReadonlySet<Permission>>>;

type Pick = (permission: Permission) => boolean;
const none: Pick = () => false;
const all: Pick = () => true;
const reading: Pick = (permission) => permission.endsWith(".read");
const below: (...areas: string[]) => Pick =
  (...areas) =>
  (permission) =>
    areas.some((area) => permission.startsWith(`${area}.`));
const exactly: (...words: Permission[]) => Pick =
  (...words) =>
  (permission) =>
    words.includes(permission);
const either: (...picks: Pick[]) => Pick =
  (...picks) =>
  (permission) =>
    picks.some((pick) => pick(permission));
const both: (...picks: Pick[]) => Pick =
  (...picks) =>
  (permission) =>
    picks.every((pick) => pick(permission));
const not: (pick: Pick) => Pick = (pick) => (permission) => !pick(permission);

const instanceOnly = below("instance");
const references = below("reference");
const people = either(below("user"), below("identity"), below("credential"), below("group"));
const orgOwner = not(either(instanceOnly, exactly("org.create"), references));
const projectOwner = either(
  both(below("project"), not(exactly("project.create"))),
  below("user.grant"),
  below("identity", "resource"),
  exactly("user.read"),
);
const workloads = below("resource");
const organization = either(people, below("role", "resource", "project"), exactly("org.read", "org.write"));

/** name, dialect, description, instance block, org block, project block */
const rows: readonly (readonly [string, Dialect, string, Pick, Pick, Pick])[] = [
  ["IAM_OWNER", "zitadel", "Everything, everywhere", all, none, none],
  ["IAM_OWNER_VIEWER", "zitadel", "Reads everything", reading, none, none],
  ["IAM_ORG_MANAGER", "zitadel", "Everything but the instance", not(either(instanceOnly, references)), none, none],
  [
    "IAM_USER_MANAGER",
    "zitadel",
    "People of every org",
    either(
      people,
      exactly("org.read", "org.member.read", "org.member.delete", "project.read", "project.role.read"),
      below("project.grant"),
    ),
    none,
    none,
  ],
  ["ORG_OWNER", "zitadel", "Everything in one org", none, orgOwner, none],
  ["ORG_OWNER_VIEWER", "zitadel", "Reads one org", none, both(reading, not(instanceOnly)), none],
  [
    "ORG_USER_MANAGER",
    "zitadel",
    "People of one org",
    none,
    either(people, exactly("org.read", "project.read", "project.role.read")),
    none,
  ],
  ["ORG_SETTINGS_MANAGER", "zitadel", "Settings of one org", none, exactly("org.read", "org.write", "org.member.read"), none],
  [
    "ORG_USER_PERMISSION_EDITOR",
    "zitadel",
    "Grants to people of one org",
    none,
    either(below("user.grant"), both(reading, below("org", "project", "user"))),
    none,
  ],
  [
    "ORG_PROJECT_PERMISSION_EDITOR",
    "zitadel",
    "Grants of projects of one org",
    none,
    either(below("user.grant", "project.grant"), both(reading, below("org", "project", "user"))),
    none,
  ],
  ["ORG_PROJECT_CREATOR", "zitadel", "Makes projects", none, exactly("project.create"), none],
  ["ORG_USER_SELF_MANAGER", "zitadel", "Nothing but itself", none, none, none],
  ["SELF_MANAGEMENT_GLOBAL", "zitadel", "Makes orgs", none, exactly("org.create"), none],
  ["PROJECT_OWNER", "zitadel", "Everything in one project", none, none, projectOwner],
  ["PROJECT_OWNER_VIEWER", "zitadel", "Reads one project", none, none, both(reading, projectOwner)],
  [
    "PROJECT_GRANT_OWNER",
    "zitadel",
    "A project granted to this org",
    none,
    none,
    either(below("user.grant"), exactly("project.read", "project.grant.read", "user.read")),
  ],
  ["platform-administrator", "nscale", "Everything, everywhere", not(instanceOnly), none, none],
  ["platform-reader", "nscale", "Reads everything", both(reading, not(instanceOnly)), none, none],
  ["administrator", "nscale", "Everything in one organization", none, organization, none],
  ["auditor", "nscale", "Reads one organization", none, both(reading, organization), none],
  ["user", "nscale", "Runs workloads in the projects of its groups", none, none, either(workloads, exactly("project.read"))],
  ["reader", "nscale", "Reads the projects of its groups", none, none, exactly("project.read", "resource.read")],
  ["region-service", "nscale", "Holds projects with references", either(references, exactly("project.read")), none, none],
  ["kubernetes-service", "nscale", "Holds projects with references", either(references, exactly("project.read")), none, none],
  ["compute-service", "nscale", "Reads projects", exactly("project.read"), none, none],
  ["storage-service", "nscale", "Holds projects with references", either(references, exactly("project.read")), none, none],
  ["admin", "infisical", "Everything in one project", none, none, projectOwner],
  [
    "member",
    "infisical",
    "Machine identities of one project",
    none,
    none,
    either(below("identity"), exactly("project.read", "project.member.read")),
  ],
  ["viewer", "infisical", "Reads one project", none, none, exactly("identity.read", "project.read", "project.member.read")],
  ["no-access", "infisical", "A member without rights", none, none, none],
];

const platformOnly = new Set([
  "platform-administrator",
  "platform-reader",
  "region-service",
  "kubernetes-service",
  "compute-service",
  "storage-service",
]);

const table: ReadonlyMap<string, Role> = new Map(
  rows.map(([name, dialect, description, instance, org, project]) => [
    name,
    {
      name,
      dialect,
      description,
      protected: platformOnly.has(name),
      instance: new Set(permissions.filter(instance)),
      org: new Set(permissions.filter(org)),
      project: new Set(permissions.filter(project)),
    },
  ]),
);

/** The role of that name, or null: a grant of a role that no longer exists gives nothing. */
export function roleOf(name: string): Role | null {
  return table.get(name) ?? null;
}

/** All roles that a dialect knows, in the order of the table. */
export function rolesOf(dialect: Dialect): Role[] {
  return [...table.values()].filter((role) => role.dialect === dialect);
}

/** The fixed id under which nscale's clients know a role: derived from its name, the same in every installation. */
export function roleId(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `f${hex.slice(1, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
