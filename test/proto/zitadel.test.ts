import { create, type DescMessage, fromBinary, fromJson, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { file_zitadel_admin, SetUpOrgRequestSchema } from "@zitadel/proto/zitadel/admin_pb";
import {
  AddMachineUserRequestSchema,
  file_zitadel_management,
  ListOrgMembersRequestSchema,
  ListUserGrantResponseSchema,
  ListUsersRequestSchema,
  ListUsersResponseSchema,
} from "@zitadel/proto/zitadel/management_pb";
import { ErrorDetailSchema, file_zitadel_message } from "@zitadel/proto/zitadel/message_pb";
import { TextQueryMethod } from "@zitadel/proto/zitadel/object_pb";
import { AccessTokenType, Gender, Type, UserFieldName, UserGrantState, UserState } from "@zitadel/proto/zitadel/user_pb";
import { describe, expect, it } from "vitest";
import {
  enumNamed,
  fieldsOf,
  messageNamed,
  methodNamed,
  namesBelow,
  option,
  ownContract,
  publishedContract,
  serviceNamed,
  signatureOf,
  valuesOf,
} from "./support.ts";

const ours = ownContract();
const theirs = publishedContract(file_zitadel_admin, file_zitadel_management, file_zitadel_message);

const services = [
  {
    name: "zitadel.admin.v1.AdminService",
    prefix: "/admin/v1",
    scope: "SCOPE_INSTANCE",
    rpcs: ["Healthz", "GetOrgByID", "IsOrgUnique", "ListOrgs", "SetUpOrg", "GetDefaultOrg", "SetDefaultOrg", "RemoveOrg"],
  },
  {
    name: "zitadel.management.v1.ManagementService",
    prefix: "/management/v1",
    scope: "SCOPE_CONTEXT_ORG",
    rpcs: [
      ...["Healthz", "AddOrg", "GetMyOrg", "RemoveOrg"],
      ...["AddHumanUser", "AddMachineUser", "GetUserByID", "ListUsers", "RemoveUser"],
      ...["AddPersonalAccessToken", "ListPersonalAccessTokens", "RemovePersonalAccessToken"],
      ...["AddProject", "GetProjectByID", "ListProjects", "RemoveProject"],
      ...["AddProjectRole", "ListProjectRoles", "RemoveProjectRole"],
      ...["AddOrgMember", "ListOrgMembers", "RemoveOrgMember"],
      ...["AddProjectGrant", "ListProjectGrants", "RemoveProjectGrant"],
      ...["AddUserGrant", "ListUserGrants", "RemoveUserGrant"],
    ],
  },
];

const rpcs = services.flatMap((service) =>
  service.rpcs.map((rpc) => ({
    ...service,
    call: `${service.name}/${rpc}`,
    own: methodNamed(serviceNamed(ours, service.name), rpc),
    published: methodNamed(serviceNamed(theirs, service.name), rpc),
  })),
);

describe("the messages of the ZITADEL contract", () => {
  it.each(namesBelow(ours, "message", "zitadel"))("%s has ZITADEL's fields and rules, none missing, none added", (name) => {
    expect(fieldsOf(ours, messageNamed(ours, name))).toEqual(fieldsOf(theirs, messageNamed(theirs, name)));
  });

  it.each(namesBelow(ours, "enum", "zitadel"))("%s has ZITADEL's values", (name) => {
    expect(valuesOf(enumNamed(ours, name))).toEqual(valuesOf(enumNamed(theirs, name)));
  });

  it("include the detail that errors carry", () => {
    expect(namesBelow(ours, "message", "zitadel.v1")).toContain("zitadel.v1.ErrorDetail");
  });
});

describe("the services of the ZITADEL contract", () => {
  it.each(services)("$name offers exactly the RPCs of the subset", ({ name, rpcs }) => {
    const offered = serviceNamed(ours, name).methods.map((method) => method.name);
    expect(offered.sort()).toEqual([...rpcs].sort());
  });

  it.each(rpcs)("$call takes and answers ZITADEL's messages", ({ own, published }) => {
    expect(signatureOf(own)).toEqual(signatureOf(published));
  });

  it.each(rpcs)("$call keeps ZITADEL's verb, path and body below its prefix", ({ own, published, prefix }) => {
    const route = option(theirs, published, "google.api.http") as Record<string, string>;
    const whole = Object.entries(route).map(([key, value]) => [key, key === "body" ? value : prefix + value]);
    expect(option(ours, own, "google.api.http")).toEqual(Object.fromEntries(whole));
  });

  it.each(rpcs)("$call demands ZITADEL's permission, in its scope, of the field that ZITADEL checks", (row) => {
    expect(option(ours, row.own, "tenure.options.v1.rpc")).toEqual(expectedAccess(row));
  });
});

/** The access option that follows from ZITADEL's own: `iam.` becomes `instance.`, a checked field is found by its Go name. */
function expectedAccess({ own, published, scope }: (typeof rpcs)[number]) {
  const auth = option(theirs, published, "zitadel.v1.auth_option") as { permission: string; checkFieldName?: string } | undefined;
  if (auth === undefined) return { scope: "SCOPE_PUBLIC" };
  const access = { permission: auth.permission.replace(/^iam\./, "instance."), scope };
  if (auth.checkFieldName === undefined) return access;
  const goName = auth.checkFieldName.toLowerCase();
  const checked = own.input.fields.find((field) => field.name.replaceAll("_", "") === goName);
  return { ...access, projectField: checked?.name };
}

const day = timestampFromDate(new Date("2024-02-29T12:00:00.123Z"));
const details = { sequence: 18446744073709551615n, creationDate: day, changeDate: day, resourceOwner: "org" };
const text = { method: TextQueryMethod.CONTAINS_IGNORE_CASE };

const filled = [
  sample(ErrorDetailSchema, { id: "COMMA-aps2n", message: "Organisation not found" }),
  sample(SetUpOrgRequestSchema, {
    org: { name: "Zürich ✓", domain: "zurich.example" },
    user: {
      case: "human",
      value: {
        userName: "first",
        profile: { firstName: "F", lastName: "L", nickName: "N", displayName: "F L", preferredLanguage: "de", gender: Gender.DIVERSE },
        email: { email: "first@zurich.example", isEmailVerified: true },
        phone: { phone: "+41000000000", isPhoneVerified: true },
        password: "secret",
      },
    },
    roles: ["ORG_OWNER", "ORG_USER_MANAGER"],
  }),
  // Presence of user_id is tracked: set and empty differs from absent.
  sample(AddMachineUserRequestSchema, { userName: "robot", name: "Robot", accessTokenType: AccessTokenType.JWT, userId: "" }),
  sample(AddMachineUserRequestSchema, { userName: "robot", name: "Robot" }),
  sample(ListUsersRequestSchema, {
    query: { offset: 9007199254740993n, limit: 1000, asc: true },
    sortingColumn: UserFieldName.CREATION_DATE,
    queries: [
      { query: { case: "inUserIdsQuery", value: { userIds: ["a", "b"] } } },
      {
        query: {
          case: "orQuery",
          value: {
            queries: [
              { query: { case: "notQuery", value: { query: { query: { case: "typeQuery", value: { type: Type.MACHINE } } } } } },
              { query: { case: "emailQuery", value: { emailAddress: "@example", ...text } } },
            ],
          },
        },
      },
    ],
  }),
  sample(ListUsersResponseSchema, {
    details: { totalResult: 2n, viewTimestamp: day },
    result: [
      {
        id: "1",
        details,
        state: UserState.INITIAL,
        type: { case: "human", value: { profile: { gender: Gender.FEMALE }, passwordChanged: day } },
      },
      { id: "2", details, state: UserState.ACTIVE, type: { case: "machine", value: { name: "Robot", hasSecret: true } } },
    ],
  }),
  sample(ListOrgMembersRequestSchema, { queries: [{ query: { case: "firstNameQuery", value: { firstName: "F", ...text } } }] }),
  sample(ListUserGrantResponseSchema, {
    result: [
      { id: "g", details, roleKeys: ["a", "a/b"], state: UserGrantState.ACTIVE, userType: Type.HUMAN, grantedOrgDomain: "d.example" },
    ],
  }),
];

describe("bytes of the ZITADEL contract", () => {
  it.each(filled)("of ZITADEL's $name are read by ours in full, and come back the same", ({ name, bytes, json }) => {
    const schema = messageNamed(ours, name);
    const read = fromBinary(schema, bytes, { readUnknownFields: false });
    expect(toJson(schema, read)).toEqual(json);
    expect(toBinary(schema, read)).toEqual(bytes);
  });

  it.each(filled)("of our $name are those of ZITADEL's, and are read by it in full", ({ name, bytes, json }) => {
    const own = messageNamed(ours, name);
    const written = toBinary(own, fromJson(own, json));
    const published = messageNamed(theirs, name);
    expect(written).toEqual(bytes);
    expect(toJson(published, fromBinary(published, written, { readUnknownFields: false }))).toEqual(json);
  });
});

/** A message of theirs as bytes and as JSON, both written by their package. */
function sample<Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>) {
  const message = create(schema, init);
  return { name: schema.typeName, bytes: toBinary(schema, message), json: toJson(schema, message) };
}
