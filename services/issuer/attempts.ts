/**
 * How often somebody may guess: counted before the password is looked at, so that guesses at once do not slip through, and
 * by the name as it was typed, so that a refusal does not tell whether anybody has it.
 */
import { isIPv6 } from "node:net";
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { Vault } from "./vault.ts";

const windowMinutes = 15;
const perAccount = 10;
const perAddress = 100;

export type Attempt = { readonly account: string; readonly address: string };

/** What a login is counted under, as keyed hashes. */
export function attemptOf(vault: Vault, loginName: string, address: string): Attempt {
  return {
    account: vault.digest("account", loginName.normalize("NFC").toLowerCase()),
    address: vault.digest("address", networkOf(address)),
  };
}

/** Counts an attempt. @returns false when there were too many in the present window */
export async function countAttempt(db: Database, { account, address }: Attempt): Promise<boolean> {
  const { rows } = await sql<{ subject: string; failures: number }>`
    insert into login_attempts as a (subject, failures) select subject, 1 from unnest(${[account, address].sort()}::text[]) subject
    on conflict (subject) do update set
      failures = case when a.since < now() - make_interval(mins => ${windowMinutes}) then 1 else a.failures + 1 end,
      since = case when a.since < now() - make_interval(mins => ${windowMinutes}) then now() else a.since end
    returning subject, failures`.execute(db);
  return rows.every(({ subject, failures }) => failures <= (subject === account ? perAccount : perAddress));
}

/** The right password was given: the account starts anew, and the address loses the attempt that was none. */
export async function forgetAttempts(db: Database, { account, address }: Attempt): Promise<void> {
  await sql`
    with forgotten as (delete from login_attempts where subject = ${account})
    update login_attempts set failures = failures - 1 where subject = ${address} and failures > 0`.execute(db);
}

/** An IPv4 address; of an IPv6 address the first 64 bits, which one subscriber has. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
