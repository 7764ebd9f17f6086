// Writes REST answers: a success in JSON, a failure as its dialect spells it.
import type { ServerResponse } from "node:http";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { Code } from "../proto/gen/google/rpc/code.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { Exchange } from "./exchange.ts";
import type { Failure } from "./status.ts";
import { encodeMessage, statusBytes } from "./status.ts";

const JSON_TYPE = "application/json";

/** Larger values are not sent: many clients stop at 16 KiB for all headers, and the body says the same. */
const MESSAGE_MAX = 4096;
const DETAILS_MAX = 8192;

/**
 * Writes the answer of a call that worked.
 *
 * @param json undefined for an answer without a body
 */
export function writeSuccess(
  response: ServerResponse,
  exchange: Exchange,
  dialect: Dialect,
  status: number,
  json: JsonValue | undefined,
): void {
  exchange.code = Code.OK;
  setHeaders(response, dialect.headers);
  response.statusCode = status;
  if (json === undefined) {
    response.end();
  } else {
    writeJson(response, json);
  }
}

/** Writes a failure in the words of a dialect, with the gRPC status in headers beside it. */
export function writeFailure(response: ServerResponse, exchange: Exchange, dialect: Dialect, failure: Failure, registry: Registry): void {
  exchange.code = failure.code;
  const { requestId, verb, path } = exchange;
  const rendered = dialect.render(failure, { requestId, verb, path, registry });
  setHeaders(response, dialect.headers);
  setHeaders(response, rendered.headers);
  response.setHeader("grpc-status", String(failure.code));
  const message = encodeMessage(failure.message);
  const details = statusBytes(failure).toString("base64");
  if (message.length <= MESSAGE_MAX) {
    response.setHeader("grpc-message", message);
  }
  if (details.length <= DETAILS_MAX) {
    response.setHeader("grpc-status-details-bin", details);
  }
  response.statusCode = rendered.status;
  writeJson(response, rendered.body);
}

function writeJson(response: ServerResponse, json: object | JsonValue): void {
  // Text, not bytes: Node then writes headers and body in one piece.
  const body = JSON.stringify(json);
  response.setHeader("content-type", JSON_TYPE);
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) {
    response.setHeader(name, headers[name] ?? "");
  }
}
