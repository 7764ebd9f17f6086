/** Texts and numbers that the wire allows and the store does not: told as the caller's mistake, never as ours. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { fresh, type Org, World } from "./world.ts";

let system: System;
let org: Org;
let project: string;
let manager: string;

beforeAll(async () => {
  system = await startSystem();
  org = await new World(system).org();
  project = await org.project();
  manager = await org.manager(project);
});

afterAll(() => system.close());

const metadata = () => ({ name: fresh("thing") });
const group = (subject: object) => ({ metadata: metadata(), spec: { roleIDs: [], serviceAccountIDs: [], subjects: [subject] } });
const settings = (more: object) => ({ metadata: metadata(), spec: { organizationType: "domain", domain: "example.com", ...more } });

/** What no index can hold: long, and too random to be compressed. */
const long = Array.from({ length: 4_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7_919) % 20_000))).join("");

type Case = readonly [what: string, path: () => string, body: () => object];
const cases: readonly Case[] = [
  ["a subject with a NUL in it", () => `${org.path}/groups`, () => group({ id: "a\0b", issuer: "https://other.example" })],
  ["a subject longer than any is", () => `${org.path}/groups`, () => group({ id: long, issuer: "https://other.example" })],
  ["a provider with a NUL in it", () => "/api/v1/organizations", () => settings({ providerScope: "global", providerID: "a\0b" })],
  [
    "a customer with a NUL in it",
    () => "/api/v1/organizations",
    () => settings({ providerScope: "global", providerID: "google-identity", googleCustomerID: "a\0b" }),
  ],
  [
    "a region with a NUL in it",
    () => `${org.path}/projects/${project}/clusters`,
    () => ({ metadata: metadata(), spec: { clusterManagerId: manager, regionId: "a\0b" } }),
  ],
];

describe("a request is refused as invalid", () => {
  it.each(cases)("for %s", async (_what, path, body) => {
    const answer = await org.world.root("POST", path(), { body: body() });
    expect([answer.status, (answer.body as { error?: string }).error], answer.text).toEqual([400, "invalid_request"]);
  });

  it("for a reference longer than any is", async () => {
    const held = await org.platform("region-service");
    const path = `${org.path}/projects/${project}/references/${encodeURIComponent(long.slice(0, 1_300))}`;
    const answer = await held.rest("PUT", path);
    expect(answer.status, answer.text).toBe(400);
  });
});
