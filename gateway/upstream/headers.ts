// Metadata <-> the headers and trailers of an HTTP/2 stream (grpc/doc/PROTOCOL-HTTP2.md, "Requests" and "Responses").
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import type { Call, MetadataEntry } from "../call.ts";
import type { Failure } from "../status.ts";

const STATUS_DETAILS = "grpc-status-details-bin";

/** The headers that open a call. */
export function outgoingHeaders({ path, metadata, timeout }: Call): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    "grpc-timeout": `${Math.ceil(timeout)}m`,
    "user-agent": "tenure-gateway",
  };
  for (const [name, value] of metadata) {
    const text = typeof value === "string" ? value : value.toString("base64");
    const present = headers[name];
    headers[name] = present === undefined ? text : [present, text].flat().map(String);
  }
  return headers;
}

/** The metadata in headers or trailers, without what belongs to the protocol. */
export function incomingMetadata(headers: IncomingHttpHeaders): MetadataEntry[] {
  const entries: MetadataEntry[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":") || name.startsWith("grpc-") || name === "content-type") {
      continue;
    }
    for (const item of typeof value === "string" ? [value] : value) {
      entries.push(...(name.endsWith("-bin") ? decodeAll(item).map((bytes) => [name, bytes] as const) : [[name, item] as const]));
    }
  }
  return entries;
}

/** HTTP/2 joins repeated headers with commas, which base64 does not have. */
function decodeAll(text: string): Buffer[] {
  return text.split(",").map((one) => Buffer.from(one, "base64"));
}

/** The failure that trailers report; undefined for OK. */
export function failureFrom(trailers: IncomingHttpHeaders): Failure | undefined {
  const code = Number(trailers["grpc-status"]);
  if (code === Code.OK) {
    return undefined;
  }
  const message = decodeMessage(String(trailers["grpc-message"] ?? ""));
  return { seam: "call", code: Number.isInteger(code) ? code : Code.UNKNOWN, message, details: detailsIn(trailers[STATUS_DETAILS]) };
}

/** Percent-encoded; text that is not is taken as it stands. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function detailsIn(packed: string | string[] | undefined): Failure["details"] {
  try {
    return packed === undefined ? [] : Status.decode(Buffer.from(String(packed), "base64")).details;
  } catch {
    return [];
  }
}
