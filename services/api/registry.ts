/**
 * The table of services: generated definition, dialect's words, handlers. The mapped type makes tsc fail until every RPC
 * of a service has its handler. Nothing else lists services.
 */
import type { handleUnaryCall, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Handler } from "./call.ts";
import { guard, type Route, type Surroundings } from "./chain.ts";
import { rpcsOf } from "./contract.ts";
import type { Words } from "./words.ts";

/** Handlers of a generated service, by method. */
export type Handlers<Server> = {
  readonly [Method in keyof Server as string extends Method ? never : Method]: Server[Method] extends handleUnaryCall<
    infer Request,
    infer Response
  >
    ? Handler<Request, Response>
    : never;
};

/** One row: a service and what answers it. */
export type Row = {
  readonly definition: ServiceDefinition;
  readonly words: Words;
  readonly handlers: Readonly<Record<string, Handler<never, unknown>>>;
};

/** A row whose handlers fit the generated service: all of them, with their messages. */
export function serve<Server>(definition: ServiceDefinition, words: Words, handlers: Handlers<Server>): Row {
  return { definition, words, handlers: handlers as unknown as Row["handlers"] };
}

/** A service as grpc-js takes it. */
export type Registration = { readonly definition: ServiceDefinition; readonly implementation: UntypedServiceImplementation };

/**
 * Wraps every handler of a row in the guard chain. Requests reach the chain in binary, so that a message that cannot be
 * decoded is still authenticated first.
 *
 * @throws Error when an RPC does not declare its access, or has no handler
 */
export function register(row: Row, around: Surroundings): Registration {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(row.definition)) {
    const [service = "", name = ""] = method.path.slice(1).split("/");
    const rpc = rpcsOf(service).get(name);
    const handler = row.handlers[key];
    if (!rpc || !handler) throw new Error(`${method.path} has no handler`);
    const route: Route = {
      rpc,
      words: row.words,
      handler,
      parse: method.requestDeserialize,
      serialize: method.responseSerialize as (response: never) => Buffer,
    };
    definition[key] = { ...method, requestDeserialize: pass, responseSerialize: pass };
    implementation[key] = guard(route, around);
  }
  return { definition, implementation };
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}
