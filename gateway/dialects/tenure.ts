// Tenure's own dialect: google.rpc.Status as it is, the usual HTTP statuses.
import { detailsJson, httpStatus } from "../status.ts";
import type { Dialect } from "./dialect.ts";

export const tenure: Dialect = {
  printsEmpty: true,
  ignoresTrailingSlash: false,
  headers: {},
  render: (failure, { registry }) => ({
    status: httpStatus(failure),
    headers: {},
    body: { code: failure.code, message: failure.message, details: detailsJson(failure, registry) },
  }),
};
