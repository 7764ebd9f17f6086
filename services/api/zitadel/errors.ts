/** Ids, texts and codes of ZITADEL's errors: by RPC where the RPC has its own, else by reason. Clients switch on the id. */
import { status } from "@grpc/grpc-js";
import type { Failure, ReasonName } from "../../kernel/failure.ts";
import type { Rpc } from "../contract.ts";

export type Phrase = {
  readonly id: string;
  readonly text: string;
  /** Where ZITADEL's code differs from the reason's usual one. */
  readonly code?: status;
};

type Phrases = Partial<Record<ReasonName, Phrase>>;

const noUser = (id: string): Phrases => {
  const phrase = { id, text: "User could not be found" };
  return { USER_NOT_FOUND: phrase, IDENTITY_NOT_FOUND: phrase };
};
const noUserYet = (id: string): Phrases => ({ USER_NOT_FOUND: { id, text: "User could not be found", code: status.FAILED_PRECONDITION } });

const userInvalid: Phrase = { id: "COMMAND-5N8fs", text: "Userdata is invalid" };

const removeOrg: Phrases = {
  ORG_IS_DEFAULT: { id: "COMMA-wG9p1", text: "Default Organisation must not be deleted" },
  ORG_HOLDS_IAM_PROJECT: { id: "COMMA-AF3JW", text: "Organisation with ZITADEL project must not be deleted" },
  ORG_NOT_FOUND: { id: "COMMA-aps2n", text: "Organisation not found" },
};

// What a request names besides its path is asked for as a condition, not as a resource.
const noProject = (id: string): Phrases => ({ PROJECT_NOT_FOUND: { id, text: "Project not found", code: status.FAILED_PRECONDITION } });
const noGrantedOrg: Phrases = { ORG_NOT_FOUND: { id: "COMMAND-3m9gg", text: "Organisation not found", code: status.FAILED_PRECONDITION } };
const noRole = (id: string): Phrases => ({
  // ZITADEL has no words for this key, so it sends the key.
  PROJECT_ROLE_NOT_FOUND: { id, text: "Errors.Project.Role.NotFound", code: status.FAILED_PRECONDITION },
});

/** By RPC name: Admin's and Management's namesakes speak alike. */
const byRpc: Readonly<Record<string, Phrases>> = {
  RemoveOrg: removeOrg,
  AddOrg: { REQUEST_INVALID: { id: "EVENT-Mf9sd", text: "Organisation is invalid" }, ...noUserYet("COMMAND-uXHNj") },
  SetUpOrg: { REQUEST_INVALID: { id: "ORG-mruNY", text: "Organisation is invalid" } },
  IsOrgUnique: { REQUEST_INVALID: { id: "QUERY-DGqfd", text: "Request is invalid" } },
  SetDefaultOrg: {
    ORG_NOT_FOUND: { id: "INSTA-Wfe21", text: "Organisation not found" },
    ORG_IS_DEFAULT: { id: "INST-SDfw2", text: "Instance not changed" },
  },
  AddHumanUser: { REQUEST_INVALID: userInvalid },
  AddMachineUser: {
    REQUEST_INVALID: userInvalid,
    ID_USED: { id: "COMMAND-ziuna", text: "User already exists", code: status.FAILED_PRECONDITION },
  },
  ListUsers: { REQUEST_INVALID: { id: "USER-zsQ97", text: "Too many query nesting levels (Max 20)" } },
  RemoveUser: noUser("COMMAND-m9od"),
  AddPersonalAccessToken: {
    EXPIRY_IN_PAST: { id: "DOMAIN-dv3t5", text: "The expiration date is in the past" },
    PRINCIPAL_KIND_WRONG: { id: "COMMAND-Df2f1", text: "Not allowed for this user type" },
    ...noUserYet("COMMAND-Dggw2"),
  },
  AddOrgMember: {
    REQUEST_INVALID: { id: "V2-PfYhb", text: "Organisation member is invalid" },
    ...noUserYet("ORG-GoXOn"),
    GRANT_TAKEN: { id: "ORG-poWwe", text: "Member already exists" },
  },
  RemoveOrgMember: { GRANT_NOT_FOUND: { id: "Org-D8JxR", text: "Errors.NotFound" } },
  AddProject: { REQUEST_INVALID: { id: "PROJECT-IOVCC", text: "Project is invalid" } },
  RemoveProject: { PROJECT_NOT_FOUND: { id: "COMMAND-3M9sd", text: "Project not found" } },
  AddProjectRole: noProject("COMMAND-EbFMN"),
  AddProjectGrant: { ...noProject("COMMAND-m9gsd"), ...noGrantedOrg, ...noRole("COMMAND-6m9gd") },
  RemoveProjectGrant: noProject("PROJECT-6mf9s"),
  AddUserGrant: {
    ...noUserYet("COMMAND-uXHNj"),
    ...noProject("COMMAND-m9gsd"),
    ...noGrantedOrg,
    PROJECT_GRANT_NOT_FOUND: { id: "COMMAND-huvKF", text: "Grant not found", code: status.FAILED_PRECONDITION },
    ...noRole("COMMAND-mm9F4"),
  },
};

