/**
 * gRPC server reflection, v1 and v1alpha, over the raw descriptors of the contract: what a client of reflection sees is
 * byte for byte what the code was generated from.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "../proto/gen/grpc/reflection/v1/reflection.ts";
import { ServerReflectionService as AlphaService } from "../proto/gen/grpc/reflection/v1alpha/reflection.ts";
import { descriptors } from "./api/contract.ts";
import type { Registration } from "./api/registry.ts";

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;
type Stream = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;

/**
 * Both versions of the reflection service.
 *
 * @param serviceNames full names of the services that this server answers
 */
export function reflection(serviceNames: readonly string[]): Registration[] {
  const files = new Map(descriptors.file.map((file) => [file.name, file]));
  const symbols = new Map(descriptors.file.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file] as const)));
  const answer = (request: ServerReflectionRequest): Answer => {
    const asked = request.messageRequest;
    switch (asked?.$case) {
      case "listServices":
        return { $case: "listServicesResponse", value: { service: serviceNames.map((name) => ({ name })) } };
      case "fileByFilename":
        return fileAnswer(files, files.get(asked.value));
      case "fileContainingSymbol":
        return fileAnswer(files, symbols.get(asked.value) ?? symbols.get(asked.value.split(".").slice(0, -1).join(".")));
      case "fileContainingExtension":
        return fileAnswer(files, extendedBy(asked.value.containingType, asked.value.extensionNumber));
      case "allExtensionNumbersOfType":
        return { $case: "allExtensionNumbersResponse", value: { baseTypeName: asked.value, extensionNumber: extensionsOf(asked.value) } };
      default:
        return { $case: "errorResponse", value: { errorCode: status.INVALID_ARGUMENT, errorMessage: "empty request" } };
    }
  };
  const serverReflectionInfo = (stream: Stream) => {
    stream.on("data", (request: ServerReflectionRequest) => {
      stream.write({ validHost: request.host, originalRequest: request, messageResponse: answer(request) });
    });
    stream.on("end", () => stream.end());
    stream.on("error", () => stream.destroy());
  };
  return [ServerReflectionService, AlphaService].map((definition) => ({ definition, implementation: { serverReflectionInfo } }));
}

function fileAnswer(files: ReadonlyMap<string, FileDescriptorProto>, file: FileDescriptorProto | undefined): Answer {
  if (!file) return { $case: "errorResponse", value: { errorCode: status.NOT_FOUND, errorMessage: "not in the contract" } };
  const needed = new Map<string, FileDescriptorProto>();
  const collect = (next: FileDescriptorProto) => {
    if (needed.has(next.name)) return;
    needed.set(next.name, next);
    for (const name of next.dependency) {
      const dependency = files.get(name);
      if (dependency) collect(dependency);
    }
  };
  collect(file);
  const bytes = [...needed.values()].map((one) => Buffer.from(toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, one))));
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto: bytes } };
}

type Nested = { name: string; nestedType?: Nested[]; enumType?: { name: string }[] };

function symbolsOf(file: FileDescriptorProto): string[] {
  const inside = (prefix: string, message: Nested): string[] => {
    const name = `${prefix}${message.name}`;
    return [
      name,
      ...(message.nestedType ?? []).flatMap((one) => inside(`${name}.`, one)),
      ...(message.enumType ?? []).map((one) => `${name}.${one.name}`),
    ];
  };
  const prefix = file.package === "" ? "" : `${file.package}.`;
  const services = file.service.flatMap((service) => [
    `${prefix}${service.name}`,
    ...service.method.map((method) => `${prefix}${service.name}.${method.name}`),
  ]);
  const others = [...file.enumType, ...file.extension].map((one) => `${prefix}${one.name}`);
  return [...services, ...others, ...file.messageType.flatMap((message) => inside(prefix, message))];
}

function extendedBy(type: string, number: number): FileDescriptorProto | undefined {
  return descriptors.file.find((file) => file.extension.some((one) => one.extendee === `.${type}` && one.number === number));
}

function extensionsOf(type: string): number[] {
  return descriptors.file.flatMap((file) => file.extension.filter((one) => one.extendee === `.${type}`).map((one) => one.number));
}
