/** A stored client in the words of dynamic registration (RFC 7591), which the provider takes. */
import { timingSafeEqual } from "node:crypto";
import type { AdapterPayload, Provider } from "oidc-provider";
import { secretDigest } from "./clients.ts";
import type { StoredClient } from "./clients-store.ts";
import { isOfDevice } from "./redirects.ts";

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
    application_type: applicationType(client),
    ...(client.secret_digest
      ? { token_endpoint_auth_method: "client_secret_basic", client_secret: client.secret_digest.toString("base64url") }
      : { token_endpoint_auth_method: "none" }),
  };
}

/** Only an app on a device, which keeps no secret, may choose the port of its loopback address (RFC 8252, section 7.3). */
function applicationType({ secret_digest, redirect_uris }: StoredClient): "native" | "web" {
  return secret_digest === null && redirect_uris.some(isOfDevice) ? "native" : "web";
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
