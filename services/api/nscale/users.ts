/** Users: known by a subject, their e-mail address. Whoever made them, they are the same users in every dialect. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { User, type UserSpec } from "../../../proto/gen/nscale/identity/v1/user.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import { replaceMemberships } from "../../groups/memberships.ts";
import type { Core } from "../../kernel/core.ts";
import type { Database } from "../../kernel/database.ts";
import { failure } from "../../kernel/failure.ts";
import { type PrincipalId, parseId } from "../../kernel/ids.ts";
import { toFailure } from "../../kernel/sqlstate.ts";
import { changeState } from "../../users/change-state.ts";
import { createUser } from "../../users/commands.ts";
import { isAddress, type SubjectState, statesShownAs, subjectStateOf } from "../../users/subjects.ts";
import { findSubject, listSubjects, readSubject, type Subject } from "../../users/subjects-store.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataInOrg, stated } from "./metadata.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "listUsers" | "createUser" | "updateUser" | "deleteUser">;

export function users(core: Core): Part {
  const { db } = core;
  return {
    listUsers: async (_request, call) => ({ users: (await listSubjects(db, call.orgId)).map(toUser) }),
    createUser: async (request, call) => {
      const spec = stated(request.spec);
      if (!isAddress(spec.subject)) throw failure("REQUEST_INVALID", { text: "subject address invalid" });
      return toUser(await ensureUser(db, spec, call));
    },
    updateUser: (request, call) =>
      db.transaction().execute(async (tx) => {
        const { state, groupIds } = stated(request.spec);
        const id = userIdOf(request);
        await replaceMemberships(tx, membershipsOf(id, groupIds, call), call.actor);
        await changeState(tx, { orgId: call.orgId, id }, statesShownAs(state as SubjectState), call.actor);
        return toUser(found(await readSubject(tx, call.orgId, id), "USER_NOT_FOUND", id));
      }),
    deleteUser: async (request, call) => {
      const outranking = call.rights.outranking();
      await requestDeleteOnce(core, { kind: "user", orgId: call.orgId, id: userIdOf(request), actor: call.actor, outranking });
      return Empty.create();
    },
  };
}

/**
 * The user with that subject, made if there is none, in just these groups. Of two requests for the same new subject the
 * unique user name lets one win; the other one then finds the winner's user.
 */
async function ensureUser(db: Database, spec: UserSpec, call: Call): Promise<Subject> {
  const ensure = () =>
    db.transaction().execute(async (tx) => {
      const id = (await findSubject(tx, call.orgId, spec.subject)) ?? (await makeUser(tx, spec, call));
      await replaceMemberships(tx, membershipsOf(id, spec.groupIds, call), call.actor);
      return found(await readSubject(tx, call.orgId, id), "USER_NOT_FOUND", id);
    });
  try {
    return await ensure();
  } catch (error) {
    if (toFailure(error).reason !== "USER_NAME_TAKEN" || !(await findSubject(db, call.orgId, spec.subject))) throw error;
    return ensure();
  }
}

async function makeUser(tx: Database, { subject, state }: UserSpec, call: Call): Promise<PrincipalId> {
  const [stored = "active"] = statesShownAs(state as SubjectState);
  const { id } = await createUser(tx, { orgId: call.orgId, userName: subject, email: subject, state: stored }, call.actor);
  return id;
}

function membershipsOf(principalId: PrincipalId, groupIds: readonly string[], { orgId, rights }: Call) {
  return { orgId, principalId, kind: "user", groupIds, bounds: rights.groupBounds(), outranking: rights.outranking() } as const;
}

function userIdOf(request: { readonly userId: string }): PrincipalId {
  return found(parseId<PrincipalId>(request.userId), "USER_NOT_FOUND");
}

function toUser(row: Subject): User {
  return User.fromPartial({
    // The wire gives a user no name, and this word in its place.
    metadata: metadataInOrg({ ...row, name: "undefined", description: null, tags: [] }),
    spec: { subject: row.email, state: subjectStateOf(row.state), groupIds: row.group_ids },
    status: { lastActive: row.last_active_at ?? undefined },
  });
}
