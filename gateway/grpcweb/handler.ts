// Serves gRPC-web: takes the message out of its frame, passes its bytes to the services, frames what comes back. No message
// is ever decoded here.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "@bufbuild/protobuf";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { writeFailure } from "../answer.ts";
import { readBody } from "../body.ts";
import type { Call } from "../call.ts";
import type { Catalogue, Method } from "../descriptors.ts";
import type { Exchange } from "../exchange.ts";
import { failureOf, Refusal } from "../status.ts";
import { readTimeout, webMetadata } from "../transcode/metadata.ts";
import type { Upstream } from "../upstream.ts";
import { decodeText, FRAME_MAX, readFrame, tooLarge } from "./envelope.ts";
import { Writer } from "./writer.ts";

export type GrpcWebHandler = (request: IncomingMessage, response: ServerResponse, exchange: Exchange) => Promise<void>;

const CONTENT_TYPE = /^application\/grpc-web(-text)?(\+proto)?\s*(;|$)/i;

/** Base64 is a third longer, and longer still when every chunk is padded. */
const TEXT_MAX = 2 * FRAME_MAX;

/** Whether a request speaks gRPC-web in a form that is served here. */
export function isGrpcWeb({ method, headers }: IncomingMessage): boolean {
  return method === "POST" && CONTENT_TYPE.test(headers["content-type"] ?? "");
}

/** Prepares the gRPC-web side of the gateway. */
export function grpcWebHandler({ methods }: Catalogue, upstream: Upstream): GrpcWebHandler {
  return async (request, response, exchange) => {
    const writer = new Writer(response, exchange, wantsText(request));
    const method = methods.get(exchange.path);
    try {
      if (method === undefined) {
        throw new Refusal(failureOf(Code.UNIMPLEMENTED, "METHOD_UNKNOWN", "no such method"));
      }
      exchange.route = method.path;
      const call = await readCall(method, request, exchange);
      if (!response.destroyed) {
        forward(method, call, upstream, writer);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      writer.end({ failure: error.failure, trailers: [] });
    }
  };
}

/** Answers a request for an RPC's path that is not gRPC-web; native gRPC has a port of its own. */
export function refuseProtocol(method: Method, response: ServerResponse, exchange: Exchange, registry: Registry): void {
  exchange.route = method.path;
  if (exchange.verb === "POST") {
    response.setHeader("accept-post", "application/grpc-web+proto, application/grpc-web-text+proto");
    const message = "this path speaks gRPC-web";
    const failure = failureOf(Code.INVALID_ARGUMENT, "REQUEST_MALFORMED", message, { seam: "media" });
    writeFailure(response, exchange, method.dialect, failure, registry);
  } else {
    response.setHeader("allow", "POST");
    const failure = failureOf(Code.UNIMPLEMENTED, "METHOD_UNKNOWN", "the path does not have this method", { seam: "verb" });
    writeFailure(response, exchange, method.dialect, failure, registry);
  }
}

async function readCall(method: Method, request: IncomingMessage, exchange: Exchange): Promise<Call> {
  if (method.streamsRequests) {
    throw new Refusal(failureOf(Code.UNIMPLEMENTED, "METHOD_UNKNOWN", "a stream of requests cannot travel over gRPC-web"));
  }
  const timeout = readTimeout(request.headers);
  const isText = isTextType(request.headers["content-type"]);
  const body = await readBody(request, isText ? TEXT_MAX : FRAME_MAX).catch((error: unknown) => {
    throw error instanceof Refusal && error.failure.seam === "size" ? tooLarge() : error;
  });
  const message = readFrame(isText ? decodeText(body.toString("latin1")) : body);
  const metadata = webMetadata(request.headers, { requestId: exchange.requestId, peer: request.socket.remoteAddress });
  return { path: method.path, message, metadata, timeout };
}

function forward(method: Method, call: Call, upstream: Upstream, writer: Writer): void {
  const cancel = method.streamsResponses
    ? upstream.stream(call, writer)
    : upstream.unary(call, ({ headers, message, ...ending }) => {
        writer.headers(headers);
        writer.end(ending, message);
      });
  writer.response.once("close", cancel);
}

function isTextType(type: string | undefined): boolean {
  return CONTENT_TYPE.exec(type ?? "")?.[1] !== undefined;
}

/** `Accept` chooses the variant of the answer; a client that does not say gets the one it sent. */
function wantsText({ headers }: IncomingMessage): boolean {
  const accepted = headers.accept?.split(",").find((type) => CONTENT_TYPE.test(type.trim()));
  return isTextType(accepted?.trim() ?? headers["content-type"]);
}
