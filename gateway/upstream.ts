// The one way to the services: raw messages over gRPC. Whoever calls hands over bytes and gets bytes and a status back; what
// carries them (the folder upstream/, which nothing else imports) is nobody else's business.

import { Code } from "../proto/gen/google/rpc/code.ts";
import { HealthCheckResponse, HealthCheckResponse_ServingStatus } from "../proto/gen/grpc/health/v1/health.ts";
import type { Call, Cancel, MetadataEntry, Reply, Sink } from "./call.ts";
import { failureOf } from "./status.ts";
import { Connection } from "./upstream/connection.ts";
import { startCall } from "./upstream/stream.ts";

export interface Upstream {
  /** Calls a unary method; `done` is called exactly once. */
  unary(call: Call, done: (reply: Reply) => void): Cancel;
  /** Calls a server-streaming method. */
  stream(call: Call, sink: Sink): Cancel;
  /** Whether the services say that they are ready, asked anew each time, waiting `timeout` milliseconds at most. */
  ready(timeout: number): Promise<boolean>;
  close(): void;
}

const HEALTH_CHECK = "/grpc.health.v1.Health/Check";

/**
 * Opens the way to the services. It connects on the first call, and again after every loss.
 *
 * @param address "host:port" of the services
 */
export function openUpstream(address: string): Upstream {
  const connection = new Connection(address);
  const stream: Upstream["stream"] = (call, sink) => startCall(connection, call, sink);
  const unary: Upstream["unary"] = (call, done) => stream(call, collect(done));
  return {
    unary,
    stream,
    ready: (timeout) =>
      new Promise((resolve) => {
        unary({ path: HEALTH_CHECK, message: Buffer.alloc(0), metadata: [], timeout }, ({ message }) => resolve(isServing(message)));
      }),
    close: () => connection.close(),
  };
}

function collect(done: (reply: Reply) => void): Sink {
  let headers: readonly MetadataEntry[] = [];
  let message: Buffer | undefined;
  return {
    headers: (entries) => {
      headers = entries;
    },
    message: (bytes, next) => {
      message = bytes;
      next();
    },
    end: ({ failure, trailers }) => {
      const isMute = failure === undefined && message === undefined;
      done({
        headers,
        trailers,
        failure: isMute ? failureOf(Code.INTERNAL, "INTERNAL", "the services answered without a message") : failure,
        message: failure === undefined ? message : undefined,
      });
    },
  };
}

function isServing(message: Buffer | undefined): boolean {
  return message !== undefined && HealthCheckResponse.decode(message).status === HealthCheckResponse_ServingStatus.SERVING;
}
