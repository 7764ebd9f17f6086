import { readFile } from "node:fs/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { clearExtension, fromBinary, fromJson, setExtension, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_DESCRIPTORS } from "../../gateway/config.ts";
import type { Catalogue } from "../../gateway/descriptors.ts";
import { readDescriptors } from "../../gateway/descriptors.ts";
import { buildMatcher } from "../../gateway/httprule/match.ts";
import { REASONS } from "../../gateway/status.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

let world: World;
let bytes: Buffer;

beforeAll(async () => {
  world = await startWorld();
  bytes = await readFile(world.config.descriptors);
});

afterAll(() => world.close());

/** The descriptor set with another HTTP rule on one method of the echo service, or with none. */
function withRule(name: string, rule: JsonObject | undefined): Catalogue {
  const { registry } = world.catalogue;
  const http = registry.getExtension("google.api.http");
  const type = registry.getMessage("google.api.HttpRule");
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const service = set.file.flatMap((file) => file.service).find((one) => one.name === "EchoService");
  const options = service?.method.find((one) => one.name === name)?.options;
  if (http === undefined || type === undefined || options === undefined) {
    throw new Error(`no options on ${name}`);
  }
  if (rule === undefined) {
    clearExtension(options, http);
  } else {
    setExtension(options, http, fromJson(type, rule));
  }
  return readDescriptors(toBinary(FileDescriptorSetSchema, set));
}

describe("readDescriptors()", () => {
  it("reads this project's own contract, whose routes contradict nothing", async () => {
    const { bindings, methods } = readDescriptors(await readFile(OWN_DESCRIPTORS));
    expect(() => buildMatcher(bindings)).not.toThrow();
    expect(methods.get("/zitadel.admin.v1.AdminService/RemoveOrg")).toMatchObject({ isGuarded: true, streamsResponses: false });
  });

  it.each([
    ["a broken template", { get: "/v1/{text" }, "position"],
    ["a path variable that is no field", { get: "/v1/{nothing}" }, '"nothing"'],
    ["a path variable that is a message", { get: "/v1/{inner}" }, '"inner"'],
    ["a path variable that is repeated", { get: "/v1/{texts}" }, '"texts"'],
    ["a path variable inside a repeated field", { get: "/v1/{inners.name}" }, '"inners.name"'],
    ["a body that is no field", { post: "/v1", body: "nothing" }, '"nothing"'],
    ["a body below the top level", { post: "/v1", body: "inner.name" }, '"inner.name"'],
    ["a response body that is no field", { get: "/v1", responseBody: "nothing" }, '"nothing"'],
    ["no pattern", { body: "*" }, "no pattern"],
    ["bindings inside bindings", { get: "/v1", additionalBindings: [{ get: "/v2", additionalBindings: [{ get: "/v3" }] }] }, "nest"],
  ])("refuses %s, and names the method", (_, rule, words) => {
    expect(() => withRule("Get", rule)).toThrow(/\/echo\.v1\.EchoService\/Get: /);
    expect(() => withRule("Get", rule)).toThrow(words);
  });

  it("knows every reason that the gateway gives", () => {
    const known = world.catalogue.registry.getEnum("tenure.errors.v1.Reason")?.values.map(({ name }) => name);
    expect(known).toEqual(expect.arrayContaining([...REASONS]));
  });

  it("takes a method without a rule off REST, and keeps it for gRPC-web", () => {
    const { bindings, methods } = withRule("Special", undefined);
    expect(bindings.some(({ method }) => method.path.endsWith("/Special"))).toBe(false);
    expect(methods.has("/echo.v1.EchoService/Special")).toBe(true);
  });

  it("binds every rule of a method", () => {
    const paths = withRule("Get", { get: "/v1/{text}", additionalBindings: [{ delete: "/v2/{inner.name}" }] }).bindings.filter(
      ({ method }) => method.path.endsWith("/Get"),
    );
    expect(paths.map(({ verb, template }) => [verb, template.text])).toEqual([
      ["GET", "/v1/{text}"],
      ["DELETE", "/v2/{inner.name}"],
    ]);
  });
});

describe("the response of a rule", () => {
  it.each([
    ["text", '""'],
    ["number", "0"],
    ["big", '"0"'],
    ["flag", "false"],
    ["color", '"COLOR_UNSPECIFIED"'],
    ["texts", "[]"],
    ["labels", "{}"],
    ["inner", "null"],
    ["at", "null"],
  ])("that is the empty field %s is %s", (field, json) => {
    const binding = withRule("Get", { get: "/v1", responseBody: field }).bindings.find(({ method }) => method.path.endsWith("/Get"));
    expect(JSON.stringify(binding?.print(Buffer.alloc(0)))).toBe(json);
  });
});
