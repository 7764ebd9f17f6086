/** Which redirect URIs a client may register (RFC 9700, section 2.1; RFC 8252, section 7). Pure. */
import type { Violation } from "../kernel/failure.ts";

/** Names of this machine. */
const loopback = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * What is wrong with redirect URIs.
 *
 * @param field that holds them
 * @param confidential whether the client keeps a secret: then it is no app on somebody's device
 */
export function wrongRedirects(field: string, uris: readonly string[], confidential: boolean): Violation[] {
  return uris.flatMap((uri, index) => {
    const message = problemOf(uri, confidential);
    return message === null ? [] : [{ field: `${field}[${index}]`, rule: "REDIRECT_URI", message }];
  });
}

/** Whether the URI is one that only an app on a device has: its port is free, or its scheme its own. */
export function isOfDevice(uri: string): boolean {
  const { protocol, hostname } = new URL(uri);
  return protocol !== "https:" && (protocol !== "http:" || loopback.has(hostname));
}

function problemOf(uri: string, confidential: boolean): string | null {
  if (!URL.canParse(uri)) return "is not an absolute URI";
  const { protocol, hostname, username, password } = new URL(uri);
  if (uri.includes("#")) return "has a fragment";
  if (username !== "" || password !== "") return "has a user in it";
  if (protocol === "https:") return null;
  if (protocol === "http:") return loopback.has(hostname) ? null : "is http, which is for loopback addresses only";
  if (confidential) return "has a scheme of its own, which is for apps without a secret only";
  return protocol.includes(".") ? null : "has a scheme that is no reversed domain name";
}
