// An HTTP client that sends exactly what it is told: no path is normalized, no header is added beyond Host.
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:http";

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The parsed body; throws when it is not JSON. */
  json(): unknown;
}

/** Sends one request on a connection of its own. */
export function send(port: number, method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined || "transfer-encoding" in headers ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, headers: { ...length, ...headers }, agent: new Agent({ keepAlive: false }) },
      async (incoming) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) {
          chunks.push(chunk as Buffer);
        }
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text, json: () => JSON.parse(text) });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
