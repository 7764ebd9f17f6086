/** The part of ZITADEL's ManagementService that is about users, human and machine, of the context org. */
import {
  AddHumanUserResponse,
  AddMachineUserResponse,
  GetUserByIDResponse,
  ListUsersResponse,
  type ManagementServiceServer,
  RemoveUserResponse,
} from "../../../proto/gen/zitadel/management/v1/management.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import { createIdentity } from "../../identities/commands.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type PrincipalId, parseId } from "../../kernel/ids.ts";
import { createUser } from "../../users/commands.ts";
import { findPrincipal, listPrincipals, type StoredPrincipal } from "../../users/directory.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { addedDetails, changedDetails, listDetails } from "./details.ts";
import { newHuman, userNameOf } from "./humans.ts";
import { broken } from "./rules.ts";
import { pageOf } from "./search.ts";
import { toUser } from "./user-message.ts";
import { userCondition, userSort } from "./user-search.ts";

type UserHandlers = Pick<Handlers<ManagementServiceServer>, "addHumanUser" | "addMachineUser" | "getUserById" | "listUsers" | "removeUser">;

/**
 * Makes, reads and deletes users. Whoever may read users because of a single project reads those of the whole org, as with
 * ZITADEL: they are whom that project's roles can be given to.
 */
export function users(core: Core): UserHandlers {
  return {
    addHumanUser: async (request, call) => {
      const person = await newHuman(request, request.initialPassword);
      const made = await createUser(core.db, { ...person, orgId: call.orgId }, call.actor);
      return AddHumanUserResponse.create({ userId: made.id, details: addedDetails(made, call.orgId) });
    },
    addMachineUser: async ({ userId, userName, name, description, accessTokenType }, call) => {
      const id = userId === undefined ? undefined : chosenId(userId);
      const machine = {
        orgId: call.orgId,
        id,
        userName: userNameOf(userName),
        name,
        description: description || undefined,
        accessTokenType,
      };
      const made = await createIdentity(core.db, machine, call.actor);
      // ZITADEL tells of a new machine as of a changed one.
      const details = changedDetails({ sequence: made.sequence, changedAt: made.createdAt }, call.orgId);
      return AddMachineUserResponse.create({ userId: made.id, details });
    },
    getUserById: async (request, call) => {
      return GetUserByIDResponse.create({ user: toUser(await readUser(core, request.id, call), call.orgId) });
    },
    listUsers: async ({ query, sortingColumn, queries }, call) => {
      const condition = userCondition(queries);
      const { rows, total } = await listPrincipals(core.db, call.orgId, condition, userSort(sortingColumn), pageOf(query));
      return ListUsersResponse.create({ details: listDetails(total), sortingColumn, result: rows.map((row) => toUser(row, call.orgId)) });
    },
    removeUser: async (request, call) => {
      const { id, kind } = await readUser(core, request.id, call);
      const outranking = call.rights.outranking();
      const gone = await requestDeleteOnce(core, { kind, orgId: call.orgId, id, actor: call.actor, outranking });
      const details = changedDetails({ sequence: gone.sequence, changedAt: gone.deletedAt }, call.orgId);
      return RemoveUserResponse.create({ details });
    },
  };
}

/**
 * The live user of the context org that an id names.
 *
 * @throws Failure USER_NOT_FOUND, also for a user of another org
 */
export async function readUser(core: Core, text: string, call: Call): Promise<StoredPrincipal> {
  const id = parseId<PrincipalId>(text);
  const found = id && (await findPrincipal(core.db, call.orgId, id));
  if (!found) throw failure("USER_NOT_FOUND", { kind: "user", id: text });
  return found;
}

function chosenId(text: string): PrincipalId {
  const id = parseId<PrincipalId>(text);
  if (!id) throw broken("AddMachineUserRequest", "user_id", "UUID", "value must be a valid UUID");
  return id;
}
