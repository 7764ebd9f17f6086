/** Two orgs with projects, and callers of every rank, made by the commands and with tokens of the API. */
import { sql } from "kysely";
import { addMember } from "../../../services/grants/members.ts";
import { addMembership } from "../../../services/grants/memberships.ts";
import { createIdentity, type NewIdentity } from "../../../services/identities/commands.ts";
import type { Actor } from "../../../services/kernel/call.ts";
import type { Database } from "../../../services/kernel/database.ts";
import { mintId, type OrgId, type PrincipalId, type ProjectId, type ProjectRoleId } from "../../../services/kernel/ids.ts";
import { createOrg } from "../../../services/orgs/commands.ts";
import { createProject } from "../../../services/projects/commands.ts";
import { createUser } from "../../../services/users/commands.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import type { System } from "../../support/system.ts";

const nobody: Actor = { orgId: null, principalId: null, requestId: null };

/** Somebody who calls: REST as them, and who they are. */
export type Caller = { readonly id: PrincipalId; readonly orgId: OrgId; readonly token: string; readonly rest: Rest };

export type Place = { readonly orgId: OrgId; readonly projectId: ProjectId };

export class World {
  readonly admin: Rest;
  readonly #system: System;
  #names = 0;

  constructor(system: System) {
    this.#system = system;
    this.admin = restClient(system.baseUrl, system.adminToken);
  }

  get db(): Database {
    return this.#system.services.db;
  }

  async org(): Promise<OrgId> {
    return (await createOrg(this.db, { name: this.#name() }, nobody)).id;
  }

  async project(orgId: OrgId): Promise<Place> {
    return { orgId, projectId: (await createProject(this.db, { orgId, name: this.#name() }, nobody)).id };
  }

  /** An org with one project in it. */
  async place(): Promise<Place> {
    return this.project(await this.org());
  }

  /** An identity of the org. */
  async identity(orgId: OrgId, more: Partial<NewIdentity> = {}): Promise<PrincipalId> {
    return (await createIdentity(this.db, { orgId, name: this.#name(), ...more }, nobody)).id;
  }

  /** An identity that the project owns, with one role in it. */
  async owned(place: Place, more: Partial<NewIdentity> = {}, role = "no-access"): Promise<PrincipalId> {
    const id = await this.identity(place.orgId, { projectId: place.projectId, ...more });
    await addMembership(this.db, { ...place, identityId: id }, [{ name: role, isCustom: false }], nobody, true);
    return id;
  }

  /** A token of any principal, minted by the instance's admin. */
  async token(orgId: OrgId, id: PrincipalId, body: object = {}): Promise<{ id: string; token: string }> {
    const answer = await this.admin<{ id: string; token: string }>("POST", `/tenure/v1/orgs/${orgId}/principals/${id}/tokens`, { body });
    if (answer.status !== 200) throw new Error(`no token: ${answer.text}`);
    return answer.body;
  }

  async as(orgId: OrgId, id: PrincipalId): Promise<Caller> {
    const { token } = await this.token(orgId, id);
    return { id, orgId, token, rest: restClient(this.#system.baseUrl, token) };
  }

  /** An identity of the project's org with one role on the project. */
  async member(place: Place, role: string): Promise<Caller> {
    const id = await this.identity(place.orgId);
    await addMembership(this.db, { ...place, identityId: id }, [{ name: role, isCustom: false }], nobody);
    return this.as(place.orgId, id);
  }

  /** An identity of the org with a role on the whole org, or with none. */
  async ofOrg(orgId: OrgId, role?: string): Promise<Caller> {
    const id = await this.identity(orgId);
    if (role) await addMember(this.db, { orgId, principalId: id, roles: [{ role }] }, nobody);
    return this.as(orgId, id);
  }

  /** A human with a role on the project. */
  async human(place: Place, role: string): Promise<Caller> {
    const name = this.#name();
    const user = { orgId: place.orgId, userName: name, email: `${name}@example.com`, state: "active" as const };
    const { id } = await createUser(this.db, user, nobody);
    await addMember(this.db, { ...place, principalId: id, roles: [{ role }] }, nobody);
    return this.as(place.orgId, id);
  }

  /** A role of the project's own. */
  async customRole(place: Place, key: string): Promise<string> {
    const id = mintId<ProjectRoleId>();
    const row = { org_id: place.orgId, id, project_id: place.projectId, key, display_name: key, sequence: 1n };
    await this.db.insertInto("project_roles").values(row).execute();
    return id;
  }

  /** How many statements of this database wait for a lock. */
  async waiting(): Promise<number> {
    const { rows } = await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
      this.db,
    );
    return rows.length;
  }

  #name(): string {
    this.#names += 1;
    return `thing-${this.#names}`;
  }
}

/** The path of the identities of a project, or of one of them. */
export function path({ projectId }: { readonly projectId: string }, id?: string): string {
  return `/api/v1/projects/${projectId}/identities${id === undefined ? "" : `/${id}`}`;
}
