/** Principals as ZITADEL's users: people are humans, identities are machines. */
import { type Human, type Machine, Type, type User, UserState } from "../../../proto/gen/zitadel/user/v1/user.ts";
import type { OrgId } from "../../kernel/ids.ts";
import type { PrincipalKind, PrincipalState } from "../../kernel/schema.ts";
import type { StoredPrincipal } from "../../users/directory.ts";
import { readDetails } from "./details.ts";

export const userTypes: Readonly<Record<PrincipalKind, Type>> = { user: Type.TYPE_HUMAN, identity: Type.TYPE_MACHINE };

/** Whoever was invited and has not come yet is initial to ZITADEL, as is whoever has nothing to log in with. */
export const userStates: Readonly<Record<PrincipalState, UserState>> = {
  active: UserState.USER_STATE_ACTIVE,
  inactive: UserState.USER_STATE_INACTIVE,
  locked: UserState.USER_STATE_LOCKED,
  initial: UserState.USER_STATE_INITIAL,
  pending: UserState.USER_STATE_INITIAL,
};

/** What a principal types to log in: its name at the primary domain of its org. */
export function loginName(row: { readonly user_name: string; readonly primary_domain: string }): string {
  return `${row.user_name}@${row.primary_domain}`;
}

/** A principal as it is read. */
export function toUser(row: StoredPrincipal, orgId: OrgId): User {
  return {
    id: row.id,
    details: readDetails(row, orgId),
    state: userStates[row.state],
    userName: row.user_name,
    loginNames: [loginName(row)],
    preferredLoginName: loginName(row),
    type: row.kind === "user" ? { $case: "human", value: toHuman(row) } : { $case: "machine", value: toMachine(row) },
  };
}

function toHuman(row: StoredPrincipal): Human {
  return {
    profile: {
      firstName: row.first_name ?? "",
      lastName: row.last_name ?? "",
      nickName: row.nick_name ?? "",
      displayName: row.display_name ?? "",
      preferredLanguage: row.preferred_language ?? "",
      gender: (row.gender ?? 0) as NonNullable<Human["profile"]>["gender"],
      avatarUrl: "",
    },
    email: { email: row.email ?? "", isEmailVerified: row.email_verified ?? false },
    phone: row.phone === null ? undefined : { phone: row.phone, isPhoneVerified: row.phone_verified ?? false },
    passwordChanged: row.password_changed_at ?? undefined,
  };
}

/** A secret, to ZITADEL, is what the client credentials grant takes; no machine has one of those. */
function toMachine(row: StoredPrincipal): Machine {
  return {
    name: row.name ?? "",
    description: row.description ?? "",
    hasSecret: false,
    accessTokenType: (row.access_token_type ?? 0) as Machine["accessTokenType"],
  };
}
