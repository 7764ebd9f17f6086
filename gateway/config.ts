// The gateway's settings, read once from the environment. Nothing else in this folder reads process.env.
import { fileURLToPath } from "node:url";

export interface GatewayConfig {
  /** Address to listen on. */
  readonly host: string;
  /** TCP port to listen on; 0 lets the kernel choose one. */
  readonly port: number;
  /** gRPC address of the services, "host:port". */
  readonly upstream: string;
  /** HTTP address of the issuer, "host:port". */
  readonly issuerUpstream: string;
  /** Path of the FileDescriptorSet that says which methods and routes exist. */
  readonly descriptors: string;
  /** A pino level: trace, debug, info, warn, error, fatal or silent. */
  readonly logLevel: string;
  /** The URL under which people reach this gateway; named in the first log line. */
  readonly publicUrl: string;
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** The contract of this project, used unless DESCRIPTORS names another. */
export const OWN_DESCRIPTORS = fileURLToPath(new URL("../proto/gen/descriptors.binpb", import.meta.url));

/**
 * Reads the gateway's settings.
 *
 * @throws Error naming the variable whose value makes no sense
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): GatewayConfig {
  return {
    host: env.HOST || "127.0.0.1",
    port: readPort("HTTP_PORT", env.HTTP_PORT, 8080),
    upstream: readAddress("UPSTREAM", env.UPSTREAM, "127.0.0.1:50051"),
    issuerUpstream: readAddress("ISSUER_UPSTREAM", env.ISSUER_UPSTREAM, "127.0.0.1:8081"),
    descriptors: env.DESCRIPTORS || OWN_DESCRIPTORS,
    logLevel: readLevel(env.LOG_LEVEL),
    publicUrl: env.PUBLIC_URL || "http://localhost:8080",
  };
}

function readPort(name: string, text: string | undefined, fallback: number): number {
  if (!text) {
    return fallback;
  }
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`${name} is not a TCP port: ${text}`);
  }
  return port;
}

function readAddress(name: string, text: string | undefined, fallback: string): string {
  if (!text) {
    return fallback;
  }
  const hasPort = /^[^/@?#\s]+:\d{1,5}$/.test(text);
  if (!hasPort || !URL.canParse(`http://${text}`)) {
    throw new Error(`${name} is not a host and a port: ${text}`);
  }
  return text;
}

function readLevel(text: string | undefined): string {
  if (!text) {
    return "info";
  }
  if (!LOG_LEVELS.includes(text)) {
    throw new Error(`LOG_LEVEL is none of ${LOG_LEVELS.join(", ")}: ${text}`);
  }
  return text;
}
