/** Whom a write of a group names, as principals of its org. */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import { failure } from "../kernel/failure.ts";
import { type OrgId, type PrincipalId, parseId } from "../kernel/ids.ts";
import type { PrincipalKind } from "../kernel/schema.ts";

/** Members by the words of the caller: ids as text, and e-mail addresses of users. */
export type NamedMembers = {
  readonly userIds: readonly string[];
  readonly identityIds: readonly string[];
  readonly emails: readonly string[];
};

/** A name that is told back is cut here: no id and no address is longer. */
const toldLength = 254;

type Candidate = { readonly id: PrincipalId; readonly kind: PrincipalKind; readonly user_name: string; readonly email: string | null };

/**
 * Finds the named members and takes FOR SHARE on them, in the order of their ids. An address that several users of the org
 * have means the one who has it as user name, else the oldest.
 *
 * @returns the principals, each once
 * @throws Failure MEMBER_UNKNOWN for the first name that is no live principal of that kind in the org
 */
export async function resolveMembers(db: Database, orgId: OrgId, named: NamedMembers): Promise<PrincipalId[]> {
  const ids = [...named.userIds, ...named.identityIds].map((id) => parseId<PrincipalId>(id)).filter((id) => id !== null);
  const emails = named.emails.map((email) => email.toLowerCase());
  if (named.userIds.length + named.identityIds.length + emails.length === 0) return [];
  // principals by primary key, users by users_email
  const { rows } = await sql<Candidate>`
    select p.id, p.kind, p.user_name, u.email from principals p left join users u on u.org_id = p.org_id and u.id = p.id
    where p.org_id = ${orgId}::uuid and p.id in (
        select unnest(${ids}::uuid[])
        union select a.id from users a where a.org_id = ${orgId}::uuid and lower(a.email) = any(${emails}::text[]))
      and p.deleted_at is null and exists (select from live_principals v where v.org_id = p.org_id and v.id = p.id)
    order by p.id for share of p`.execute(db);
  const byId = (kind: PrincipalKind) => (name: string) => rows.find((row) => row.kind === kind && row.id === parseId(name));
  const byEmail = (name: string) => {
    const users = rows.filter((row) => row.email?.toLowerCase() === name.toLowerCase());
    return users.find((row) => row.user_name.toLowerCase() === name.toLowerCase()) ?? users[0];
  };
  const members = [
    ...named.userIds.map((name) => known("user", name, byId("user"))),
    ...named.identityIds.map((name) => known("identity", name, byId("identity"))),
    ...named.emails.map((name) => known("subject", name, byEmail)),
  ];
  return [...new Set(members)];
}

function known(kind: string, name: string, find: (name: string) => Candidate | undefined): PrincipalId {
  const found = find(name);
  if (!found) throw failure("MEMBER_UNKNOWN", { kind, id: name.slice(0, toldLength) });
  return found.id;
}
