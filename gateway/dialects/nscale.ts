// nscale Identity: OAuth 2.0 words for every HTTP status, beside the gateway's own code, message and details.
import type { Failure } from "../status.ts";
import { detailsJson, httpStatus } from "../status.ts";
import type { Dialect } from "./dialect.ts";

/** The documents close this list; a status without a word of its own takes that of its class. */
const ERROR_WORDS: Readonly<Record<number, string>> = {
  400: "invalid_request",
  401: "access_denied",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "request_entity_too_large",
  415: "unsupported_media_type",
  500: "server_error",
};

/** The words that its clients know; whatever really happened is in the log, under the request's id. */
const SERVER_ERROR = "an internal error has occurred, please contact support";

export const nscale: Dialect = {
  printsEmpty: true,
  ignoresTrailingSlash: false,
  headers: { "cache-control": "no-cache" },
  render: (failure, { registry }) => {
    const status = statusOf(failure);
    const description = status === 500 ? SERVER_ERROR : failure.message;
    const error = ERROR_WORDS[status] ?? "invalid_request";
    return {
      status,
      headers: status === 401 ? { "www-authenticate": challenge(error, description) } : {},
      body: { error, error_description: description, code: failure.code, message: description, details: detailsJson(failure, registry) },
    };
  },
};

/** Whatever goes wrong on the server's side is the one documented 500. */
function statusOf(failure: Failure): number {
  const status = httpStatus(failure);
  return Math.min(status, 500);
}

/** RFC 6750 section 3. The text is a quoted string: no quotes, no backslash, printable ASCII only. */
function challenge(error: string, description: string): string {
  return `Bearer error="${error}",error_description="${description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?")}"`;
}
