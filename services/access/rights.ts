/** What a caller may do in the context of one call: pure, made from the rows that authentication found. */
import type { Facts, Failure } from "../kernel/failure.ts";
import { failure } from "../kernel/failure.ts";
import type { GrantScope } from "../kernel/schema.ts";
import type { Permission } from "./permissions.ts";
import { type Block, type Role, roleOf, rolesOf } from "./roles.ts";

/** One role that the caller holds, directly or through a group. */
export type HeldRole = {
  readonly role: string;
  readonly scope: GrantScope | "group";
  readonly projectId: string | null;
  readonly projectGrantId: string | null;
  /** For scope "group": the projects of the org that list the group. */
  readonly linked: readonly string[];
};

/** The object a permission is asked for; nothing means the whole org. */
export type Target = { readonly projectId?: string | undefined; readonly projectGrantId?: string | undefined };

/** Names of roles that the caller does not dominate, by where somebody else may hold them. */
export type Outranking = Readonly<Record<Block | "elsewhere", readonly string[]>>;

/**
 * Which roles make a group outrank the caller. The org block of a group's role counts in the whole org, the project block
 * in the projects that list the group.
 */
export type GroupBounds = {
  /** Names of roles whose org block the caller does not dominate. */
  readonly beyond: readonly string[];
  /** Roles whose project block the caller dominates only in these projects. */
  readonly within: readonly { readonly role: string; readonly projects: readonly string[] }[];
};

export class Rights {
  /** Held everywhere. */
  readonly #instance = new Set<Permission>();
  /** Held in the whole context org. */
  readonly #org = new Set<Permission>();
  /** Held on single projects or project grants, by id. */
  readonly #objects = new Map<string, Set<Permission>>();
  readonly #empty: boolean;

  constructor(held: readonly HeldRole[]) {
    this.#empty = held.length === 0;
    for (const { role: name, scope, projectId, projectGrantId, linked } of held) {
      const role = roleOf(name);
      if (!role) continue;
      if (scope === "instance") add(this.#instance, role.instance);
      if (scope === "org" || scope === "group") add(this.#org, role.org);
      for (const id of scope === "group" ? linked : [scope === "project" ? projectId : projectGrantId]) {
        if (id !== null && scope !== "org" && scope !== "instance") add(this.#object(id), role.project);
      }
    }
  }

  /** Whether the caller holds no role at all in the context of the call. */
  get empty(): boolean {
    return this.#empty;
  }

  /** Whether the permission is held on the whole instance. */
  onInstance(permission: Permission): boolean {
    return this.#instance.has(permission);
  }

  /** Whether the permission is held for the target: in the whole context org, or on just that object. */
  on(permission: Permission, target: Target = {}): boolean {
    if (this.#instance.has(permission) || this.#org.has(permission)) return true;
    return [target.projectId, target.projectGrantId].some((id) => id !== undefined && this.#objects.get(id)?.has(permission));
  }

  /** Ids of single projects and project grants on which the permission is held. */
  objects(permission: Permission): string[] {
    return [...this.#objects].filter(([, held]) => held.has(permission)).map(([id]) => id);
  }

  /**
   * The refusal for a permission that is not held.
   *
   * @param about further facts that the caller may see
   */
  refusal(permission: Permission, about: Facts = {}): Failure {
    if (this.#empty) return failure("MEMBERSHIP_MISSING", { ...about, permission });
    return failure("PERMISSION_DENIED", { ...about, permission, context: this.objects(permission).length > 0 ? "object" : "org" });
  }

  /**
   * Roles whose holder outranks the caller: some permission of theirs is not the caller's. Nobody deletes, unprotects or
   * mints credentials for what outranks them.
   *
   * @param projectId the project that the call is about, where rights on just that project count
   */
  outranking(projectId?: string): Outranking {
    const org = this.#instance.union(this.#org);
    const here = projectId === undefined ? org : org.union(this.#objects.get(projectId) ?? new Set<Permission>());
    return {
      instance: beyond("instance", this.#instance),
      org: beyond("org", org),
      project: beyond("project", here),
      elsewhere: beyond("project", org),
    };
  }

  /** What the caller may not hand out by way of groups; see {@link GroupBounds}. */
  groupBounds(): GroupBounds {
    const org = this.#instance.union(this.#org);
    const within = everyRole.filter((role) => role.org.isSubsetOf(org) && !role.project.isSubsetOf(org));
    const reach = (role: Role) => [...this.#objects].filter(([, held]) => role.project.isSubsetOf(org.union(held))).map(([id]) => id);
    return { beyond: beyond("org", org), within: within.map((role) => ({ role: role.name, projects: reach(role) })) };
  }

  #object(id: string): Set<Permission> {
    const held = this.#objects.get(id) ?? new Set<Permission>();
    this.#objects.set(id, held);
    return held;
  }
}

const everyRole = [...rolesOf("zitadel"), ...rolesOf("nscale"), ...rolesOf("infisical")];

function beyond(block: Block, held: ReadonlySet<Permission>): string[] {
  return everyRole.filter((role) => !role[block].isSubsetOf(held)).map((role) => role.name);
}

function add(set: Set<Permission>, more: ReadonlySet<Permission>): void {
  for (const permission of more) set.add(permission);
}
