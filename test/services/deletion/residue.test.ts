/**
 * What a delete leaves behind, looked for in every column of every table: nothing of the deleted but the evidence, and
 * everything else exactly as it was.
 */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mintCredential } from "../../../services/credentials/commands.ts";
import { releaseReference } from "../../../services/deletion/commands.ts";
import { keys } from "../../../services/deletion/graph.ts";
import { type Kind, kinds } from "../../../services/deletion/kinds.ts";
import { addAuthorization } from "../../../services/grants/authorizations.ts";
import { addMember } from "../../../services/grants/members.ts";
import { createGroup } from "../../../services/groups/commands.ts";
import { createIdentity } from "../../../services/identities/commands.ts";
import type { Database } from "../../../services/kernel/database.ts";
import { mintId, type OperationId, type OrgId, type PrincipalId } from "../../../services/kernel/ids.ts";
import { createOrg } from "../../../services/orgs/commands.ts";
import { createProject } from "../../../services/projects/commands.ts";
import { addProjectGrant } from "../../../services/projects/project-grants.ts";
import { addProjectRole } from "../../../services/projects/roles.ts";
import { createCluster, createClusterManager } from "../../../services/resources/commands.ts";
import { createUser } from "../../../services/users/commands.ts";
import { holds } from "../../../start/condition.ts";
import { type Engine, everything, startEngine } from "./engine.ts";
import { buildWorld, crowd, crowdSize, type Needles, type Side, type World } from "./world.ts";

const nobody = { orgId: null, principalId: null, requestId: null };

let engine: Engine;
let db: Database;

beforeAll(async () => {
  engine = await startEngine();
  engine.work();
  db = engine.db;
});

afterAll(() => engine.close());

/** Every row of every table, as JSON text. */
type Snapshot = ReadonlyMap<string, readonly string[]>;

async function snapshot(): Promise<Snapshot> {
  const tables = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public' order by 1`.execute(db);
  const all = new Map<string, string[]>();
  for (const { name } of tables.rows) {
    const { rows } = await sql<{ row: object }>`select to_jsonb(t) as row from ${sql.table(name)} t`.execute(db);
    all.set(name, rows.map(({ row }) => JSON.stringify(row)).sort());
  }
  return all;
}

/** Where ids of the deleted may stay: evidence that outlives it. Nothing else of it stays anywhere. */
const evidence =
  /^aggregates\.(id|org_id)$|^audit_events\.(org_id|aggregate_id|actor_org_id|actor_id|facts)$|^operations\.(target_id|org_id)$/;

function finder(texts: readonly string[]): (text: string) => boolean {
  const pattern = new RegExp(texts.join("|"), "i");
  return (text) => pattern.test(text);
}

/** Columns that still know something of the deleted, but for ids in the evidence. */
function residue(after: Snapshot, { ids, marks }: Needles): string[] {
  return [...columnsWith(after, ids).filter((column) => !evidence.test(column)), ...columnsWith(after, marks)];
}

function columnsWith(after: Snapshot, texts: readonly string[]): string[] {
  const knows = finder(texts);
  const columns = [...after].flatMap(([table, rows]) =>
    rows
      .filter(knows)
      .flatMap((row) => Object.entries(JSON.parse(row) as object))
      .filter(([, value]) => knows(JSON.stringify(value)))
      .map(([column]) => `${table}.${column}`),
  );
  return [...new Set(columns)];
}

/** Rows that had nothing to do with the deleted and are not as they were. */
function disturbed(before: Snapshot, after: Snapshot, { ids, marks }: Needles): string[] {
  const knows = finder([...ids, ...marks]);
  return [...before].flatMap(([table, rows]) => {
    const now = new Set(after.get(table));
    return rows.filter((row) => !knows(row) && !now.has(row)).map((row) => `${table}: ${row}`);
  });
}

/** Rows that were not there before, outside the tables that deletes write to. */
function appeared(before: Snapshot, after: Snapshot): string[] {
  const written = ["aggregates", "audit_events", "operations"];
  return [...after].flatMap(([table, rows]) => {
    const known = new Set(before.get(table));
    return written.includes(table) ? [] : rows.filter((row) => !known.has(row));
  });
}

type OperationRow = {
  phase: string;
  removed: Record<string, number>;
  requester_id: string | null;
  requester_org_id: string | null;
  blockers: string[];
};

async function operation(id: OperationId): Promise<OperationRow> {
  const { rows } = await sql<OperationRow>`select * from operations where id = ${id}::uuid`.execute(db);
  if (!rows[0]) throw new Error("no operation");
  return rows[0];
}

