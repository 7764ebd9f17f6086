// One gRPC call on an HTTP/2 stream (grpc/doc/PROTOCOL-HTTP2.md).
import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import { constants } from "node:http2";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import type { Call, Cancel, Ending, Sink } from "../call.ts";
import type { Failure } from "../status.ts";
import { failureOf } from "../status.ts";
import type { Connection } from "./connection.ts";
import type { FrameFault } from "./deframer.ts";
import { Deframer } from "./deframer.ts";
import { failureFrom, incomingMetadata, outgoingHeaders } from "./headers.ts";

/** Starts a call; whatever happens, its sink is ended once. */
export function startCall(connection: Connection, call: Call, sink: Sink): Cancel {
  const running = new RunningCall(connection, call, sink);
  return () => running.cancel();
}

const FAULTS: Readonly<Record<FrameFault, () => Failure>> = {
  compressed: () => failureOf(Code.INTERNAL, "INTERNAL", "the services compressed their answer unasked"),
  "too-large": () => failureOf(Code.RESOURCE_EXHAUSTED, "INTERNAL", "the answer of the services is too large"),
};

/** A frame: no compression, four bytes of length, the message. */
function frame(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(5 + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

class RunningCall {
  readonly #connection: Connection;
  readonly #call: Call;
  readonly #sink: Sink;
  readonly #timer: NodeJS.Timeout;
  readonly #deframer = new Deframer();
  readonly #queue: Buffer[] = [];
  #stream: ClientHttp2Stream | undefined;
  #isRepeated = false;
  #isAnswered = false;
  /** A message was handed over, and the next was not asked for yet. */
  #isHeld = false;
  #trailers: IncomingHttpHeaders | undefined;
  #ending: Ending | undefined;

  constructor(connection: Connection, call: Call, sink: Sink) {
    this.#connection = connection;
    this.#call = call;
    this.#sink = sink;
    this.#timer = setTimeout(() => this.#giveUp(deadlineFailure()), call.timeout);
    this.#send();
  }

  cancel(): void {
    this.#giveUp(failureOf(Code.CANCELLED, "CANCELLED", "the client went away"));
  }

  #send(): void {
    try {
      const stream = this.#connection.session().request(outgoingHeaders(this.#call));
      this.#stream = stream;
      stream.on("response", (headers) => this.#onResponse(headers));
      stream.on("data", (chunk: Buffer) => this.#onData(chunk));
      stream.on("trailers", (headers) => {
        this.#trailers = headers;
      });
      stream.on("end", () => this.#onEnd());
      // What went wrong is told by how the stream closes.
      stream.on("error", () => {});
      stream.on("close", () => this.#onClose(stream));
      stream.end(frame(this.#call.message));
    } catch {
      // The session was lost between being chosen and being used.
      process.nextTick(() => this.#finish({ failure: lostFailure(false), trailers: [] }));
    }
  }

  #onResponse(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#isAnswered = true;
    if (headers[":status"] !== 200 || !headers["content-type"]?.startsWith("application/grpc")) {
      this.#giveUp(failureOf(Code.UNAVAILABLE, "SERVICES_UNAVAILABLE", "what answers in place of the services does not speak gRPC"));
    } else if (headers["grpc-status"] !== undefined) {
      this.#trailers = headers;
    } else {
      this.#sink.headers(incomingMetadata(headers));
    }
  }

  #onData(chunk: Buffer): void {
    const messages = this.#deframer.push(chunk);
    if (typeof messages === "string") {
      this.#giveUp(FAULTS[messages]());
    } else {
      this.#queue.push(...messages);
      this.#deliver();
    }
  }

  /** Hands over one message at a time; the stream is held back while any wait. */
  #deliver(): void {
    while (!this.#isHeld && this.#ending === undefined) {
      const message = this.#queue.shift();
      if (message === undefined) {
        break;
      }
      this.#isHeld = true;
      this.#sink.message(message, () => this.#release());
    }
    if (this.#queue.length > 0) {
      this.#stream?.pause();
    } else if (this.#trailers !== undefined && this.#stream?.readableEnded) {
      this.#onEnd();
    }
  }

  #release(): void {
    this.#isHeld = false;
    this.#deliver();
    if (this.#queue.length === 0) {
      this.#stream?.resume();
    }
  }

  #onEnd(): void {
    if (this.#trailers === undefined || this.#queue.length > 0) {
      return;
    }
    const failure = failureFrom(this.#trailers);
    const isBroken = failure === undefined && this.#deframer.isInside;
    this.#finish({ failure: isBroken ? lostFailure(true) : failure, trailers: incomingMetadata(this.#trailers) });
  }

  #onClose(stream: ClientHttp2Stream): void {
    if (this.#ending !== undefined || (this.#trailers !== undefined && this.#queue.length > 0)) {
      return;
    }
    // REFUSED_STREAM promises that nobody has looked at the request (RFC 9113 section 8.7): it may be sent once more.
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && !this.#isAnswered && !this.#isRepeated) {
      this.#isRepeated = true;
      this.#send();
    } else {
      this.#finish({ failure: lostFailure(this.#isAnswered), trailers: [] });
    }
  }

  #giveUp(failure: Failure): void {
    if (this.#ending === undefined) {
      this.#finish({ failure, trailers: [] });
      this.#stream?.close(constants.NGHTTP2_CANCEL);
      this.#stream?.resume();
    }
  }

  #finish(ending: Ending): void {
    if (this.#ending === undefined) {
      this.#ending = ending;
      clearTimeout(this.#timer);
      this.#sink.end(ending);
    }
  }
}

function deadlineFailure(): Failure {
  return failureOf(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the deadline passed before the services answered");
}

function lostFailure(isAnswered: boolean): Failure {
  const message = isAnswered ? "the services broke the call off" : "the services cannot be reached";
  return failureOf(Code.UNAVAILABLE, "SERVICES_UNAVAILABLE", message);
}
