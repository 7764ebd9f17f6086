/**
 * The document of "Delete Identity", its schemas transcribed: what each status answers. Objects are closed, as there.
 * Nothing here is taken from our code.
 */
import Ajv from "ajv";
import addFormats from "ajv-formats";

const text = { type: "string" };
const texts = { type: "array", items: text };
const uuid = { type: "string", format: "uuid" };
const time = { type: "string", format: "date-time" };

const identity = {
  type: "object",
  properties: {
    id: uuid,
    name: text,
    orgId: uuid,
    projectId: { type: "string", nullable: true },
    createdAt: time,
    updatedAt: time,
    hasDeleteProtection: { type: "boolean", default: false },
    activeLockoutAuthMethods: texts,
    authMethods: texts,
    metadata: {
      type: "array",
      items: {
        type: "object",
        properties: { key: text, value: text, id: text },
        required: ["key", "value", "id"],
        additionalProperties: false,
      },
    },
  },
  required: ["id", "name", "orgId", "createdAt", "updatedAt"],
  additionalProperties: false,
};

const deleted = { type: "object", properties: { identity }, required: ["identity"], additionalProperties: false };

/** The body of an error; `more` and `required` are where the statuses differ. */
function error(status: number, more: object = {}, required = ["reqId", "statusCode", "message", "error"]) {
  const properties = { reqId: text, statusCode: { type: "number", enum: [status] }, message: text, error: text, ...more };
  return { type: "object", properties, required, additionalProperties: false };
}

const schemas: Readonly<Record<number, object>> = {
  200: deleted,
  400: error(400),
  401: error(401),
  403: error(403, { details: {} }),
  404: error(404),
  422: error(422, { message: {} }, ["reqId", "statusCode", "error"]),
  500: error(500),
};

/** The members that the document's example shows: all that there are. */
export const identityMembers = Object.keys(identity.properties);

const ajv = new Ajv.default({ allErrors: true });
addFormats.default(ajv);
const checks = new Map(Object.entries(schemas).map(([status, schema]) => [Number(status), ajv.compile(schema)]));

/** What is wrong with an answer by the document; empty when it is as documented. A status that it does not list is wrong. */
export function breaches({ status, body }: { readonly status: number; readonly body: unknown }): string[] {
  const check = checks.get(status);
  if (!check) return [`status ${status} is not in the document`];
  return check(body) ? [] : (check.errors ?? []).map((found) => `${found.instancePath} ${found.message} ${JSON.stringify(found.params)}`);
}
