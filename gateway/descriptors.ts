// Descriptor set -> what the gateway serves: every method for gRPC-web, every google.api.http binding for REST. All that
// can be known before the first request is worked out here.
import type { DescExtension, DescField, DescMethod, FileRegistry, Message } from "@bufbuild/protobuf";
import { createFileRegistry, fromBinary, getOption, hasOption } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Dialect } from "./dialects/dialect.ts";
import { dialectOfPackage } from "./dialects/index.ts";
import type { Template } from "./httprule/parse.ts";
import { parseTemplate } from "./httprule/parse.ts";
import type { RequestPlan } from "./transcode/request.ts";
import { planRequest } from "./transcode/request.ts";
import type { ResponsePrinter } from "./transcode/response.ts";
import { planResponse } from "./transcode/response.ts";

export interface Method {
  /** "/package.Service/Method". */
  readonly path: string;
  readonly dialect: Dialect;
  readonly streamsRequests: boolean;
  readonly streamsResponses: boolean;
  /** Whether the services guard the method, and so decide 401 and 403 before a refusal of ours is answered. */
  readonly isGuarded: boolean;
  /** HTTP status of success over REST. */
  readonly successStatus: number;
  /** Whether success has no body. */
  readonly answersNothing: boolean;
}

/** One way to call a method over REST. */
export interface Binding {
  readonly method: Method;
  /** HTTP method, or "*" for any. */
  readonly verb: string;
  readonly template: Template;
  readonly request: RequestPlan;
  readonly print: ResponsePrinter;
}

export interface Catalogue {
  readonly registry: FileRegistry;
  /** By path. */
  readonly methods: ReadonlyMap<string, Method>;
  readonly bindings: readonly Binding[];
}

/** google.api.HttpRule, as google/api/http.proto declares it. */
interface HttpRule extends Message {
  readonly pattern:
    | { readonly case: "get" | "put" | "post" | "delete" | "patch"; readonly value: string }
    | { readonly case: "custom"; readonly value: { readonly kind: string; readonly path: string } }
    | { readonly case: undefined };
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** tenure.options.v1.Rpc, as far as it concerns the edge. */
interface RpcOption extends Message {
  readonly successStatus: number;
}

/** tenure.options.v1.JSON_PRESENCE_OMIT_EMPTY. */
const OMIT_EMPTY = 1;

/** tenure.options.v1.JSON_PRESENCE_REQUIRED. */
const REQUIRED = 2;

/**
 * Reads a serialized google.protobuf.FileDescriptorSet.
 *
 * @throws Error when a rule of a method is broken, naming the method
 */
export function readDescriptors(bytes: Uint8Array): Catalogue {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const options: Options = {
    registry,
    http: registry.getExtension("google.api.http"),
    rpc: registry.getExtension("tenure.options.v1.rpc"),
    presence: registry.getExtension("tenure.options.v1.json_presence"),
  };
  const methods = new Map<string, Method>();
  const bindings: Binding[] = [];
  for (const file of registry.files) {
    for (const method of file.services.flatMap((service) => service.methods)) {
      const row = describe(method, options);
      methods.set(row.path, row);
      bindings.push(...bind(method, row, options));
    }
  }
  return { registry, methods, bindings };
}

interface Options {
  readonly registry: FileRegistry;
  readonly http: DescExtension | undefined;
  readonly rpc: DescExtension | undefined;
  readonly presence: DescExtension | undefined;
}

function describe(method: DescMethod, { rpc }: Options): Method {
  const option = rpc && hasOption(method, rpc) ? (getOption(method, rpc) as RpcOption) : undefined;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    dialect: dialectOfPackage(method.parent.file.proto.package),
    streamsRequests: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    streamsResponses: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    isGuarded: option !== undefined,
    successStatus: option?.successStatus || 200,
    answersNothing: method.output.typeName === "google.protobuf.Empty",
  };
}

function bind(method: DescMethod, row: Method, options: Options): Binding[] {
  if (options.http === undefined || !hasOption(method, options.http)) {
    return [];
  }
  if (row.streamsRequests) {
    throw new Error(`${row.path}: a stream of requests has no REST form`);
  }
  const rule = getOption(method, options.http) as HttpRule;
  if (rule.additionalBindings.some((additional) => additional.additionalBindings.length > 0)) {
    throw new Error(`${row.path}: additional bindings nest`);
  }
  return [rule, ...rule.additionalBindings].map((one) => {
    try {
      return bindRule(method, row, one, options);
    } catch (error) {
      throw new Error(`${row.path}: ${error instanceof Error ? error.message : error}`);
    }
  });
}

function bindRule(method: DescMethod, row: Method, rule: HttpRule, { registry, presence }: Options): Binding {
  const { verb, path } = patternOf(rule);
  const template = parseTemplate(path);
  const says = (field: DescField, word: number): boolean =>
    presence !== undefined && hasOption(field, presence) && (getOption(field, presence) as unknown) === word;
  const omitsEmpty = (field: DescField): boolean => says(field, OMIT_EMPTY);
  const isRequired = (field: DescField): boolean => says(field, REQUIRED);
  return {
    method: row,
    verb,
    template,
    request: planRequest({ message: method.input, variables: template.variables, body: rule.body, isRequired }, registry),
    print: planResponse(
      { message: method.output, responseBody: rule.responseBody, printsEmpty: row.dialect.printsEmpty, omitsEmpty },
      registry,
    ),
  };
}

function patternOf({ pattern }: HttpRule): { readonly verb: string; readonly path: string } {
  switch (pattern.case) {
    case undefined:
      throw new Error("an HTTP rule has no pattern");
    case "custom":
      return { verb: pattern.value.kind, path: pattern.value.path };
    default:
      return { verb: pattern.case.toUpperCase(), path: pattern.value };
  }
}