const byReason: Phrases = {
  CREDENTIAL_INVALID: { id: "AUTH-7fs1e", text: "Errors.Token.Invalid" },
  PERMISSION_DENIED: { id: "AUTH-5mWD2", text: "No matching permissions found" },
  MEMBERSHIP_MISSING: { id: "AUTHZ-cdgFk", text: "membership not found" },
  CONTEXT_ORG_UNKNOWN: { id: "AUTH-Bs7Ds", text: "Organisation doesn't exist" },
  PRIVILEGE_BOUNDARY: { id: "AUTH-AWfge", text: "No matching permissions found" },
  ROLE_NOT_GRANTABLE: { id: "AUTH-AWfge", text: "No matching permissions found" },
  ROLE_UNKNOWN: { id: "Org-4N8es", text: "Organisation member is invalid" },
  PAGE_TOO_LARGE: { id: "QUERY-4M0fs", text: "Limit exceeded" },
  ORG_NOT_FOUND: { id: "QUERY-iTTGJ", text: "Organisation not found" },
  ORG_NAME_TAKEN: { id: "V3-DKcYh", text: "Organisation's name or id already taken" },
  DOMAIN_TAKEN: { id: "V3-DKcYh", text: "Domain already exists" },
  USER_NOT_FOUND: { id: "QUERY-Dfbg2", text: "User could not be found" },
  USER_NAME_TAKEN: { id: "V3-DKcYh", text: "User already exists" },
  CREDENTIAL_NOT_FOUND: { id: "COMMAND-4m77G", text: "Personal Access Token not found" },
  DELETE_PROTECTED: { id: "TENURE-Pr0t1", text: "Delete protection is on and has to be lifted first" },
  PROJECT_NOT_FOUND: { id: "QUERY-fk2fs", text: "Project not found" },
  PROJECT_NAME_TAKEN: { id: "V3-DKcYh", text: "Project already exists on organization" },
  PROJECT_ROLE_NOT_FOUND: { id: "COMMAND-m9vMf", text: "Role doesn't exist" },
  PROJECT_ROLE_TAKEN: { id: "V3-DKcYh", text: "Role already exists" },
  PROJECT_GRANT_NOT_FOUND: { id: "PROJECT-D8JxR", text: "Grant not found" },
  PROJECT_GRANT_TAKEN: { id: "V3-DKcYh", text: "Project grant already exists" },
  GRANT_NOT_FOUND: { id: "COMMAND-1My0t", text: "User grant not found" },
  GRANT_TAKEN: { id: "V3-DKcYh", text: "User grant already exists" },
};

/** Right held only on another object than the one that the call names, or than the grant that it names is on. */
const otherObject: Phrase = { id: "AUTH-3jknH", text: "No matching permissions found" };
const otherProject: Phrase = { id: "EVENT-Shu7e", text: "User has no permissions on this project" };
const byOtherObject: Readonly<Record<string, Phrase>> = { AddUserGrant: otherProject, RemoveUserGrant: otherProject };

/** The phrase for a failure of an RPC; a reason without words of its own is told by its name under one id. */
export function phraseOf(failure: Failure, rpc: Rpc): Phrase {
  if (failure.reason === "PERMISSION_DENIED" && failure.facts.context === "object") return byOtherObject[rpc.name] ?? otherObject;
  return byRpc[rpc.name]?.[failure.reason] ?? byReason[failure.reason] ?? { id: "TENURE-0", text: plain(failure.reason) };
}

function plain(reason: ReasonName): string {
  return reason.charAt(0) + reason.slice(1).toLowerCase().replaceAll("_", " ");
}
