/** `buf curl`: knows the contract by reflection alone, over gRPC, and over gRPC-web with a schema. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { restClient } from "../support/rest.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

async function buf(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run(join(root, "node_modules/.bin/buf"), ["curl", ...args], { cwd: root });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const failed = error as { code: number; stdout: string; stderr: string };
    return { code: failed.code, stdout: failed.stdout, stderr: failed.stderr };
  }
}

function bearer(): string[] {
  return ["--header", `authorization: Bearer ${system.adminToken}`];
}

describe("buf curl", () => {
  it("lists every service by reflection", async () => {
    const { stdout } = await buf("--http2-prior-knowledge", "--protocol", "grpc", "--list-services", `http://${system.grpcAddress}`);
    expect(stdout.trim().split("\n")).toEqual(
      expect.arrayContaining(["grpc.health.v1.Health", "zitadel.admin.v1.AdminService", "zitadel.management.v1.ManagementService"]),
    );
  });

  it("asks for health without a credential", async () => {
    const url = `http://${system.grpcAddress}/grpc.health.v1.Health/Check`;
    const { stdout } = await buf("--http2-prior-knowledge", "--protocol", "grpc", url);
    expect(JSON.parse(stdout)).toEqual({ status: "SERVING" });
  });

  it.each(["grpc", "grpcweb"])("removes an org by %s, and prints the details of the refusal", async (protocol) => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const made = await rest<{ id: string }>("POST", "/management/v1/orgs", { body: { name: `Curled ${protocol}` } });
    const base = protocol === "grpc" ? `http://${system.grpcAddress}` : system.baseUrl;
    const how = protocol === "grpc" ? ["--http2-prior-knowledge", "--reflect"] : ["--schema", "proto"];
    const args = [
      ...how,
      "--protocol",
      protocol,
      ...bearer(),
      "--data",
      JSON.stringify({ orgId: made.body.id }),
      `${base}/zitadel.admin.v1.AdminService/RemoveOrg`,
    ];
    const first = await buf(...args);
    expect(JSON.parse(first.stdout)).toMatchObject({ details: { sequence: "6" } });
    const second = await buf(...args);
    expect(second.code).not.toBe(0);
    expect(JSON.parse(second.stderr)).toMatchObject({ code: "not_found", message: "Organisation not found (COMMA-aps2n)" });
    expect(second.stderr).toContain("COMMA-aps2n");
  });
});
