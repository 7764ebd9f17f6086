/**
 * The form of opaque tokens: `tnr_<kind>_<payload><checksum>`. The payload is base64url of org id, credential id and a
 * secret, so that one shard is asked for exactly one row; the checksum tells a mistyped, truncated or flipped token without
 * asking the database at all. Only the SHA-256 of the whole token is stored.
 */
import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { type CredentialId, type OrgId, parseId } from "../kernel/ids.ts";

/** Stored kinds of tokens and their letters in the token. */
const letters = { pat: "pat", service_account_token: "sat", access_token: "at", refresh_token: "rt", authorization_code: "ac" } as const;
export type TokenKind = keyof typeof letters;

/** Those that the APIs take as a bearer. */
const bearers: readonly TokenKind[] = ["pat", "service_account_token", "access_token"];

const secretBytes = 32;
const payloadBytes = 16 + 16 + secretBytes;
/** 64 bytes and 4 bytes of checksum in base64url without padding. */
const form = /^tnr_([a-z]{2,3})_([A-Za-z0-9_-]{91})$/;

/** What a well-formed token points at. */
export type TokenPointer = { readonly orgId: OrgId; readonly credentialId: CredentialId; readonly digest: Buffer };

/** Makes a token for a credential; it is shown once and never stored. */
export function mintToken(kind: TokenKind, orgId: OrgId, credentialId: CredentialId): string {
  const payload = Buffer.concat([idBytes(orgId), idBytes(credentialId), randomBytes(secretBytes)]);
  return `tnr_${letters[kind]}_${Buffer.concat([payload, checksum(letters[kind], payload)]).toString("base64url")}`;
}

/**
 * Reads a token. Strict: the one spelling that mintToken wrote is accepted, any changed byte is not.
 *
 * @param kinds which tokens may stand here; a token of another kind is none
 * @returns where to look, or null when no stored token can have this form
 */
export function parseToken(token: string, kinds: readonly TokenKind[] = bearers): TokenPointer | null {
  const match = form.exec(token);
  if (!match) return null;
  const [, letter = "", text = ""] = match;
  if (!kinds.some((kind) => letters[kind] === letter)) return null;
  const bytes = Buffer.from(text, "base64url");
  const payload = bytes.subarray(0, payloadBytes);
  if (bytes.toString("base64url") !== text || !checksum(letter, payload).equals(bytes.subarray(payloadBytes))) return null;
  const orgId = parseId<OrgId>(idText(payload.subarray(0, 16)));
  const credentialId = parseId<CredentialId>(idText(payload.subarray(16, 32)));
  return orgId && credentialId ? { orgId, credentialId, digest: digestOf(token) } : null;
}

/** What is stored of a token. */
export function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function checksum(letter: string, payload: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(payload, crc32(letter)));
  return sum;
}

function idBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll("-", ""), "hex");
}

function idText(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
