import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectError, expectInvalid, fresh, startWorld, type World, within } from "./world.ts";

let world: World;
let orgId: string;
let domain: string;
const ids = new Map<string, string>();

/** userName, first, last, nick, display, e-mail; whoever has a verified address is active. */
const people = [
  ["Anna", "Anna", "Zimmer", "nana", "Z. Anna", "anna@one.example", true],
  ["bob", "Robert", "Adams", "Bobby", "Adams, Bob", "bob@two.example", false],
  ["cleo_x", "Cleo", "Müller", "", "", "Cleo@one.example", true],
] as const;

beforeAll(async () => {
  world = await startWorld();
  const name = fresh("Search");
  orgId = await world.org(name);
  domain = `${name.toLowerCase()}.localhost`;
  const make = async (path: string, body: { userName: string }) => {
    const made = await world.admin<{ userId: string }>("POST", `/management/v1/users/${path}`, { ...within(orgId), body });
    expect(made.status, made.text).toBe(200);
    ids.set(body.userName, made.body.userId);
  };
  for (const [userName, firstName, lastName, nickName, displayName, email, isEmailVerified] of people) {
    await make("human", { userName, profile: { firstName, lastName, nickName, displayName }, email: { email, isEmailVerified } } as {
      userName: string;
    });
  }
  await make("machine", { userName: "deploy", name: "Deploy" } as { userName: string });
  const stranger = { userName: "Anna", profile: { firstName: "Anna", lastName: "Else" }, email: { email: "anna@one.example" } };
  const elsewhere = await world.org();
  await world.admin("POST", "/management/v1/users/human", { ...within(elsewhere), body: stranger });
});

afterAll(() => world.close());

interface List {
  readonly details: { readonly totalResult?: string };
  readonly result?: readonly { readonly userName: string }[];
}

const search = (body: object) => world.admin<List>("POST", "/management/v1/users/_search", { ...within(orgId), body });

async function names(body: object): Promise<string[]> {
  const answer = await search({ query: { asc: true }, ...body });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.result ?? []).map((user) => user.userName);
}

const found = (...queries: object[]) => names({ queries });
const everyone = ["Anna", "bob", "cleo_x", "deploy"];
const text = (kind: string, member: string, term: string, method = "EQUALS") => ({
  [kind]: { [member]: term, method: `TEXT_QUERY_METHOD_${method}` },
});
const userName = (term: string, method?: string) => text("userNameQuery", "userName", term, method);

