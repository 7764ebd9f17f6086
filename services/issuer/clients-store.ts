/** Reads of clients, as the protocol names them: by id alone. Only those whose project and org are alive and active. */
import { sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import { type ClientId, type OrgId, type ProjectId, parseId } from "../kernel/ids.ts";
import type { ClientKind } from "../kernel/schema.ts";

export type StoredClient = {
  readonly org_id: OrgId;
  readonly id: ClientId;
  readonly project_id: ProjectId;
  readonly name: string;
  readonly kind: ClientKind;
  readonly secret_digest: Buffer | null;
  readonly redirect_uris: string[];
  readonly post_logout_redirect_uris: string[];
};

/** The client of that id, or null. */
export async function readClient(db: Database, text: string): Promise<StoredClient | null> {
  const id = parseId<ClientId>(text);
  if (!id) return null;
  const { rows } = await sql<StoredClient>`
    select k.org_id, k.id, k.project_id, k.name, k.kind, k.secret_digest, k.redirect_uris, k.post_logout_redirect_uris
    from clients k
    join live_projects j on j.org_id = k.org_id and j.id = k.project_id and j.state = 'active'
    join live_orgs o on o.id = k.org_id and o.state = 'active'
    where k.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}
