/** Who may call what: every call of the dialect by every default role, and what each is told who may not. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../../support/system.ts";
import { type Caller, type ErrorBody, expectEmpty, expectErrorShape, expectRefusal, fresh, nothing, type Org, World } from "./world.ts";

const callers = [
  "administrator",
  "auditor",
  "user",
  "reader",
  "platform-administrator",
  "platform-reader",
  "region-service",
  "stranger",
] as const;
type Name = (typeof callers)[number];

/** What exists in the org that the calls are about. */
type Things = { project: string; group: string; user: string; account: string; manager: string; cluster: string };

let system: System;
let world: World;
let org: Org;
let things: Things;
const who = {} as Record<Name, Caller>;

async function furnish(where: Org, groups: string[]): Promise<Things> {
  const project = await where.project(groups);
  const manager = await where.manager(project);
  return {
    project,
    manager,
    cluster: await where.cluster(project, manager),
    group: await where.group([]),
    user: await where.user(),
    account: (await where.account()).id,
  };
}

beforeAll(async () => {
  system = await startSystem();
  world = new World(system);
  org = await world.org();
  const [users, readers] = [await org.group(["user"]), await org.group(["reader"])];
  const elsewhere = await world.org();
  who.administrator = await org.holder("administrator");
  who.auditor = await org.holder("auditor");
  who.user = await org.person([users]);
  who.reader = await org.person([readers]);
  who["platform-administrator"] = await elsewhere.platform("platform-administrator");
  who["platform-reader"] = await elsewhere.platform("platform-reader");
  who["region-service"] = await elsewhere.platform("region-service");
  who.stranger = await elsewhere.holder("administrator");
  things = await furnish(org, [users, readers]);
});

afterAll(() => system.close());

const admins: Name[] = ["administrator", "platform-administrator"];
const readers: Name[] = [...admins, "auditor", "platform-reader"];
const projectReaders: Name[] = [...readers, "user", "reader", "region-service"];
const resourceReaders: Name[] = [...readers, "user", "reader"];
const workers: Name[] = [...admins, "user"];
const holders: Name[] = ["platform-administrator", "region-service"];

/** A call that changes nothing: whoever is let in with a body that says nothing, or an unknown query, is told so. */
type Row = readonly [verb: string, path: string, allowed: readonly Name[], body?: object];

const rows: readonly Row[] = [
  ["POST", "", ["platform-administrator"], {}],
  ["GET", "/{org}", readers],
  ["PUT", "/{org}", admins, {}],
  ["POST", "/{org}/projects", admins, {}],
  ["GET", "/{org}/projects", projectReaders],
  ["GET", "/{org}/projects/{project}", projectReaders],
  ["PUT", "/{org}/projects/{project}", admins, {}],
  ["DELETE", "/{org}/projects/{project}?unknown=1", admins],
  ["PUT", "/{org}/projects/{project}/references/held", holders],
  ["DELETE", "/{org}/projects/{project}/references/held", holders],
  ["POST", "/{org}/groups", admins, {}],
  ["GET", "/{org}/groups", readers],
  ["GET", "/{org}/groups/{group}", readers],
  ["PUT", "/{org}/groups/{group}", admins, {}],
  ["DELETE", "/{org}/groups/{group}?unknown=1", admins],
  ["GET", "/{org}/users", readers],
  ["POST", "/{org}/users", admins, {}],
  ["PUT", "/{org}/users/{user}", admins, {}],
  ["DELETE", "/{org}/users/{user}?unknown=1", admins],
  ["GET", "/{org}/serviceaccounts", readers],
  ["POST", "/{org}/serviceaccounts", admins, {}],
  ["PUT", "/{org}/serviceaccounts/{account}", admins, {}],
  ["DELETE", "/{org}/serviceaccounts/{account}?unknown=1", admins],
  ["POST", "/{org}/serviceaccounts/{account}/rotate", admins],
  ["GET", "/{org}/roles", readers],
  ["POST", "/{org}/projects/{project}/clustermanagers", workers, {}],
  ["GET", "/{org}/projects/{project}/clustermanagers", resourceReaders],
  ["GET", "/{org}/projects/{project}/clustermanagers/{manager}", resourceReaders],
  ["PUT", "/{org}/projects/{project}/clustermanagers/{manager}", workers, {}],
  ["DELETE", "/{org}/projects/{project}/clustermanagers/{manager}?unknown=1", workers],
  ["POST", "/{org}/projects/{project}/clusters", workers, {}],
  ["GET", "/{org}/projects/{project}/clusters", resourceReaders],
  ["GET", "/{org}/projects/{project}/clusters/{cluster}", resourceReaders],
  ["PUT", "/{org}/projects/{project}/clusters/{cluster}", workers, {}],
  ["DELETE", "/{org}/projects/{project}/clusters/{cluster}?unknown=1", workers],
];

function fill(path: string, ids: Things, orgId = org.id): string {
  const named: Record<string, string> = { ...ids, org: orgId };
  return `/api/v1/organizations${path.replace(/\{(\w+)\}/g, (_, name: string) => named[name] ?? "")}`;
}

const unnamed: Things = { project: nothing, group: nothing, user: nothing, account: nothing, manager: nothing, cluster: nothing };

/** Service accounts may always list themselves, so only people are refused that. */
function mayListItself(verb: string, path: string, name: Name): boolean {
  return verb === "GET" && path === "/{org}/serviceaccounts" && !["user", "reader", "stranger", "region-service"].includes(name);
}

