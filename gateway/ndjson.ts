// A stream of answers over REST: one JSON object a line, {"result": message} for each message, and {"error": status} when
// the stream breaks after the first. A failure before the first is an ordinary answer with its HTTP status.
import { Code } from "../proto/gen/google/rpc/code.ts";
import type { Call, Cancel } from "./call.ts";
import type { Forwarding } from "./forwarding.ts";
import { BREACH, breachFailure, fail, passHeaders, print } from "./forwarding.ts";
import type { Failure } from "./status.ts";
import { detailsJson } from "./status.ts";

const STREAM_TYPE = "application/x-ndjson";

/** Sends the call; each message is written when it comes, no faster than the client reads. */
export function forwardStream(forwarding: Forwarding, call: Call): void {
  const { response, upstream, exchange } = forwarding;
  let cancel: Cancel = () => {};
  cancel = upstream.stream(call, {
    headers: (entries) => passHeaders(forwarding, entries),
    message: (bytes, next) => {
      const json = print(forwarding, bytes);
      if (json === BREACH) {
        end(forwarding, breachFailure());
        cancel();
      } else {
        write(forwarding, { result: json }, next);
      }
    },
    end: ({ failure }) => {
      exchange.code ??= response.destroyed ? Code.CANCELLED : (failure?.code ?? Code.OK);
      end(forwarding, failure);
    },
  });
  response.once("close", () => cancel());
}

function write(forwarding: Forwarding, line: object, next: () => void): void {
  const { response } = forwarding;
  open(forwarding);
  if (response.write(`${JSON.stringify(line)}\n`)) {
    next();
  } else {
    response.once("drain", next);
  }
}

function open({ response, binding }: Forwarding): void {
  if (!response.headersSent) {
    const { dialect, successStatus } = binding.method;
    response.writeHead(successStatus, { "content-type": STREAM_TYPE, ...dialect.headers });
  }
}

function end(forwarding: Forwarding, failure: Failure | undefined): void {
  const { response, registry } = forwarding;
  if (response.writableEnded || response.destroyed) {
    return;
  }
  if (failure !== undefined && !response.headersSent) {
    fail(forwarding, failure);
    return;
  }
  open(forwarding);
  const { code, message } = failure ?? {};
  response.end(failure && `${JSON.stringify({ error: { code, message, details: detailsJson(failure, registry) } })}\n`);
}
