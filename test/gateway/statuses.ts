// Failures as services send them: google.rpc.Status with packed details.
import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { Catalogue } from "../../gateway/descriptors.ts";
import type { Status } from "../../proto/gen/google/rpc/status.ts";

/** A detail: the name of its message type, and the message as JSON. */
export type Detail = readonly [typeName: string, json: JsonObject];

/** Packs a failure and its details. */
export function statusWith({ registry }: Catalogue, code: number, message: string, ...details: readonly Detail[]): Status {
  const packed = details.map(([typeName, json]) => {
    const type = registry.getMessage(typeName);
    if (type === undefined) {
      throw new Error(`${typeName} is not in the descriptor set`);
    }
    return { typeUrl: `type.googleapis.com/${typeName}`, value: Buffer.from(toBinary(type, fromJson(type, json, { registry }))) };
  });
  return { code, message, details: packed };
}
