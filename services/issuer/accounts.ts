/** Users as the protocol sees them: the subject and its claims. Read anew for every answer; nothing of a user is in a token. */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import { type OrgId, type PrincipalId, parseId } from "../kernel/ids.ts";

export type StoredAccount = {
  readonly org_id: OrgId;
  readonly id: PrincipalId;
  readonly user_name: string;
  readonly org_name: string;
  readonly primary_domain: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly nick_name: string;
  readonly display_name: string;
  readonly preferred_language: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly phone: string | null;
  readonly phone_verified: boolean;
};

/** The live and active user of that id, or null. */
export async function readAccount(db: Database, sub: string): Promise<StoredAccount | null> {
  const id = parseId<PrincipalId>(sub);
  if (!id) return null;
  const { rows } = await sql<StoredAccount>`
    select p.org_id, p.id, p.user_name, o.name as org_name, d.domain as primary_domain, u.first_name, u.last_name, u.nick_name,
      u.display_name, u.preferred_language, u.email, u.email_verified, u.phone, u.phone_verified
    from live_principals p
    join live_orgs o on o.id = p.org_id and o.state = 'active'
    join org_domains d on d.org_id = p.org_id and d.is_primary
    join users u on u.org_id = p.org_id and u.id = p.id
    where p.id = ${id}::uuid and p.state in ('active', 'initial')`.execute(db);
  return rows[0] ?? null;
}

/** The name that a user logs in with, unique on the instance. */
export function loginNameOf(account: StoredAccount): string {
  return `${account.user_name}@${account.primary_domain}`;
}

/** Which claims a scope opens (OpenID Connect Core, section 5.4; ZITADEL, "reserved scopes"). */
export const claimsOfScopes: Readonly<Record<string, readonly string[]>> = {
  openid: ["sub"],
  profile: ["name", "given_name", "family_name", "nickname", "preferred_username", "locale"],
  email: ["email", "email_verified"],
  phone: ["phone_number", "phone_number_verified"],
  "urn:zitadel:iam:user:resourceowner": [
    "urn:zitadel:iam:user:resourceowner:id",
    "urn:zitadel:iam:user:resourceowner:name",
    "urn:zitadel:iam:user:resourceowner:primary_domain",
  ],
};

/** All claims of a user; the issuer leaves out what no scope opens. What a user does not have is not claimed. */
export function claimsOf(account: StoredAccount): { sub: string; [claim: string]: string | boolean | undefined } {
  return {
    sub: account.id,
    name: account.display_name || undefined,
    given_name: account.first_name || undefined,
    family_name: account.last_name || undefined,
    nickname: account.nick_name || undefined,
    preferred_username: loginNameOf(account),
    locale: account.preferred_language || undefined,
    email: account.email,
    email_verified: account.email_verified,
    phone_number: account.phone ?? undefined,
    phone_number_verified: account.phone === null ? undefined : account.phone_verified,
    "urn:zitadel:iam:user:resourceowner:id": account.org_id,
    "urn:zitadel:iam:user:resourceowner:name": account.org_name,
    "urn:zitadel:iam:user:resourceowner:primary_domain": account.primary_domain,
  };
}
