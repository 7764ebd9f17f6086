// Services for a gateway to talk to: a real gRPC server that knows the methods of a descriptor set, gives every request
// back as its answer, and behaves differently where a test says so.
import type { Metadata, ServerUnaryCall, ServerWritableStream, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { Metadata as GrpcMetadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import { HealthCheckResponse, HealthCheckResponse_ServingStatus } from "../../proto/gen/grpc/health/v1/health.ts";

export interface ReceivedCall {
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: Metadata;
  /** Milliseconds until the deadline that the caller set. */
  readonly timeLeft: number;
  /** Resolves when the caller gives the call up. */
  readonly cancelled: Promise<void>;
}

/** How a call ends: with messages, or with a status after them. */
export interface Behaviour {
  readonly messages?: readonly Uint8Array[];
  readonly status?: Status;
  readonly headers?: Readonly<Record<string, string>>;
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface EchoServices {
  readonly address: string;
  readonly port: number;
  /** Every call so far, oldest first. */
  readonly calls: readonly ReceivedCall[];
  isServing: boolean;
  /** Decides how calls end from now on; undefined brings the echo back. */
  behave: ((call: ReceivedCall) => Behaviour | Promise<Behaviour>) | undefined;
  /** Takes no new calls, and stops when those under way have ended. */
  drain(): Promise<void>;
  /** Stops at once, breaking off the calls under way. */
  stop(): Promise<void>;
}

const HEALTH_CHECK = "/grpc.health.v1.Health/Check";
const identity = (bytes: Buffer): Buffer => bytes;

export interface EchoMethod {
  readonly path: string;
  readonly streamsRequests: boolean;
  readonly streamsResponses: boolean;
}

/** Starts the services on a port; 0 lets the kernel choose one. */
export async function startEcho(methods: Iterable<EchoMethod>, port = 0): Promise<EchoServices> {
  const server = new Server();
  const calls: ReceivedCall[] = [];
  const services = { calls, isServing: true, behave: undefined } as unknown as { -readonly [K in keyof EchoServices]: EchoServices[K] };
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const { path, streamsRequests, streamsResponses } of methods) {
    definition[path] = {
      path,
      requestStream: streamsRequests,
      responseStream: streamsResponses,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    implementation[path] = streamsResponses ? streamHandler(path, calls, services) : unaryHandler(path, calls, services);
  }
  server.addService(definition, implementation);
  services.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  services.address = `127.0.0.1:${services.port}`;
  services.drain = () => new Promise((resolve) => server.tryShutdown(() => resolve()));
  services.stop = async () => server.forceShutdown();
  return services;
}

type AnyCall = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

function receive(path: string, call: AnyCall): ReceivedCall {
  const deadline = call.getDeadline();
  return {
    path,
    message: call.request,
    metadata: call.metadata,
    timeLeft: Number(deadline) - Date.now(),
    cancelled: new Promise((resolve) => call.on("cancelled", () => resolve())),
  };
}

async function decide(services: EchoServices, call: ReceivedCall): Promise<Behaviour> {
  if (call.path === HEALTH_CHECK) {
    const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
    return { messages: [HealthCheckResponse.encode({ status: services.isServing ? SERVING : NOT_SERVING }).finish()] };
  }
  return (await services.behave?.(call)) ?? { messages: [call.message] };
}

function unaryHandler(path: string, calls: ReceivedCall[], services: EchoServices): UntypedServiceImplementation[string] {
  return async (call: ServerUnaryCall<Buffer, Buffer>, callback: (error: object | null, value?: Buffer, trailer?: Metadata) => void) => {
    const received = receive(path, call);
    calls.push(received);
    const { messages, status, headers, trailers } = await decide(services, received);
    if (headers !== undefined) {
      call.sendMetadata(metadataOf(headers));
    }
    if (status !== undefined) {
      callback(errorOf(status, trailers));
    } else {
      callback(null, Buffer.from(messages?.[0] ?? Buffer.alloc(0)), metadataOf(trailers));
    }
  };
}

function streamHandler(path: string, calls: ReceivedCall[], services: EchoServices): UntypedServiceImplementation[string] {
  return async (call: ServerWritableStream<Buffer, Buffer>) => {
    const received = receive(path, call);
    calls.push(received);
    const { messages, status, headers, trailers } = await decide(services, received);
    if (headers !== undefined) {
      call.sendMetadata(metadataOf(headers));
    }
    for (const message of messages ?? []) {
      call.write(Buffer.from(message));
    }
    if (status !== undefined) {
      call.emit("error", errorOf(status, trailers));
    } else {
      call.end(metadataOf(trailers));
    }
  };
}

function errorOf(status: Status, trailers: Behaviour["trailers"]): object {
  const metadata = metadataOf(trailers);
  if (status.details.length > 0) {
    metadata.set("grpc-status-details-bin", Buffer.from(Status.encode(status).finish()));
  }
  return { code: status.code, details: status.message, metadata };
}

function metadataOf(entries: Readonly<Record<string, string>> | undefined): Metadata {
  const metadata = new GrpcMetadata();
  for (const [name, value] of Object.entries(entries ?? {})) {
    metadata.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

/** A failure without details. */
export function plainStatus(code: number, message: string): Status {
  return { code, message, details: [] };
}
