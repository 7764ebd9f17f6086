import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEPTH_MAX, parseJson } from "../../../gateway/transcode/json.ts";

function attempt(read: () => unknown): { readonly value: unknown } | "refused" {
  try {
    return { value: read() };
  } catch {
    return "refused";
  }
}

describe("parseJson()", () => {
  it("reads every JSON text as JSON.parse does", () => {
    const withoutLongNumbers = fc.json({ maxDepth: 6 }).filter((text) => !/\d{16}/.test(JSON.stringify(JSON.parse(text))));
    fc.assert(
      fc.property(withoutLongNumbers, fc.constantFrom(0, 2), (text, indent) => {
        const value: unknown = JSON.parse(text);
        expect(parseJson(Buffer.from(JSON.stringify(value, null, indent)))).toEqual(value);
      }),
    );
  });

  it("agrees with JSON.parse about broken texts", () => {
    const soup = fc.string({
      unit: fc.constantFrom('"', "\\", "{", "}", "[", "]", ":", ",", "a", "1", "-", ".", "e", " ", "\n", "u", "null"),
      maxLength: 16,
    });
    fc.assert(
      fc.property(soup, (text) => {
        const ours = attempt(() => parseJson(Buffer.from(text)));
        const theirs = attempt(() => JSON.parse(text));
        if (ours !== "refused") {
          expect(ours).toEqual(theirs);
        } else if (theirs !== "refused") {
          expect(hasRepeatedName(text)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuses exactly the objects in which a name comes twice", () => {
    const names = fc.array(fc.string({ unit: "grapheme", maxLength: 2 }), { maxLength: 5 });
    const written = (name: string, isEscaped: boolean): string =>
      isEscaped
        ? `"${Array.from({ length: name.length }, (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`
        : JSON.stringify(name);
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.boolean()), (list, escapes) => {
        const members = list.map((name) => `${written(name, escapes.next().value === true)}:[{},"${"\\\\"}"]`);
        const isRefused = attempt(() => parseJson(Buffer.from(`[{${members.join(",")}}]`))) === "refused";
        expect(isRefused).toBe(new Set(list).size < list.length);
      }),
    );
  });

  it.each(["[", '{"a":'])("counts the levels of %s", (opening) => {
    const closing = opening === "[" ? "]" : "}";
    const nest = (depth: number): Buffer => Buffer.from(`${opening.repeat(depth)}${opening === "[" ? "" : "1"}${closing.repeat(depth)}`);
    expect(attempt(() => parseJson(nest(DEPTH_MAX)))).not.toBe("refused");
    expect(attempt(() => parseJson(nest(DEPTH_MAX + 1)))).toBe("refused");
    expect(attempt(() => parseJson(Buffer.from(opening.repeat(500_000))))).toBe("refused");
  });

  it("keeps the digits of integers that a double cannot hold", () => {
    expect(parseJson(Buffer.from("[9007199254740993,-9007199254740993,9007199254740992,1e30,0.12345678901234567890]"))).toEqual([
      "9007199254740993",
      "-9007199254740993",
      9007199254740992,
      1e30,
      0.12345678901234568,
    ]);
  });

  it("refuses bytes that are not UTF-8, wherever they are", () => {
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 4 })
      .filter((some) => Buffer.compare(Buffer.from(Buffer.from(some).toString("utf8")), some) !== 0);
    fc.assert(
      fc.property(bytes, (some) => {
        expect(attempt(() => parseJson(Buffer.concat([Buffer.from('"'), some, Buffer.from('"')])))).toBe("refused");
      }),
    );
  });
});

/** A slow reading of the same rule, by a reviver that is given every object before it is whole. */
function hasRepeatedName(text: string): boolean {
  let members = 0;
  JSON.parse(text, (_key, value: unknown) => {
    members += typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value).length : 0;
    return value;
  });
  const colons = text.replace(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1;
  return colons > members;
}
