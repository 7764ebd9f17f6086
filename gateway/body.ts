// Reads request bodies whole, up to a limit that holds before and after decompression.
import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Code } from "../proto/gen/google/rpc/code.ts";
import { failureOf, malformed, Refusal } from "./status.ts";

/** Largest REST body, bytes. */
export const BODY_MAX = 1024 * 1024;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Whether a request announces a body (RFC 9112 section 6.3); it may still turn out to be empty. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/**
 * Reads the body, inflated if Content-Encoding says so. Nothing beyond the limit is kept or inflated; what the client still
 * sends is discarded, so that it can read the answer.
 *
 * @param limit largest body, bytes
 * @throws Refusal BODY_TOO_LARGE, or REQUEST_MALFORMED for an encoding that is unknown, broken, or a body that breaks off
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = (request.headers["content-encoding"] ?? "identity").toLowerCase();
  const decoder = encoding === "identity" ? undefined : DECODERS[encoding];
  if (encoding !== "identity" && decoder === undefined) {
    request.resume();
    return Promise.reject(mediaRefusal());
  }
  if (Number(request.headers["content-length"] ?? 0) > limit) {
    request.resume();
    return Promise.reject(sizeRefusal(limit));
  }
  return collect(request, decoder?.(), limit);
}

function collect(request: IncomingMessage, decoder: Transform | undefined, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const source = decoder ?? request;
    const fail = (refusal: Refusal): void => {
      source.removeListener("data", take);
      if (decoder !== undefined) {
        request.unpipe(decoder);
        decoder.destroy();
      }
      request.resume();
      reject(refusal);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) {
        fail(sizeRefusal(limit));
      } else {
        chunks.push(chunk);
      }
    };
    source.on("data", take);
    source.on("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", () => fail(malformed("the body breaks off")));
    decoder?.on("error", () => fail(malformed("the body is not what its Content-Encoding says")));
    if (decoder !== undefined) {
      request.pipe(decoder);
    }
  });
}

function sizeRefusal(limit: number): Refusal {
  return new Refusal(failureOf(Code.INVALID_ARGUMENT, "BODY_TOO_LARGE", `the body is larger than ${limit} bytes`, { seam: "size" }));
}

function mediaRefusal(): Refusal {
  const message = `the body's Content-Encoding is none of ${Object.keys(DECODERS).join(", ")}`;
  return new Refusal(failureOf(Code.INVALID_ARGUMENT, "REQUEST_MALFORMED", message, { seam: "media" }));
}
