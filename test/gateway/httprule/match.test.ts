import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildMatcher } from "../../../gateway/httprule/match.ts";
import { parseTemplate } from "../../../gateway/httprule/parse.ts";

const route = (rule: string) => {
  const [verb = "", path = ""] = rule.split(" ");
  return { rule, verb, template: parseTemplate(path) };
};

function matcher(...rules: string[]) {
  const match = buildMatcher(rules.map(route));
  return (verb: string, path: string): readonly string[] | string => {
    const found = match(verb, path);
    return found.kind === "route" ? [found.route.rule, ...found.captures] : found.kind === "wrong-verb" ? found.allow.join() : "unknown";
  };
}

describe("buildMatcher()", () => {
  const match = matcher(
    "GET /v1/things",
    "POST /v1/things",
    "GET /v1/things/{id}",
    "DELETE /v1/things/{id}",
    "GET /v1/things/special",
    "GET /v1/{name=shelves/*/books/*}",
    "GET /v1/files/{name=**}",
    "GET /v1/files/{id}/meta",
    "POST /v1/things/{id}:undelete",
    "POST /v1/things:purge",
    "GET /v1/*/star/{n}",
    "* /v1/any",
    "OPTIONS /v1/any",
  );

  it.each([
    ["GET", "/v1/things", ["GET /v1/things"]],
    ["POST", "/v1/things", ["POST /v1/things"]],
    ["GET", "/v1/things/a", ["GET /v1/things/{id}", "a"]],
    ["HEAD", "/v1/things/a", ["GET /v1/things/{id}", "a"]],
    ["GET", "/v1/things/special", ["GET /v1/things/special"]],
    ["DELETE", "/v1/things/special", ["DELETE /v1/things/{id}", "special"]],
    ["GET", "/v1/things/a%2Fb", ["GET /v1/things/{id}", "a%2Fb"]],
    ["GET", "/v1/things/..", ["GET /v1/things/{id}", ".."]],
    ["GET", "/v1/shelves/s/books/b", ["GET /v1/{name=shelves/*/books/*}", "shelves/s/books/b"]],
    ["GET", "/v1/files", ["GET /v1/files/{name=**}", ""]],
    ["GET", "/v1/files/", ["GET /v1/files/{name=**}", ""]],
    ["GET", "/v1/files/a/b//c", ["GET /v1/files/{name=**}", "a/b//c"]],
    ["GET", "/v1/files/a/meta", ["GET /v1/files/{id}/meta", "a"]],
    ["GET", "/v1/files/a/b/meta", ["GET /v1/files/{name=**}", "a/b/meta"]],
    ["POST", "/v1/things/a:undelete", ["POST /v1/things/{id}:undelete", "a"]],
    ["POST", "/v1/things/a:b:undelete", ["POST /v1/things/{id}:undelete", "a:b"]],
    ["POST", "/v1/things:purge", ["POST /v1/things:purge"]],
    ["GET", "/v1/things/jason:other", ["GET /v1/things/{id}", "jason:other"]],
    ["GET", "/v1/things/a:undelete", ["GET /v1/things/{id}", "a:undelete"]],
    ["GET", "/v1/things/a%3Aundelete", ["GET /v1/things/{id}", "a%3Aundelete"]],
    ["GET", "/v1/x/star/7", ["GET /v1/*/star/{n}", "7"]],
    ["PURGE", "/v1/any", ["* /v1/any"]],
    ["OPTIONS", "/v1/any", ["OPTIONS /v1/any"]],
  ])("%s %s finds its route", (verb, path, expected) => {
    expect(match(verb, path)).toEqual(expected);
  });

  it.each([
    ["PUT", "/v1/things", "GET,HEAD,POST"],
    ["POST", "/v1/things/a", "DELETE,GET,HEAD"],
    ["DELETE", "/v1/things/a:purge", ["DELETE /v1/things/{id}", "a:purge"]],
    ["PUT", "/v1/things/a:undelete", "DELETE,GET,HEAD,POST"],
    ["GET", "/", "unknown"],
    ["GET", "", "unknown"],
    ["GET", "v1/things", "unknown"],
    ["GET", "*", "unknown"],
    ["GET", "/v1", "unknown"],
    ["GET", "/v1/things/", "unknown"],
    ["GET", "//v1/things", "unknown"],
    ["GET", "/v1/things/a/b", "unknown"],
    ["GET", "/V1/things", "unknown"],
    ["GET", "/v1/thing%73", "unknown"],
    ["GET", "/v1//star/7", "unknown"],
  ])("%s %s finds %s", (verb, path, expected) => {
    expect(match(verb, path)).toEqual(expected);
  });

  it("prefers literals from left to right, and backs out of a literal that leads nowhere", () => {
    const find = matcher("GET /a/{x}/c", "GET /{x}/b/d", "GET /a/**", "GET /{x}/**");
    expect(find("GET", "/a/b/c")).toEqual(["GET /a/{x}/c", "b"]);
    expect(find("GET", "/a/b/d")).toEqual(["GET /a/**"]);
    expect(find("GET", "/z/b/d")).toEqual(["GET /{x}/b/d", "z"]);
    expect(find("GET", "/z/y")).toEqual(["GET /{x}/**", "z"]);
  });

  it.each([
    ["GET /v1/{a}", "GET /v1/{b}"],
    ["GET /v1/{a}", "GET /v1/*"],
    ["GET /v1/{a=x}", "GET /v1/x"],
    ["GET /v1/**", "GET /v1/{a=**}"],
    ["* /v1/x", "* /v1/x"],
    ["POST /v1/{a}:go", "POST /v1/{b}:go"],
  ])("refuses %s beside %s", (one, other) => {
    expect(() => matcher(one, other)).toThrow("two routes claim the same requests");
  });

  it("finds every path that a template can make, and gives back what was put in", () => {
    const text = fc.stringMatching(/^[a-z0-9%.~-]{1,10}$/).filter((one) => one !== "literal");
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), (values) => {
        const template = values.map((_, index) => `literal/{v${index}}`).join("/");
        const path = values.map((value) => `literal/${value}`).join("/");
        expect(matcher(`GET /${template}`)("GET", `/${path}`)).toEqual([`GET /${template}`, ...values]);
      }),
    );
  });

  it("takes no longer for a hostile path than for any other of its length", () => {
    const rules = Array.from(
      { length: 12 },
      (_, depth) => `GET /${["a", "*"].flatMap(() => Array(depth + 1).fill("*")).join("/")}/end${depth}`,
    );
    const find = matcher(...rules, `GET /${Array(12).fill("a").join("/")}/end`);
    const path = `/${"a/".repeat(100_000)}`;
    const start = performance.now();
    for (let round = 0; round < 10; round++) {
      expect(find("GET", path)).toBe("unknown");
    }
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