async function becomes(id: OperationId, phase: string): Promise<OperationRow> {
  // Far less than a lost lease takes to be found.
  await holds(async () => (await operation(id)).phase === phase, { within: 10_000, every: 10 });
  const found = await operation(id);
  expect(found.phase).toBe(phase);
  return found;
}

/** Asks for a delete in the name of a principal. */
function remove(kind: Kind, orgId: OrgId, id: string, asker: PrincipalId): Promise<OperationId> {
  return engine.remove(kind, orgId, id, { orgId, principalId: asker, requestId: "req-residue" });
}

type Case = readonly [kind: Kind, target: (world: World) => string, asker: (side: Side) => PrincipalId];

/** Each kind, and who asks: where it can be, somebody who goes along. */
const cases: readonly Case[] = [
  ["org", ({ a }) => a.org, (a) => a.user],
  ["project", ({ a }) => a.project, (a) => a.ownedIdentity],
  ["group", ({ a }) => a.group, (a) => a.user],
  ["user", ({ a }) => a.user, (a) => a.user],
  ["identity", ({ a }) => a.identity, (a) => a.identity],
  ["project_role", ({ a }) => a.role, (a) => a.user],
  ["project_grant", ({ projectGrant }) => projectGrant, (a) => a.user],
  ["cluster_manager", ({ a }) => a.manager, (a) => a.user],
  ["cluster", ({ a }) => a.cluster, (a) => a.user],
];

describe("a world", () => {
  it("has a row of each of its orgs in every table that a purge knows", async () => {
    const world = await buildWorld(db);
    const all = await snapshot();
    for (const side of [world.a, world.b]) {
      const empty = Object.keys(keys).filter((table) => table !== "operations" && !all.get(table)?.some((row) => row.includes(side.org)));
      expect(empty).toEqual([]);
    }
  });

  it("has a case for every kind that can be deleted", () => {
    expect(cases.map(([kind]) => kind).sort()).toEqual(Object.keys(kinds).sort());
  });
});

