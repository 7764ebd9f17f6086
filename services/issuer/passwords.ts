/** Whose password it is. One answer, in one time, whether the name, the organization or the password is wrong, or the user gone. */
import { hash, verify } from "@node-rs/argon2";
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, PrincipalId } from "../kernel/ids.ts";

export type Proof = { readonly loginName: string; readonly password: string; readonly org: string };
export type Proven = { readonly orgId: OrgId; readonly id: PrincipalId };

/** More than anybody types; what is longer is wrong, without being hashed. */
const maxPasswordLength = 1024;

/** The same cost as every hash that we store, over words that nobody knows. */
const decoy = hash(crypto.randomUUID(), { memoryCost: 19_456, timeCost: 2, parallelism: 1 });

/**
 * Proves one user by login name or e-mail address and password.
 *
 * @param proof its `org`, the name or a domain of one, decides between several users of one address
 * @returns null when it proves nobody, or could mean several
 */
export async function provePassword(db: Database, { loginName, password, org }: Proof): Promise<Proven | null> {
  const users = password.length > maxPasswordLength ? [] : await usersOf(db, loginName, org);
  const [user] = users.length === 1 ? users : [];
  const isRight = await verify(user?.password_hash ?? (await decoy), password.slice(0, maxPasswordLength).normalize("NFC")).catch(
    () => false,
  );
  return user?.password_hash && isRight ? { orgId: user.org_id, id: user.id } : null;
}

type Candidate = { readonly org_id: OrgId; readonly id: PrincipalId; readonly password_hash: string | null };

/** Two at most: more than one is none. A login name, which is unique, goes before an address. */
async function usersOf(db: Database, loginName: string, org: string): Promise<Candidate[]> {
  if (loginName.includes("\0") || org.includes("\0")) return [];
  const at = loginName.lastIndexOf("@");
  const userName = at < 0 ? loginName : loginName.slice(0, at);
  const domain = at < 0 ? "" : loginName.slice(at + 1);
  const { rows } = await sql<Candidate>`
    with named as (
      select d.org_id, p.id from claims d
      join principals p on p.org_id = d.org_id and lower(p.user_name) = lower(${userName}) and p.deleted_at is null and p.kind = 'user'
      where d.kind = 'domain' and d.key = lower(${domain})
    ), addressed as (
      select u.org_id, u.id from users u where lower(u.email) = lower(${loginName}) and not exists (select from named)
    ), meant as (
      select org_id, id from named union select org_id, id from addressed
    )
    select p.org_id, p.id, u.password_hash from meant m
    join live_principals p on p.org_id = m.org_id and p.id = m.id and p.state in ('active', 'initial')
    join live_orgs o on o.id = p.org_id and o.state = 'active'
    join users u on u.org_id = p.org_id and u.id = p.id
    where ${org} = '' or lower(o.name) = lower(${org})
      or exists (select from org_domains d where d.org_id = o.id and d.verified and d.domain = lower(${org}))
    limit 2`.execute(db);
  return rows;
}
