import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, mintToken, parseToken, type TokenKind } from "../../../services/access/token.ts";
import { type CredentialId, type OrgId, parseId } from "../../../services/kernel/ids.ts";

const id = fc.uuid();
const kind = fc.constantFrom<TokenKind>("pat", "service_account_token", "access_token");
const token = fc.tuple(kind, id, id).map(([one, org, credential]) => mintToken(one, org as OrgId, credential as CredentialId));

/** A token with one place in it. */
const placed = token.chain((text) => fc.tuple(fc.constant(text), fc.nat(text.length - 1)));

function replaced(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

describe("a token", () => {
  it("points at what it was minted for, and at its digest", () => {
    fc.assert(
      fc.property(kind, id, id, (one, org, credential) => {
        const text = mintToken(one, org as OrgId, credential as CredentialId);
        expect(parseToken(text)).toEqual({ orgId: parseId(org), credentialId: parseId(credential), digest: digestOf(text) });
        expect(text).toMatch(/^tnr_(pat|sat|at)_[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it("is never minted twice, not even for the same credential", () => {
    fc.assert(
      fc.property(kind, id, id, (one, org, credential) => {
        const mint = () => mintToken(one, org as OrgId, credential as CredentialId);
        expect(mint()).not.toBe(mint());
      }),
    );
  });
});

describe("is told to be none", () => {
  it("a token of another kind than may stand there", () => {
    const kinds: readonly TokenKind[] = ["pat", "service_account_token", "access_token", "refresh_token", "authorization_code"];
    fc.assert(
      fc.property(fc.constantFrom(...kinds), id, id, (one, org, credential) => {
        const text = mintToken(one, org as OrgId, credential as CredentialId);
        expect(parseToken(text, [one])).not.toBeNull();
        const others = kinds.filter((kind) => kind !== one);
        expect(parseToken(text, others)).toBeNull();
        if (one === "refresh_token" || one === "authorization_code") expect(parseToken(text)).toBeNull();
      }),
    );
  });

  it("a token cut anywhere, from either end", () => {
    fc.assert(
      fc.property(placed, ([text, at]) => {
        expect(parseToken(text.slice(0, at))).toBeNull();
        expect(parseToken(text.slice(at + 1))).toBeNull();
        expect(parseToken(text.slice(0, at) + text.slice(at + 1))).toBeNull();
      }),
    );
  });

  it("a token with anything added, at either end or inside", () => {
    fc.assert(
      fc.property(placed, fc.string({ minLength: 1, maxLength: 40, unit: "binary" }), ([text, at], more) => {
        expect(parseToken(text + more)).toBeNull();
        expect(parseToken(more + text)).toBeNull();
        expect(parseToken(text.slice(0, at) + more + text.slice(at))).toBeNull();
      }),
    );
  });

  it("a token with any one character changed to any other", () => {
    const character = fc.oneof(fc.constantFrom(..."ABCXYZabcxyz0189-_"), fc.string({ minLength: 1, maxLength: 1 }));
    fc.assert(
      fc.property(placed, character, ([text, at], other) => {
        fc.pre(text[at] !== other);
        expect(parseToken(replaced(text, at, other))).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  it("a token with any one bit flipped", () => {
    fc.assert(
      fc.property(placed, fc.nat(7), ([text, at], bit) => {
        const bytes = Buffer.from(text, "latin1");
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        expect(parseToken(bytes.toString("latin1"))).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  it("the same bytes spelled otherwise: padded, in plain base64, or with the spare bits set", () => {
    fc.assert(
      fc.property(token, (text) => {
        const start = text.slice(0, 8);
        const bytes = Buffer.from(text.slice(8), "base64url");
        expect(parseToken(`${text}=`)).toBeNull();
        for (const last of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
          const other = text.slice(0, -1) + last;
          if (other !== text && Buffer.from(other.slice(8), "base64url").equals(bytes)) expect(parseToken(other)).toBeNull();
        }
        const plain = start + bytes.toString("base64").replace(/=+$/, "");
        if (plain !== text) expect(parseToken(plain)).toBeNull();
      }),
    );
  });

  it("any text that was not minted", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: "binary" }),
          fc.string({ maxLength: 200 }).map((rest) => `tnr_pat_${rest}`),
        ),
        (text) => {
          expect(parseToken(text)).toBeNull();
        },
      ),
    );
  });
});

describe("opens nothing else", () => {
  it("a token in other case: it is none, or has another digest", () => {
    const flips = (text: string) => fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length });
    fc.assert(
      fc.property(
        token.chain((text) => fc.tuple(fc.constant(text), flips(text))),
        ([text, choices]) => {
          const swap = (letter: string) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase());
          const other = [...text].map((letter, at) => (choices[at] ? swap(letter) : letter)).join("");
          fc.pre(other !== text);
          expect(parseToken(other)?.digest ?? null).not.toEqual(digestOf(text));
        },
      ),
    );
  });

  it("a token with any two characters exchanged, or any stretch of it overwritten: it is none, or has another digest", () => {
    fc.assert(
      fc.property(placed, fc.nat(98), fc.string({ minLength: 1, maxLength: 20 }), ([text, at], to, stretch) => {
        const exchanged = replaced(replaced(text, at, text[to] ?? "A"), to, text[at] ?? "A");
        for (const other of [exchanged, text.slice(0, at) + stretch + text.slice(at + stretch.length)]) {
          if (other !== text) expect(parseToken(other)?.digest ?? null).not.toEqual(digestOf(text));
        }
      }),
    );
  });
});
