/** Violations as issues of Zod: codes and sentences that Infisical's clients see, whichever rule of ours was broken. */
import type { Violation } from "../../kernel/failure.ts";

type Wording = { readonly code: string; readonly text: (bound: string) => string };

/** Rules of protoc-gen-validate. Others come from the request's readers and from the gateway, as Zod's codes already. */
const wordings: Readonly<Record<string, Wording>> = {
  REQUIRED: { code: "INVALID_TYPE", text: () => "Required" },
  MIN_LEN: { code: "TOO_SMALL", text: (bound) => `String must contain at least ${bound} character(s)` },
  MAX_LEN: { code: "TOO_BIG", text: (bound) => `String must contain at most ${bound} character(s)` },
  MIN_ITEMS: { code: "TOO_SMALL", text: (bound) => `Array must contain at least ${bound} element(s)` },
  MAX_ITEMS: { code: "TOO_BIG", text: (bound) => `Array must contain at most ${bound} element(s)` },
  GTE: { code: "TOO_SMALL", text: (bound) => `Number must be greater than or equal to ${bound}` },
  LTE: { code: "TOO_BIG", text: (bound) => `Number must be less than or equal to ${bound}` },
  TEXT: { code: "INVALID_STRING", text: () => "Invalid" },
};

/** The same violation in Zod's words, its path in JSON names. */
export function toIssue({ field, rule, message }: Violation): Violation {
  const path = field.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const wording = wordings[rule];
  if (!wording) return { field: path, rule, message };
  // The sentence of a range names both bounds, the lower one first.
  const bounds = message.match(/-?\d+/g) ?? [];
  return { field: path, rule: wording.code, message: wording.text((wording.code === "TOO_BIG" ? bounds.at(-1) : bounds[0]) ?? "") };
}
