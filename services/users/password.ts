/**
 * Passwords, hashed: Argon2id (RFC 9106) in the PHC string format. A password exists in memory during the call that brings
 * it and nowhere else: it is not stored, logged or put into a failure.
 */
import { hash } from "@node-rs/argon2";

/** OWASP's setting for Argon2id (Password Storage Cheat Sheet); memory in KiB. The library's algorithm is Argon2id. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * Hashes a password under a new salt. Equal passwords that were typed on different keyboards are equal here: it is put into
 * NFC first (RFC 8265, section 4.2.2).
 *
 * @returns "$argon2id$v=19$m=...,t=...,p=...$salt$hash"
 */
export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize("NFC"), cost);
}
