/** Names, texts and codes of Infisical's errors: by RPC where the RPC has its own, else by reason. Clients show them as they are. */
import { status } from "@grpc/grpc-js";
import type { Facts, Failure, ReasonName } from "../../kernel/failure.ts";
import type { Rpc } from "../contract.ts";

export type Phrase = {
  /** The error's name, such as "NotFound". */
  readonly error: string;
  readonly text: string;
  /** Where the code differs from the reason's usual one. */
  readonly code?: status;
  /** What the body of a 403 shows beside. */
  readonly details?: unknown;
};

type Say = (facts: Facts, rpc: Rpc) => Phrase;
type Phrases = Partial<Record<ReasonName, Say>>;

/** What an RPC does to which subject, as Infisical's abilities name it. */
const abilities: Readonly<Record<string, readonly [action: string, subject: string]>> = {
  CreateProjectIdentity: ["create", "identity"],
  ListProjectIdentities: ["read", "identity"],
  GetProjectIdentity: ["read", "identity"],
  UpdateProjectIdentity: ["edit", "identity"],
  DeleteProjectIdentity: ["delete", "identity"],
  CreateIdentityMembership: ["create", "identity"],
  ListIdentityMemberships: ["read", "identity"],
  GetIdentityMembership: ["read", "identity"],
  UpdateIdentityMembership: ["edit", "identity"],
  DeleteIdentityMembership: ["delete", "identity"],
  GetIdentity: ["read", "identity"],
  DeleteIdentity: ["delete", "identity"],
};

const badRequest = (text: string): Phrase => ({ error: "BadRequest", text });
const notFound = (text: string): Phrase => ({ error: "NotFound", text });
const unauthorized = (text: string): Phrase => ({ error: "UnauthorizedError", text });
/** The vendor knows only a bad request where our code would say "not found". */
const precondition = (text: string): Phrase => ({ ...badRequest(text), code: status.FAILED_PRECONDITION });
const beyond =
  (text: string): Say =>
  ({ missing = "" }) => ({
    error: "PermissionBoundaryError",
    text,
    ...(missing === "" ? {} : { details: { missingPermissions: missing.split(" ").map(toAbility) } }),
  });

const managedByProject = () => badRequest("Identity is managed by project");
const orgIdentityMissing: Say = ({ id }) => notFound(`Failed to find identity with id ${id}`);
const noMembership = () => precondition("Identity doesn't have membership");
const outranksGiver = beyond("Failed to assign a role that is more privileged than your own");

/** By RPC name. */
const byRpc: Readonly<Record<string, Phrases>> = {
  CreateProjectIdentity: { PRIVILEGE_BOUNDARY: outranksGiver },
  UpdateProjectIdentity: { PRIVILEGE_BOUNDARY: beyond("Failed to update a more privileged identity") },
  DeleteProjectIdentity: {
    DELETE_PROTECTED: () => badRequest("Cannot delete identity while delete protection is enabled"),
    PRIVILEGE_BOUNDARY: beyond("Failed to remove a more privileged identity from the project"),
  },
  CreateIdentityMembership: {
    PRIVILEGE_BOUNDARY: outranksGiver,
    PRINCIPAL_KIND_WRONG: () => badRequest("Failed to create project membership for a project scoped identity"),
  },
  UpdateIdentityMembership: {
    PRIVILEGE_BOUNDARY: beyond("Failed to update the roles of a more privileged identity"),
    GRANT_NOT_FOUND: noMembership,
  },
  DeleteIdentityMembership: {
    PRIVILEGE_BOUNDARY: beyond("Failed to remove a more privileged identity from the project"),
    PRINCIPAL_KIND_WRONG: () => badRequest("Failed to delete project membership for a project scoped identity"),
    GRANT_NOT_FOUND: noMembership,
  },
  GetIdentity: { IDENTITY_NOT_FOUND: orgIdentityMissing, PRINCIPAL_KIND_WRONG: managedByProject },
  DeleteIdentity: {
    IDENTITY_NOT_FOUND: orgIdentityMissing,
    PRINCIPAL_KIND_WRONG: managedByProject,
    DELETE_PROTECTED: () => badRequest("Identity has delete protection"),
    PRIVILEGE_BOUNDARY: beyond("Failed to delete a more privileged identity"),
  },
};

