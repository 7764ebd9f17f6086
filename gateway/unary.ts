// One request, one answer: calls a unary method and writes its reply. The client that goes away takes its call with it.
import { writeSuccess } from "./answer.ts";
import type { Call, Reply } from "./call.ts";
import type { Forwarding } from "./forwarding.ts";
import { BREACH, breachFailure, fail, passHeaders, print } from "./forwarding.ts";

/** Sends the call; the answer is written when it comes. */
export function forwardUnary(forwarding: Forwarding, call: Call): void {
  const cancel = forwarding.upstream.unary(call, (reply) => answer(forwarding, reply));
  forwarding.response.once("close", cancel);
}

function answer(forwarding: Forwarding, { failure, message, headers }: Reply): void {
  const { response, exchange, binding } = forwarding;
  const { method } = binding;
  passHeaders(forwarding, headers);
  if (message === undefined) {
    fail(forwarding, failure ?? breachFailure());
    return;
  }
  const json = print(forwarding, message);
  if (json === BREACH) {
    fail(forwarding, breachFailure());
  } else {
    writeSuccess(response, exchange, method.dialect, method.successStatus, method.answersNothing ? undefined : json);
  }
}
