/**
 * Who calls, in which org, with which roles: one statement, one round trip. A credential dies with the first thing above it
 * that is deleted (alive.ts). This room reads grants and credentials; it never changes them.
 */
import { sql } from "kysely";
import type { Caller } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import type { OrgId } from "../kernel/ids.ts";
import { credentialWithOwners, isAlive } from "./alive.ts";
import type { HeldRole } from "./rights.ts";
import type { TokenPointer } from "./token.ts";

/** Where the call acts, as the guard chain read it from the message and the metadata. */
export type Place = {
  /** The org that the call names; undefined: none, so the caller's own. */
  readonly orgId: OrgId | null | undefined;
  /** The project that the call names, if it names one. */
  readonly projectId: string | undefined;
  /** Roles on other projects of the org are collected although the call names one: a refusal tells these callers apart. */
  readonly everyProject: boolean;
  /** The project decides the org (scope PROJECT). */
  readonly orgFromProject: boolean;
  /** Roles on the named project count although it is being deleted. */
  readonly belowTombstone: boolean;
};

export type Authenticated = {
  readonly caller: Caller;
  /** What the token may be used for; null for one that may be used for everything its owner may do. */
  readonly scopes: readonly string[] | null;
  /** The org in whose context the call acts; null when the named org is not there. */
  readonly contextOrgId: OrgId | null;
  readonly contextOrgLive: boolean;
  /** False when the named project is missing or being deleted. */
  readonly projectLive: boolean;
  readonly held: readonly HeldRole[];
};

type Row = {
  org_id: OrgId;
  principal_id: Caller["id"];
  principal_kind: Caller["kind"];
  scopes: string[] | null;
  context_org_id: OrgId | null;
  context_org_live: boolean;
  project_live: boolean;
  held: HeldRole[];
};

const nobody = "00000000-0000-0000-0000-000000000000";

/**
 * Checks a token and collects the caller's roles in the context of the call: those on the instance, in the context org, on
 * its projects (only the named one, if one is named and that suffices) and on projects granted to it.
 *
 * @returns null when the token opens nothing (unknown, expired, revoked, or something above it is not alive)
 */
export async function authenticate(db: Database, token: TokenPointer, place: Place): Promise<Authenticated | null> {
  const named = place.orgId === undefined ? null : (place.orgId ?? nobody);
  const project = place.projectId ?? null;
  const only = place.everyProject ? null : project;
  const dying = place.belowTombstone ? project : null;
  const { rows } = await sql<Row>`
    with credential as (
      select c.org_id, c.principal_id, p.kind as principal_kind, case when c.kind = 'access_token' then c.scopes end as scopes
      from ${credentialWithOwners}
      where c.org_id = ${token.orgId}::uuid and c.id = ${token.credentialId}::uuid and c.digest = ${token.digest} and ${isAlive}
    ), mine as (
      select g.org_id, g.id, g.scope, g.project_id, g.project_grant_id
      from credential c
      join grants g on g.principal_org_id = c.org_id and g.principal_id = c.principal_id
      where g.kind = 'member' and g.state = 'active'
    ), place as (
      select case when ${place.orgFromProject} then coalesce(
          (select p.org_id from projects p
           where p.id = ${project}::uuid and (p.org_id = c.org_id or exists (
             select from mine m where m.scope = 'instance' or (m.org_id = p.org_id and (m.scope = 'org' or m.project_id = p.id))))),
          c.org_id)
        else coalesce(${named}::uuid, c.org_id) end as org_id
      from credential c
    ), here as (
      select p.org_id, o.id is not null and o.deleted_at is null as live from place p left join orgs o on o.id = p.org_id
    ), direct as (
      select r.role, g.scope, g.project_id, g.project_grant_id, '{}'::uuid[] as linked
      from here h
      join mine g on g.scope = 'instance'
        or (g.scope in ('org', 'project') and g.org_id = h.org_id and h.live)
        or g.scope = 'project_grant'
      join grant_roles r on r.org_id = g.org_id and r.grant_id = g.id
      left join projects j on j.org_id = g.org_id and j.id = g.project_id
      left join live_project_grants x on x.org_id = g.org_id and x.id = g.project_grant_id
      where r.role is not null and (r.ends_at is null or now() between r.starts_at and r.ends_at)
        and (g.scope <> 'project' or ((j.deleted_at is null or ${dying}::uuid = j.id)
          and (${only}::uuid is null or g.project_id = ${only}::uuid)))
        and (g.scope <> 'project_grant' or (x.granted_org_id = h.org_id and h.live))
    ), grouped as (
      select r.role, 'group' as scope, null::uuid as project_id, null::uuid as project_grant_id,
        array(select l.project_id from project_groups l
              join projects j on j.org_id = l.org_id and j.id = l.project_id and (j.deleted_at is null or ${dying}::uuid = j.id)
              where l.org_id = m.org_id and l.group_id = m.group_id and (${project}::uuid is null or l.project_id = ${project}::uuid)) as linked
      from credential c
      join here h on h.org_id = c.org_id and h.live
      join group_members m on m.org_id = c.org_id and m.principal_id = c.principal_id
      join groups u on u.org_id = m.org_id and u.id = m.group_id and u.deleted_at is null
      join grants g on g.org_id = m.org_id and g.group_id = m.group_id and g.state = 'active'
      join grant_roles r on r.org_id = g.org_id and r.grant_id = g.id and r.role is not null
    )
    select c.org_id, c.principal_id, c.principal_kind, c.scopes, h.org_id as context_org_id, h.live as context_org_live,
      exists (select from projects p where p.org_id = h.org_id and p.id = ${project}::uuid and p.deleted_at is null) and h.live as project_live,
      (select coalesce(jsonb_agg(jsonb_build_object('role', d.role, 'scope', d.scope, 'projectId', d.project_id,
          'projectGrantId', d.project_grant_id, 'linked', d.linked)), '[]')
       from (select * from direct union all select * from grouped) d) as held
    from credential c cross join here h`.execute(db);
  const row = rows[0];
  if (!row) return null;
  return {
    caller: { orgId: row.org_id, id: row.principal_id, kind: row.principal_kind },
    scopes: row.scopes,
    contextOrgId: row.context_org_id,
    contextOrgLive: row.context_org_live,
    projectLive: row.project_live,
    held: row.held,
  };
}
