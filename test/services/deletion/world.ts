/**
 * Two orgs with something in every table, tied to each other in both directions. Every text that could betray who somebody
 * was holds a mark found nowhere else, and the world knows which ids and marks must vanish with what.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { type RawBuilder, sql } from "kysely";
import type { Kind } from "../../../services/deletion/kinds.ts";
import type { Database } from "../../../services/kernel/database.ts";
import {
  type ClientId,
  type ClusterId,
  type ClusterManagerId,
  type CredentialId,
  type GrantId,
  type GroupId,
  mintId,
  type OperationId,
  type OrgId,
  type PrincipalId,
  type ProjectGrantId,
  type ProjectId,
  type ProjectRoleId,
} from "../../../services/kernel/ids.ts";

/** An org with the things that tests delete. */
export interface Side {
  readonly org: OrgId;
  readonly project: ProjectId;
  /** Held by a reference until it is released. */
  readonly heldProject: ProjectId;
  readonly reference: string;
  readonly role: ProjectRoleId;
  readonly user: PrincipalId;
  readonly secondUser: PrincipalId;
  readonly identity: PrincipalId;
  /** Owned by `project`. */
  readonly ownedIdentity: PrincipalId;
  readonly group: GroupId;
  readonly manager: ClusterManagerId;
  readonly cluster: ClusterId;
  readonly client: ClientId;
}

export interface World {
  readonly a: Side;
  readonly b: Side;
  /** The project of `a`, lent to `b`. */
  readonly projectGrant: ProjectGrantId;
  /** Done long ago, asked for by users of `a`. */
  readonly operations: readonly OperationId[];
  /** What must vanish with a thing: its own and that of all that must go with it. */
  needles(id: string): Needles;
}

export interface Needles {
  readonly ids: readonly string[];
  /** Parts of names, addresses and other texts. */
  readonly marks: readonly string[];
}

type Thing<Id> = { readonly id: Id; readonly mark: string };

/** What hangs on what, as the test sees it; nothing here is read from the graph of the code under test. */
class Ledger {
  readonly #things = new Map<string, { mark: string; above: readonly string[] }>();

  note<Id extends string>(id: Id, ...above: string[]): Thing<Id> {
    const mark = `mark${randomBytes(8).toString("hex")}`;
    this.#things.set(id, { mark, above });
    return { id, mark };
  }

