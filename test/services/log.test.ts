/** One id a request: in the answer's header, in its error details, and in the log line of the services; never a secret. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_DESCRIPTORS } from "../../gateway/config.ts";
import { type Gateway, startGateway } from "../../gateway/server.ts";
import { type Services, startServices } from "../../services/server.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { restClient } from "../support/rest.ts";

const lines: string[] = [];
let database: TestDatabase;
let services: Services;
let gateway: Gateway;
let dataDir: string;
let token: string;

beforeAll(async () => {
  database = await createDatabase();
  dataDir = await mkdtemp(join(tmpdir(), "tenure-log-"));
  const common = { host: "127.0.0.1", publicUrl: "http://localhost:8080", logLevel: "info" };
  const config = {
    ...common,
    databaseUrl: database.url,
    dataDir,
    grpcPort: 0,
    issuerPort: 0,
    issuerKey: undefined,
    adminPat: undefined,
    poolSize: 4,
  };
  services = await startServices(config, pino({ level: "info" }, { write: (line: string) => lines.push(line) }));
  const upstream = `127.0.0.1:${services.port}`;
  gateway = await startGateway({
    ...common,
    logLevel: "silent",
    port: 0,
    upstream,
    issuerUpstream: upstream,
    descriptors: OWN_DESCRIPTORS,
  });
  token = (await readFile(join(dataDir, "admin.pat"), "utf8")).trim();
});
afterAll(async () => {
  await gateway.close();
  await services.close();
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

function logged(requestId: string): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line.requestId === requestId);
}

describe("the id of a request", () => {
  it.each([
    ["an answer", "/management/v1/orgs/me", 200],
    ["a refusal of ZITADEL's", "/admin/v1/orgs/nothing", 404],
    ["a refusal of nscale's", "/api/v1/organizations/00000000-0000-7000-8000-000000000000", 404],
    ["a refusal of Infisical's", "/api/v1/identities/nothing", 404],
  ])("is the same in header, body and log of %s", async (_, path, status) => {
    const answer = await restClient(gateway.url, token)("GET", path);
    expect(answer.status).toBe(status);
    const requestId = answer.headers.get("x-request-id") ?? "";
    expect(requestId).toMatch(/^req-[A-Za-z0-9]{14}$/);
    expect(logged(requestId)).toHaveLength(1);
    if (status !== 200) expect(answer.text).toContain(requestId);
  });

  it("stands in a log that holds no token, no name and no e-mail address", async () => {
    const rest = restClient(gateway.url, token);
    const profile = { firstName: "Verysecretname", lastName: "X" };
    const email = { email: "verysecret@example.com", isEmailVerified: true };
    const made = await rest<{ userId: string }>("POST", "/management/v1/users/human", {
      body: { userName: "verysecretlogin", profile, email },
    });
    await rest("DELETE", `/management/v1/users/${made.body.userId}`);
    await rest("GET", "/management/v1/orgs/me", { token: "tnr_pat_verysecrettoken" });
    const all = lines.join("");
    expect(all).not.toMatch(/verysecret/i);
    expect(all).not.toContain(token);
  });
});
