/** What people see of the issuer. Words only: what may be shown, and when, is decided elsewhere. */
import type { ErrorOut, KoaContextWithOIDC } from "oidc-provider";
import { Html, html, type Page, page } from "./html.ts";

/** What a login form must carry back. */
export type LoginForm = {
  readonly action: string;
  readonly token: string;
  readonly loginName: string;
  readonly formTargets: readonly string[];
};

/** Why a form is shown again. */
const problems = {
  refused: "The login name, the password or the organization is not right.",
  throttled: "Too many attempts. Wait 15 minutes, then try again.",
  empty: "Enter your e-mail address or login name.",
} as const;
export type Problem = keyof typeof problems;

/** First step: who. */
export function loginNamePage(form: LoginForm, problem?: Problem): Page {
  return loginPage(
    form,
    html`<label for="login_name">E-mail or login name</label>
<input id="login_name" name="login_name" value="${form.loginName}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<button type="submit">Next</button>`,
    problem,
  );
}

/**
 * Second step: the proof. The same page for every name, also for one that nobody has: the organization is asked of everybody,
 * because whether it is needed would tell who is a member of what.
 */
export function passwordPage(form: LoginForm, problem?: Problem): Page {
  return loginPage(
    form,
    html`<label for="login_name">E-mail or login name</label>
<input id="login_name" name="login_name" value="${form.loginName}" autocomplete="username" readonly>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<label for="org">Organization (optional)</label>
<input id="org" name="org" autocomplete="organization" aria-describedby="org_hint">
<small id="org_hint">Its name or domain, if your e-mail is used in more than one.</small>
<button type="submit">Log in</button>`,
    problem,
  );
}

function loginPage(form: LoginForm, fields: Html, problem: Problem | undefined): Page {
  const alert = problem === undefined ? new Html("") : html`<p role="alert">${problems[problem]}</p>`;
  const content = html`${alert}<form method="post" action="${form.action}"><input type="hidden" name="token" value="${form.token}">${fields}</form>`;
  return page("Log in", content, form.formTargets);
}

/** The login cannot go on: its cookie or its time is gone. */
export function expiredPage(): Page {
  return page("Log in", html`<p role="alert">This login has expired. Go back to where you came from and start again.</p>`);
}

/** An error that cannot be sent to the client. */
export function renderError(ctx: KoaContextWithOIDC, out: ErrorOut): void {
  show(ctx, page("That did not work", html`<p role="alert">${out.error_description ?? out.error}</p>`));
}

/** Asks whether to log out. The form is the provider's own, and lacks only its button. */
export function renderLogout(ctx: KoaContextWithOIDC, form: string): void {
  const content = html`${new Html(form)}<button type="submit" form="op.logoutForm" name="logout" value="yes">Log out</button>`;
  show(ctx, page("Log out?", content));
}

/** After it. */
export function renderLoggedOut(ctx: KoaContextWithOIDC): void {
  show(ctx, page("Logged out", html`<p>You can close this page.</p>`));
}

function show(ctx: KoaContextWithOIDC, { body, headers }: Page): void {
  ctx.set(headers);
  ctx.body = body;
}