describe("when it is done, a delete", () => {
  it.each(cases)("of a small %s has left nothing but evidence, and has touched nothing else", async (...asked) => {
    await expectNothingLeft(await buildWorld(db), asked);
  });

  it.each(cases.filter(([kind]) => kind !== "cluster"))("of a large %s has left no more, in batches", async (...asked) => {
    const world = await buildWorld(db);
    await crowd(db, world, asked[0]);
    const removed = await expectNothingLeft(world, asked);
    expect(Math.max(...Object.values(removed))).toBeGreaterThanOrEqual(crowdSize);
  });

  async function expectNothingLeft(world: World, [kind, target, asker]: Case): Promise<Record<string, number>> {
    const [id, orgId] = [target(world), world.a.org];
    const needles = world.needles(id);
    const before = await snapshot();
    expect(residue(before, needles)).not.toEqual([]);

    const operationId = await remove(kind, orgId, id, asker(world.a));
    if (kind === "org") {
      const { blockers } = await becomes(operationId, "waiting");
      expect(blockers).toEqual([`project_references/${orgId}/${world.a.heldProject}/${world.a.reference}`]);
      await releaseReference(engine.core, { orgId, projectId: world.a.heldProject }, world.a.reference, nobody);
    }
    const done = await becomes(operationId, "done");

    const after = await snapshot();
    expect(residue(after, needles)).toEqual([]);
    expect(disturbed(before, after, needles)).toEqual([]);
    expect(appeared(before, after)).toEqual([]);
    const gone = Object.fromEntries(
      [...before].map(([table, rows]) => [table, rows.length - (after.get(table)?.length ?? 0)] as const).filter(([, count]) => count > 0),
    );
    const root = kinds[kind].table;
    const { operations: _, ...removed } = done.removed;
    const released = kind === "org" ? { project_references: 1 } : {};
    expect({ ...released, ...removed, [root]: (removed[root] ?? 0) + 1 }).toEqual(gone);
    return done.removed;
  }

  it("has taken the name of whoever asked out of every operation, when they are gone", async () => {
    const world = await buildWorld(db);
    const { a } = world;
    await becomes(await remove("user", a.org, a.user, a.secondUser), "done");
    const askers = async () => Promise.all(world.operations.map(async (id) => (await operation(id)).requester_id));
    expect(await askers()).toEqual([null, a.identity]);
    const own = await remove("identity", a.org, a.identity, a.identity);
    await becomes(own, "done");
    expect(await askers()).toEqual([null, null]);
    expect(await operation(own)).toMatchObject({ requester_id: null, requester_org_id: null });
    const { rows } = await sql<{
      actor_id: string;
    }>`select actor_id from audit_events where operation_id = ${own}::uuid and type = 'user.removed'`.execute(db);
    expect(rows).toEqual([{ actor_id: a.identity }]);
  });

  it("has removed a tenant of many batches, and counted every row once", async () => {
    const world = await buildWorld(db);
    const orgId = world.b.org;
    await releaseReference(engine.core, { orgId, projectId: world.b.heldProject }, world.b.reference, nobody);
    await sql`
      with many as (select gen_random_uuid() as id, n from generate_series(1, 2300) n), principals as (
        insert into principals (org_id, id, kind, user_name, sequence) select ${orgId}::uuid, id, 'user', 'many-' || n, 1 from many
      ), users as (insert into users (org_id, id, email) select ${orgId}::uuid, id, 'many-' || n || '@mail.test' from many)
      insert into group_members (org_id, group_id, principal_id) select ${orgId}::uuid, ${world.b.group}::uuid, id from many`.execute(db);
    const before = await snapshot();
    const { removed } = await becomes(await remove("org", orgId, orgId, world.a.user), "done");
    const after = await snapshot();
    const difference = (table: string) => (before.get(table)?.length ?? 0) - (after.get(table)?.length ?? 0);
    for (const table of ["principals", "users", "group_members"]) expect([table, removed[table]]).toEqual([table, difference(table)]);
    expect(removed.users).toBeGreaterThan(2_300);
    const { ids, marks } = world.needles(orgId);
    expect(residue(after, { ids, marks: [...marks, "many-\\d"] })).toEqual([]);
    expect(disturbed(before, after, { ids, marks })).toEqual([]);
  });

  it("has left evidence without a name in it, of all that the commands did while the org was alive", async () => {
    const mark = `mark${mintId<OrgId>().slice(-12)}`;
    const tags = [{ name: `${mark} tag`, value: `${mark} value` }];
    const texts = { name: `${mark} name`, description: `${mark} description`, tags };
    const actor = { orgId: null, principalId: null, requestId: null };
    const { a } = await buildWorld(db);
    const { id: orgId } = await createOrg(db, { ...texts, domain: `${mark}.test`, emailDomain: mark }, actor);
    const { id: projectId } = await createProject(db, { orgId, ...texts }, actor);
    const person = { userName: mark, email: `${mark}@mail.test`, firstName: mark, lastName: mark, displayName: mark, phone: `+${mark}` };
    const { id: user } = await createUser(db, { orgId, state: "active", ...person }, actor);
    const robot = { ...texts, userName: `${mark}.robot`, metadata: [{ key: mark, value: mark }] };
    const { id: identity } = await createIdentity(db, { orgId, projectId, ...robot }, actor);
    await addProjectRole(db, { orgId, projectId, key: mark, displayName: mark, group: mark }, actor);
    await addProjectGrant(db, { orgId, projectId, grantedOrgId: a.org, roleKeys: [mark] }, actor);
    await addAuthorization(
      db,
      { ownerOrgId: a.org, principalId: user, projectId, projectGrantId: undefined, roleKeys: [mark], only: null },
      actor,
    );
    await addMember(db, { orgId, principalId: user, roles: [{ role: "ORG_OWNER" }] }, actor);
    await mintCredential(db, { orgId, principalId: identity, kind: "pat", name: mark, outranking: everything.outranking() }, actor);
    const subjects = [{ issuer: `https://${mark}.test`, subject: mark, email: `${mark}@mail.test` }];
    await createGroup(db, orgId, { ...texts, roles: ["reader"], members: [user], subjects }, actor);
    const spec = { [mark]: mark };
    const manager = await createClusterManager(db, { orgId, projectId }, { ...texts, spec }, actor);
    await createCluster(db, { orgId, projectId }, manager, { ...texts, spec }, actor);
    const needles = { ids: [orgId, projectId, user, identity, manager], marks: [mark] };
    expect(residue(await snapshot(), needles).length).toBeGreaterThan(20);
    await becomes(await remove("org", orgId, orgId, user), "done");
    expect(residue(await snapshot(), needles)).toEqual([]);
  });

  it("is said to be done by the last event of the deleted, whose ids are never given again", async () => {
    const { a } = await buildWorld(db);
    const operationId = await remove("group", a.org, a.group, a.user);
    await becomes(operationId, "done");
    const { rows } =
      await sql`select type, sequence, operation_id from audit_events where aggregate_id = ${a.group}::uuid order by sequence`.execute(db);
    expect(rows).toEqual([
      { type: "group.removed", sequence: 1n, operation_id: operationId },
      { type: "operation.done", sequence: 2n, operation_id: operationId },
    ]);
    const again = sql`insert into aggregates (id, org_id, kind, sequence) values (${a.group}, ${mintId<OrgId>()}, 'group', 1)`.execute(db);
    await expect(again).rejects.toMatchObject({ constraint: "aggregates_pkey" });
  });
});
