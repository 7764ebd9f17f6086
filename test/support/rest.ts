/** A small REST client for tests: the answer as it came, nothing thrown for a status. */

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when it is empty. */
  readonly body: Body;
}

export interface RestCall {
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  /** Sent as JSON; a string goes as it is. */
  readonly body?: unknown;
}

export type Rest = <Body = Record<string, unknown>>(method: string, path: string, call?: RestCall) => Promise<Answer<Body>>;

/** Calls relative to a base URL, as the owner of a token unless the call says otherwise. */
export function restClient(baseUrl: string, token?: string): Rest {
  return async <Body>(method: string, path: string, call: RestCall = {}) => {
    const bearer = "token" in call ? call.token : token;
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: typeof call.body === "string" ? call.body : JSON.stringify(call.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: (text === "" ? undefined : JSON.parse(text)) as Body };
  };
}
