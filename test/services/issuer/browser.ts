/** A browser without script, as far as a login needs one: cookies by path, redirects, forms. */

/** Where a visit ended: a page of the issuer, or a redirect to somewhere else. */
export interface Stop {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

export class Browser {
  readonly #fetch: typeof fetch;
  readonly #origin: string;
  readonly #cookies = new Map<string, Cookie>();

  /** @param through reaches the issuer, which lives at `origin` */
  constructor(origin: string, through: typeof fetch) {
    this.#origin = origin;
    this.#fetch = through;
  }

  /** A browser with the same cookies that goes another way. */
  through(other: typeof fetch): Browser {
    const browser = new Browser(this.#origin, other);
    for (const [name, cookie] of this.#cookies) browser.#cookies.set(name, cookie);
    return browser;
  }

  /** Goes somewhere and follows redirects as long as they stay with the issuer. */
  async visit(to: URL | string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Stop> {
    const url = new URL(to, this.#origin);
    if (url.origin !== this.#origin) return { url, status: 0, headers: new Headers(), text: "" };
    const response = await this.#fetch(url, {
      method: form ? "POST" : "GET",
      redirect: "manual",
      headers: { accept: "text/html", cookie: this.#sent(url), ...headers },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    this.#keep(response.headers.getSetCookie());
    const location = response.headers.get("location");
    if (location !== null) {
      await response.body?.cancel();
      return this.visit(new URL(location, url));
    }
    return { url, status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Fills in the form of a page and sends it, with what stands in it already. */
  submit(stop: Stop, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Stop> {
    const action = /<form[^>]* action="([^"]*)"/.exec(stop.text)?.[1];
    if (action === undefined) throw new Error(`no form: ${stop.status} ${stop.url.href} ${stop.text}`);
    const given = [...stop.text.matchAll(/<input [^>]*name="([^"]*)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [
      name,
      value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
    ]);
    return this.visit(new URL(action, stop.url), { ...Object.fromEntries(given), ...fields }, headers);
  }

  #sent(url: URL): string {
    const own = [...this.#cookies].filter(([, { path }]) => url.pathname.startsWith(path));
    return own.map(([name, { value }]) => `${name}=${value}`).join("; ");
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split(/; */);
      const name = pair.slice(0, pair.indexOf("="));
      const value = pair.slice(pair.indexOf("=") + 1);
      const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? "/";
      if (value === "") this.#cookies.delete(name);
      else this.#cookies.set(name, { value, path });
    }
  }
}
