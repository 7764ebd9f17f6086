/** One call as handlers see it: who calls, where, with which rights; and what the guard chain needs around it. */
import type { Metadata } from "@grpc/grpc-js";
import type { Rights } from "../access/rights.ts";
import type { Actor, Caller } from "../kernel/call.ts";
import type { OrgId } from "../kernel/ids.ts";
import type { Rpc } from "./contract.ts";

/** What every call has before anything was checked. */
export type Envelope = {
  readonly rpc: Rpc;
  readonly requestId: string;
  readonly metadata: Metadata;
  /** The message in binary, not yet trusted to be one. */
  readonly bytes: Buffer;
};

/** A call that passed authentication and authorization. */
export type Call = {
  readonly rpc: Rpc;
  readonly requestId: string;
  readonly caller: Caller;
  readonly rights: Rights;
  /** The org in whose context the call acts: named by metadata, by a field, by the project, or the caller's own. */
  readonly orgId: OrgId;
  /** Whether the project that the call names is there; for scope PROJECT the handler says what it means if it is not. */
  readonly projectLive: boolean;
  /** For audit and operations. */
  readonly actor: Actor;
  /** The caller lacks the permission and is let in for itself only: the handler must not go beyond the caller. */
  readonly selfOnly: boolean;
};

/** Answers one RPC: message in, message out. Throws Failure. */
export type Handler<Request, Response> = (request: Request, call: Call) => Promise<Response>;
