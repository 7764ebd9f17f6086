// Two contracts side by side: ours, from the descriptor set that the gateway and reflection serve, and another publisher's,
// from the descriptors in its package. Each is brought down to plain values, so that a difference on the wire shows as a
// difference between values. Never looks at comments, file names or generated code.

import { readFileSync } from "node:fs";
import type {
  DescEnum,
  DescExtension,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescOneof,
  DescService,
  Registry,
} from "@bufbuild/protobuf";
import {
  createFileRegistry,
  createRegistry,
  fromBinary,
  getOption,
  hasOption,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** Our contract: everything in the generated descriptor set. */
export function ownContract(): Registry {
  const bytes = readFileSync(new URL("../../proto/gen/descriptors.binpb", import.meta.url));
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
}

/** A published contract: the given files and all that they import, options included. */
export function publishedContract(...files: DescFile[]): Registry {
  const reached = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (reached.has(file)) return;
    reached.add(file);
    file.dependencies.forEach(visit);
  };
  files.forEach(visit);
  return createRegistry(...reached);
}

/** The message of that full name; throws if the contract has none. */
export function messageNamed(contract: Registry, typeName: string): DescMessage {
  return present(contract.getMessage(typeName), typeName);
}

/** The enum of that full name; throws if the contract has none. */
export function enumNamed(contract: Registry, typeName: string): DescEnum {
  return present(contract.getEnum(typeName), typeName);
}

/** The service of that full name; throws if the contract has none. */
export function serviceNamed(contract: Registry, typeName: string): DescService {
  return present(contract.getService(typeName), typeName);
}

/** The RPC of that name; throws if the service has none. */
export function methodNamed(service: DescService, name: string): DescMethod {
  return present(
    service.methods.find((method) => method.name === name),
    `${service.typeName}.${name}`,
  );
}

/** Full names of the messages or enums below a package, nested ones included, in alphabetical order. */
export function namesBelow(contract: Registry, kind: "message" | "enum", pkg: string): string[] {
  const below = [...contract].filter((type) => type.kind === kind && type.typeName.startsWith(`${pkg}.`));
  return below.map((type) => type.typeName).sort();
}

/** The value of a custom option as JSON, or undefined where the element does not carry it. */
export function option(contract: Registry, element: DescField | DescOneof | DescMethod, name: string): JsonValue | undefined {
  const extension: DescExtension = present(contract.getExtension(name), name);
  if (!hasOption(element, extension)) return undefined;
  const value: unknown = getOption(element, extension);
  return extension.message ? toJson(extension.message, value as Message) : (value as JsonValue);
}

/** All that decides how a message's fields travel, and which rules they must satisfy, by field number. */
export function fieldsOf(contract: Registry, message: DescMessage) {
  const fields = message.fields.map((field) => ({
    number: field.number,
    name: field.name,
    jsonName: field.jsonName,
    cardinality: field.fieldKind,
    type: typeOf(field),
    packed: field.fieldKind === "list" && field.packed,
    presence: field.presence,
    oneof: field.oneof?.name,
    oneofRequired: field.oneof && option(contract, field.oneof, "validate.required"),
    rules: option(contract, field, "validate.rules"),
  }));
  return fields.sort((a, b) => a.number - b.number);
}

/** Names and numbers of an enum's values, and whether it takes values that it does not know. */
export function valuesOf(type: DescEnum) {
  return { open: type.open, values: type.values.map(({ name, number }) => ({ name, number })) };
}

/** What an RPC takes, answers and streams. */
export function signatureOf(method: DescMethod) {
  return { request: method.input.typeName, response: method.output.typeName, kind: method.methodKind, idempotency: method.idempotency };
}

function typeOf(field: DescField): string {
  if (field.message) return field.message.typeName;
  if (field.enum) return field.enum.typeName;
  return `scalar ${field.scalar}`;
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`no ${name} in this contract`);
  return value;
}
