/** Organizations: made by the platform, listed for whom they concern, unique by name. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, expectEmpty, expectErrorShape, expectRefusal, fresh, type Org, World } from "./world.ts";

type Organization = { metadata: { id: string; name: string; modifiedBy?: string }; spec: object };

const all = "/api/v1/organizations";

let system: System;
let world: World;
let org: Org;
let admin: Caller;
let platform: Caller;

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  org = await world.org();
  admin = await org.holder("administrator");
  platform = await (await world.org()).platform("platform-administrator");
});

afterAll(() => system.close());

const write = (name: string, spec: object = { organizationType: "adhoc" }) => ({ body: { metadata: { name }, spec } });
const idsOf = (answer: { body: Organization[] }) => answer.body.map((organization) => organization.metadata.id);

describe("an organization", () => {
  it("is made by the platform, which gains nothing by it, and answered with all members of the wire", async () => {
    const name = fresh("acme");
    const domain = {
      organizationType: "domain",
      domain: "acme.example",
      providerScope: "global",
      providerID: "one",
      googleCustomerID: "two",
    };
    const body = { metadata: { name, description: "a description", tags: [{ name: "colour", value: "blue" }] }, spec: domain };
    const made = await platform.rest<Organization>("POST", all, { body });
    expect(made.status).toBe(202);
    expect(made.body).toEqual({
      metadata: {
        ...body.metadata,
        id: expect.any(String),
        creationTime: expect.any(String),
        createdBy: platform.id,
        provisioningStatus: "provisioned",
        healthStatus: "healthy",
      },
      spec: domain,
    });
    const path = `${all}/${made.body.metadata.id}`;
    expect((await platform.rest<Organization>("GET", path)).body).toEqual(made.body);
    const headers = { "x-zitadel-orgid": made.body.metadata.id };
    const members = await world.root<{ result?: object[] }>("POST", "/management/v1/orgs/me/members/_search", { headers, body: {} });
    expect(members.body.result ?? []).toEqual([]);
  });

  it("forgets what belongs to a domain when it has none", async () => {
    const made = await world.root<Organization>(
      "POST",
      all,
      write(fresh("plain"), { organizationType: "adhoc", domain: "x.example", providerID: "one" }),
    );
    expect(made.body.spec).toEqual({ organizationType: "adhoc" });
  });

  it("is refused without a domain of the type domain, with an unknown type, and without a spec", async () => {
    for (const spec of [{ organizationType: "domain" }, { organizationType: "other" }, {}, undefined]) {
      const answer = await world.root("POST", all, { body: { metadata: { name: fresh("wrong") }, spec } });
      expect(answer).toMatchObject({ status: 400, body: { error: "invalid_request" } });
      expectErrorShape(answer);
    }
  });

  it("has its name for itself, in any case, on the whole instance", async () => {
    const name = fresh("Taken");
    await world.org(name);
    for (const taken of [name, name.toUpperCase()]) {
      const answer = await world.root("POST", all, write(taken));
      expect(answer).toMatchObject({
        status: 409,
        body: { error: "conflict", error_description: "the requested resource already exists" },
      });
      expectErrorShape(answer);
    }
  });

  it("is replaced by an update; a new name is claimed, and the old one free", async () => {
    const [first, second, third] = [fresh("first"), fresh("second"), fresh("third")];
    const mine = await world.org(first);
    const other = await world.org(second);
    const owner = await mine.holder("administrator");
    expect((await owner.rest("PUT", mine.path, write(second.toUpperCase()))).status).toBe(409);
    expectEmpty(await owner.rest("PUT", mine.path, write(first.toUpperCase())), 200);
    expectEmpty(await owner.rest("PUT", mine.path, write(third, { organizationType: "domain", domain: "third.example" })), 200);
    const read = await owner.rest<Organization>("GET", mine.path);
    expect(read.body).toMatchObject({
      metadata: { name: third, modifiedBy: owner.id },
      spec: { organizationType: "domain", domain: "third.example" },
    });
    expect(read.body.spec).not.toHaveProperty("providerScope");
    expectEmpty(await world.root("PUT", other.path, write(first)), 200);
    expect((await world.root("POST", all, write(third))).status).toBe(409);
    expect((await world.root("POST", all, write(second))).status).toBe(202);
  });

  it("gives its name to one of two that want it at once", async () => {
    const [one, two] = [await world.org(), await world.org()];
    const wish = write(fresh("wanted"));
    const answers = await Promise.all([one, two].map((each) => world.root("PUT", each.path, wish)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
  });

  it("keeps one name when it is renamed twice at once", async () => {
    const mine = await world.org();
    const names = [fresh("left"), fresh("right")];
    const answers = await Promise.all(names.map((name) => world.root("PUT", mine.path, write(name))));
    for (const answer of answers) expectEmpty(answer, 200);
    const { body } = await world.root<Organization>("GET", mine.path);
    const claims = system.services.db
      .selectFrom("claims")
      .select("key")
      .where("org_id", "=", mine.id as never)
      .where("kind", "=", "org_name");
    expect(await claims.execute()).toEqual([{ key: body.metadata.name }]);
  });

  it("is neither read nor changed by strangers, whether it is there or not", async () => {
    const stranger = await (await world.org()).holder("administrator");
    for (const path of [org.path, `${all}/not-an-id`, `${all}/0190f2c1-0000-7000-8000-00000000dead`]) {
      expectRefusal(await stranger.rest("GET", path), 403);
      expectRefusal(await stranger.rest("PUT", path, write(fresh("x"))), 403);
      expectRefusal(await stranger.rest("GET", `${path}/projects`), 403);
      if (path !== org.path) expectRefusal(await platform.rest("GET", path), 404);
    }
    expectRefusal(await admin.rest("POST", all, write(fresh("x"))), 403);
  });
});

describe("the list of organizations", () => {
  it("is all of them for the platform, and else the caller's own and those where it is a member, by id", async () => {
    const other = await world.org();
    const everything = await platform.rest<Organization[]>("GET", all);
    expect(idsOf(everything)).toEqual(expect.arrayContaining([org.id, other.id]));
    expect(idsOf(everything)).toEqual(idsOf(everything).sort());
    expect(idsOf(await admin.rest<Organization[]>("GET", all))).toEqual([org.id]);
    const guest = await org.account();
    const headers = { "x-zitadel-orgid": other.id };
    const body = { userId: guest.id, roles: ["ORG_OWNER_VIEWER"] };
    expect((await world.root("POST", "/management/v1/orgs/me/members", { headers, body })).status).toBe(200);
    expect(idsOf(await guest.rest<Organization[]>("GET", all))).toEqual([org.id, other.id].sort());
    expect((await world.root("DELETE", `/admin/v1/orgs/${other.id}`)).status).toBe(200);
    expect(idsOf(await guest.rest<Organization[]>("GET", all))).toEqual([org.id]);
    expect(idsOf(await platform.rest<Organization[]>("GET", all))).not.toContain(other.id);
  });

  it("is that of an address for who may read all users, and only the own one for others", async () => {
    const other = await world.org();
    const subject = `${fresh("both")}@example.com`;
    const person = await org.person([], subject);
    await other.user(subject);
    const query = `${all}?email=${encodeURIComponent(subject.toUpperCase())}`;
    expect(idsOf(await platform.rest<Organization[]>("GET", query))).toEqual([org.id, other.id].sort());
    // An address proves nothing: the other org's user of that address is not this caller.
    expect(idsOf(await person.rest<Organization[]>("GET", query))).toEqual([org.id]);
    expectRefusal(await admin.rest("GET", query), 403);
    expectRefusal(await admin.rest("GET", `${all}?email=nobody@example.com`), 403);
    expectRefusal(await platform.rest("GET", `${all}?email=nobody@example.com`), 404);
    const body = { spec: { subject, state: "suspended", groupIDs: [] } };
    expect((await world.root("PUT", `${org.path}/users/${person.id}`, { body })).status).toBe(200);
    expect(idsOf(await platform.rest<Organization[]>("GET", query))).toEqual([other.id]);
  });
});

describe("the list of roles", () => {
  type Role = { metadata: { id: string; name: string }; grantable: boolean };
  const rolesFor = async (caller: Caller) => (await caller.rest<Role[]>("GET", `${org.path}/roles`)).body;
  const grantable = (roles: Role[]) => roles.filter((role) => role.grantable).map((role) => role.metadata.name);

  it("shows the default roles under their fixed ids, by name, without those that the platform keeps", async () => {
    const roles = await rolesFor(admin);
    expect(roles.map(({ metadata }) => [metadata.name, metadata.id])).toEqual([
      ["administrator", "f194d170-6ed1-4408-85e0-2d672777019f"],
      ["auditor", "f5a62ce3-fa7f-4d86-8f00-09389ccd8152"],
      ["reader", "fd094196-4aa3-4bdc-800c-cef58b1bb399"],
      ["user", "f4f8996d-a763-47a9-89b1-028ee3007569"],
    ]);
    expect(Object.keys(roles[0]?.metadata ?? {}).sort()).toEqual([
      "creationTime",
      "description",
      "healthStatus",
      "id",
      "name",
      "provisioningStatus",
    ]);
  });

  it("says which of them the caller may give", async () => {
    expect(grantable(await rolesFor(admin))).toEqual(["administrator", "auditor", "reader", "user"]);
    expect(grantable(await rolesFor(platform))).toEqual(["administrator", "auditor", "reader", "user"]);
    expect(grantable(await rolesFor(await org.holder("auditor")))).toEqual(["auditor", "reader"]);
  });
});
