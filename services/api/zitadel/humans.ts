/** A new human as two of ZITADEL's messages spell it, made into a new user. */
import type { SetUpOrgRequest_Human } from "../../../proto/gen/zitadel/admin/v1/admin.ts";
import type { AddHumanUserRequest } from "../../../proto/gen/zitadel/management/v1/management.ts";
import type { NewUser } from "../../users/commands.ts";
import { hashPassword } from "../../users/password.ts";

/** What both messages have; only the password is called differently. */
type NewHuman = Omit<AddHumanUserRequest, "initialPassword"> & Omit<SetUpOrgRequest_Human, "password">;

/**
 * The user to make. One who has neither a password nor a verified e-mail address yet is not ready to log in: initial.
 *
 * @param password as it was typed; only its hash leaves here. Empty: none
 */
export async function newHuman(human: NewHuman, password: string): Promise<Omit<NewUser, "orgId">> {
  const { userName, profile, email, phone } = human;
  const emailVerified = email?.isEmailVerified ?? false;
  return {
    userName,
    state: password !== "" || emailVerified ? "active" : "initial",
    email: email?.email ?? "",
    emailVerified,
    ...profile,
    phone: phone?.phone,
    phoneVerified: phone?.isPhoneVerified ?? false,
    passwordHash: password === "" ? undefined : await hashPassword(password),
  };
}
