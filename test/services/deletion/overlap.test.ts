/**
 * Deletes that overlap: orgs, and in each of them its projects, users, machines and groups, all at once, in the hands of two
 * workers. All of them end, and nothing is left.
 */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { releaseReference } from "../../../services/deletion/commands.ts";
import { keys } from "../../../services/deletion/graph.ts";
import type { Kind } from "../../../services/deletion/kinds.ts";
import type { OrgId } from "../../../services/kernel/ids.ts";
import { holds } from "../../../start/condition.ts";
import { type Engine, startEngine } from "./engine.ts";
import { buildWorld, crowd, type Side } from "./world.ts";

const nobody = { orgId: null, principalId: null, requestId: null };

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(() => engine.close());

/** The org comes last, for nothing below a dying org can be asked for any more. */
function targetsIn(side: Side): readonly (readonly [Kind, string])[] {
  return [
    ["cluster", side.cluster],
    ["cluster_manager", side.manager],
    ["project_role", side.role],
    ["identity", side.ownedIdentity],
    ["identity", side.identity],
    ["user", side.user],
    ["group", side.group],
    ["project", side.project],
    ["project", side.heldProject],
    ["user", side.secondUser],
    ["org", side.org],
  ];
}

async function remaining(): Promise<number> {
  const { rows } = await sql<{ open: number }>`select count(*)::int as open from operations where done_at is null`.execute(engine.db);
  return rows[0]?.open ?? -1;
}

/** All that a purge knows, but for operations, which stay as evidence. */
const purged = Object.keys(keys).filter((table) => table !== "operations");

/** Tables with a row that names one of the orgs. */
async function tablesWith(orgs: readonly OrgId[]): Promise<string[]> {
  const found: string[] = [];
  for (const table of purged) {
    const { rows } = await sql`select from ${sql.table(table)} t where to_jsonb(t)::text ~ ${orgs.join("|")} limit 1`.execute(engine.db);
    if (rows.length > 0) found.push(table);
  }
  return found;
}

describe("deletes that overlap", () => {
  it("all end, and leave nothing of any of their targets", async () => {
    const { db } = engine;
    const sides: Side[] = [];
    for (const kind of ["org", "project", "user", "group", "identity", "cluster_manager"] as const) {
      const world = await buildWorld(db);
      // Each is large in another place, so that some go in batches while others go at once.
      await crowd(db, world, kind);
      sides.push(world.a, world.b);
    }
    const orgs = sides.map(({ org }) => org);
    expect(await tablesWith(orgs)).toEqual(purged);
    for (const side of sides) {
      // Asked by somebody who goes along, and for some of it after that one is gone.
      const actor = { orgId: side.org, principalId: side.user, requestId: "req-overlap" };
      for (const [kind, id] of targetsIn(side)) await engine.remove(kind, side.org, id, actor);
    }
    engine.work();
    engine.work();
    for (const { org: orgId, heldProject: projectId, reference } of sides) {
      await releaseReference(engine.core, { orgId, projectId }, reference, nobody);
    }

    await holds(async () => (await remaining()) === 0, { within: 45_000, every: 20 });
    expect(await remaining()).toBe(0);
    expect(await tablesWith(orgs)).toEqual([]);
    const { rows } = await sql`select from operations where requester_org_id = any(${orgs}::uuid[])`.execute(db);
    expect(rows).toEqual([]);
  }, 60_000);
});
