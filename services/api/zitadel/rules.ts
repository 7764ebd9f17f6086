/**
 * Rules of fields that the contract cannot state, because it repeats ZITADEL's, told in the sentence that a stated rule
 * would be told in.
 */
import { Failure, invalid } from "../../kernel/failure.ts";

/**
 * The refusal of one field.
 *
 * @param message name of the message, as protoc-gen-validate writes it
 * @param field in proto spelling
 * @param rule UPPER_SNAKE
 * @param text what the value must be
 */
export function broken(message: string, field: string, rule: string, text: string): Failure {
  const goField = field.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const { code, reason, violations } = invalid([{ field, rule, message: text }]);
  return new Failure(code, reason, { text: `invalid ${message}.${goField}: ${text}` }, { violations });
}

/**
 * The row of a table by the number of an enum, where a number that the enum lacks must not pass for another.
 *
 * @throws Failure REQUEST_INVALID
 */
export function defined<Value extends number, Row>(table: Readonly<Record<Value, Row>>, value: Value, message: string, field: string): Row {
  if (!Object.hasOwn(table, value)) throw broken(message, field, "DEFINED_ONLY", "value must be one of the defined enum values");
  return table[value];
}
