/** The gateway against no gateway: one unary call at 64 concurrent, as REST, as gRPC-web, and by a grpc-js client directly. */
import { HealthzRequest, ManagementServiceService as Management } from "../../proto/gen/zitadel/management/v1/management.ts";
import { grpcClient } from "../support/grpc.ts";
import { httpClient } from "./http.ts";
import { load, median } from "./load.ts";
import type { Line } from "./report.ts";
import type { Stack } from "./stack.ts";

const concurrency = 64;
const seconds = 4;
const rounds = 3;

/** One unary method as the three ways see it. */
const calls = [
  { name: "public unary (Healthz)", method: "healthz", path: "/management/v1/healthz" },
  { name: "authenticated read (GetMyOrg)", method: "getMyOrg", path: "/management/v1/orgs/me" },
] as const;

/** Measures both calls; rounds are interleaved so that a slow minute of the machine hits every way alike. */
export async function measureEdge(stack: Stack): Promise<Line[]> {
  const http = httpClient(stack.baseUrl, stack.adminToken, concurrency);
  const grpc = grpcClient(stack.grpcAddress, Management, stack.adminToken);
  const lines: Line[] = [];
  for (const { name, method, path } of calls) {
    const definition = Management[method];
    const frame = grpcWebFrame(Buffer.from(HealthzRequest.encode({}).finish()));
    const ways = {
      direct: () => grpc.call(method, {}),
      rest: () => http("GET", path, 200),
      grpcWeb: () => http("POST", definition.path, 200, frame, "application/grpc-web+proto"),
    };
    const rates: Record<keyof typeof ways, number[]> = { direct: [], rest: [], grpcWeb: [] };
    for (const way of ["direct", "rest", "grpcWeb"] as const) await load(ways[way], { concurrency, seconds: 2 });
    for (let round = 0; round < rounds; round++) {
      for (const way of ["direct", "rest", "grpcWeb"] as const)
        rates[way].push((await load(ways[way], { concurrency, seconds })).perSecond);
    }
    const [direct, rest, web] = [median(rates.direct), median(rates.rest), median(rates.grpcWeb)];
    lines.push({
      measure: `${name}: REST through the gateway / direct gRPC`,
      must: 0.5,
      aim: 0.9,
      higher: true,
      value: rest / direct,
      detail: rate(rest, direct),
    });
    lines.push({
      measure: `${name}: gRPC-web through the gateway / direct gRPC`,
      must: 0.5,
      aim: 0.9,
      higher: true,
      value: web / direct,
      detail: rate(web, direct),
    });
  }
  http.close();
  grpc.close();
  return lines;
}

function rate(one: number, other: number): string {
  return `${Math.round(one)}/s against ${Math.round(other)}/s`;
}

function grpcWebFrame(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}
