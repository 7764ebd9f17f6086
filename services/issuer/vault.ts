/**
 * The issuer's one secret outside the database: 32 bytes, given by the operator or kept in a file that only its owner reads.
 * Signing keys are sealed with it, cookies signed, and what somebody typed is hashed with it. It never leaves the process.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export type Vault = {
  /** Encrypts and authenticates (AES-256-GCM, a new nonce each time). */
  seal(plain: Buffer): Buffer;
  /** @throws Error when it was not sealed with this key, or changed since */
  open(sealed: Buffer): Buffer;
  /** Signs cookies. */
  readonly cookieKey: string;
  /** A keyed hash, in base64url: the same for the same words, and telling nothing of them. */
  digest(purpose: string, text: string): string;
};

/**
 * Opens the vault.
 *
 * @param given 32 bytes in base64url; undefined: read from `dataDir`/issuer.key, which is made if it is not there
 * @throws Error when the key is not one
 */
export async function openVault(given: string | undefined, dataDir: string): Promise<Vault> {
  const file = join(dataDir, "issuer.key");
  const text = given ?? (await readOrMake(dataDir, file));
  const key = Buffer.from(text.trim(), "base64url");
  if (key.length !== keyBytes) throw new Error(`${given === undefined ? file : "ISSUER_KEY"} is not ${keyBytes} bytes in base64url`);
  return fromKey(key);
}

function fromKey(key: Buffer): Vault {
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", key, "", purpose, keyBytes));
  const sealing = derive("seal");
  const hashing = derive("hash");
  return {
    seal: (plain) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", sealing, nonce);
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (sealed) => {
      const decipher = createDecipheriv("aes-256-gcm", sealing, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAuthTag(sealed.subarray(-tagBytes));
      return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    },
    cookieKey: derive("cookies").toString("base64url"),
    digest: (purpose, text) => createHmac("sha256", hashing).update(`${purpose}\0${text}`).digest("base64url"),
  };
}

/** Several processes may start at once: the first link to the name wins, and everybody reads what it leads to. */
async function readOrMake(folder: string, file: string): Promise<string> {
  const known = await readIfThere(file);
  if (known !== null) return known;
  await mkdir(folder, { recursive: true });
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  await writeFile(draft, `${randomBytes(keyBytes).toString("base64url")}\n`, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft);
  }
  return readFile(file, "utf8");
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