const calls = rows.map(([verb, path, allowed, body]) => ({ verb, path, allowed, body }));

describe.each(calls)("$verb $path", ({ verb, path, allowed, body }) => {
  const send = (caller: Caller, at: string) => caller.rest(verb, at, body === undefined ? {} : { body });

  it("is for those roles that have the right, and refused to all others", async () => {
    for (const name of callers) {
      const answer = await send(who[name], fill(path, things));
      const may = allowed.includes(name) || mayListItself(verb, path, name);
      if (may) expect([200, 201, 204, 400], `${name}: ${answer.text}`).toContain(answer.status);
      else expectRefusal(answer, 403);
    }
  });

  it("tells the refused the same whether the object or the org is there or not, and whatever they sent", async () => {
    const refused = callers.filter((name) => !allowed.includes(name) && !mayListItself(verb, path, name));
    for (const name of refused) {
      const answers = [await send(who[name], fill(path, things)), await send(who[name], fill(path, unnamed))];
      answers.push(await send(who[name], fill(path, things, name === "stranger" ? nothing : org.id)));
      for (const answer of answers) expectRefusal(answer, 403);
      expect(new Set(answers.map((answer) => told(answer.body))).size).toBe(1);
    }
  });

  it("is refused without a token that opens anything", async () => {
    const at = fill(path, things);
    const header = body === undefined ? {} : { body };
    const token = who.administrator.token;
    for (const wrong of [undefined, "x", token.slice(0, -1), `${token.slice(0, 20)}x${token.slice(21)}`]) {
      const answer = await who.administrator.rest(verb, at, { ...header, token: wrong });
      expectRefusal(answer, 401);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer error="access_denied"/);
    }
    const basic = await who.administrator.rest(verb, at, { ...header, token: undefined, headers: { authorization: `Basic ${token}` } });
    expectRefusal(basic, 401);
  });
});

/** An error without what differs between any two calls. */
function told(body: unknown): string {
  return JSON.stringify(body).replace(/"requestId":"[^"]*"/g, "");
}

describe("an id of another org in the own org's path", () => {
  it("is the same as one that names nothing, for every verb", async () => {
    const foreign = await furnish(await world.org(), []);
    for (const [verb, path] of rows.filter(([, each]) => /\{(?!org)/.test(each))) {
      const [strict] = path.split("?");
      const answers = [foreign, unnamed].map((ids) => {
        const body = ["PUT", "POST"].includes(verb) ? { body: bodyFor(path) } : {};
        return who["platform-administrator"].rest(verb, fill(strict ?? "", ids), body);
      });
      for (const answer of await Promise.all(answers)) expectRefusal(answer, 404);
    }
  });
});

describe("an id that is no id", () => {
  it("names nothing: 404, as any other, and 403 before that", async () => {
    for (const id of ["x", "0190f2c1", "a%2Fb", `${things.user}0`]) {
      for (const kind of ["projects", "groups", "users", "serviceaccounts"]) {
        expectRefusal(await who.administrator.rest("DELETE", `${org.path}/${kind}/${id}`), 404);
        expectRefusal(await who.reader.rest("DELETE", `${org.path}/${kind}/${id}`), 403);
      }
    }
  });

  it("is read in any case", async () => {
    const id = await org.group([]);
    expectEmpty(await who.administrator.rest("DELETE", `/api/v1/organizations/${org.id.toUpperCase()}/groups/${id.toUpperCase()}`), 200);
  });
});

describe("a request that says too little", () => {
  it("is a 400 before it is a 404, with the field and why", async () => {
    const body = { metadata: { name: "-" }, spec: { groupIDs: [] } };
    const answer = await who.administrator.rest<ErrorBody>("PUT", `${org.path}/projects/${nothing}`, { body });
    expect(answer).toMatchObject({ status: 400, body: { error: "invalid_request", code: 3 } });
    expect(answer.body.error_description).toMatch(/name/);
    expectErrorShape(answer);
    const missing = await who.administrator.rest("PUT", `${org.path}/projects/${nothing}`, {
      body: { ...body, metadata: { name: fresh("ok") } },
    });
    expectRefusal(missing, 404);
  });
});

describe("the list of projects", () => {
  it("leaves out what the caller may not read", async () => {
    const other = await org.project();
    const ids = async (caller: Caller) =>
      (await caller.rest<{ metadata: { id: string } }[]>("GET", `${org.path}/projects`)).body.map((project) => project.metadata.id);
    expect(await ids(who.user)).toEqual([things.project]);
    expect(await ids(who.reader)).toEqual([things.project]);
    expect(await ids(who.auditor)).toEqual(expect.arrayContaining([things.project, other]));
    expect(await ids(await org.person())).toEqual([]);
  });
});

/** A body that a write of that path accepts. */
function bodyFor(path: string): object {
  const metadata = { name: "valid" };
  if (path.includes("clusters")) return { metadata, spec: { clusterManagerId: things.manager } };
  if (path.includes("clustermanagers") || path.includes("references") || path.endsWith("rotate")) return { metadata };
  if (path.includes("users")) return { spec: { subject: "valid@example.com", state: "active", groupIDs: [] } };
  return { metadata, spec: { groupIDs: [], roleIDs: [], serviceAccountIDs: [] } };
}
