/** A small gRPC client for tests over grpc-js and the generated definitions. */
import { Client, credentials, Metadata, type ServiceDefinition, type ServiceError } from "@grpc/grpc-js";

export interface GrpcCall {
  readonly token?: string | undefined;
  readonly metadata?: Record<string, string>;
}

export interface GrpcClient {
  /** Calls a unary method by its name in the definition; rejects with the ServiceError of grpc-js. */
  call<Response>(method: string, request: object, call?: GrpcCall): Promise<Response>;
  close(): void;
}

/** A client of one service. */
export function grpcClient(address: string, definition: ServiceDefinition, token?: string): GrpcClient {
  const client = new Client(address, credentials.createInsecure());
  return {
    call: (name, request, call = {}) => {
      const method = definition[name];
      if (!method) throw new Error(`no method ${name}`);
      const metadata = new Metadata();
      const bearer = "token" in call ? call.token : token;
      if (bearer !== undefined) metadata.set("authorization", `Bearer ${bearer}`);
      for (const [key, value] of Object.entries(call.metadata ?? {})) metadata.set(key, value);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          metadata,
          (error: ServiceError | null, response?: unknown) => (error ? reject(error) : resolve(response as never)),
        );
      });
    },
    close: () => client.close(),
  };
}
