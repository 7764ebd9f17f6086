/** Users as one dialect knows them: by a subject, which is the e-mail address, and one of three states. Pure. */
import type { PrincipalState } from "../kernel/schema.ts";

export type SubjectState = "active" | "pending" | "suspended";

const shown: Readonly<Record<PrincipalState, SubjectState>> = {
  active: "active",
  initial: "active",
  pending: "pending",
  inactive: "suspended",
  locked: "suspended",
};

const stored: Readonly<Record<SubjectState, PrincipalState>> = { active: "active", pending: "pending", suspended: "inactive" };

/** The state that a user is shown in. */
export function subjectStateOf(state: PrincipalState): SubjectState {
  return shown[state];
}

/** States that are shown as this one; the first is the one to store. */
export function statesShownAs(state: SubjectState): readonly PrincipalState[] {
  const first = stored[state];
  return [first, ...(Object.keys(shown) as PrincipalState[]).filter((other) => shown[other] === state && other !== first)];
}

// addr-spec of RFC 5322 section 3.4.1 with a dot-atom on both sides: no quoting, no comments, no display name.
const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const address = new RegExp(`^${atom}(?:\\.${atom})*@${atom}(?:\\.${atom})*$`);
/** RFC 5321 section 4.5.3.1.3, without the angle brackets. */
const longest = 254;

/** Whether a text is an e-mail address. */
export function isAddress(text: string): boolean {
  return text.length <= longest && address.test(text);
}
