// Cuts the bytes of a gRPC answer into its messages (gRPC over HTTP/2, "Length-Prefixed-Message").
import { MESSAGE_MAX } from "../call.ts";

const HEADER_LENGTH = 5;

/** Why bytes are no messages that can be passed on. */
export type FrameFault = "compressed" | "too-large";

export class Deframer {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes without which no step can be taken: a header, or a frame whose header was seen. */
  #needed = HEADER_LENGTH;

  /** Takes the next bytes and returns the messages that they complete, or what is wrong with them. */
  push(chunk: Buffer): Buffer[] | FrameFault {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: Buffer[] = [];
    while (this.#size >= this.#needed) {
      const bytes = this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks);
      const end = HEADER_LENGTH + bytes.readUInt32BE(1);
      if (bytes[0] !== 0) {
        return "compressed";
      }
      if (end > HEADER_LENGTH + MESSAGE_MAX) {
        return "too-large";
      }
      if (end <= bytes.length) {
        messages.push(bytes.subarray(HEADER_LENGTH, end));
      }
      const rest = end <= bytes.length ? bytes.subarray(end) : bytes;
      this.#chunks = [rest];
      this.#size = rest.length;
      this.#needed = end <= bytes.length ? HEADER_LENGTH : end;
    }
    return messages;
  }

  /** Whether the bytes so far end inside a frame. */
  get isInside(): boolean {
    return this.#size > 0;
  }
}
