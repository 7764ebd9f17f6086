// Infisical: the closed body of its Fastify server, {reqId, statusCode, message, error}, with details on a 403 alone.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import type { Failure, Violation } from "../status.ts";
import { detailOf, httpStatus, violationsOf } from "../status.ts";
import type { Dialect, RenderContext, Rendered } from "./dialect.ts";

/** The vendor's own detail: the error's name and, for some refusals, what is missing. */
const ERROR_DETAIL = "infisical.identity.v1.ErrorDetail";

const ERROR_NAMES: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "UnauthorizedError",
  403: "PermissionDenied",
  404: "NotFound",
  413: "PayloadTooLarge",
  415: "UnsupportedMediaType",
  422: "ValidationFailure",
  429: "RateLimitExceeded",
  500: "InternalServerError",
};

const SERVER_ERROR = "Something went wrong";

export const infisical: Dialect = {
  printsEmpty: true,
  ignoresTrailingSlash: true,
  headers: {},
  render: (failure, context) => {
    if (failure.seam === "route" || failure.seam === "verb") {
      return answer(404, `Route ${context.verb}:${context.path} not found`, "Not Found", context);
    }
    const violations = violationsOf(failure);
    if (failure.code === Code.INVALID_ARGUMENT && violations.length > 0) {
      return answer(422, violations.map(toIssue), nameOf(422), context);
    }
    return renderCall(failure, context);
  },
};

function renderCall(failure: Failure, context: RenderContext): Rendered {
  const status = statusOf(failure);
  const detail = detailOf(failure, ERROR_DETAIL, context.registry);
  const name = typeof detail?.error === "string" ? detail.error : nameOf(status);
  const rendered = answer(status, status === 500 ? SERVER_ERROR : failure.message, name, context);
  const facts = status === 403 ? detail?.details : undefined;
  return facts === undefined ? rendered : { ...rendered, body: { ...rendered.body, details: facts } };
}

/** The vendor knows no conflict: what exists already is a bad request. All that fails on the server's side is a 500. */
function statusOf(failure: Failure): number {
  const status = Math.min(httpStatus(failure), 500);
  return status === 409 ? 400 : status;
}

function answer(statusCode: number, message: JsonValue, error: string, { requestId }: RenderContext): Rendered {
  return { status: statusCode, headers: {}, body: { reqId: requestId, statusCode, message, error } };
}

function nameOf(status: number): string {
  return ERROR_NAMES[status] ?? "BadRequest";
}

/** An issue of the validator that the vendor uses: its path is a list of names and indices. */
function toIssue({ field, reason, description }: Violation): JsonObject {
  return { code: reason === "" ? "custom" : reason.toLowerCase(), path: pathOf(field), message: description };
}

function pathOf(field: string): string[] {
  return field.split(/[.[\]]+/).filter((part) => part !== "");
}
