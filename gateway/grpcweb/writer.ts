// Writes one gRPC-web answer: headers with the first frame, frames, and the status at the end.
import type { ServerResponse } from "node:http";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import type { Ending, MetadataEntry } from "../call.ts";
import { EXPOSED_HEADERS } from "../cors.ts";
import type { Exchange } from "../exchange.ts";
import { headerValue, isAnswered } from "../transcode/metadata.ts";
import { encodeText, messageFrame, trailerFrame } from "./envelope.ts";
import type { TrailerEntry } from "./trailer.ts";
import { trailerBlock, trailerEntries } from "./trailer.ts";

/** Larger statuses go into the body: many clients stop at 16 KiB for all headers. */
const STATUS_HEADERS_MAX = 4096;

export class Writer {
  readonly response: ServerResponse;
  readonly #exchange: Exchange;
  readonly #isText: boolean;
  readonly #exposed = [...EXPOSED_HEADERS];

  constructor(response: ServerResponse, exchange: Exchange, isText: boolean) {
    this.response = response;
    this.#exchange = exchange;
    this.#isText = isText;
  }

  headers(entries: readonly MetadataEntry[]): void {
    this.#pass(entries.filter(([name]) => isAnswered(name)).map(([name, value]) => [name, headerValue(value)]));
  }

  message(bytes: Buffer, next: () => void): void {
    this.#open();
    if (this.response.write(this.#encode(messageFrame(bytes)))) {
      next();
    } else {
      this.response.once("drain", next);
    }
  }

  /** Ends the answer, with a last message before the status if there is one. */
  end(ending: Ending, message?: Buffer): void {
    this.#exchange.code = this.response.destroyed ? Code.CANCELLED : (ending.failure?.code ?? Code.OK);
    if (this.response.destroyed) {
      return;
    }
    const entries = trailerEntries(ending);
    const block = trailerBlock(entries);
    const isAlone = ending.failure !== undefined && !this.response.headersSent;
    if (isAlone && block.length <= STATUS_HEADERS_MAX) {
      this.#pass(entries);
      this.#close(Buffer.alloc(0));
    } else {
      const trailer = trailerFrame(block);
      this.#close(this.#encode(message === undefined ? trailer : Buffer.concat([messageFrame(message), trailer])));
    }
  }

  /** Sets headers that a page of any origin may read. */
  #pass(entries: readonly TrailerEntry[]): void {
    for (const [name, value] of entries) {
      this.response.appendHeader(name, value);
    }
    this.#exposed.push(...entries.map(([name]) => name));
    this.response.setHeader("access-control-expose-headers", [...new Set(this.#exposed)].join(", "));
  }

  #close(last: Buffer): void {
    if (!this.response.headersSent) {
      this.response.setHeader("content-length", last.length);
    }
    this.#open();
    this.response.end(last);
  }

  #open(): void {
    if (!this.response.headersSent) {
      this.response.writeHead(200, { "content-type": this.#isText ? "application/grpc-web-text+proto" : "application/grpc-web+proto" });
    }
  }

  #encode(bytes: Buffer): Buffer {
    return this.#isText ? encodeText(bytes) : bytes;
  }
}