/** Rules that span more than one field of a request. */
const rules: Readonly<Record<string, string>> = {
  PERMANENT_ROLE_MISSING: "Identity must have at least one permanent role",
  OWN_MEMBERSHIP: "You can't delete your own membership",
};

const byReason: Phrases = {
  CREDENTIAL_MISSING: () => unauthorized("Token missing"),
  CREDENTIAL_INVALID: () => unauthorized("You are not allowed to access this resource"),
  PERMISSION_DENIED: (_, rpc) => {
    const [action, subject] = abilities[rpc.name] ?? ["access", "resource"];
    const text = `You are not allowed to ${action} on ${subject}`;
    return { error: "PermissionDenied", text, details: [{ action, inverted: false, subject }] };
  },
  MEMBERSHIP_MISSING: (facts) => (facts.projectId === undefined ? notInOrg() : notInProject(facts)),
  CONTEXT_ORG_UNKNOWN: () => notInOrg(),
  REQUEST_INVALID: ({ rule = "", text }) => badRequest(rules[rule] ?? text ?? "The request is invalid"),
  REQUEST_MALFORMED: ({ text = "The request cannot be read" }) => badRequest(text),
  PROJECT_NOT_FOUND: ({ id }) => notFound(`Project with ${id} not found`),
  ORG_NOT_FOUND: () => notFound("Organization not found"),
  IDENTITY_NOT_FOUND: ({ id }) => notFound(`Identity with id ${id} not found`),
  GRANT_NOT_FOUND: () => notFound("Identity membership not found"),
  PROJECT_ROLE_NOT_FOUND: () => notFound("One or more custom roles not found"),
  MEMBER_UNKNOWN: ({ id }) => badRequest(`Identity ${id} is missing organization membership`),
  GRANT_TAKEN: () => badRequest("Identity is already a member of the project"),
  CONFLICT: () => badRequest("Another request is changing the same thing, please try again"),
};

/** The phrase for a failure of an RPC; what has none is told by its name, or not at all when it is the server's fault. */
export function phraseOf(failure: Failure, rpc: Rpc): Phrase {
  if (failure.violations.length > 0) return { error: "ValidationFailure", text: "Validation failed" };
  const say = byRpc[rpc.name]?.[failure.reason] ?? byReason[failure.reason];
  if (say) return say(failure.facts, rpc);
  if (serverFaults.has(failure.code)) return serverError;
  return (failure.code === status.NOT_FOUND ? notFound : badRequest)(plain(failure.reason));
}

const serverFaults: ReadonlySet<status> = new Set([status.INTERNAL, status.UNAVAILABLE, status.UNKNOWN, status.DEADLINE_EXCEEDED]);
const serverError: Phrase = { error: "InternalServerError", text: "Something went wrong" };

function notInOrg(): Phrase {
  return { error: "ForbiddenError", text: "You are not a member of this organization" };
}

function notInProject({ projectId, caller }: Facts): Phrase {
  const advice = `Please assign this ${caller} to the project with the appropriate permissions, then try again.`;
  return { error: "ProjectMembershipNotFound", text: `You are not a member of this project with ID ${projectId}. ${advice}` };
}

/** "project.member.write" is the action "write" on the subject "project.member". */
function toAbility(permission: string): { action: string; subject: string } {
  const dot = permission.lastIndexOf(".");
  return { action: permission.slice(dot + 1), subject: permission.slice(0, dot) };
}

function plain(reason: ReasonName): string {
  return reason.charAt(0) + reason.slice(1).toLowerCase().replaceAll("_", " ");
}
