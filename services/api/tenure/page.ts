/** Paging as AIP-158 has it: a size that is cut to the maximum, and an opaque token that says where the next page begins. */
import { invalid } from "../../kernel/failure.ts";
import { type CredentialId, parseId } from "../../kernel/ids.ts";

const defaultSize = 50;
const maxSize = 1_000;

/** The size of a page that a request asks for; 0 leaves it to us. */
export function sizeOf(asked: number): number {
  return asked === 0 ? defaultSize : Math.min(asked, maxSize);
}

/**
 * A page token: the last id of the page, bound to what was listed. A token is only good for the list it came from.
 *
 * @param list id of what is listed
 */
export function pageToken(list: string, last: string): string {
  return Buffer.from(`${list}${last}`.replaceAll("-", ""), "hex").toString("base64url");
}

/**
 * Reads a page token.
 *
 * @returns the id after which the page begins; null for the first page
 * @throws Failure REQUEST_INVALID when it is not one that {@link pageToken} made for this list
 */
export function readPageToken(token: string, list: string): CredentialId | null {
  if (token === "") return null;
  const hex = Buffer.from(token, "base64url").toString("hex");
  const after = parseId<CredentialId>(hex.slice(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));
  if (after === null || pageToken(list, after) !== token) {
    throw invalid([{ field: "page_token", rule: "PAGE_TOKEN", message: "is not the next_page_token of this list" }]);
  }
  return after;
}
