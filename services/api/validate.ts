/**
 * Request rules as the proto declares them (option validate.rules), checked by reflection. Texts are those of
 * protoc-gen-validate, because one dialect's clients see them. Beyond the declared rules, no text may hold NUL, which
 * Postgres cannot store; ids are exempt: ours are parsed and name nothing when they are no ids, those of others are refused
 * by the store.
 */
import { type DescField, type DescMessage, type DescOneof, getOption, hasOption } from "@bufbuild/protobuf";
import type { Violation } from "../kernel/failure.ts";
import { extensionOf } from "./contract.ts";
import { checkRepeated, checkScalar, type FieldRules } from "./rules.ts";

/** What is wrong, and the whole as one protoc-gen-validate sentence about the first violation. */
export type Verdict = { readonly violations: readonly Violation[]; readonly sentence: string };

type Value = Record<string, unknown>;
type Check = (value: unknown) => { rule: string; message: string } | null;
type Field = { desc: DescField; required: boolean; check: Check; items: Check; nested: () => Plan | null };
type Plan = { goName: string; fields: Field[]; oneofs: DescOneof[] };
type Found = Violation & { sentence: string };

const plans = new Map<string, Plan>();

/**
 * Checks a decoded message.
 *
 * @param desc its type
 * @returns null when every rule holds
 */
export function validate(desc: DescMessage, message: object): Verdict | null {
  const found = walk(planOf(desc), message as Value, "");
  const first = found[0];
  return first
    ? { violations: found.map(({ field, rule, message: text }) => ({ field, rule, message: text })), sentence: first.sentence }
    : null;
}

function planOf(desc: DescMessage): Plan {
  const known = plans.get(desc.typeName);
  if (known) return known;
  const required = extensionOf("validate.required");
  const plan: Plan = { goName: goMessage(desc), fields: [], oneofs: desc.oneofs.filter((oneof) => hasOption(oneof, required)) };
  plans.set(desc.typeName, plan);
  const option = extensionOf("validate.rules");
  for (const field of desc.fields) {
    const rules = (hasOption(field, option) ? getOption(field, option) : {}) as FieldRules;
    plan.fields.push({
      desc: field,
      required: rules.message?.required === true,
      check: field.fieldKind === "list" ? checkRepeated(rules) : checkScalar(field, rules),
      items: checkScalar(field, (rules.type?.case === "repeated" ? rules.type.value.items : undefined) ?? {}),
      nested: () => (field.message ? planOf(field.message) : null),
    });
  }
  return plan;
}

function walk(plan: Plan, message: Value, path: string): Found[] {
  return [...plan.oneofs.flatMap((oneof) => checkOneof(plan, oneof, message, path)), ...walkFields(plan, message, path)];
}

function checkOneof(plan: Plan, oneof: DescOneof, message: Value, path: string): Found[] {
  const chosen = message[oneof.localName] as { case?: string } | undefined;
  if (chosen?.case !== undefined) return [];
  const field = path === "" ? oneof.name : `${path}.${oneof.name}`;
  return [
    { field, rule: "REQUIRED", message: "value is required", sentence: `invalid ${plan.goName}.${goField(oneof.name)}: value is required` },
  ];
}

function walkFields(plan: Plan, message: Value, path: string): Found[] {
  return plan.fields.flatMap((field) => {
    const value = fieldValue(field.desc, message);
    const at = path === "" ? field.desc.name : `${path}.${field.desc.name}`;
    const place = `invalid ${plan.goName}.${goField(field.desc.name)}`;
    const broken = (rule: string, text: string): Found => ({ field: at, rule, message: text, sentence: `${place}: ${text}` });
    if (value === undefined) return field.required ? [broken("REQUIRED", "value is required")] : [];
    const wrong = field.check(value);
    if (wrong) return [broken(wrong.rule, wrong.message)];
    const items = field.desc.fieldKind === "list" ? (value as unknown[]) : [value];
    return items.flatMap((item, index) => {
      const suffix = field.desc.fieldKind === "list" ? `[${index}]` : "";
      const bad = suffix && field.items(item);
      if (bad) return [{ ...broken(bad.rule, bad.message), field: at + suffix, sentence: `${place}${suffix}: ${bad.message}` }];
      const nested = field.nested();
      if (!nested || typeof item !== "object" || item === null || field.desc.fieldKind === "map") return [];
      return walk(nested, item as Value, at + suffix).map((inner) => ({
        ...inner,
        sentence: `${place}${suffix}: embedded message failed validation | caused by: ${inner.sentence}`,
      }));
    });
  });
}

/** The value of a field, also inside a oneof; undefined when it is not set. */
function fieldValue(field: DescField, message: Value): unknown {
  if (!field.oneof) return message[field.localName];
  const chosen = message[field.oneof.localName] as { case?: string; value?: unknown } | undefined;
  return chosen?.case === field.localName ? chosen.value : undefined;
}

function goField(name: string): string {
  return name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function goMessage(desc: DescMessage): string {
  return desc.parent ? `${goMessage(desc.parent)}_${desc.name}` : desc.name;
}
