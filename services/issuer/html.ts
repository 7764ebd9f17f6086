/** HTML that cannot be injected into, and the one page all of the issuer's pages are: no script, nothing from elsewhere. */
import { createHash } from "node:crypto";

/** Text that is HTML already. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | Html | readonly Html[];

/** A template whose values are escaped, unless they are HTML. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: parts }, ...values.map(spell)));
}

function spell(value: Value): string {
  if (typeof value === "string") return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return value instanceof Html ? value.text : value.map(({ text }) => text).join("");
}

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f5f6f8, #14161a); color: light-dark(#1b1f27, #e9ebef); }
main { box-sizing: border-box; width: min(24rem, 100%); padding: 2rem; background: light-dark(#fff, #1e2127); border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.375rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
small { display: block; color: light-dark(#545b68, #a9b0bd); }
input, button { box-sizing: border-box; width: 100%; padding: .625rem .75rem; font: inherit; border-radius: .375rem; }
input { border: 1px solid light-dark(#79808d, #848b98); background: light-dark(#fff, #14161a); color: inherit; }
input[readonly] { border-color: transparent; padding-inline: 0; background: none; }
button { margin-top: 1.5rem; border: 0; font-weight: 600; background: light-dark(#1f4fd1, #8fb0ff); color: light-dark(#fff, #0d1526); cursor: pointer; }
:focus-visible { outline: 3px solid light-dark(#1f4fd1, #8fb0ff); outline-offset: 2px; }
[role=alert] { padding: .75rem; border-left: 4px solid light-dark(#b3261e, #ff8a80); background: light-dark(#fdecea, #3a1f1e); }
`;

const styleHash = createHash("sha256").update(style).digest("base64");

/** The whole page, with its headers. */
export type Page = { readonly body: string; readonly headers: Readonly<Record<string, string>> };

/**
 * A page.
 *
 * @param formTargets where its forms may lead besides here: browsers hold redirects against it, too
 */
export function page(title: string, content: Html, formTargets: readonly string[] = []): Page {
  const body = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${new Html(style)}</style></head>
<body><main><h1>${title}</h1>${content}</main></body>
</html>`.text;
  const formAction = ["'self'", ...formTargets].join(" ");
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`;
  return {
    body,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cache-control": "no-store",
    },
  };
}
