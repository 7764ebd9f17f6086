/** Lists of an org that is large: what they cost must not be the product of two sizes. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type System, startSystem } from "../support/system.ts";
import { type Org, World } from "./nscale/world.ts";

const people = 30_000;
const groups = 1_000;

let system: System;
let org: Org;

beforeAll(async () => {
  system = await startSystem();
  org = await new World(system).org();
  const id = sql`${org.id}::uuid`;
  await sql`
    with many as (select gen_random_uuid() as id, n from generate_series(1, ${people}) n), person as (
      insert into principals (org_id, id, kind, user_name, sequence) select ${id}, id, 'user', 'many-' || n, 1 from many
    ), listed as (
      insert into groups (org_id, id, name, sequence) select ${id}, gen_random_uuid(), 'many', 1 from generate_series(1, ${groups}) returning id
    )
    insert into group_members (org_id, group_id, principal_id) select ${id}, (select id from listed limit 1), id from many`.execute(
    system.services.db,
  );
  await sql`analyze`.execute(system.services.db);
});

afterAll(() => system.close());

describe("an org of many people and many groups", () => {
  it("lists its groups with all their members, the empty ones too", async () => {
    const started = performance.now();
    const answer = await org.world.root<{ spec: { userIDs: string[] } }[]>("GET", `${org.path}/groups`);
    expect(answer.status, answer.text.slice(0, 200)).toBe(200);
    const sizes = answer.body.map(({ spec }) => spec.userIDs.length).sort((a, b) => b - a);
    expect([sizes.length, sizes[0], sizes[1]]).toEqual([groups, people, 0]);
    // One pass takes a fraction of a second; a pass a group takes more than ten.
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
