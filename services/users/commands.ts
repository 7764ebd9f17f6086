/** Verbs of users, the human principals of one org. */
import { sql } from "kysely";
import { recordFirst } from "../audit/record.ts";
import type { Actor } from "../kernel/call.ts";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { mintId, type OrgId, type PrincipalId } from "../kernel/ids.ts";
import type { PrincipalState } from "../kernel/schema.ts";

export type NewUser = {
  readonly orgId: OrgId;
  readonly userName: string;
  readonly email: string;
  readonly state: PrincipalState;
  readonly emailVerified?: boolean;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly nickName?: string;
  readonly displayName?: string;
  readonly preferredLanguage?: string;
  readonly gender?: number;
  readonly phone?: string | undefined;
  readonly phoneVerified?: boolean;
  /** Already hashed; a password itself never gets here. */
  readonly passwordHash?: string | undefined;
};

export type CreatedPrincipal = { readonly id: PrincipalId; readonly sequence: bigint; readonly createdAt: Date };

/**
 * Makes a user. Takes FOR SHARE on the org, so that no user is born under an org that is being deleted.
 *
 * @throws Failure ORG_NOT_FOUND, USER_NAME_TAKEN (case-insensitive, per org)
 */
export async function createUser(db: Database, user: NewUser, actor: Actor): Promise<CreatedPrincipal> {
  const id = mintId<PrincipalId>();
  const displayName = user.displayName || [user.firstName, user.lastName].filter(Boolean).join(" ");
  const { rows } = await sql<{ sequence: bigint; created_at: Date }>`
    with subject as (
      select o.id as org_id, ${id}::uuid as id from orgs o where o.id = ${user.orgId}::uuid and o.deleted_at is null for share
    ), ${recordFirst("subject", { kind: "user", actor }, ["user.human.added"])}, principal as (
      insert into principals (org_id, id, kind, user_name, state, sequence)
      select s.org_id, s.id, 'user', ${user.userName}, ${user.state}, s.sequence from subject_sequence s
      returning org_id, id, sequence, created_at
    ), person as (
      insert into users (org_id, id, first_name, last_name, nick_name, display_name, preferred_language, gender, email, email_verified,
        phone, phone_verified, password_hash, password_changed_at)
      select p.org_id, p.id, ${user.firstName ?? ""}, ${user.lastName ?? ""}, ${user.nickName ?? ""}, ${displayName}, ${user.preferredLanguage ?? ""},
        ${user.gender ?? 0}, ${user.email}, ${user.emailVerified ?? false}, ${user.phone ?? null}, ${user.phoneVerified ?? false},
        ${user.passwordHash ?? null}, ${user.passwordHash === undefined ? null : sql`p.created_at`}
      from principal p
    )
    select sequence, created_at from principal`.execute(db);
  const row = rows[0];
  if (!row) throw failure("ORG_NOT_FOUND", { kind: "org", id: user.orgId });
  return { id, sequence: row.sequence, createdAt: row.created_at };
}
