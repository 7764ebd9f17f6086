/** Groups: they bind users and service accounts to roles, and projects list them. */
import { Empty } from "../../../proto/gen/google/protobuf/empty.ts";
import { Group, type GroupSpec } from "../../../proto/gen/nscale/identity/v1/group.ts";
import type { ManagementServiceServer } from "../../../proto/gen/nscale/identity/v1/management.ts";
import { isGrantable } from "../../access/grantable.ts";
import { roleId } from "../../access/roles.ts";
import { requestDeleteOnce } from "../../deletion/commands.ts";
import { createGroup, type ForeignSubject, lockGroup, replaceGroup } from "../../groups/commands.ts";
import { type NamedMembers, resolveMembers } from "../../groups/members.ts";
import { findGroup, listGroups, type StoredGroup } from "../../groups/store.ts";
import type { Core } from "../../kernel/core.ts";
import { failure } from "../../kernel/failure.ts";
import { type GroupId, parseId } from "../../kernel/ids.ts";
import type { Call } from "../call.ts";
import type { Handlers } from "../registry.ts";
import { found, metadataInOrg, stated, writtenOf } from "./metadata.ts";
import { roleNamed } from "./roles.ts";

type Part = Pick<Handlers<ManagementServiceServer>, "createGroup" | "listGroups" | "getGroup" | "updateGroup" | "deleteGroup">;

/** @param issuer whose subjects are users of the org; other issuers' are kept as they are given */
export function groups(core: Core, issuer: string): Part {
  const { db } = core;
  return {
    createGroup: (request, call) =>
      db.transaction().execute(async (tx) => {
        const { named, ...bound } = bindingsOf(stated(request.spec), call, issuer);
        const members = await resolveMembers(tx, call.orgId, named);
        const id = await createGroup(tx, call.orgId, { ...writtenOf(request.metadata), ...bound, members }, call.actor);
        return toGroup(found(await findGroup(tx, call.orgId, id), "GROUP_NOT_FOUND", id));
      }),
    listGroups: async (_request, call) => ({ groups: (await listGroups(db, call.orgId)).map(toGroup) }),
    getGroup: async (request, call) => {
      const id = groupIdOf(request);
      return toGroup(found(await findGroup(db, call.orgId, id), "GROUP_NOT_FOUND", id));
    },
    updateGroup: (request, call) =>
      db.transaction().execute(async (tx) => {
        const target = { orgId: call.orgId, id: groupIdOf(request) };
        await lockGroup(tx, target.orgId, target.id);
        const { named, ...bound } = bindingsOf(stated(request.spec), call, issuer);
        const members = await resolveMembers(tx, call.orgId, named);
        const content = { ...writtenOf(request.metadata), ...bound, members };
        await replaceGroup(tx, target, content, call.rights.groupBounds(), call.actor);
        return Empty.create();
      }),
    deleteGroup: async (request, call) => {
      const outranking = call.rights.outranking();
      await requestDeleteOnce(core, { kind: "group", orgId: call.orgId, id: groupIdOf(request), actor: call.actor, outranking });
      return Empty.create();
    },
  };
}

function groupIdOf(request: { readonly groupId: string }): GroupId {
  return found(parseId<GroupId>(request.groupId), "GROUP_NOT_FOUND");
}

type Bindings = { readonly roles: readonly string[]; readonly named: NamedMembers; readonly subjects: readonly ForeignSubject[] };

/**
 * What a write binds together, each thing once.
 *
 * @throws Failure ROLE_UNKNOWN, ROLE_PROTECTED, ROLE_NOT_GRANTABLE; REQUEST_INVALID when users are named in both ways
 */
function bindingsOf(spec: GroupSpec, call: Call, issuer: string): Bindings {
  if (spec.userIds.length > 0 && spec.subjects.length > 0) {
    throw failure("REQUEST_INVALID", { text: "cannot provide both subjects and userIDs" });
  }
  const local = spec.subjects.filter((subject) => isSame(subject.issuer, issuer));
  const foreign = spec.subjects.filter((subject) => !isSame(subject.issuer, issuer));
  // The first of two equal subjects wins.
  const subjects = new Map(
    foreign.toReversed().map(({ issuer, id, email }) => [JSON.stringify([issuer, id]), { issuer, subject: id, email: email ?? null }]),
  );
  return {
    roles: [...new Set(spec.roleIds.map((id) => grantable(id, call)))],
    named: { userIds: spec.userIds, identityIds: spec.serviceAccountIds, emails: local.map((subject) => subject.id) },
    subjects: [...subjects.values()],
  };
}

function grantable(id: string, { rights }: Call): string {
  const role = roleNamed(id);
  if (!role) throw failure("ROLE_UNKNOWN", { id: id.slice(0, 64) });
  if (role.protected) throw failure("ROLE_PROTECTED", { role: role.name });
  if (!isGrantable(role, rights)) throw failure("ROLE_NOT_GRANTABLE", { role: role.name });
  return role.name;
}

/** Issuers are URLs; one written with a slash at its end is the same. */
function isSame(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}

function toGroup(row: StoredGroup): Group {
  return Group.fromPartial({
    metadata: metadataInOrg(row),
    spec: {
      roleIds: row.roles.map(roleId).sort(),
      serviceAccountIds: row.identity_ids,
      userIds: row.user_ids,
      subjects: row.subjects.map(({ issuer, subject, email }) => ({ issuer, id: subject, email: email ?? undefined })),
    },
  });
}
