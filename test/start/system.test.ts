/** What `npm start` runs, whole: the real programs over a durable Postgres, and every one of them killed under load. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../services/kernel/database.ts";
import { holds } from "../../start/condition.ts";
import { seedOrg } from "../bench/seed.ts";
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

  it("resumes a purge wherever it is killed, and counts every row once", async () => {
    const users = 30_000;
    const installation = await createInstallation({ programs: "real" });
    const started = await installation.startReady();
    const db = openDatabase(`postgresql://tenure@localhost/tenure?host=${installation.sockets}`, 2, () => {});
    const orgId = await seedOrg(db, "Big", users);
    expect((await admin(installation)("DELETE", `/admin/v1/orgs/${orgId}`)).status).toBe(200);
    const progress = async () => {
      const operation = await db
        .selectFrom("operations")
        .select(["removed", "done_at"])
        .where("target_id", "=", orgId)
        .executeTakeFirstOrThrow();
      const removed = Object.values(operation.removed).reduce((sum, rows) => sum + Number(rows), 0);
      return { removed, done: operation.done_at !== null, by: operation.removed };
    };
    for (let kill = 0; kill < 2; kill++) {
      const before = (await progress()).removed;
      expect(await holds(async () => (await progress()).removed > before, { within: 30_000, every: 1 })).toBe(true);
      installation.kill("services/main.ts");
      expect((await progress()).done).toBe(false);
      expect(await holds(() => answers(installation), { within: 30_000 }), started.output()).toBe(true);
    }
    expect(await holds(async () => (await progress()).done, { within: 45_000 })).toBe(true);
    expect((await progress()).by).toMatchObject({ principals: users, users, credentials: users, group_members: users, groups: 100 });
    const left = await db.selectFrom("principals").select("id").where("org_id", "=", orgId).executeTakeFirst();
    expect(left).toBeUndefined();
    await db.destroy();
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
