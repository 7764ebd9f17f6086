/** What other dialects made is the same thing here, and ends here; and the other way round. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, expectRefusal, fresh, type Org, World } from "./world.ts";

let system: System;
let world: World;
let org: Org;
let admin: Caller;
let headers: Record<string, string>;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  org = await world.org();
  admin = await org.holder("administrator");
  headers = { "x-zitadel-orgid": org.id };
});

afterAll(() => system.close());

async function make<Body>(path: string, body: object): Promise<Body> {
  const answer = await world.root<Body>("POST", path, { headers, body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

const zitadel = (verb: string, path: string) => world.root(verb, `/management/v1${path}`, { headers });

describe("deleted by nscale", () => {
  it("a project of ZITADEL is gone there at once, with the identity that it owned", async () => {
    const { id } = await make<{ id: string }>("/management/v1/projects", { name: fresh("project") });
    const { identity } = await make<{ identity: { id: string } }>(`/api/v1/projects/${id}/identities`, { name: "owned" });
    const owned = await org.speaking(identity.id);
    expect((await owned.rest("GET", `${org.path}/projects`)).status).toBe(200);
    expectEmpty(await admin.rest("DELETE", `${org.path}/projects/${id}`), 202);
    expect((await zitadel("GET", `/projects/${id}`)).status).toBe(404);
    expectRefusal(await owned.rest("GET", `${org.path}/projects`), 401);
  });

  it("a human of ZITADEL is gone there at once", async () => {
    const profile = { firstName: "Some", lastName: "One" };
    const email = { email: `${fresh("human")}@example.com`, isEmailVerified: true };
    const { userId } = await make<{ userId: string }>("/management/v1/users/human", { userName: fresh("human"), profile, email });
    expectEmpty(await admin.rest("DELETE", `${org.path}/users/${userId}`), 200);
    expect((await zitadel("GET", `/users/${userId}`)).status).toBe(404);
  });

  it("an identity of Infisical is gone there at once, unless it is protected", async () => {
    const projectId = await org.project();
    const path = `/api/v1/projects/${projectId}/identities`;
    const plain = await make<{ identity: { id: string } }>(path, { name: "plain" });
    expectEmpty(await admin.rest("DELETE", `${org.path}/serviceaccounts/${plain.identity.id}`), 200);
    expect((await world.root("GET", `${path}/${plain.identity.id}`)).status).toBe(404);

    const kept = await make<{ identity: { id: string } }>(path, { name: "kept", hasDeleteProtection: true });
    const answer = await admin.rest("DELETE", `${org.path}/serviceaccounts/${kept.identity.id}`);
    expect(answer).toMatchObject({
      status: 403,
      body: { error: "forbidden", error_description: "the resource is protected from deletion" },
    });
    expectErrorShape(answer);
    expect((await world.root("GET", `${path}/${kept.identity.id}`)).status).toBe(200);
  });
});

describe("made by nscale", () => {
  it("a project, a user and a service account are ZITADEL's too, and end there", async () => {
    const [project, user, account] = [await org.project(), await org.user(), await org.account()];
    for (const path of [`/projects/${project}`, `/users/${user}`, `/users/${account.id}`]) {
      expect((await zitadel("GET", path)).status, path).toBe(200);
      const gone = await zitadel("DELETE", path);
      expect(gone.status, gone.text).toBe(200);
    }
    expectRefusal(await account.rest("GET", `${org.path}/serviceaccounts`), 401);
    for (const path of [`users/${user}`, `serviceaccounts/${account.id}`])
      expectRefusal(await admin.rest("DELETE", `${org.path}/${path}`), 404);
    await expect.poll(async () => (await admin.rest("GET", `${org.path}/projects/${project}`)).status).toBe(404);
  });

  it("an org ends with all that is in it, for everybody, at once", async () => {
    const mine = await world.org();
    const owner = await mine.holder("administrator");
    const [project, group, user] = [await mine.project(), await mine.group([]), await mine.user()];
    expect((await world.root("DELETE", `/admin/v1/orgs/${mine.id}`)).status).toBe(200);
    expectRefusal(await owner.rest("GET", mine.path), 401);
    for (const path of ["", `/projects/${project}`, `/groups/${group}`, "/users", "/roles", "/projects"]) {
      expectRefusal(await world.root("GET", mine.path + path), 404);
    }
    for (const path of [`/projects/${project}`, `/groups/${group}`, `/users/${user}`]) {
      expectRefusal(await world.root("DELETE", mine.path + path), 404);
    }
    const body = { metadata: { name: fresh("late") }, spec: { groupIDs: [], roleIDs: [], serviceAccountIDs: [] } };
    for (const path of ["/projects", "/groups", "/serviceaccounts"])
      expectRefusal(await world.root("POST", mine.path + path, { body }), 404);
  });
});
