/** Ids of a request as what they name. An id that is none names nothing; it is repeated no longer than an id can be. */
import type { Facts } from "../../kernel/failure.ts";
import { failure } from "../../kernel/failure.ts";
import { type PrincipalId, type ProjectId, parseId } from "../../kernel/ids.ts";
import type { Call } from "../call.ts";

/**
 * The project that the call names. Asked after the request itself is found good, and before anything in the project is.
 *
 * @throws Failure PROJECT_NOT_FOUND when it is missing, being deleted, or another org's
 */
export function projectOf(projectId: string, call: Call): ProjectId {
  const id = parseId<ProjectId>(projectId);
  if (!id || !call.projectLive) throw failure("PROJECT_NOT_FOUND", named("project", projectId));
  return id;
}

/** The identity of that id, or null if the text is no id. */
export function identityId(text: string): PrincipalId | null {
  return parseId<PrincipalId>(text);
}

/** What is said of a thing that is not there. */
export function named(kind: string, id: string): Facts {
  return { kind, id: id.slice(0, 64) };
}
