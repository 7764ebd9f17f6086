/** A store with the deletion engine on it, without the rest of the services: any number of workers, each on a pool of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { Rights } from "../../../services/access/rights.ts";
import { bootstrap } from "../../../services/bootstrap.ts";
import { requestDelete } from "../../../services/deletion/commands.ts";
import { executeDeletion } from "../../../services/deletion/execute.ts";
import type { Kind } from "../../../services/deletion/kinds.ts";
import type { Actor } from "../../../services/kernel/call.ts";
import type { Core } from "../../../services/kernel/core.ts";
import { type Database, openDatabase } from "../../../services/kernel/database.ts";
import type { OperationId, OrgId } from "../../../services/kernel/ids.ts";
import { startWorker, type Worker } from "../../../services/operations/worker.ts";
import { createDatabase } from "../../support/postgres.ts";

const silent = pino({ level: "silent" });
/** The rights of the owner of the instance, whom nobody outranks. */
export const everything = new Rights([{ role: "IAM_OWNER", scope: "instance", projectId: null, projectGrantId: null, linked: [] }]);

export interface Engine {
  readonly url: string;
  readonly db: Database;
  /** What commands need; it wakes every worker. */
  readonly core: Core;
  /** Starts one more worker. */
  work(): void;
  /** Accepts a delete, or fails. */
  remove(kind: Kind, orgId: OrgId, id: string, actor: Actor): Promise<OperationId>;
  close(): Promise<void>;
}

export async function startEngine(): Promise<Engine> {
  const database = await createDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), "tenure-test-"));
  const pools: Database[] = [];
  const workers: Worker[] = [];
  const openPool = () => {
    const db = openDatabase(database.url, 4, () => {});
    pools.push(db);
    return db;
  };
  const db = openPool();
  const announce = () => {
    for (const worker of workers) worker.wake();
  };
  const core: Core = { db, announce };
  const settings = {
    databaseUrl: database.url,
    dataDir,
    host: "127.0.0.1",
    grpcPort: 0,
    issuerPort: 0,
    issuerKey: undefined,
    publicUrl: "http://localhost:8080",
  };
  await bootstrap(db, { ...settings, adminPat: undefined, logLevel: "silent", poolSize: 4 }, silent);
  return {
    url: database.url,
    db,
    core,
    work: () => {
      const own = openPool();
      workers.push(startWorker(own, silent, (operation, stopping) => executeDeletion(own, operation, stopping)));
    },
    remove: async (kind, orgId, id, actor) => {
      const answer = await requestDelete(core, { kind, orgId, id, actor, outranking: everything.outranking() });
      if (!answer.accepted) throw new Error(`${kind} ${id}: not accepted`);
      return answer.operationId;
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await Promise.all(pools.map((pool) => pool.destroy()));
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
