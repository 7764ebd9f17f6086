/** How a dialect speaks of a failure: the one thing about errors that dialects differ in on this side of the gateway. */
import type { status } from "@grpc/grpc-js";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import type { Failure, Violation } from "../kernel/failure.ts";
import type { Rpc } from "./contract.ts";

export type Spoken = {
  readonly code: status;
  readonly message: string;
  /** The dialect's own detail; it goes first. */
  readonly detail: Any | null;
  /** Violations in the dialect's words, for google.rpc.BadRequest; unset: as they are. */
  readonly violations?: readonly Violation[];
};

/** Chooses code, id and words of a failure, per RPC. */
export type Words = (failure: Failure, rpc: Rpc) => Spoken;

/** Packs a detail. */
export function pack(typeName: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/${typeName}`, value: Buffer.from(value) };
}
