/** The project whose contents a call is about. */
import { failure } from "../../kernel/failure.ts";
import type { Site } from "../../resources/store.ts";
import type { Call } from "../call.ts";
import { projectIdOf } from "./projects.ts";

/**
 * Org and project that the path names.
 *
 * @throws Failure PROJECT_NOT_FOUND for one that is not there or is being deleted: nothing in it is shown any more
 */
export function siteOf(request: { readonly projectId: string }, call: Call): Site {
  const projectId = projectIdOf(request);
  if (!call.projectLive) throw failure("PROJECT_NOT_FOUND");
  return { orgId: call.orgId, projectId };
}
