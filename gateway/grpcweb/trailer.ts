// How a gRPC-web call ends: the status and the trailing metadata, as a block for the trailer frame or as headers of an
// answer that has nothing else to say (trailers-only).
import { Code } from "../../proto/gen/google/rpc/code.ts";
import type { Ending } from "../call.ts";
import { encodeMessage, statusBytes } from "../status.ts";
import { headerValue, isAnswered } from "../transcode/metadata.ts";

export type TrailerEntry = readonly [name: string, value: string];

/** The status first, then trailing metadata. */
export function trailerEntries({ failure, trailers }: Ending): TrailerEntry[] {
  const entries: TrailerEntry[] = [["grpc-status", String(failure?.code ?? Code.OK)]];
  if (failure !== undefined) {
    entries.push(["grpc-message", encodeMessage(failure.message)]);
    if (failure.details.length > 0) {
      entries.push(["grpc-status-details-bin", statusBytes(failure).toString("base64")]);
    }
  }
  for (const [name, value] of trailers) {
    if (isAnswered(name)) {
      entries.push([name, headerValue(value)]);
    }
  }
  return entries;
}

/** An HTTP/1 header block without its last, empty line. */
export function trailerBlock(entries: readonly TrailerEntry[]): string {
  return entries.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}
