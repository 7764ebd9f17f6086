/** The documented deletes: against the same statement through bare pg, in round trips, and by size of what is deleted. */
import { sql } from "kysely";
import pg from "pg";
import { Rights } from "../../services/access/rights.ts";
import { acceptance } from "../../services/deletion/accept.ts";
import { type GroupId, mintId, type OperationId, type OrgId } from "../../services/kernel/ids.ts";
import { httpClient } from "./http.ts";
import { load, median } from "./load.ts";
import type { Line } from "./report.ts";
import { seedOrg } from "./seed.ts";
import type { Stack } from "./stack.ts";

const concurrency = 32;
const perRound = 1_500;
const rounds = 3;

/** Deletes of groups over REST against the accepting statement through a bare pg pool of the same size, interleaved. */
export async function measureDelete(stack: Stack): Promise<Line[]> {
  const orgId = await seedOrg(stack.db, "Bench of deletes", 1);
  const http = httpClient(stack.baseUrl, stack.adminToken, concurrency);
  const pool = new pg.Pool({ connectionString: stack.databaseUrl, max: 16 });
  const rest: number[] = [];
  const bare: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const groups = await seedGroups(stack, orgId, perRound * 2);
    const [mine, theirs] = [groups.slice(0, perRound), groups.slice(perRound)];
    const overRest = await load((index) => http("DELETE", `/api/v1/organizations/${orgId}/groups/${mine[index]}`, 200), {
      concurrency,
      most: perRound,
    });
    const statements = theirs.map((id) => statementFor(stack, orgId, id));
    const overPg = await load((index) => pool.query(statements[index] ?? { text: "" }), { concurrency, most: perRound });
    if (round >= 0) {
      rest.push(overRest.perSecond);
      bare.push(overPg.perSecond);
    }
  }
  await idle(stack);
  await pool.end();
  http.close();
  const [a, b] = [median(rest), median(bare)];
  return [
    {
      measure: "documented delete over REST, 32 concurrent / the same statement through bare pg",
      must: 0.3,
      aim: 0.5,
      higher: true,
      value: a / b,
      detail: `${Math.round(a)}/s against ${Math.round(b)}/s`,
    },
  ];
}

async function seedGroups(stack: Stack, orgId: OrgId, count: number): Promise<GroupId[]> {
  const { rows } = await sql<{ id: GroupId }>`insert into groups (org_id, id, name, sequence)
    select ${orgId}::uuid, gen_random_uuid(), 'doomed', 1 from generate_series(1, ${count}::int) returning id`.execute(stack.db);
  return rows.map((row) => row.id);
}

function statementFor(stack: Stack, orgId: OrgId, id: GroupId): pg.QueryConfig {
  const actor = { orgId, principalId: null, requestId: "bench" };
  const order = { kind: "group", orgId, id, actor, outranking: new Rights([]).outranking() } as const;
  const { sql: text, parameters } = acceptance(order, mintId<OperationId>()).compile(stack.db);
  return { name: "accept", text, values: [...parameters] };
}

/**
 * Round trips of one delete, authentication included. The worker is held meanwhile, by a lock on a table that it needs and
 * the accepting statement does not; health is asked once a second, so some counts hold a stranger's trip, the smallest not.
 */
export async function measureTrips(stack: Stack): Promise<Line[]> {
  const { roundTrips } = stack;
  if (!roundTrips) throw new Error("needs a counting stack");
  const orgId = await seedOrg(stack.db, "Bench of trips", 1);
  const http = httpClient(stack.baseUrl, stack.adminToken, 1);
  const remove = (id: GroupId | undefined) => http("DELETE", `/api/v1/organizations/${orgId}/groups/${id}`, 200);
  const [first, ...rest] = await seedGroups(stack, orgId, 20);
  const holder = new pg.Client(stack.databaseUrl);
  await holder.connect();
  await holder.query("begin; lock table group_subjects in access exclusive mode");
  await remove(first);
  await blocked(stack);
  const counts: number[] = [];
  for (const id of rest) {
    const before = roundTrips.count();
    await remove(id);
    counts.push(roundTrips.count() - before);
  }
  await holder.query("commit");
  await holder.end();
  await idle(stack);
  http.close();
  const measure = "database round trips per documented delete, authentication included";
  return [{ measure, must: 2, aim: 1, higher: false, value: Math.min(...counts), detail: "counted on the wire" }];
}

/** Waits until a session of the services waits for a lock. */
async function blocked(stack: Stack): Promise<void> {
  for (;;) {
    const { rows } = await sql<{
      held: boolean;
    }>`select exists (select from pg_stat_activity where wait_event_type = 'Lock') as held`.execute(stack.db);
    if (rows[0]?.held) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Accepting the delete of a big org against a small one, over REST, one at a time, with nothing else going on. */
export async function measureAccept(stack: Stack): Promise<Line[]> {
  const http = httpClient(stack.baseUrl, stack.adminToken, 1);
  const times: Record<"small" | "big", number[]> = { small: [], big: [] };
  for (let round = 0; round < 5; round++) {
    const ids = {
      small: await Promise.all(Array.from({ length: 5 }, (_, index) => seedOrg(stack.db, `Small ${round} ${index}`, 10))),
      big: [await seedOrg(stack.db, `Big ${round}`, 100_000)],
    };
    for (const size of ["small", "big"] as const) {
      for (const id of ids[size]) {
        const started = performance.now();
        await http("DELETE", `/admin/v1/orgs/${id}`, 200);
        times[size].push(performance.now() - started);
        await idle(stack);
      }
    }
  }
  http.close();
  const [big, small] = [median(times.big), median(times.small)];
  const detail = `p50 ${big.toFixed(1)} ms against ${small.toFixed(1)} ms`;
  return [
    {
      measure: "accepting the delete of an org of 100,000 users / of 10 users",
      must: 1.2,
      aim: 1.0,
      higher: false,
      value: big / small,
      detail,
    },
  ];
}

/** Waits until no operation is open. */
async function idle(stack: Stack): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ open: boolean }>`select exists (select from operations where done_at is null) as open`.execute(stack.db);
    if (!rows[0]?.open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
