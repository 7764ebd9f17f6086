import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Segment, Template } from "../../../gateway/httprule/parse.ts";
import { parseTemplate } from "../../../gateway/httprule/parse.ts";

function shape({ segments }: Template): string {
  return segments.map((segment) => (segment.kind === "literal" ? segment.text : segment.kind === "one" ? "*" : "**")).join("/");
}

describe("parseTemplate()", () => {
  it.each([
    ["/v1", "v1", [], ""],
    ["/v1/things", "v1/things", [], ""],
    ["/v1/{id}", "v1/*", [["id", 1, 2, false]], ""],
    ["/v1/{id=*}", "v1/*", [["id", 1, 2, false]], ""],
    ["/v1/{a.b.c}/x", "v1/*/x", [["a.b.c", 1, 2, false]], ""],
    ["/v1/{name=shelves/*/books/*}", "v1/shelves/*/books/*", [["name", 1, 5, true]], ""],
    ["/v1/{name=**}", "v1/**", [["name", 1, undefined, true]], ""],
    ["/v1/{name=files/**}:read", "v1/files/**", [["name", 1, undefined, true]], "read"],
    ["/v1/{id}:undelete", "v1/*", [["id", 1, 2, false]], "undelete"],
    ["/v1/*/x/**", "v1/*/x/**", [], ""],
    ["/v1/a:b/c", "v1/a:b/c", [], ""],
    ["/v1/a:b:c", "v1/a:b", [], "c"],
    ["/v1/{kind=things}", "v1/things", [["kind", 1, 2, false]], ""],
    [
      "/v1/{a}/{b}",
      "v1/*/*",
      [
        ["a", 1, 2, false],
        ["b", 2, 3, false],
      ],
      "",
    ],
  ])("reads %s", (text, expected, variables, verb) => {
    const template = parseTemplate(text);
    expect(shape(template)).toBe(expected);
    expect(template.variables.map((one) => [one.fieldPath.join("."), one.start, one.end, one.spansSegments])).toEqual(variables);
    expect(template.verb).toBe(verb);
  });

  it.each([
    ["", 0],
    ["v1", 0],
    ["/", 1],
    ["/v1/", 4],
    ["/v1//x", 4],
    ["/v1/{", 5],
    ["/v1/{}", 5],
    ["/v1/{id", 7],
    ["/v1/{id=}", 8],
    ["/v1/{id=*", 9],
    ["/v1/{1d}", 5],
    ["/v1/{a..b}", 5],
    ["/v1/{a={b}}", 7],
    ["/v1/{a}/{a}", 9],
    ["/v1/{a}b", 7],
    ["/v1/}", 4],
    ["/v1/*x", 5],
    ["/v1/***", 6],
    ["/v1/x:", 6],
    ["/v1/{id}:", 9],
    ["/v1/{id}:a:b", 9],
    ["/v1/{id}:a/b", 9],
    ["/v1/**/x", 8],
    ["/v1/{a=**}/{b=**}", 17],
    ["/v1/x?y={z}", 7],
  ])("refuses %s and says where", (text, position) => {
    expect(() => parseTemplate(text)).toThrow(`position ${position}:`);
  });

  it("reads back whatever the grammar can write", () => {
    const literal = fc.stringMatching(/^[a-z0-9._~-]{1,8}$/);
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/);
    const segment = fc.oneof(literal, fc.constant("*"));
    const variable = fc.tuple(name, fc.option(fc.array(segment, { minLength: 1, maxLength: 3 })));
    const part = fc.oneof({ arbitrary: segment, weight: 2 }, { arbitrary: variable, weight: 1 });
    const path = fc.tuple(fc.array(part, { minLength: 1, maxLength: 6 }), fc.boolean(), fc.option(fc.stringMatching(/^[a-z]{1,8}$/)));
    fc.assert(
      fc.property(path, ([parts, endsInRest, verb]) => {
        const written = parts.map((one, index) =>
          typeof one === "string" ? one : `{v${index}${one[1] === null ? "" : `=${one[1].join("/")}`}}`,
        );
        const expected = parts.flatMap((one) => (typeof one === "string" ? [one] : (one[1] ?? ["*"])));
        const rest = endsInRest ? ["**"] : [];
        const template = parseTemplate(`/${[...written, ...rest].join("/")}${verb === null ? "" : `:${verb}`}`);
        expect(shape(template)).toBe([...expected, ...rest].join("/"));
        expect(template.verb).toBe(verb ?? "");
        expect(template.variables).toHaveLength(parts.filter((one) => typeof one !== "string").length);
      }),
    );
  });

  it("answers any text with a template or with an error of its own", () => {
    const soup = fc.string({ unit: fc.constantFrom("/", "{", "}", "*", ":", "=", ".", "a", "b"), maxLength: 24 });
    fc.assert(
      fc.property(soup, (text) => {
        let segments: readonly Segment[] = [];
        try {
          segments = parseTemplate(text).segments;
        } catch (error) {
          expect((error as Error).message).toContain("path template");
          return;
        }
        expect(segments.length).toBeGreaterThan(0);
      }),
    );
  });
});
