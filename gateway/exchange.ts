// One HTTP request and its answer, as far as every part of the gateway needs to know them: the request's id, its path, and
// what the log line at its end says. Never a token, never a query string.
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Exchange {
  readonly requestId: string;
  /** HTTP method in capitals. */
  readonly verb: string;
  /** The path as sent, percent-encoded, without the query. */
  readonly path: string;
  /** What follows the question mark; "" when nothing does. */
  readonly query: string;
  /** performance.now() at the start. */
  readonly startedAt: number;
  /** The route template or RPC path that serves it; undefined until one is found. */
  route: string | undefined;
  /** google.rpc.Code of the outcome; undefined until there is one. */
  code: number | undefined;
}

/** Opens the exchange of a request. */
export function openExchange(request: IncomingMessage): Exchange {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  return {
    requestId: mintRequestId(),
    verb: request.method ?? "GET",
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? "" : url.slice(mark + 1),
    startedAt: performance.now(),
    route: undefined,
    code: undefined,
  };
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 14;

/** Bytes from here on are thrown away, so that every letter stays equally likely. */
const BYTE_END = 256 - (256 % ALPHABET.length);

let pool = Buffer.alloc(0);
let used = 0;

/** "req-" and 14 letters or digits, the form that Infisical's clients know. */
export function mintRequestId(): string {
  let id = "req-";
  while (id.length < ID_LENGTH + 4) {
    if (used === pool.length) {
      pool = randomBytes(4096);
      used = 0;
    }
    const byte = pool[used++] ?? BYTE_END;
    if (byte < BYTE_END) {
      id += ALPHABET[byte % ALPHABET.length];
    }
  }
  return id;
}
