// Reads a JSON body strictly. JSON.parse alone lets the last of two equal names win, which lets two readers of one body
// disagree about what it says (RFC 8259 section 4), and it rounds long integers; both are looked at before it runs.
import { isUtf8 } from "node:buffer";
import type { JsonValue } from "@bufbuild/protobuf";
import { malformed } from "../status.ts";

/** Deeper bodies are refused; no message of any contract nests like that. */
export const DEPTH_MAX = 100;

/** A number with fewer digits than this, and no exponent, is one that a double can hold. */
const LONG_DIGITS = 16;

/**
 * Parses a JSON text (RFC 8259).
 *
 * An integer that a double cannot hold stays exact by staying text, a form that protobuf JSON allows for every number.
 *
 * @throws Refusal REQUEST_MALFORMED for invalid UTF-8, broken syntax, a name given twice in one object, nesting deeper than
 * DEPTH_MAX, or a number beyond all that a double can hold
 */
export function parseJson(bytes: Buffer): JsonValue {
  if (!isUtf8(bytes)) {
    throw malformed("the body is not UTF-8");
  }
  const text = bytes.toString("utf8");
  const reviver = scan(text) ? (checkNumber as (key: string, value: JsonValue) => JsonValue) : undefined;
  try {
    return JSON.parse(text, reviver) as JsonValue;
  } catch {
    throw malformed("the body is not JSON");
  }
}

/** A reviver with the source text of a number, which Node passes though the typings do not say so. */
function checkNumber(_key: string, value: JsonValue, { source }: { readonly source?: string }): JsonValue {
  if (typeof value !== "number" || source === undefined) {
    return value;
  }
  if (!Number.isFinite(value)) {
    throw new RangeError("out of range");
  }
  const isExact = Number.isSafeInteger(value) || !/^-?\d+$/.test(source) || BigInt(value) === BigInt(source);
  return isExact ? value : source;
}

/** The names of an open object, or undefined for an open array. */
type Frame = Set<string> | undefined;

/**
 * Walks over the tokens. It leaves syntax to JSON.parse: on a broken text it only must not fail in a way of its own.
 *
 * @returns whether some number needs a closer look
 */
function scan(text: string): boolean {
  const frames: Frame[] = [];
  let expectsName = false;
  let needsLook = false;
  let at = 0;
  while (at < text.length) {
    const character = text.charCodeAt(at);
    if (character === 0x22) {
      const end = endOfString(text, at);
      if (expectsName) {
        claim(frames.at(-1), text.slice(at, end));
        expectsName = false;
      }
      at = end;
      continue;
    }
    if (character === 0x7b || character === 0x5b) {
      expectsName = character === 0x7b;
      frames.push(expectsName ? new Set() : undefined);
      if (frames.length > DEPTH_MAX) {
        throw malformed(`the body nests deeper than ${DEPTH_MAX} levels`);
      }
    } else if (character === 0x7d || character === 0x5d) {
      frames.pop();
      expectsName = false;
    } else if (character === 0x2c) {
      expectsName = frames.at(-1) !== undefined;
    } else if (isDigit(character)) {
      const end = endOfDigits(text, at);
      needsLook ||= end - at >= LONG_DIGITS || text[end] === "e" || text[end] === "E";
      at = end;
      continue;
    }
    at++;
  }
  return needsLook;
}

function claim(names: Frame, quoted: string): void {
  const name = quoted.includes("\\") ? nameIn(quoted) : quoted.slice(1, -1);
  if (names === undefined || name === undefined) {
    return;
  }
  if (names.has(name)) {
    throw malformed("the body gives a name twice in one object");
  }
  names.add(name);
}

/** "\u0061" and "a" are the same name. */
function nameIn(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

/** Index after the closing quote, or after the text when there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x5c) {
      at++;
    } else if (character === 0x22) {
      return at + 1;
    }
  }
  return text.length;
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  while (at < text.length && isDigit(text.charCodeAt(at))) {
    at++;
  }
  return at;
}

function isDigit(character: number): boolean {
  return character >= 0x30 && character <= 0x39;
}
