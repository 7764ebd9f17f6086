/** What a person reads when everything serves. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { type Config, reachable } from "./config.ts";

/**
 * Addresses, where the admin's token is, and a command that works as it stands in the directory of the start.
 * @param seconds how long the start took.
 */
export function banner({ host, httpPort, grpcPort, dataDir }: Config, seconds: number): string {
  const local = ["127.0.0.1", "0.0.0.0", "::1", "::"].includes(host) ? "localhost" : reachable(host);
  const rest = `http://${local}:${httpPort}`;
  const token = shown(join(dataDir, "admin.pat"));
  // Missing when the database is older than DATA_DIR: the token was handed out where Tenure first met this database.
  const known = existsSync(join(dataDir, "admin.pat"));
  return `
Tenure is ready after ${seconds.toFixed(1)} s.

  REST and gRPC-web  ${rest}
  gRPC               ${local}:${grpcPort}
  admin token        ${known ? `in ${token}` : "from the first start on this database"}
  logs               ${shown(join(dataDir, "*.log"))}

Try:

  curl -s -H "Authorization: Bearer ${known ? `$(cat ${token})` : "$TOKEN"}" ${rest}/management/v1/orgs/me
`;
}

/** The shorter of the two ways to write a path, quoted when a shell would need it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  const text = near.startsWith("..") ? path : near;
  return /^[\w./*@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
