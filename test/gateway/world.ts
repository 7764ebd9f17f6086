// A started gateway before echoing services, for one test file: the descriptor set is this project's own module plus the
// protos beside this file.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import type { GatewayConfig } from "../../gateway/config.ts";
import type { Catalogue } from "../../gateway/descriptors.ts";
import { readDescriptors } from "../../gateway/descriptors.ts";
import type { Gateway } from "../../gateway/server.ts";
import { startGateway } from "../../gateway/server.ts";
import type { EchoServices, ReceivedCall } from "./echo-services.ts";
import { startEcho } from "./echo-services.ts";
import type { Answer, Sent } from "./http.ts";
import { send } from "./http.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface World {
  readonly catalogue: Catalogue;
  readonly services: EchoServices;
  readonly gateway: Gateway;
  readonly config: GatewayConfig;
  send(verb: string, path: string, sent?: Sent): Promise<Answer>;
  /** What the last call carried, as JSON. */
  lastMessage(typeName?: string): JsonValue;
  lastCall(): ReceivedCall;
  close(): Promise<void>;
}

/** Starts both; the caller closes them. */
export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "tenure-gateway-"));
  const descriptors = await buildDescriptors(folder);
  const catalogue = readDescriptors(await readFile(descriptors));
  const services = await startEcho(catalogue.methods.values());
  const config = {
    host: "127.0.0.1",
    port: 0,
    upstream: services.address,
    issuerUpstream: "127.0.0.1:1",
    descriptors,
    logLevel: "silent",
    publicUrl: "http://localhost",
  };
  const gateway = await startGateway(config);
  const lastCall = (): ReceivedCall => {
    const call = services.calls.at(-1);
    if (call === undefined) {
      throw new Error("no call reached the services");
    }
    return call;
  };
  return {
    catalogue,
    services,
    gateway,
    config,
    send: (verb, path, sent) => send(gateway.port, verb, path, sent),
    lastCall,
    lastMessage: (typeName = "echo.v1.Everything") => readMessage(catalogue, typeName, lastCall().message),
    close: async () => {
      await gateway.close();
      await services.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Decodes a message to JSON, without what it does not hold. */
export function readMessage({ registry }: Catalogue, typeName: string, bytes: Uint8Array): JsonObject {
  const message = registry.getMessage(typeName);
  if (message === undefined) {
    throw new Error(`${typeName} is not in the descriptor set`);
  }
  return toJson(message, fromBinary(message, bytes), { registry }) as JsonObject;
}

/** Builds the descriptor set of the module and of the test protos, which buf finds as two modules of one workspace. */
async function buildDescriptors(folder: string): Promise<string> {
  await symlink(join(ROOT, "proto"), join(folder, "proto"));
  for (const name of await readdir(HERE)) {
    if (name.endsWith(".proto")) {
      await cp(join(HERE, name), join(folder, "echo", name));
    }
  }
  await writeFile(join(folder, "buf.yaml"), "version: v2\nmodules:\n  - path: proto\n  - path: echo\n");
  const output = join(folder, "descriptors.binpb");
  const buf = join(ROOT, "node_modules/.bin/buf");
  await promisify(execFile)(buf, ["build", folder, "--as-file-descriptor-set", "--exclude-source-info", "-o", output]);
  return output;
}
