/**
 * What the provider's ids look like here. Codes and tokens have the form of every token of this installation, so that one row
 * of one org is asked for each; the id of a grant names its org, too, and is never presented.
 */
import type { Provider } from "oidc-provider";
import { mintToken, parseToken, type TokenKind } from "../access/token.ts";
import { type CredentialId, mintId, type OrgId, parseId } from "../kernel/ids.ts";
import type { CredentialKind } from "../kernel/schema.ts";
import type { Place } from "./families-store.ts";

/** Models of the provider that are rows of credentials. */
export const issuedModels = {
  Grant: "oidc_grant",
  AuthorizationCode: "authorization_code",
  AccessToken: "access_token",
  RefreshToken: "refresh_token",
} as const satisfies Readonly<Record<string, CredentialKind>>;

export type IssuedModel = keyof typeof issuedModels;

/** The id of a new grant to a user of an org. */
export function mintGrantId(orgId: OrgId): string {
  return `${orgId}.${mintId<CredentialId>()}`;
}

/** Reads the id of a grant; null when it is none. */
export function parseGrantId(text: string): Place | null {
  const [org = "", grant = "", ...more] = text.split(".");
  const orgId = parseId<OrgId>(org);
  const id = parseId<CredentialId>(grant);
  return orgId && id && more.length === 0 ? { orgId, id, digest: null } : null;
}

/** Where the row of a model's id is; null when no row can have this id. */
export function placeOf(model: IssuedModel, id: string): Place | null {
  const kind = issuedModels[model];
  if (kind === "oidc_grant") return parseGrantId(id);
  const pointer = parseToken(id, [kind]);
  return pointer && { orgId: pointer.orgId, id: pointer.credentialId, digest: pointer.digest };
}

type Issuable = { readonly grantId?: string | undefined };
type Mints = { generateTokenId(this: Issuable): string };

/** Makes a provider give out codes and tokens in our form. */
export function mintOwnTokens(provider: Provider): void {
  const minted: readonly (readonly [Mints, TokenKind])[] = [
    [mints(provider.AuthorizationCode), "authorization_code"],
    [mints(provider.AccessToken), "access_token"],
    [mints(provider.RefreshToken), "refresh_token"],
  ];
  for (const [prototype, kind] of minted) {
    const { generateTokenId } = prototype;
    Object.defineProperty(prototype, "generateTokenId", {
      value(this: Issuable): string {
        // It settles the token's format on the way; only its choice of an id is not ours.
        generateTokenId.call(this);
        const grant = parseGrantId(this.grantId ?? "");
        if (!grant) throw new Error(`a ${kind} without a grant`);
        return mintToken(kind, grant.orgId, mintId<CredentialId>());
      },
    });
  }
}

function mints({ prototype }: { readonly prototype: object }): Mints {
  return prototype as Mints;
}