describe("ListUsers", () => {
  it("lists the humans and machines of the context org, and of no other", async () => {
    expect(await found()).toEqual(everyone);
    expect((await search({})).body.details.totalResult).toBe("4");
  });

  it("compares text in all eight ways, taking wildcards of SQL for what they are", async () => {
    expect(await found(userName("Anna"))).toEqual(["Anna"]);
    expect(await found(userName("anna"))).toEqual([]);
    expect(await found(userName("ANNA", "EQUALS_IGNORE_CASE"))).toEqual(["Anna"]);
    expect(await found(userName("An", "STARTS_WITH"))).toEqual(["Anna"]);
    expect(await found(userName("an", "STARTS_WITH"))).toEqual([]);
    expect(await found(userName("aN", "STARTS_WITH_IGNORE_CASE"))).toEqual(["Anna"]);
    expect(await found(userName("o", "CONTAINS"))).toEqual(["bob", "cleo_x", "deploy"]);
    expect(await found(userName("NN", "CONTAINS_IGNORE_CASE"))).toEqual(["Anna"]);
    expect(await found(userName("ob", "ENDS_WITH"))).toEqual(["bob"]);
    expect(await found(userName("OB", "ENDS_WITH_IGNORE_CASE"))).toEqual(["bob"]);
    expect(await found(userName("_", "CONTAINS"))).toEqual(["cleo_x"]);
    expect(await found(userName("%", "CONTAINS"))).toEqual([]);
    expect(await found(userName("\\", "CONTAINS"))).toEqual([]);
  });

  it("searches by every name, by address and by login name", async () => {
    expect(await found(text("firstNameQuery", "firstName", "Robert"))).toEqual(["bob"]);
    expect(await found(text("lastNameQuery", "lastName", "MÜLLER", "EQUALS_IGNORE_CASE"))).toEqual(["cleo_x"]);
    expect(await found(text("nickNameQuery", "nickName", "nan", "STARTS_WITH"))).toEqual(["Anna"]);
    expect(await found(text("displayNameQuery", "displayName", "Cleo Müller"))).toEqual(["cleo_x"]);
    expect(await found(text("emailQuery", "emailAddress", "@one.example", "ENDS_WITH"))).toEqual(["Anna", "cleo_x"]);
    expect(await found(text("loginNameQuery", "loginName", `deploy@${domain}`))).toEqual(["deploy"]);
    expect(await found(text("loginNameQuery", "loginName", `@${domain}`, "ENDS_WITH"))).toEqual(everyone);
  });

  it("searches by state and by type", async () => {
    const state = (name: string) => found({ stateQuery: { state: `USER_STATE_${name}` } });
    expect(await state("ACTIVE")).toEqual(["Anna", "cleo_x", "deploy"]);
    expect(await state("INITIAL")).toEqual(["bob"]);
    for (const none of ["INACTIVE", "LOCKED", "DELETED", "SUSPEND", "UNSPECIFIED"]) expect(await state(none)).toEqual([]);
    expect(await found({ typeQuery: { type: "TYPE_HUMAN" } })).toEqual(["Anna", "bob", "cleo_x"]);
    expect(await found({ typeQuery: { type: "TYPE_MACHINE" } })).toEqual(["deploy"]);
    expect(await found({ typeQuery: {} })).toEqual([]);
  });

  it("searches by lists of ids and of addresses", async () => {
    const userIds = [ids.get("bob"), ids.get("deploy")?.toUpperCase(), "no-id", "01890000-0000-7000-8000-000000000000"];
    expect(await found({ inUserIdsQuery: { userIds } })).toEqual(["bob", "deploy"]);
    expect(await found({ inUserIdsQuery: {} })).toEqual([]);
    const userEmails = ["bob@two.example", "Cleo@one.example", "anna@ONE.example"];
    expect(await found({ inUserEmailsQuery: { userEmails } })).toEqual(["bob", "cleo_x"]);
    expect(await found({ inUserEmailsQuery: {} })).toEqual([]);
    expect((await search({ queries: [{ inUserEmailsQuery: { userEmails: ["a\0b"] } }] })).status).toBe(400);
    expect(await found({ inUserIdsQuery: { userIds: ["a\0b"] } })).toEqual([]);
  });

  it("combines queries with and, or and not, in each other", async () => {
    const machine = { typeQuery: { type: "TYPE_MACHINE" } };
    const anna = userName("Anna");
    expect(await found({ typeQuery: { type: "TYPE_HUMAN" } }, { stateQuery: { state: "USER_STATE_ACTIVE" } })).toEqual(["Anna", "cleo_x"]);
    expect(await found({ orQuery: { queries: [machine, anna] } })).toEqual(["Anna", "deploy"]);
    expect(await found({ orQuery: {} })).toEqual([]);
    expect(await found({ andQuery: { queries: [machine, anna] } })).toEqual([]);
    expect(await found({ andQuery: {} })).toEqual(everyone);
    expect(await found({ notQuery: { query: { orQuery: { queries: [machine, anna] } } } })).toEqual(["bob", "cleo_x"]);
    expect(await found({ notQuery: { query: { notQuery: { query: anna } } } })).toEqual(["Anna"]);
    // A machine has no first name, so it is not called Anna.
    expect(await found({ notQuery: { query: text("firstNameQuery", "firstName", "Anna") } })).toEqual(["bob", "cleo_x", "deploy"]);
    expectInvalid(await search({ queries: [{ notQuery: {} }] }), "invalid NotQuery.Query: value is required");
  });

  it("follows queries twenty levels down and no further", async () => {
    const nested = (depth: number, kind: (inner: object) => object) =>
      Array.from({ length: depth }).reduce<object>((inner) => kind(inner), userName("Anna"));
    const or = (inner: object) => ({ orQuery: { queries: [inner] } });
    const not = (inner: object) => ({ notQuery: { query: inner } });
    expect(await found(nested(20, or))).toEqual(["Anna"]);
    expect(await found(nested(20, not))).toEqual(["Anna"]);
    expect(await found(nested(19, not))).toEqual(["bob", "cleo_x", "deploy"]);
    for (const kind of [or, not]) {
      expectError(await search({ queries: [nested(21, kind)] }), 400, 3, "USER-zsQ97", "Too many query nesting levels (Max 20)");
    }
  });

  it("counts the queries of all levels", async () => {
    const anna = userName("Anna");
    const many = { orQuery: { queries: Array.from({ length: 499 }, () => anna) } };
    expect(await found(many)).toEqual(["Anna"]);
    expectInvalid(await search({ queries: [many, anna] }), "invalid Request.Queries: value must contain no more than 500 item(s)");
    expectInvalid(
      await search({ queries: [{}] }),
      "invalid ListUsersRequest.Queries[0]: embedded message failed validation | caused by: invalid SearchQuery.Query: value is required",
    );
  });

  it("sorts by every column, both ways", async () => {
    const expected: Record<string, string[]> = {
      UNSPECIFIED: ["Anna", "bob", "cleo_x", "deploy"],
      USER_NAME: ["Anna", "bob", "cleo_x", "deploy"],
      FIRST_NAME: ["deploy", "Anna", "cleo_x", "bob"],
      LAST_NAME: ["deploy", "bob", "cleo_x", "Anna"],
      NICK_NAME: ["cleo_x", "deploy", "bob", "Anna"],
      DISPLAY_NAME: ["deploy", "bob", "cleo_x", "Anna"],
      EMAIL: ["deploy", "Anna", "bob", "cleo_x"],
      STATE: ["Anna", "cleo_x", "deploy", "bob"],
      TYPE: ["Anna", "bob", "cleo_x", "deploy"],
      CREATION_DATE: ["Anna", "bob", "cleo_x", "deploy"],
    };
    for (const [column, order] of Object.entries(expected)) {
      const sortingColumn = `USER_FIELD_NAME_${column}`;
      expect(await names({ sortingColumn }), column).toEqual(order);
      expect(await names({ sortingColumn, query: {} }), column).toEqual(order.toReversed());
    }
  });

  it("pages through a sorted list with one total, and tells the column", async () => {
    const sortingColumn = "USER_FIELD_NAME_LAST_NAME";
    const pages = await Promise.all(
      [0, 2, 4].map((offset) => search({ sortingColumn, query: { asc: true, offset: String(offset), limit: 2 } })),
    );
    expect(pages.map((page) => page.body.details.totalResult)).toEqual(["4", "4", "4"]);
    expect(pages.map((page) => (page.body.result ?? []).map((user) => user.userName))).toEqual([["deploy", "bob"], ["cleo_x", "Anna"], []]);
    expect(pages[0]?.body).toMatchObject({ sortingColumn });
    const unknown = "invalid ListUsersRequest.SortingColumn: value must be one of the defined enum values";
    expectInvalid(await search({ sortingColumn: 10 }), unknown);
    expect((await search({ query: { limit: 1_000 } })).status).toBe(200);
    expectError(await search({ query: { limit: 1_001 } }), 400, 3, "QUERY-4M0fs", "Limit exceeded");
  });

  it("is for readers of users, those of a single project included", async () => {
    const stranger = await world.machine(await world.org(), "ORG_OWNER");
    expectError(await stranger.rest("POST", "/management/v1/users/_search", { ...within(orgId), body: {} }), 403, 7, "AUTHZ-cdgFk");
    const creator = await world.machine(orgId, "ORG_PROJECT_CREATOR");
    expectError(await creator.rest("POST", "/management/v1/users/_search", { body: {} }), 403, 7, "AUTH-5mWD2");
    expect((await creator.rest("POST", "/management/v1/projects", { body: { name: fresh("Own") } })).status).toBe(200);
    const listed = await creator.rest("POST", "/management/v1/users/_search", { body: { queries: [userName("Anna")] } });
    expect(listed.body).toMatchObject({ details: { totalResult: "1" } });
  });
});
