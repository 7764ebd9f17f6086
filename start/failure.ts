/** A reason not to start (or to stop) that a person can act on: one line, printed without a stack. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** The `code` of a system error (`ENOENT`, `EACCES`), or undefined when it is not one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
