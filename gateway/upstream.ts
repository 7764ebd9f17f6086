// The one way to the services: raw messages over one gRPC channel. Whoever calls hands over bytes and gets bytes and a
// status back; no type of the transport leaves this file, so another HTTP/2 client can take its place.
import type { StatusObject } from "@grpc/grpc-js";
import { Channel, credentials, status as GrpcStatus, Metadata } from "@grpc/grpc-js";
import { Status } from "../proto/gen/google/rpc/status.ts";
import { HealthCheckResponse, HealthCheckResponse_ServingStatus } from "../proto/gen/grpc/health/v1/health.ts";
import type { Failure } from "./status.ts";
import { failureOf } from "./status.ts";

/** One metadata entry; a value is bytes exactly when the name ends in "-bin". */
export type MetadataEntry = readonly [name: string, value: string | Buffer];

export interface Call {
  /** "/package.Service/Method". */
  readonly path: string;
  /** The serialized request message. */
  readonly message: Uint8Array;
  readonly metadata: readonly MetadataEntry[];
  /** Milliseconds from now until the call is given up. */
  readonly timeout: number;
}

/** How a call ended: OK when `failure` is undefined. */
export interface Ending {
  readonly failure: Failure | undefined;
  /** Trailing metadata without the status itself. */
  readonly trailers: readonly MetadataEntry[];
}

export interface Reply extends Ending {
  /** The serialized response message; undefined exactly when the call failed. */
  readonly message: Buffer | undefined;
  /** Initial metadata. */
  readonly headers: readonly MetadataEntry[];
}

/** Receives a server stream: headers at most once, any number of messages, one ending. */
export interface Sink {
  headers(entries: readonly MetadataEntry[]): void;
  /** Takes one message; the next comes only after `next` was called. */
  message(bytes: Buffer, next: () => void): void;
  end(ending: Ending): void;
}

/** Gives a call up: it then ends as CANCELLED. Without effect on a call that has ended. */
export type Cancel = () => void;

export interface Upstream {
  /** Calls a unary method; `done` is called exactly once. */
  unary(call: Call, done: (reply: Reply) => void): Cancel;
  /** Calls a server-streaming method. */
  stream(call: Call, sink: Sink): Cancel;
  /** Whether the services say that they are ready, asked anew each time, waiting `timeout` milliseconds at most. */
  ready(timeout: number): Promise<boolean>;
  close(): void;
}

/** Largest message in either direction, bytes; gRPC's own default. */
export const MESSAGE_MAX = 4 * 1024 * 1024;

const HEALTH_CHECK = "/grpc.health.v1.Health/Check";
const STATUS_DETAILS = "grpc-status-details-bin";

const CHANNEL_OPTIONS = {
  "grpc.primary_user_agent": "tenure-gateway",
  "grpc.max_send_message_length": MESSAGE_MAX,
  "grpc.max_receive_message_length": MESSAGE_MAX,
  // Services that come back are found again within half a second, also under a new address.
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.dns_min_time_between_resolutions_ms": 500,
  // A peer that vanished without a word is noticed before the default deadline.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
};

/**
 * Opens the channel. It connects on the first call, and again after every loss.
 *
 * @param address "host:port" of the services
 */
export function openUpstream(address: string): Upstream {
  const channel = new Channel(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const unary: Upstream["unary"] = (call, done) => open(channel, call, collect(done));
  return {
    unary,
    stream: (call, sink) => open(channel, call, sink),
    ready: (timeout) =>
      new Promise((resolve) => {
        unary({ path: HEALTH_CHECK, message: Buffer.alloc(0), metadata: [], timeout }, ({ message }) => resolve(isServing(message)));
      }),
    close: () => channel.close(),
  };
}

/** Every method is called as a stream of one request: the channel below the generated-client layer needs no types. */
function open(channel: Channel, call: Call, sink: Sink): Cancel {
  const outgoing = channel.createCall(call.path, Date.now() + call.timeout, null, null, null);
  const next = (): void => outgoing.startRead();
  outgoing.start(toMetadata(call.metadata), {
    onReceiveMetadata: (metadata) => sink.headers(fromMetadata(metadata)),
    onReceiveMessage: (bytes: Buffer) => sink.message(bytes, next),
    onReceiveStatus: (status) => sink.end(endingOf(status)),
  });
  next();
  outgoing.sendMessageWithContext({}, asBuffer(call.message));
  outgoing.halfClose();
  return () => outgoing.cancelWithStatus(GrpcStatus.CANCELLED, "the client went away");
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
      if (failure === undefined && message === undefined) {
        done({
          headers,
          trailers,
          message,
          failure: failureOf(GrpcStatus.INTERNAL, "INTERNAL", "the services answered without a message"),
        });
      } else {
        done({ headers, trailers, failure, message: failure === undefined ? message : undefined });
      }
    },
  };
}

function isServing(message: Buffer | undefined): boolean {
  return message !== undefined && HealthCheckResponse.decode(message).status === HealthCheckResponse_ServingStatus.SERVING;
}

function endingOf(status: StatusObject): Ending {
  const trailers = fromMetadata(status.metadata).filter(([name]) => name !== STATUS_DETAILS);
  return { failure: status.code === GrpcStatus.OK ? undefined : failureFrom(status), trailers };
}

/** What the gateway says where the transport ended a call: its own words name addresses, so they stay here. */
const TRANSPORT_FAILURES: ReadonlyMap<number, () => Failure> = new Map([
  [GrpcStatus.UNAVAILABLE, () => failureOf(GrpcStatus.UNAVAILABLE, "SERVICES_UNAVAILABLE", "the services cannot be reached")],
  // Services that shut down cancel what they were doing; a client that went away reads no answer.
  [GrpcStatus.CANCELLED, () => failureOf(GrpcStatus.UNAVAILABLE, "SERVICES_UNAVAILABLE", "the services broke the call off")],
  [
    GrpcStatus.DEADLINE_EXCEEDED,
    () => failureOf(GrpcStatus.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the deadline passed before the services answered"),
  ],
]);

/** The services explain every failure by details; one of the transport's has none. */
function failureFrom(status: StatusObject): Failure {
  const [packed] = status.metadata.get(STATUS_DETAILS);
  const details = Buffer.isBuffer(packed) ? decodeDetails(packed) : undefined;
  const transport = details === undefined ? TRANSPORT_FAILURES.get(status.code) : undefined;
  return transport?.() ?? { seam: "call", code: status.code, message: status.details, details: details ?? [] };
}

function decodeDetails(packed: Buffer): Failure["details"] | undefined {
  try {
    return Status.decode(packed).details;
  } catch {
    return undefined;
  }
}

function toMetadata(entries: readonly MetadataEntry[]): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of entries) {
    metadata.add(name, value);
  }
  return metadata;
}

function fromMetadata(metadata: Metadata): readonly MetadataEntry[] {
  return Object.entries(metadata.toJSON()).flatMap(([name, values]) => values.map((value) => [name, value] as const));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
