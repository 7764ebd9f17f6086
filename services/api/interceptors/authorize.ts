/**
 * Authentication and authorization: 401 before 403, and both before anything is said about the request or about what
 * exists. Which permission is needed, and where it must be held, is read from the RPC's option; no RPC is known by name.
 */
import type { Metadata } from "@grpc/grpc-js";
import { Scope } from "../../../proto/gen/tenure/options/v1/rpc.ts";
import { type Authenticated, authenticate, type Place } from "../../access/authenticate.ts";
import { Rights, type Target } from "../../access/rights.ts";
import { parseToken, type TokenPointer } from "../../access/token.ts";
import type { Database } from "../../kernel/database.ts";
import { type Facts, failure } from "../../kernel/failure.ts";
import { type OrgId, type ProjectId, parseId } from "../../kernel/ids.ts";
import type { PrincipalKind } from "../../kernel/schema.ts";
import type { Call, Envelope } from "../call.ts";
import type { DialectName, Rpc } from "../contract.ts";

const bearer = /^bearer +(\S+)$/i;

/**
 * The scope that an access token needs for the RPCs of a dialect (ZITADEL: "reserved scopes"). Tokens that carry no scopes,
 * such as personal access tokens, need none.
 */
const scopeOf: Readonly<Record<DialectName, string | null>> = {
  zitadel: "urn:zitadel:iam:org:project:id:zitadel:aud",
  nscale: null,
  infisical: null,
  tenure: null,
};

/** The header that names the org in whose context a call acts. */
const contextHeader = "x-zitadel-orgid";

/** Text fields of the decoded request; a request that could not be decoded has none. */
type Fields = Readonly<Record<string, unknown>>;

/** Reads the tokens that are not of our own form, such as one fixed by the operator. */
export type ForeignTokens = (token: string) => TokenPointer | null;

/**
 * Lets a call through or refuses it.
 *
 * @param fields the decoded message, for the fields that name the place of the call
 * @throws Failure CREDENTIAL_MISSING, CREDENTIAL_INVALID, CONTEXT_ORG_UNKNOWN, MEMBERSHIP_MISSING or PERMISSION_DENIED
 */
export async function authorize(
  db: Database,
  foreign: ForeignTokens,
  envelope: Envelope,
  fields: Fields,
): Promise<Call & { missing: boolean }> {
  const { rpc, metadata, requestId } = envelope;
  const pointer = readBearer(metadata, foreign);
  const place = placeOf(rpc, metadata, fields);
  const found = await authenticate(db, pointer, place);
  if (!found || !mayBeUsed(rpc, found)) throw failure("CREDENTIAL_INVALID");
  if (rpc.scope === Scope.SCOPE_CONTEXT_ORG && !found.contextOrgLive) throw failure("CONTEXT_ORG_UNKNOWN");
  const rights = new Rights(found.held);
  const { caller } = found;
  const permitted = allowed(rpc, rights, targetOf(rpc, fields));
  const selfOnly = !permitted && rpc.selfService && caller.kind === "identity" && caller.orgId === found.contextOrgId;
  if (rpc.permission && !permitted && !selfOnly) throw rights.refusal(rpc.permission, refused(rpc, fields, caller.kind));
  if (!rpc.permission && isStranger(rpc, rights, found)) throw failure("MEMBERSHIP_MISSING");
  return {
    rpc,
    requestId,
    caller,
    rights,
    orgId: found.contextOrgId ?? caller.orgId,
    projectLive: found.projectLive,
    actor: { orgId: caller.orgId, principalId: caller.id, requestId },
    selfOnly,
    missing: !rpc.belowTombstone && isMissing(rpc, found),
  };
}

function readBearer(metadata: Metadata, foreign: ForeignTokens): TokenPointer {
  const [header, ...more] = metadata.get("authorization");
  if (header === undefined) throw failure("CREDENTIAL_MISSING");
  const token = more.length === 0 ? bearer.exec(String(header))?.[1] : undefined;
  const pointer = token === undefined ? null : (foreign(token) ?? parseToken(token));
  if (!pointer) throw failure("CREDENTIAL_INVALID");
  return pointer;
}

function mayBeUsed(rpc: Rpc, { scopes }: Authenticated): boolean {
  const needed = scopeOf[rpc.dialect];
  return needed === null || scopes === null || scopes.includes(needed);
}

function placeOf(rpc: Rpc, metadata: Metadata, fields: Fields): Place {
  const header = metadata.get(contextHeader)[0];
  const named = rpc.scope === Scope.SCOPE_ORG ? textOf(fields, rpc.orgField) : header === undefined ? undefined : String(header);
  return {
    orgId: named === undefined || (rpc.scope !== Scope.SCOPE_ORG && named === "") ? undefined : parseId<OrgId>(named),
    projectId: rpc.projectField ? (parseId<ProjectId>(textOf(fields, rpc.projectField)) ?? undefined) : undefined,
    everyProject: rpc.scope === Scope.SCOPE_CONTEXT_ORG,
    orgFromProject: rpc.scope === Scope.SCOPE_PROJECT && header === undefined,
    belowTombstone: rpc.belowTombstone,
  };
}

function targetOf(rpc: Rpc, fields: Fields): Target {
  return {
    projectId: rpc.projectField ? textOf(fields, rpc.projectField).toLowerCase() : undefined,
    projectGrantId: rpc.grantField ? textOf(fields, rpc.grantField).toLowerCase() : undefined,
  };
}

/**
 * A right on a single project suffices where the RPC names the project. Where an RPC of the context org names none, such
 * a right lets the call in and the handler narrows what it sees (ZITADEL's rule); the other scopes are strict.
 */
function allowed(rpc: Rpc, rights: Rights, target: Target): boolean {
  if (!rpc.permission) return true;
  if (rpc.scope === Scope.SCOPE_INSTANCE) return rights.onInstance(rpc.permission);
  if (rights.on(rpc.permission, target)) return true;
  const namesObject = rpc.projectField !== null || rpc.grantField !== null;
  return rpc.scope === Scope.SCOPE_CONTEXT_ORG && !namesObject && rights.objects(rpc.permission).length > 0;
}

/** Neither of the org that the call names nor holding anything in it: must not learn whether there is such an org. */
function isStranger(rpc: Rpc, rights: Rights, found: Authenticated): boolean {
  return rpc.scope === Scope.SCOPE_ORG && rights.empty && found.caller.orgId !== found.contextOrgId;
}

function isMissing(rpc: Rpc, found: Authenticated): boolean {
  return rpc.scope === Scope.SCOPE_ORG && !found.contextOrgLive;
}

/** What a refusal may repeat: who was refused, and the project as the caller named it, cut to what an id can be. */
function refused(rpc: Rpc, fields: Fields, caller: PrincipalKind): Facts {
  return { caller, ...(rpc.scope === Scope.SCOPE_PROJECT ? { projectId: textOf(fields, rpc.projectField).slice(0, 64) } : {}) };
}

function textOf(fields: Fields, name: string | null): string {
  const value = name === null ? undefined : fields[name];
  return typeof value === "string" ? value : "";
}
