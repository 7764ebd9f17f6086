/** The boundary rule where somebody ranks by groups: nobody ends, empties or speaks for what outranks them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../support/system.ts";
import { type Answer, type Caller, expectEmpty, type Org, World } from "./nscale/world.ts";

let system: System;
let org: Org;
let manager: Caller;

beforeAll(async () => {
  system = await startSystem();
  org = await new World(system).org();
  manager = await org.member("ORG_USER_MANAGER");
});

afterAll(() => system.close());

function expectBoundary(answer: Answer<unknown>): void {
  const { details } = answer.body as { details?: { reason?: string }[] };
  expect([answer.status, details?.find(({ reason }) => reason)?.reason], answer.text).toEqual([403, "PRIVILEGE_BOUNDARY"]);
}

/** Somebody who runs workloads in a project by way of a group. */
async function worker(): Promise<{ id: string; group: string; project: string }> {
  const group = await org.group(["user"]);
  const project = await org.project([group]);
  return { id: (await org.account([group])).id, group, project };
}

describe("somebody who manages people only", () => {
  it("does not delete a group of administrators, who keep their rights", async () => {
    const administrator = await org.holder("administrator");
    expectBoundary(await manager.rest("DELETE", `${org.path}/groups/${administrator.groupId}`));
    expect((await administrator.rest("GET", `${org.path}/groups/${administrator.groupId}`)).status).toBe(200);
  });

  it("does not delete a group that opens a project to its members", async () => {
    const { group } = await worker();
    expectBoundary(await manager.rest("DELETE", `${org.path}/groups/${group}`));
  });

  it("deletes a group that opens nothing, and one whose project is gone", async () => {
    expectEmpty(await manager.rest("DELETE", `${org.path}/groups/${await org.group([])}`), 200);
    const { group, project } = await worker();
    expectEmpty(await org.world.root("DELETE", `${org.path}/projects/${project}`), 202);
    expectEmpty(await manager.rest("DELETE", `${org.path}/groups/${group}`), 200);
  });

  it("gets no token for a member of a group that opens a project, in any dialect", async () => {
    const { id } = await worker();
    expectBoundary(await manager.rest("POST", `/tenure/v1/orgs/${org.id}/principals/${id}/tokens`, { body: {} }));
    expectBoundary(await manager.rest("POST", `/management/v1/users/${id}/pats`, { body: {} }));
    expectBoundary(await manager.rest("POST", `${org.path}/serviceaccounts/${id}/rotate`));
  });

  it("does not delete such a member, nor take it out of the group", async () => {
    const { id } = await worker();
    expectBoundary(await manager.rest("DELETE", `${org.path}/serviceaccounts/${id}`));
    const body = { metadata: { name: "renamed" }, spec: { groupIDs: [] } };
    expectBoundary(await manager.rest("PUT", `${org.path}/serviceaccounts/${id}`, { body }));
  });
});
