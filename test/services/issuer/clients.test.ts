/** What clients may be made, and the key that the issuer keeps outside the database. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openVault } from "../../../services/issuer/vault.ts";
import { Failure } from "../../../services/kernel/failure.ts";
import { startServices } from "../../../services/server.ts";
import { within } from "../zitadel/world.ts";
import { authorization, startWorld, type World } from "./world.ts";

let world: World;
let orgId: string;
let projectId: string;

beforeAll(async () => {
  world = await startWorld();
  orgId = await world.tenants.org();
  projectId = await world.project(orgId);
});

afterAll(() => world.close());

describe("a client", () => {
  it.each([
    ["http to another machine", "http://app.test/in", true],
    ["a fragment", "https://app.test/in#x", true],
    ["a user", "https://me:secret@app.test/in", true],
    ["script", "javascript:alert(1)", false],
    ["a scheme of its own, and a secret", "com.example.app:/in", true],
    ["no scheme", "/in", false],
  ])("is not made with a redirect URI of %s", async (_, uri, confidential) => {
    const made = world.party(orgId, projectId, { redirectUris: [uri], confidential });
    await expect(made).rejects.toThrow(expect.objectContaining({ reason: "REQUEST_INVALID" }));
  });

  it("on a device chooses its loopback port, and nothing else", async () => {
    const app = await world.party(orgId, projectId, { redirectUris: ["http://127.0.0.1/in", "com.example.app:/in"], confidential: false });
    const visit = async (redirect_uri: string) =>
      (await world.browser().visit((await authorization(app, "openid", { redirect_uri })).url)).status;
    expect(await visit("http://127.0.0.1:50123/in")).toBe(200);
    expect(await visit("com.example.app:/in")).toBe(200);
    expect(await visit("http://127.0.0.1:50123/other")).toBe(400);
    expect(await visit("http://127.0.0.2:50123/in")).toBe(400);
  });

  it("is not made in a project that is gone", async () => {
    const gone = await world.project(orgId);
    expect((await world.tenants.admin("DELETE", `/management/v1/projects/${gone}`, within(orgId))).status).toBe(200);
    const error = await world.party(orgId, gone).catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(Failure);
    expect(error).toMatchObject({ reason: "PROJECT_NOT_FOUND" });
  });
});

describe("the issuer's key", () => {
  it("is made once, by whoever is first, and only its owner reads it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tenure-vault-"));
    const vaults = await Promise.all(Array.from({ length: 8 }, () => openVault(undefined, folder)));
    expect(new Set(vaults.map(({ cookieKey }) => cookieKey)).size).toBe(1);
    expect((await stat(join(folder, "issuer.key"))).mode & 0o777).toBe(0o600);
    await rm(folder, { recursive: true });
  });

  it("seals what only it opens, and nothing that was changed", async () => {
    const [one, other] = await Promise.all(["A", "B"].map((letter) => openVault(Buffer.from(letter.repeat(32)).toString("base64url"), "")));
    const sealed = one?.seal(Buffer.from("words")) ?? Buffer.alloc(0);
    expect(one?.open(sealed).toString()).toBe("words");
    expect(() => other?.open(sealed)).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => one?.open(changed)).toThrow();
    }
  });

  it("is refused when it is not 32 bytes", async () => {
    await expect(openVault("short", "")).rejects.toThrow("ISSUER_KEY is not 32 bytes in base64url");
  });

  it("of another store lets a process serve the APIs, but sign nothing that others cannot verify", async () => {
    const { databaseUrl, dataDir, publicUrl } = world.tenants.system;
    const issuerKey = Buffer.alloc(32, 7).toString("base64url");
    const config = { databaseUrl, dataDir, host: "127.0.0.1", grpcPort: 0, issuerPort: 0, issuerKey, publicUrl };
    const lines: string[] = [];
    const log = pino({ level: "error" }, { write: (line: string) => lines.push(line) });
    const services = await startServices({ ...config, adminPat: undefined, logLevel: "silent", poolSize: 2 }, log);
    expect(services.issuerPort).toBeNull();
    expect(services.port).toBeGreaterThan(0);
    expect(lines.join("")).toContain("was sealed with another key: start with the issuer.key, or ISSUER_KEY, of this store");
    await services.close();
  });

  it("is not in the database, nor are the keys that sign", async () => {
    const client = await world.tenants.connect();
    const { rows } = await client.query<{ sealed: Buffer }>("select sealed from issuer_keys");
    expect(rows).toHaveLength(1);
    expect(rows[0]?.sealed.length).toBeGreaterThan(1_000);
    expect(rows[0]?.sealed.toString("latin1")).not.toContain("kty");
    expect((await readFile(join(world.tenants.system.dataDir, "issuer.key"), "utf8")).trim()).toMatch(/^[\w-]{43}$/);
  });
});
