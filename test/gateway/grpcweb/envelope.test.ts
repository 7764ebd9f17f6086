import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeText, encodeText, messageFrame, readFrame } from "../../../gateway/grpcweb/envelope.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((some) => Buffer.from(some));

describe("decodeText()", () => {
  it("gives back what was encoded, however it was cut into chunks", () => {
    fc.assert(
      fc.property(fc.array(bytes(20), { maxLength: 10 }), (chunks) => {
        const text = chunks.map((chunk) => encodeText(chunk).toString("latin1")).join("");
        expect(decodeText(text)).toEqual(Buffer.concat(chunks));
      }),
    );
  });

  it("takes the last chunk without its padding", () => {
    fc.assert(
      fc.property(fc.array(bytes(20), { maxLength: 4 }), (chunks) => {
        const text = chunks.map((chunk) => chunk.toString("base64")).join("");
        expect(decodeText(text.replace(/=+$/, ""))).toEqual(Buffer.concat(chunks));
      }),
    );
  });

  it("refuses any other text, and never gives back more than it was given", () => {
    const soup = fc.string({ unit: fc.constantFrom("A", "b", "9", "+", "/", "=", "-", " ", "\n"), maxLength: 16 });
    fc.assert(
      fc.property(soup, (text) => {
        let decoded: Buffer;
        try {
          decoded = decodeText(text);
        } catch {
          expect(/[^A-Za-z0-9+/=]|=/.test(text) || text.length % 4 === 1).toBe(true);
          return;
        }
        expect(text).toMatch(/^[A-Za-z0-9+/=]*$/);
        expect(decoded.length).toBeLessThanOrEqual((text.length / 4) * 3);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("readFrame()", () => {
  it("gives back the message of a frame", () => {
    fc.assert(
      fc.property(bytes(200), (message) => {
        expect(readFrame(messageFrame(message))).toEqual(message);
      }),
    );
  });

  it("gives back nothing from a frame that was cut or extended", () => {
    fc.assert(
      fc.property(bytes(50), fc.nat(54), bytes(5), (message, cut, tail) => {
        const frame = messageFrame(message);
        if (cut < frame.length) {
          expect(() => readFrame(frame.subarray(0, cut))).toThrow();
        }
        if (tail.length > 0) {
          expect(() => readFrame(Buffer.concat([frame, tail]))).toThrow("more than one message");
        }
      }),
    );
  });
});
