/** The login, step by step, as plain forms. What it proves is handed to the provider, which makes the session. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { errors, type InteractionResults, type Provider } from "oidc-provider";
import { attemptOf, countAttempt, forgetAttempts } from "./attempts.ts";
import { addressOf, readForm, requestIdOf } from "./form.ts";
import type { Page } from "./html.ts";
import { expiredPage, type LoginForm, loginNamePage, type Problem, passwordPage } from "./pages.ts";
import { provePassword } from "./passwords.ts";
import { recordLogin } from "./record-login.ts";
import type { Transactions } from "./transaction.ts";
import type { Vault } from "./vault.ts";

export type LoginSurroundings = {
  readonly provider: Provider;
  readonly store: Transactions;
  readonly vault: Vault;
  readonly origin: string;
};

/** Answers GET and POST of /login/{uid}. */
export async function answerLogin(request: IncomingMessage, response: ServerResponse, around: LoginSurroundings): Promise<void> {
  try {
    const { uid, prompt, params } = await around.provider.interactionDetails(request, response);
    // Nobody is asked for consent; the provider wants to hear that there is one.
    if (prompt.name === "consent") return await around.provider.interactionFinished(request, response, { consent: {} });
    if (!request.url?.startsWith(`/login/${uid}`)) return write(response, 400, expiredPage());
    const token = around.vault.digest("login form", uid);
    const hint = typeof params.login_hint === "string" ? params.login_hint : "";
    const form = { action: `/login/${uid}`, token, loginName: hint, formTargets: targetsOf(params.redirect_uri) };
    if (request.method !== "POST") return write(response, 200, loginNamePage(form));
    await takeStep(request, response, form, around);
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) throw error;
    write(response, 400, expiredPage());
  }
}

async function takeStep(request: IncomingMessage, response: ServerResponse, blank: LoginForm, around: LoginSurroundings): Promise<void> {
  const fields = await readForm(request);
  if (!fields || fields.get("token") !== blank.token || isForeign(request, around.origin)) return write(response, 400, expiredPage());
  const loginName = (fields.get("login_name") ?? "").trim().slice(0, 320);
  const form = { ...blank, loginName };
  const password = fields.get("password");
  if (loginName === "") return write(response, 400, loginNamePage(form, "empty"));
  if (password === null) return write(response, 200, passwordPage(form));
  const proof = { loginName, password, org: (fields.get("org") ?? "").trim() };
  const result = await prove(proof, addressOf(request), requestIdOf(request), around);
  if (typeof result === "string") return write(response, result === "throttled" ? 429 : 401, passwordPage(form, result));
  await around.provider.interactionFinished(request, response, result);
}

async function prove(
  proof: Parameters<typeof provePassword>[1],
  address: string,
  requestId: string | null,
  { store, vault }: LoginSurroundings,
): Promise<Problem | InteractionResults> {
  const attempt = attemptOf(vault, proof.loginName, address);
  if (!(await countAttempt(store.db, attempt))) return "throttled";
  const user = await provePassword(store.db, proof);
  if (!user || !(await recordLogin(store.db, user, requestId))) return "refused";
  await forgetAttempts(store.db, attempt);
  return { login: { accountId: user.id, amr: ["pwd"] }, consent: {} };
}

/** A form that another site sent; browsers say where it stood. */
function isForeign({ headers }: IncomingMessage, origin: string): boolean {
  return headers.origin !== undefined && headers.origin !== origin;
}

/** Where the login leads in the end: browsers hold the redirects after a form against the page's policy. */
function targetsOf(redirectUri: unknown): string[] {
  if (typeof redirectUri !== "string" || !URL.canParse(redirectUri)) return [];
  const { origin, protocol } = new URL(redirectUri);
  return [origin === "null" ? protocol : origin];
}

function write(response: ServerResponse, status: number, { body, headers }: Page): void {
  response.writeHead(status, headers).end(body);
}