  needles(root: string): Needles {
    const below = (id: string): boolean => id === root || (this.#things.get(id)?.above ?? []).some(below);
    const found = [...this.#things].filter(([id]) => below(id));
    return { ids: found.map(([id]) => id), marks: found.map(([, { mark }]) => mark) };
  }
}

const json = (mark: string) => JSON.stringify([{ name: `${mark} tag`, value: `${mark} value` }]);
const described = (mark: string) => ({ name: `${mark} name`, description: `${mark} description`, tags: json(mark), sequence: 1n });

/** Builds a world of its own; any number of them may stand in one database. */
export async function buildWorld(db: Database): Promise<World> {
  const ledger = new Ledger();
  const [a, b] = [await buildSide(db, ledger), await buildSide(db, ledger)];
  const projectGrant = await tie(db, ledger, a, b);
  await tie(db, ledger, b, a);
  const operations = [await buildOperation(db, a, a.user, b.project), await buildOperation(db, a, a.identity, b.group)];
  return { a, b, projectGrant, operations, needles: (id) => ledger.needles(id) };
}

async function buildSide(db: Database, ledger: Ledger): Promise<Side> {
  const org = await buildOrg(db, ledger);
  const project = await buildProject(db, ledger, org);
  const held = await buildProject(db, ledger, org);
  const reference = ledger.note(randomUUID(), held).mark;
  await db.insertInto("project_references").values({ org_id: org, project_id: held, reference }).execute();
  const role = await buildRole(db, ledger, org, project);
  await buildRole(db, ledger, org, project);
  const [user, secondUser] = [await buildUser(db, ledger, org), await buildUser(db, ledger, org)];
  const [identity, ownedIdentity] = [await buildIdentity(db, ledger, org, null), await buildIdentity(db, ledger, org, project)];
  const group = await buildGroup(db, ledger, org, project, [user, identity, ownedIdentity]);
  const { manager, cluster } = await buildResources(db, ledger, org, project);
  const client = await buildClient(db, ledger, org, project);
  await buildLogin(db, ledger, { user: { org, id: user }, client: { org, id: client, project } });
  for (const principal of [user, identity, ownedIdentity]) {
    await buildCredential(db, ledger, org, principal);
    await buildGrant(db, ledger, { org, owner: org, principal: { org, id: principal }, scope: "org", role: "ORG_OWNER" });
    await buildGrant(db, ledger, { org, owner: org, principal: { org, id: principal }, scope: "project", project, role: "PROJECT_OWNER" });
  }
  await buildGrant(db, ledger, { org, owner: org, principal: { org, id: secondUser }, scope: "instance", role: "IAM_OWNER_VIEWER" });
  await buildGrant(db, ledger, { org, owner: org, group, scope: "org", role: "reader" });
  return { org, project, heldProject: held, reference, role, user, secondUser, identity, ownedIdentity, group, manager, cluster, client };
}

/** What `from` gives to `to`: a member, a project grant, and roles held directly and through it. */
async function tie(db: Database, ledger: Ledger, from: Side, to: Side): Promise<ProjectGrantId> {
  const guest = { org: to.org, id: to.user };
  await buildGrant(db, ledger, { org: from.org, owner: from.org, principal: guest, scope: "org", role: "ORG_OWNER_VIEWER" });
  await buildGrant(db, ledger, {
    org: from.org,
    owner: from.org,
    principal: guest,
    scope: "project",
    project: from.project,
    projectRole: from.role,
  });
  await buildLogin(db, ledger, { user: guest, client: { org: from.org, id: from.client, project: from.project } });
  const own = { org: from.org, id: from.user };
  await buildGrant(db, ledger, {
    org: from.org,
    owner: from.org,
    principal: own,
    scope: "project",
    project: from.project,
    projectRole: from.role,
  });
  const { id: projectGrant } = ledger.note(mintId<ProjectGrantId>(), from.project, to.org);
  await db
    .insertInto("project_grants")
    .values({ org_id: from.org, id: projectGrant, project_id: from.project, granted_org_id: to.org, sequence: 1n })
    .execute();
  await db
    .insertInto("project_grant_roles")
    .values({ org_id: from.org, project_grant_id: projectGrant, project_role_id: from.role })
    .execute();
  const through = { org: from.org, owner: to.org, scope: "project_grant", project: from.project, projectGrant } as const;
  for (const id of [to.user, to.ownedIdentity]) {
    await buildGrant(db, ledger, { ...through, principal: { org: to.org, id }, projectRole: from.role });
  }
  await buildGrant(db, ledger, { ...through, principal: guest, role: "PROJECT_GRANT_OWNER" });
  return projectGrant;
}

async function buildOrg(db: Database, ledger: Ledger): Promise<OrgId> {
  const { id, mark } = ledger.note(mintId<OrgId>());
  const settings = { email_domain: mark, provider_scope: mark, provider_id: mark, google_customer_id: mark };
  await db
    .insertInto("orgs")
    .values({ id, ...described(mark), ...settings })
    .execute();
  await db
    .insertInto("org_domains")
    .values({ org_id: id, domain: `${mark}.test`, verified: true, is_primary: true })
    .execute();
  await db
    .insertInto("claims")
    .values([
      { kind: "org_name", key: `${mark} name`, org_id: id },
      { kind: "domain", key: `${mark}.test`, org_id: id },
    ])
    .execute();
  return id;
}

async function buildProject(db: Database, ledger: Ledger, org: OrgId): Promise<ProjectId> {
  const { id, mark } = ledger.note(mintId<ProjectId>(), org);
  await db
    .insertInto("projects")
    .values({ org_id: org, id, ...described(mark) })
    .execute();
  return id;
}

async function buildRole(db: Database, ledger: Ledger, org: OrgId, project: ProjectId): Promise<ProjectRoleId> {
  const { id, mark } = ledger.note(mintId<ProjectRoleId>(), project);
  const texts = { key: `${mark}.key`, display_name: `${mark} role`, role_group: `${mark} group` };
  await db
    .insertInto("project_roles")
    .values({ org_id: org, id, project_id: project, ...texts, sequence: 1n })
    .execute();
  return id;
}

async function buildUser(db: Database, ledger: Ledger, org: OrgId): Promise<PrincipalId> {
  const { id, mark } = ledger.note(mintId<PrincipalId>(), org);
  await db
    .insertInto("principals")
    .values({ org_id: org, id, kind: "user", project_id: null, user_name: `${mark}.user`, sequence: 1n })
    .execute();
  const names = { first_name: mark, last_name: mark, nick_name: mark, display_name: mark, preferred_language: mark };
  const contact = { email: `${mark}@mail.test`, email_verified: true, phone: `+${mark}`, phone_verified: true };
  const secret = { password_hash: `$hash$${mark}`, password_changed_at: new Date(), last_active_at: new Date() };
  await db
    .insertInto("users")
    .values({ org_id: org, id, gender: 1, ...names, ...contact, ...secret })
    .execute();
  return id;
}

async function buildIdentity(db: Database, ledger: Ledger, org: OrgId, project: ProjectId | null): Promise<PrincipalId> {
  const { id, mark } = ledger.note(mintId<PrincipalId>(), org, ...(project ? [project] : []));
  await db
    .insertInto("principals")
    .values({ org_id: org, id, kind: "identity", project_id: project, user_name: `${mark}.robot`, sequence: 1n })
    .execute();
  const { sequence: _, ...texts } = described(mark);
  await db
    .insertInto("identities")
    .values({ org_id: org, id, ...texts, access_token_type: 0 })
    .execute();
  const metadata = ledger.note(mintId<PrincipalId>(), id);
  await db
    .insertInto("identity_metadata")
    .values({ org_id: org, identity_id: id, id: metadata.id, key: `${metadata.mark} key`, value: `${metadata.mark} value` })
    .execute();
  return id;
}

async function buildGroup(db: Database, ledger: Ledger, org: OrgId, project: ProjectId, members: readonly PrincipalId[]): Promise<GroupId> {
  const { id, mark } = ledger.note(mintId<GroupId>(), org);
  await db
    .insertInto("groups")
    .values({ org_id: org, id, ...described(mark) })
    .execute();
  await db
    .insertInto("group_members")
    .values(members.map((principal) => ({ org_id: org, group_id: id, principal_id: principal })))
    .execute();
  await db
    .insertInto("group_subjects")
    .values({ org_id: org, group_id: id, issuer: `https://${mark}.test`, subject: mark, email: `${mark}@mail.test` })
    .execute();
  await db.insertInto("project_groups").values({ org_id: org, project_id: project, group_id: id }).execute();
  return id;
}

async function buildResources(db: Database, ledger: Ledger, org: OrgId, project: ProjectId) {
  const spec = (mark: string) => JSON.stringify({ [`${mark} setting`]: [`${mark} value`] });
  const manager = ledger.note(mintId<ClusterManagerId>(), project);
  const place = { org_id: org, project_id: project };
  await db
    .insertInto("cluster_managers")
    .values({ ...place, id: manager.id, ...described(manager.mark), spec: spec(manager.mark) })
    .execute();
  const cluster = ledger.note(mintId<ClusterId>(), manager.id);
  const texts = { ...described(cluster.mark), spec: spec(cluster.mark) };
  await db
    .insertInto("clusters")
    .values({ ...place, id: cluster.id, cluster_manager_id: manager.id, ...texts })
    .execute();
  return { manager: manager.id, cluster: cluster.id };
}

async function buildCredential(db: Database, ledger: Ledger, org: OrgId, principal: PrincipalId): Promise<void> {
  const { id, mark } = ledger.note(mintId<CredentialId>(), principal);
  const generations = { org_generation: 1, project_generation: null, principal_generation: 1 };
  const names = {
    name: mark,
    scopes: [`${mark}:scope`],
    session_id: ledger.note(randomUUID(), principal).id,
  };
  await db
    .insertInto("credentials")
    .values({ org_id: org, id, principal_id: principal, kind: "pat", digest: randomBytes(32), ...names, ...generations, sequence: 1n })
    .execute();
}

async function buildClient(db: Database, ledger: Ledger, org: OrgId, project: ProjectId): Promise<ClientId> {
  const { id, mark } = ledger.note(mintId<ClientId>(), project);
  const uris = { redirect_uris: [`https://${mark}.test/in`], post_logout_redirect_uris: [`https://${mark}.test/out`] };
  await db
    .insertInto("clients")
    .values({ org_id: org, id, project_id: project, name: mark, kind: "oidc", secret_digest: randomBytes(32), ...uris })
    .execute();
  return id;
}

type Login = {
  readonly user: { readonly org: OrgId; readonly id: PrincipalId };
  readonly client: { readonly org: OrgId; readonly id: ClientId; readonly project: ProjectId };
};

/** A grant with a token of it, and the session that they came from. */
async function buildLogin(db: Database, ledger: Ledger, { user, client }: Login): Promise<void> {
  const { id: grant } = ledger.note(mintId<CredentialId>(), user.id, client.project);
  const { id: token, mark } = ledger.note(mintId<CredentialId>(), user.id, client.project);
  const generations = { org_generation: 1, principal_generation: 1, client_org_generation: 1, client_project_generation: 1 };
  const places = { org_id: user.org, principal_id: user.id, client_org_id: client.org, client_id: client.id, grant_id: grant };
  const rest = { ...places, ...generations, scopes: [`${mark}:scope`], payload: JSON.stringify({ mark }), sequence: 0n };
  await db
    .insertInto("credentials")
    .values([
      { ...rest, id: grant, kind: "oidc_grant", digest: null },
      { ...rest, id: token, kind: "access_token", digest: randomBytes(32) },
    ])
    .execute();
  const session = ledger.note(randomUUID(), user.id);
  const owner = { org_id: user.org, principal_id: user.id, org_generation: 1, principal_generation: 1 };
  const lasting = { payload: JSON.stringify({ mark: session.mark }), expires_at: new Date(Date.now() + 3_600_000) };
  await db
    .insertInto("issuer_artifacts")
    .values({ model: "Session", digest: session.mark, uid: session.id, ...owner, ...lasting })
    .execute();
}

type Grant = {
  readonly org: OrgId;
  readonly owner: OrgId;
  readonly scope: "instance" | "org" | "project" | "project_grant";
  readonly principal?: { readonly org: OrgId; readonly id: PrincipalId };
  readonly group?: GroupId;
  readonly project?: ProjectId;
  readonly projectGrant?: ProjectGrantId;
  readonly role?: string;
  readonly projectRole?: ProjectRoleId;
};

async function buildGrant(db: Database, ledger: Ledger, grant: Grant): Promise<void> {
  const { org, owner, principal, group, project, projectGrant, projectRole } = grant;
  const { id } = ledger.note(
    mintId<GrantId>(),
    ...[org, owner, principal?.org, principal?.id, group, project, projectGrant].filter((above) => above !== undefined),
  );
  await db
    .insertInto("grants")
    .values({
      org_id: org,
      id,
      kind: projectRole ? "authorization" : "member",
      scope: grant.scope,
      project_id: project ?? null,
      project_grant_id: projectGrant ?? null,
      owner_org_id: owner,
      principal_org_id: principal?.org ?? null,
      principal_id: principal?.id ?? null,
      group_id: group ?? null,
      sequence: 1n,
    })
    .execute();
  const held = ledger.note(mintId<GrantId>(), id, ...(projectRole ? [projectRole] : []));
  const temporary = { temporary_range: `PT1H ${held.mark}`, starts_at: new Date(), ends_at: new Date(Date.now() + 3_600_000) };
  await db
    .insertInto("grant_roles")
    .values({ org_id: org, grant_id: id, id: held.id, role: grant.role ?? null, project_role_id: projectRole ?? null, ...temporary })
    .execute();
}

async function buildOperation(db: Database, side: Side, requester: PrincipalId, target: string): Promise<OperationId> {
  const id = mintId<OperationId>();
  await db
    .insertInto("operations")
    .values({
      org_id: mintId<OrgId>(),
      id,
      target_kind: "project",
      target_id: target,
      phase: "done",
      done_at: new Date(),
      requester_org_id: side.org,
      requester_id: requester,
    })
    .execute();
  return id;
}

/** Rows that {@link crowd} adds: more than any delete takes at once, so that it goes on in batches. */
export const crowdSize = 1_200;

/** Puts many rows below a thing of a kind; none below what nothing hangs on. */
export async function crowd(db: Database, { a, b, projectGrant }: World, kind: Kind): Promise<void> {
  const many = sql`generate_series(1, ${crowdSize}) n`;
  const org = sql`${a.org}::uuid`;
  const roles = (project: ProjectId) => sql`
    insert into project_roles (org_id, id, project_id, key, display_name, sequence)
    select ${org}, gen_random_uuid(), ${project}::uuid, 'many-' || n, 'many', 1 from ${many}`;
  const metadata = (identity: PrincipalId) => sql`
    insert into identity_metadata (org_id, identity_id, id, key, value) select ${org}, ${identity}::uuid, gen_random_uuid(), 'many', 'many-' || n from ${many}`;
  const held = (grant: RawBuilder<unknown>, role: RawBuilder<unknown>) => sql`
    insert into grant_roles (org_id, grant_id, id, project_role_id, role) select ${org}, g.id, gen_random_uuid(), ${role} from (${grant}) g cross join ${many}`;
  const crowds: Record<Kind, RawBuilder<unknown> | null> = {
    org: roles(a.heldProject),
    project: roles(a.project),
    group: sql`insert into group_subjects (org_id, group_id, issuer, subject) select ${org}, ${a.group}::uuid, 'many', 'many-' || n from ${many}`,
    user: sql`
      insert into credentials (org_id, id, principal_id, kind, digest, org_generation, principal_generation, sequence)
      select ${org}, gen_random_uuid(), ${a.user}::uuid, 'pat', '', 1, 1, 1 from ${many}`,
    identity: metadata(a.identity),
    project_role: held(
      sql`select id from grants where org_id = ${org} and principal_id = ${b.user}::uuid and kind = 'authorization' limit 1`,
      sql`${a.role}::uuid, null`,
    ),
    project_grant: held(
      sql`select id from grants where org_id = ${org} and project_grant_id = ${projectGrant}::uuid limit 1`,
      sql`null::uuid, 'PROJECT_GRANT_OWNER'`,
    ),
    cluster_manager: sql`
      insert into clusters (org_id, id, project_id, cluster_manager_id, name, sequence)
      select ${org}, gen_random_uuid(), ${a.project}::uuid, ${a.manager}::uuid, 'many-' || n, 1 from ${many}`,
    cluster: null,
  };
  await crowds[kind]?.execute(db);
}
