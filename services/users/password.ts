/**
 * Passwords, hashed: Argon2id (RFC 9106) in the PHC string format. A password exists in memory during the call that brings
 * it and nowhere else: it is not stored, logged or put into a failure.
 */
import * as crypto from "node:crypto";
import { promisify } from "node:util";

/** OWASP's setting for Argon2id with 19 MiB (Password Storage Cheat Sheet); memory in KiB. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const saltBytes = 16;
const tagLength = 32;

/**
 * Hashes a password under a new salt. Equal passwords that were typed on different keyboards are equal here: it is put into
 * NFC first (RFC 8265, section 4.2.2).
 *
 * @returns "$argon2id$v=19$m=...,t=...,p=...$salt$hash"
 * @throws Error where Node has no Argon2 (before 24.7)
 */
export async function hashPassword(password: string): Promise<string> {
  // Looked up late: on an older Node the import of a missing name would keep everything else from starting.
  const { argon2 } = crypto;
  if (argon2 === undefined) throw new Error("passwords need Argon2, which Node has from 24.7 on");
  const nonce = crypto.randomBytes(saltBytes);
  const hash = await promisify(argon2)("argon2id", { message: password.normalize("NFC"), nonce, tagLength, ...cost });
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(hash)}`;
}

/** Base64 as PHC strings have it: without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
