// The framing of gRPC-web (grpc/doc/PROTOCOL-WEB.md): one flag byte, four bytes of length, the message; in the text
// variant all of it in base64, written in chunks that are each padded on their own.
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { MESSAGE_MAX } from "../call.ts";
import { failureOf, malformed, Refusal } from "../status.ts";

const HEADER_LENGTH = 5;
const FLAG_COMPRESSED = 0x01;
const FLAG_TRAILER = 0x80;

/** Largest request body: one message in its frame. */
export const FRAME_MAX = MESSAGE_MAX + HEADER_LENGTH;

/** Puts a message into its frame. */
export function messageFrame(message: Uint8Array): Buffer {
  return frame(0, message);
}

/** Puts a block of trailers into its frame. */
export function trailerFrame(trailers: string): Buffer {
  return frame(FLAG_TRAILER, Buffer.from(trailers, "latin1"));
}

function frame(flag: number, content: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH + content.length);
  bytes[0] = flag;
  bytes.writeUInt32BE(content.length, 1);
  bytes.set(content, HEADER_LENGTH);
  return bytes;
}

/**
 * Takes the one message out of a request body.
 *
 * @throws Refusal: a compressed frame or a number of messages other than one is UNIMPLEMENTED (gRPC status codes), a large
 * one RESOURCE_EXHAUSTED, anything else that is no frame INVALID_ARGUMENT
 */
export function readFrame(body: Buffer): Buffer {
  if (body.length === 0) {
    throw unimplemented("the request holds no message");
  }
  if (body.length < HEADER_LENGTH) {
    throw malformed("the request breaks off inside a frame");
  }
  const flag = body.readUInt8(0);
  const end = HEADER_LENGTH + body.readUInt32BE(1);
  if (flag === FLAG_COMPRESSED) {
    throw unimplemented("compressed messages are not supported");
  }
  if (flag !== 0) {
    throw malformed("the request holds a frame that is no message");
  }
  if (end > FRAME_MAX) {
    throw tooLarge();
  }
  if (end > body.length) {
    throw malformed("the request breaks off inside a frame");
  }
  if (end < body.length) {
    throw unimplemented("the request holds more than one message");
  }
  return body.subarray(HEADER_LENGTH);
}

/** The refusal of a message above MESSAGE_MAX. */
export function tooLarge(): Refusal {
  return new Refusal(failureOf(Code.RESOURCE_EXHAUSTED, "BODY_TOO_LARGE", `the message is larger than ${MESSAGE_MAX} bytes`));
}

function unimplemented(message: string): Refusal {
  return new Refusal(failureOf(Code.UNIMPLEMENTED, "REQUEST_MALFORMED", message));
}

const CHUNK = /[A-Za-z0-9+/]+={0,2}/y;

/**
 * Decodes base64 that may be padded anywhere, as chunks encoded one by one are when they are joined.
 *
 * @throws Refusal REQUEST_MALFORMED
 */
export function decodeText(text: string): Buffer {
  const chunks: Buffer[] = [];
  CHUNK.lastIndex = 0;
  while (CHUNK.lastIndex < text.length) {
    const chunk = CHUNK.exec(text)?.[0];
    // A chunk without padding may only be the last, and then lacks at most two characters.
    const isWhole = chunk !== undefined && (chunk.length % 4 === 0 || (!chunk.endsWith("=") && chunk.length % 4 !== 1));
    if (!isWhole) {
      throw malformed("the request is not base64");
    }
    chunks.push(Buffer.from(chunk, "base64"));
  }
  return Buffer.concat(chunks);
}

/** Encodes one chunk of the text variant. */
export function encodeText(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("base64"), "latin1");
}
