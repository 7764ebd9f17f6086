// What a call to the services is, whatever carries it: bytes and metadata there, bytes, metadata and a status back.
import type { Failure } from "./status.ts";

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

/** Largest message in either direction, bytes; gRPC's own default. */
export const MESSAGE_MAX = 4 * 1024 * 1024;
