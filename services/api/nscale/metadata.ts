/** nscale's metadata from our rows, and what its write metadata says. Pure. */
import type {
  OrganizationScopedResourceReadMetadata,
  ProjectScopedResourceReadMetadata,
  ResourceReadMetadata,
  ResourceWriteMetadata,
} from "../../../proto/gen/nscale/identity/v1/metadata.ts";
import type { Authors } from "../../audit/authors.ts";
import { failure, type ReasonName } from "../../kernel/failure.ts";
import type { Tag } from "../../kernel/schema.ts";

/** A row with all that metadata tells. */
export type Described = Authors & {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly tags: readonly Tag[];
  readonly created_at: Date;
  readonly updated_at: Date | null;
  /** Only of rows that are shown while they are being deleted. */
  readonly deleted_at?: Date | null;
};

/** What is here works: there is nothing that could be degraded. */
const healthy = "healthy";

/** Metadata of something that belongs to no org. */
export function metadataOf(row: Described): ResourceReadMetadata {
  return {
    id: row.id,
    name: row.name,
    description: row.description ?? undefined,
    tags: [...row.tags],
    creationTime: row.created_at,
    createdBy: row.created_by ?? undefined,
    modifiedTime: row.updated_at ?? undefined,
    modifiedBy: row.modified_by ?? undefined,
    deletionTime: row.deleted_at ?? undefined,
    provisioningStatus: row.deleted_at ? "deprovisioning" : "provisioned",
    healthStatus: healthy,
  };
}

/** Metadata of something inside an org. */
export function metadataInOrg(row: Described & { readonly org_id: string }): OrganizationScopedResourceReadMetadata {
  return { ...metadataOf(row), organizationId: row.org_id };
}

/** Metadata of something inside a project. */
export function metadataInProject(
  row: Described & { readonly org_id: string; readonly project_id: string },
): ProjectScopedResourceReadMetadata {
  return { ...metadataInOrg(row), projectId: row.project_id };
}

/** Name, description and tags of a write. */
export function writtenOf(metadata: ResourceWriteMetadata | undefined): {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly Tag[];
} {
  const { name, description, tags } = stated(metadata);
  return { name, description, tags: tags.map((tag) => ({ name: tag.name, value: tag.value })) };
}

/** A member of the request that validation has seen to be there. */
export function stated<T>(member: T | undefined): T {
  if (member === undefined) throw failure("REQUEST_INVALID");
  return member;
}

/**
 * What an id of the request names: the parsed id, or what was read by it.
 *
 * @param id to tell the caller, once it is known to be one
 * @throws Failure `missing` when it names nothing
 */
export function found<T>(value: T | null, missing: ReasonName, id?: string): T {
  if (value !== null) return value;
  throw failure(missing, id === undefined ? {} : { id, kind: missing.replace("_NOT_FOUND", "").toLowerCase() });
}
