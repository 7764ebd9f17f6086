// ZITADEL v1: the body of grpc-gateway, google.rpc.Status whose details are absent when there are none; zero values are
// not printed.
import type { Failure, Seam } from "../status.ts";
import { detailsJson, httpStatus } from "../status.ts";
import type { Dialect } from "./dialect.ts";

/** Failures that no RPC answered have the fixed words of that gateway, and no details. */
const ROUTING_WORDS: Partial<Readonly<Record<Seam, string>>> = { route: "Not Found", verb: "Method Not Allowed" };

export const zitadel: Dialect = {
  printsEmpty: false,
  ignoresTrailingSlash: false,
  headers: {},
  render: (failure, { registry }) => ({ status: httpStatus(failure), headers: {}, body: bodyOf(failure, registry) }),
};

function bodyOf(failure: Failure, registry: Parameters<typeof detailsJson>[1]): object {
  const words = ROUTING_WORDS[failure.seam];
  if (words !== undefined) {
    return { code: failure.code, message: words };
  }
  const { code, message } = failure;
  return failure.details.length === 0 ? { code, message } : { code, message, details: detailsJson(failure, registry) };
}
