/** A small gRPC-web client for tests: binary frames by hand over fetch, messages by the generated definitions. */
import type { ServiceDefinition } from "@grpc/grpc-js";

export interface WebAnswer<Response> {
  readonly code: number;
  readonly message: string;
  /** Undefined when the call failed. */
  readonly response: Response | undefined;
}

export type GrpcWeb = <Response>(definition: ServiceDefinition, method: string, request: object) => Promise<WebAnswer<Response>>;

/** Calls unary methods through a gateway as the owner of a token. */
export function grpcWebClient(baseUrl: string, token: string): GrpcWeb {
  return async <Response>(definition: ServiceDefinition, name: string, request: object) => {
    const method = definition[name];
    if (!method) throw new Error(`no method ${name}`);
    const message = method.requestSerialize(request);
    const header = Buffer.alloc(5);
    header.writeUInt32BE(message.length, 1);
    const answer = await fetch(`${baseUrl}${method.path}`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1", authorization: `Bearer ${token}` },
      body: Buffer.concat([header, message]),
    });
    const { messages, trailers } = framesOf(Buffer.from(await answer.arrayBuffer()));
    const read = (key: string) => trailers.get(key) ?? answer.headers.get(key) ?? "";
    const [first] = messages;
    return {
      code: Number(read("grpc-status")),
      message: decodeURIComponent(read("grpc-message")),
      response: first && (method.responseDeserialize(first) as Response),
    };
  };
}

const trailerFlag = 0x80;

function framesOf(body: Buffer): { messages: Buffer[]; trailers: Map<string, string> } {
  const messages: Buffer[] = [];
  const trailers = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    const content = body.subarray(at + 5, end);
    if (((body[at] ?? 0) & trailerFlag) === 0) messages.push(content);
    else for (const [, key = "", value = ""] of content.toString().matchAll(/^([^:]+): ?(.*)\r?$/gm)) trailers.set(key, value.trimEnd());
    at = end;
  }
  return { messages, trailers };
}
