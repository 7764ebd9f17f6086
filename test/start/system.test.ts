/** What `npm start` runs, whole: the real programs over a durable Postgres, and every one of them killed under load. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holds } from "../../start/condition.ts";
import { restClient } from "../support/rest.ts";
import { createInstallation, type Installation } from "./installation.ts";

function admin(installation: Installation) {
  return restClient(installation.rest, readFileSync(join(installation.dataDir, "admin.pat"), "utf8").trim());
}

async function answers(installation: Installation): Promise<boolean> {
  const answer = await admin(installation)("GET", "/management/v1/orgs/me").catch(() => null);
  return answer?.status === 200;
}

describe("npm start", () => {
  it("prints addresses, where the token is, and a curl that works as it stands", async () => {
    const installation = await createInstallation({ programs: "real" });
    const started = await installation.startReady();
    expect(started.output()).toContain(installation.rest.replace("127.0.0.1", "localhost"));
    expect(started.output()).toContain("admin.pat");
    expect(statSync(join(installation.dataDir, "admin.pat")).mode & 0o777).toBe(0o600);
    const path = /curl -s -H .* http:\/\/localhost:\d+(\/\S+)/.exec(started.output())?.[1] ?? "";
    expect((await admin(installation)("GET", path)).body).toMatchObject({ org: { name: "Tenure", state: "ORG_STATE_ACTIVE" } });
    started.child.kill("SIGTERM");
    expect(await started.ended()).toBe(0);
    expect(await installation.isEmpty()).toBe(true);
  });

  it("recovers by itself when Postgres, services or gateway are killed, and keeps every answered delete", async () => {
    const installation = await createInstallation({ programs: "real" });
    const started = await installation.startReady();
    const rest = admin(installation);
    for (const victim of ["bin/postgres\0-D", "services/main.ts", "gateway/main.ts"]) {
      const { body: org } = await rest<{ id: string }>("POST", "/management/v1/orgs", {
        body: { name: `Until ${victim.replace("\0", " ")}` },
      });
      expect((await rest("DELETE", `/admin/v1/orgs/${org.id}`)).status).toBe(200);
      installation.kill(victim);
      expect(await holds(() => answers(installation), { within: 30_000 }), started.output()).toBe(true);
      expect((await rest("DELETE", `/admin/v1/orgs/${org.id}`)).status).toBe(404);
      expect((await rest("GET", `/admin/v1/orgs/${org.id}`)).status).toBe(404);
    }
    const open = () => installation.query("select count(*)::int as open from operations where done_at is null");
    expect(await holds(async () => (await open())[0]?.open === 0, { within: 30_000 })).toBe(true);
  });

  it("starts again after everything was killed at once, with the same token and the same data", async () => {
    const installation = await createInstallation({ programs: "real" });
    await installation.startReady();
    const token = readFileSync(join(installation.dataDir, "admin.pat"), "utf8");
    const { body: org } = await admin(installation)<{ id: string }>("POST", "/management/v1/orgs", { body: { name: "Kept" } });
    installation.killAll();
    await installation.startReady();
    expect(readFileSync(join(installation.dataDir, "admin.pat"), "utf8")).toBe(token);
    expect((await admin(installation)("GET", `/admin/v1/orgs/${org.id}`)).body).toMatchObject({ org: { name: "Kept" } });
  });

  it("opens with the token that ADMIN_PAT fixes, whatever its form", async () => {
    const installation = await createInstallation({ programs: "real" });
    await installation.startReady({ ADMIN_PAT: "fixed-by-the-operator" });
    const rest = restClient(installation.rest, "fixed-by-the-operator");
    expect((await rest("GET", "/management/v1/orgs/me")).status).toBe(200);
    expect((await rest("GET", "/management/v1/orgs/me", { token: "fixed-by-the-operatoR" })).status).toBe(401);
  });
});
