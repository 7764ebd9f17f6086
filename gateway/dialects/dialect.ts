// What a dialect is: its habits, and its spelling of a failure. Each sibling module exports exactly one.
import type { Registry } from "@bufbuild/protobuf";
import type { Failure } from "../status.ts";

export interface Dialect {
  /** Whether fields with implicit presence are printed when they hold nothing (false, 0, "", []). */
  readonly printsEmpty: boolean;
  /** Whether "/path/" is the same as "/path". */
  readonly ignoresTrailingSlash: boolean;
  /** Headers of every answer, success or failure. */
  readonly headers: Readonly<Record<string, string>>;
  /** Spells a failure. */
  readonly render: (failure: Failure, context: RenderContext) => Rendered;
}

export interface RenderContext {
  readonly requestId: string;
  /** HTTP method of the request. */
  readonly verb: string;
  /** Path of the request, without its query. */
  readonly path: string;
  /** Knows the message types of details. */
  readonly registry: Registry;
}

export interface Rendered {
  /** HTTP status. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body. */
  readonly body: object;
}
