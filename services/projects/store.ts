/** Reads of projects. Only live ones: a project ends for every reader the moment that it, or its org, is deleted. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../kernel/database.ts";
import type { OrgId, ProjectId } from "../kernel/ids.ts";
import { type Listed, type Page, readPage } from "../kernel/page.ts";

export type Project = {
  readonly id: ProjectId;
  readonly org_id: OrgId;
  readonly name: string;
  readonly state: "active" | "inactive";
  readonly role_assertion: boolean;
  readonly role_check: boolean;
  readonly has_project_check: boolean;
  readonly private_labeling: number;
  readonly sequence: bigint;
  readonly created_at: Date;
  readonly updated_at: Date | null;
};

/** What conditions on listed projects are made of. */
export const projectColumns = { id: sql.ref<string>("p.id"), orgId: sql.ref<string>("p.org_id"), name: sql.ref<string>("p.name") };

const columns = sql`p.id, p.org_id, p.name, p.state, p.role_assertion, p.role_check, p.has_project_check, p.private_labeling,
  p.sequence, p.created_at, p.updated_at`;

/** One project of an org, or null. */
export async function findProject(db: Database, orgId: OrgId, id: ProjectId): Promise<Project | null> {
  const { rows } = await sql<Project>`
    select ${columns} from live_projects p where p.org_id = ${orgId}::uuid and p.id = ${id}::uuid`.execute(db);
  return rows[0] ?? null;
}

/**
 * Projects that an org owns.
 *
 * @param where a condition over {@link projectColumns}
 */
export function listProjects(db: Database, orgId: OrgId, where: RawBuilder<boolean>, page: Page): Promise<Listed<Project>> {
  return readPage(
    db,
    sql`select p.org_id, p.id from live_projects p where p.org_id = ${orgId}::uuid and ${where}`,
    sql<Project>`select ${columns} from page k join projects p on p.org_id = k.org_id and p.id = k.id`,
    page,
  );
}
