/** Verbs of identities, the machine principals: owned by an org, or by one project with which they live and die. */
import { sql } from "kysely";
import { recordFirst } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { mintId, type OrgId, type PrincipalId, type ProjectId } from "../kernel/ids.ts";
import type { Tag } from "../kernel/schema.ts";

export type NewIdentity = {
  readonly orgId: OrgId;
  /** Client-chosen id; refused if it was ever used. */
  readonly id?: PrincipalId | undefined;
  readonly projectId?: ProjectId | undefined;
  /** Unset: the id serves as user name, which is always free. */
  readonly userName?: string | undefined;
  readonly name: string;
  readonly description?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
  readonly accessTokenType?: number | undefined;
  readonly protected?: boolean | undefined;
  readonly metadata?: readonly { readonly key: string; readonly value: string }[] | undefined;
};

export type CreatedIdentity = { readonly id: PrincipalId; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Makes an identity. Takes FOR SHARE on the org and the project, so that none is born under a parent that is being deleted.
 *
 * @throws Failure ORG_NOT_FOUND, PROJECT_NOT_FOUND, USER_NAME_TAKEN, ID_USED
 */
export async function createIdentity(db: Database, identity: NewIdentity, actor: Actor): Promise<CreatedIdentity> {
  const id = identity.id ?? mintId<PrincipalId>();
  const { projectId } = identity;
  const metadata = (identity.metadata ?? []).map((item) => ({ ...item, id: mintId<PrincipalId>() }));
  const { rows } = await sql<{ sequence: bigint; created_at: Date }>`
    with org as (
      select o.id as org_id from orgs o where o.id = ${identity.orgId}::uuid and o.deleted_at is null for share
    ), ${
      projectId === undefined
        ? sql``
        : sql`project as (
      select p.org_id from projects p join org on org.org_id = p.org_id
      where p.id = ${projectId}::uuid and p.deleted_at is null for share of p
    ), `
    }subject as (
      select org_id, ${id}::uuid as id from ${sql.raw(projectId === undefined ? "org" : "project")}
    ), ${recordFirst("subject", { kind: "user", actor }, ["user.machine.added", { projectId }])}, principal as (
      insert into principals (org_id, id, kind, project_id, user_name, protected, sequence)
      select s.org_id, s.id, 'identity', ${projectId ?? null}::uuid, ${identity.userName ?? id}, ${identity.protected ?? false}, s.sequence
      from subject_sequence s returning org_id, id, sequence, created_at
    ), machine as (
      insert into identities (org_id, id, name, description, tags, access_token_type)
      select p.org_id, p.id, ${identity.name}, ${identity.description ?? null}, ${JSON.stringify(identity.tags ?? [])}::jsonb, ${identity.accessTokenType ?? 0}
      from principal p
    ), data as (
      insert into identity_metadata (org_id, identity_id, id, key, value)
      select p.org_id, p.id, m.id, m.key, m.value from principal p
      cross join jsonb_to_recordset(${JSON.stringify(metadata)}::jsonb) as m (id uuid, key text, value text)
    )
    select sequence, created_at from principal`.execute(db);
  const row = rows[0];
  if (!row) throw failure(projectId === undefined ? "ORG_NOT_FOUND" : "PROJECT_NOT_FOUND", { id: projectId ?? identity.orgId });
  return { id, sequence: row.sequence, createdAt: row.created_at };
}
