/** A lean keep-alive HTTP client for load: node:http, one agent, no parsing of what comes back. */
import { Agent, request } from "node:http";

/** Calls by method and path; rejects on a status that was not expected. */
export type Http = (method: string, path: string, expected: number, body?: Buffer, type?: string) => Promise<Buffer>;

/** A client with as many connections as callers. */
export function httpClient(baseUrl: string, token: string, connections: number): Http & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(baseUrl);
  const call: Http = (method, path, expected, body, type = "application/json") =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": type, "content-length": body.length }),
        ...(type.startsWith("application/grpc-web") ? { "x-grpc-web": "1" } : {}),
      };
      const sent = request({ agent, hostname, port, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const bytes = Buffer.concat(chunks);
          if (response.statusCode === expected) resolve(bytes);
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${bytes.toString().slice(0, 300)}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  return Object.assign(call, { close: () => agent.destroy() });
}
