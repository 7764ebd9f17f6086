/** A stored client in the words of dynamic registration (RFC 7591), which the provider takes. */
import { timingSafeEqual } from "node:crypto";
import type { AdapterPayload, Provider } from "oidc-provider";
import { secretDigest } from "./clients.ts";
import type { StoredClient } from "./clients-store.ts";

/** Our own member of a client: the project that it belongs to. */
export const projectMember = "tenure_project_id";

/** The provider's view of a client. In place of the secret stands its digest: see {@link compareDigests}. */
export function metadataOf(client: StoredClient): AdapterPayload {
  const isApi = client.kind === "api";
  return {
    client_id: client.id,
    client_name: client.name,
    [projectMember]: client.project_id,
    redirect_uris: isApi ? [] : client.redirect_uris,
    post_logout_redirect_uris: client.post_logout_redirect_uris,
    grant_types: isApi ? [] : ["authorization_code", "refresh_token"],
    response_types: isApi ? [] : ["code"],
    application_type: applicationType(client.redirect_uris),
    ...(client.secret_digest
      ? { token_endpoint_auth_method: "client_secret_basic", client_secret: client.secret_digest.toString("base64url") }
      : { token_endpoint_auth_method: "none" }),
  };
}

/** Loopback and private-use schemes are those of native apps (RFC 8252, sections 7.1 and 7.3). */
function applicationType(redirectUris: readonly string[]): "native" | "web" {
  return redirectUris.some((uri) => !uri.startsWith("https:")) ? "native" : "web";
}

type WithSecret = { readonly clientSecret?: string | undefined };

/** Makes a provider hold the digest of a given secret against the stored one. */
export function compareDigests(provider: Provider): void {
  Object.defineProperty(provider.Client.prototype, "compareClientSecret", {
    value(this: WithSecret, given: string): boolean {
      const stored = Buffer.from(this.clientSecret ?? "", "base64url");
      const digest = secretDigest(given);
      return stored.length === digest.length && timingSafeEqual(stored, digest);
    },
  });
}
