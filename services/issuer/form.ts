/** What a request brought: the fields of a form, where it came from, and what the gateway calls it. */
import type { IncomingMessage } from "node:http";

const maxFormBytes = 16 * 1024;

/** The fields of a form, or null when the body is none or too large. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | null> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers["content-type"] ?? "")) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > maxFormBytes) return null;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** The address that the gateway saw: the last one in the list, for only that one is the gateway's own word. */
export function addressOf(request: IncomingMessage): string {
  const forwarded = String(request.headers["x-forwarded-for"] ?? "")
    .split(",")
    .at(-1)
    ?.trim();
  return forwarded || (request.socket.remoteAddress ?? "");
}

/** The id that the gateway gave the request. */
export function requestIdOf({ headers }: IncomingMessage): string | null {
  const id = headers["x-request-id"];
  return typeof id === "string" && /^[A-Za-z0-9-]{1,64}$/.test(id) ? id : null;
}
