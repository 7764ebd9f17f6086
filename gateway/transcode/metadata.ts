// HTTP headers <-> gRPC metadata. Requests: only what a table names goes up, so that nothing the gateway vouches for can be
// forged. Answers: initial metadata comes down as headers.
import type { IncomingHttpHeaders } from "node:http";
import type { MetadataEntry } from "../call.ts";
import { malformed } from "../status.ts";

/** How long a call may take when the client does not say, milliseconds. */
export const DEADLINE_DEFAULT = 30_000;

/** The longest deadline that a client can ask for, milliseconds. */
const DEADLINE_MAX = 3_600_000;

export const REQUEST_ID = "x-request-id";

/** Binary metadata in which the gateway tells the services what to answer instead of running the handler. */
export const REFUSAL = "tenure-refusal-bin";

/** Headers that mean the same in metadata, and those that take another name there. */
const PASSED: Readonly<Record<string, string>> = {
  authorization: "authorization",
  "accept-language": "accept-language",
  "user-agent": "grpcgateway-user-agent",
};

const PASSED_PREFIXES = ["x-zitadel-", "x-tenure-"];

/** A client names any other metadata by this prefix, as with grpc-gateway. */
const METADATA_PREFIX = "grpc-metadata-";

/** Metadata that only the gateway or the transport may set; HTTP/2 forbids some of it (RFC 9113 section 8.2.2). */
const RESERVED = new Set([
  "authorization",
  "connection",
  "content-length",
  "content-type",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-forwarded-for",
  REQUEST_ID,
]);
const RESERVED_PREFIXES = ["grpc-", "tenure-", "grpcgateway-"];

/** Initial metadata that is a header of the answer under its own name; all else gets METADATA_PREFIX. */
const ANSWERED_AS_IS = ["location"];
const ANSWERED_PREFIXES = ["x-tenure-"];
const NEVER_ANSWERED = new Set(["content-length", "content-type", "date", "server", REQUEST_ID]);
const NEVER_ANSWERED_PREFIXES = ["access-control-", "grpc-", "tenure-"];

export interface Origin {
  readonly requestId: string;
  /** Address of the peer; undefined once its socket is gone. */
  readonly peer: string | undefined;
}

/** The metadata of a REST request. */
export function restMetadata(headers: IncomingHttpHeaders, origin: Origin): MetadataEntry[] {
  const entries = originMetadata(headers, origin);
  for (const [header, value] of Object.entries(headers)) {
    const name = metadataName(header);
    if (name !== undefined && value !== undefined) {
      pushEntry(entries, name, value);
    }
  }
  return entries;
}

/** Headers that are HTTP's own business, not metadata of a gRPC-web call. */
const NOT_METADATA = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "cache-control",
  "content-encoding",
  "cookie",
  "dnt",
  "expect",
  "forwarded",
  "origin",
  "pragma",
  "priority",
  "referer",
  "via",
  "x-grpc-web",
]);
const NOT_METADATA_PREFIXES = ["access-control-", "if-", "proxy-", "sec-", "x-forwarded-"];

/** The metadata of a gRPC-web request: its headers are metadata already, but for those that are HTTP's. */
export function webMetadata(headers: IncomingHttpHeaders, origin: Origin): MetadataEntry[] {
  const entries = originMetadata(headers, origin);
  for (const [header, value] of Object.entries(headers)) {
    const name = PASSED[header] ?? (isWebMetadata(header) ? header : undefined);
    if (name !== undefined && value !== undefined) {
      pushEntry(entries, name, value);
    }
  }
  return entries;
}

function isWebMetadata(header: string): boolean {
  return !NOT_METADATA.has(header) && !NOT_METADATA_PREFIXES.some((prefix) => header.startsWith(prefix)) && !isReserved(header);
}

/** The entries that every call carries: its request id, and through whose hands it went. */
function originMetadata(headers: IncomingHttpHeaders, { requestId, peer }: Origin): MetadataEntry[] {
  const forwarded = [headers["x-forwarded-for"], peer].flat().filter((hop) => hop !== undefined);
  return [
    [REQUEST_ID, requestId],
    ["x-forwarded-for", printable(forwarded.join(", "))],
  ];
}

function metadataName(header: string): string | undefined {
  if (header.startsWith(METADATA_PREFIX)) {
    const name = header.slice(METADATA_PREFIX.length);
    return name === "" || isReserved(name) ? undefined : name;
  }
  return PASSED[header] ?? (PASSED_PREFIXES.some((prefix) => header.startsWith(prefix)) ? header : undefined);
}

/** Whether clients must not set this metadata. */
function isReserved(name: string): boolean {
  return RESERVED.has(name) || RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Adds a header's value under a metadata name; names ending in "-bin" carry base64. */
function pushEntry(entries: MetadataEntry[], name: string, value: string | readonly string[]): void {
  if (!/^[0-9a-z_.-]+$/.test(name)) {
    return;
  }
  for (const item of typeof value === "string" ? [value] : value) {
    entries.push([name, name.endsWith("-bin") ? Buffer.from(item, "base64") : printable(item)]);
  }
}

/** Metadata text is printable ASCII; other characters have no meaning there that could be kept. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

const TIMEOUT_UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Reads Grpc-Timeout (gRPC over HTTP/2: up to eight digits and a unit).
 *
 * @returns milliseconds
 * @throws Refusal when the header is not of that form
 */
export function readTimeout(headers: IncomingHttpHeaders): number {
  const text = headers["grpc-timeout"];
  if (text === undefined) {
    return DEADLINE_DEFAULT;
  }
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(text)) ?? [];
  if (digits === undefined || unit === undefined) {
    throw malformed("the header Grpc-Timeout is not a number with a unit");
  }
  return Math.min(Math.ceil(Number(digits) * (TIMEOUT_UNITS[unit] ?? 1)), DEADLINE_MAX);
}

/** The headers of a REST answer that come from initial metadata. */
export function answerHeaders(entries: readonly MetadataEntry[]): [name: string, value: string][] {
  return entries.filter(([name]) => isAnswered(name)).map(([name, value]) => [headerName(name), headerValue(value)]);
}

/** Whether an entry of initial metadata may become a header at all. */
export function isAnswered(name: string): boolean {
  return !NEVER_ANSWERED.has(name) && !NEVER_ANSWERED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** The text form of a metadata value. */
export function headerValue(value: string | Buffer): string {
  return typeof value === "string" ? value : value.toString("base64");
}

function headerName(name: string): string {
  const isAsIs = ANSWERED_AS_IS.includes(name) || ANSWERED_PREFIXES.some((prefix) => name.startsWith(prefix));
  return isAsIs ? name : METADATA_PREFIX + name;
}
