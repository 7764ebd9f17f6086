/** A new human as two of ZITADEL's messages spell it, made into a new user. */
import type { SetUpOrgRequest_Human } from "../../../proto/gen/zitadel/admin/v1/admin.ts";
import type { AddHumanUserRequest } from "../../../proto/gen/zitadel/management/v1/management.ts";
import { Gender } from "../../../proto/gen/zitadel/user/v1/user.ts";
import { invalid } from "../../kernel/failure.ts";
import type { NewUser } from "../../users/commands.ts";
import { hashPassword } from "../../users/password.ts";
import { defined } from "./rules.ts";

/** What both messages have; only the password is called differently. */
type NewHuman = Omit<AddHumanUserRequest, "initialPassword"> & Omit<SetUpOrgRequest_Human, "password">;

/**
 * The user to make. One who has neither a password nor a verified e-mail address yet is not ready to log in: initial.
 *
 * @param password as it was typed; only its hash leaves here. Empty: none
 */
export async function newHuman(human: NewHuman, password: string): Promise<Omit<NewUser, "orgId">> {
  const { profile, email, phone } = human;
  const emailVerified = email?.isEmailVerified ?? false;
  return {
    userName: userNameOf(human.userName),
    state: password !== "" || emailVerified ? "active" : "initial",
    email: email?.email ?? "",
    emailVerified,
    ...profile,
    gender: defined(genders, profile?.gender ?? Gender.GENDER_UNSPECIFIED, "Profile", "gender"),
    phone: phone?.phone,
    phoneVerified: phone?.isPhoneVerified ?? false,
    passwordHash: password === "" ? undefined : await hashPassword(password),
  };
}

/** Stored as ZITADEL numbers them. */
const genders: Readonly<Record<Gender, Gender>> = {
  [Gender.GENDER_UNSPECIFIED]: Gender.GENDER_UNSPECIFIED,
  [Gender.GENDER_FEMALE]: Gender.GENDER_FEMALE,
  [Gender.GENDER_MALE]: Gender.GENDER_MALE,
  [Gender.GENDER_DIVERSE]: Gender.GENDER_DIVERSE,
};

/** The name of a new user, human or machine; blanks around it do not count, and nothing else is no name. */
export function userNameOf(userName: string): string {
  const trimmed = userName.trim();
  if (trimmed === "") throw invalid([{ field: "user_name", rule: "REQUIRED", message: "value is required" }]);
  return trimmed;
}
