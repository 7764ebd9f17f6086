import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { ErrorInfo } from "../../proto/gen/google/rpc/error_details.ts";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import type { Sent } from "./http.ts";
import { statusWith } from "./statuses.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

beforeEach(() => {
  world.services.behave = undefined;
});

interface Refused {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly reason?: string; readonly fieldViolations?: readonly { readonly field: string }[] }[];
}

async function refuse(verb: string, path: string, sent?: Sent): Promise<Refused & { readonly fields: string[] }> {
  const before = world.services.calls.length;
  const answer = await world.send(verb, path, sent);
  expect(answer.status).toBe(400);
  expect(world.services.calls.length, "a refused request reached the services").toBe(before);
  const body = answer.json() as Refused;
  const violations = body.details.flatMap(({ fieldViolations }) => fieldViolations ?? []);
  return { ...body, fields: violations.map(({ field }) => field) };
}

describe("a body that is not strict JSON is refused", () => {
  const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  it.each([
    ["broken off", '{"text":'],
    ["not JSON at all", "text=hello"],
    ["followed by something", '{"text":"a"} {}'],
    ["with a name given twice", '{"text":"a","text":"b"}'],
    ["with a name given twice, once escaped", '{"text":"a","t\\u0065xt":"b"}'],
    ["with a name given twice deep inside", '{"value":[{"a":1},{"a":1,"b":{"c":1,"c":2}}]}'],
    ["nested deeper than 100 levels", `{"value":${deep(100)}}`],
    ["not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["with an overlong encoding", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ])("%s", async (_, body) => {
    const { code, details } = await refuse("POST", "/echo/v1/things", { body });
    expect([code, details[0]?.reason]).toEqual([Code.INVALID_ARGUMENT, "REQUEST_MALFORMED"]);
  });

  it("but names may repeat in different objects, and 100 levels are allowed", async () => {
    const body = `{"value":${deep(98)},"inners":[{"name":"a"},{"name":"a"}]}`;
    expect((await world.send("POST", "/echo/v1/things", { body })).status).toBe(200);
  });

  it("and gzip that is none is refused too", async () => {
    const headers = { "content-encoding": "gzip" };
    expect((await refuse("POST", "/echo/v1/things", { body: "{}", headers })).details[0]?.reason).toBe("REQUEST_MALFORMED");
    const half = gzipSync('{"text":"hello"}').subarray(0, 20);
    expect((await refuse("POST", "/echo/v1/things", { body: half, headers })).details[0]?.reason).toBe("REQUEST_MALFORMED");
  });
});

describe("a value that does not fit its field is refused, by the field's name", () => {
  it.each([
    ['{"text":1}', ["text"]],
    ['{"number":"x","flag":"yes","data":"***"}', ["number", "flag", "data"]],
    ['{"number":1.5}', ["number"]],
    ['{"number":2147483648}', ["number"]],
    ['{"unsignedBig":-1}', ["unsignedBig"]],
    ['{"color":"GREEN"}', ["color"]],
    ['{"texts":"a"}', ["texts"]],
    ['{"inner":{"count":"x","deeper":{"name":2}}}', ["inner.count", "inner.deeper.name"]],
    ['{"inners":[{"name":"a"},{"name":1}]}', ["inners[1].name"]],
    ['{"parts":{"k":{"name":1}}}', ["parts[k].name"]],
    ['{"labels":{"a":1}}', ["labels"]],
    ['{"at":"yesterday"}', ["at"]],
    ['{"lasts":"soon"}', ["lasts"]],
    ['{"inner":[]}', ["inner"]],
    ['{"text":"\\ud800"}', ["text"]],
    ['{"any":{"@type":"type.googleapis.com/unheard.of.Thing"}}', ["any"]],
  ])("%s", async (body, fields) => {
    const refused = await refuse("POST", "/echo/v1/things", { body });
    expect(refused.details[0]?.reason).toBe("REQUEST_INVALID");
    expect(refused.fields).toEqual(fields);
  });

  it.each([
    ["[]", "a list instead of an object"],
    ['"text"', "a string instead of an object"],
    ["null", "null instead of an object"],
    ['{"left":"a","right":"b"}', "two members of a oneof"],
  ])("%s: %s", async (body) => {
    expect((await refuse("POST", "/echo/v1/things", { body })).details[0]?.reason).toBe("REQUEST_INVALID");
  });

  it("also when it comes by path or query", async () => {
    expect((await refuse("GET", "/echo/v1/x/star/many")).fields).toEqual(["number"]);
    expect((await refuse("GET", "/echo/v1/things?number=many&flag=maybe")).fields).toEqual(["number", "flag"]);
    expect((await refuse("GET", "/echo/v1/things?text=a&text=b")).fields).toEqual(["text"]);
    expect((await refuse("GET", "/echo/v1/things?inner=a")).fields).toEqual(["inner"]);
  });

  it("and never with the value in the answer", async () => {
    const answer = await world.send("POST", "/echo/v1/things", { body: '{"number":"hunter2"}' });
    expect(answer.text).not.toContain("hunter2");
  });
});

describe("text that is not percent-encoded UTF-8 is refused", () => {
  it.each(["/echo/v1/things/%zz", "/echo/v1/things/%ff", "/echo/v1/things/%c0%af", "/echo/v1/things?text=%ff", "/echo/v1/things?%=1"])(
    "%s",
    async (path) => {
      expect((await refuse("GET", path)).details[0]?.reason).toBe("REQUEST_MALFORMED");
    },
  );
});

describe("DELETE", () => {
  it("refuses query names that the method does not have", async () => {
    expect((await refuse("DELETE", "/echo/v1/things/a?validate_only=true")).fields).toEqual(["validate_only"]);
  });

  it("refuses query names that the path or the body already covers", async () => {
    expect((await refuse("DELETE", "/echo/v1/things/a?text=b")).fields).toEqual(["text"]);
    expect((await refuse("DELETE", "/echo/v1/things?number=1", { body: "{}" })).fields).toEqual(["number"]);
  });

  it("refuses a body where the rule has none", async () => {
    const refused = await refuse("DELETE", "/echo/v1/things/a", { body: "{}" });
    expect([refused.details[0]?.reason, refused.fields]).toEqual(["REQUEST_INVALID", []]);
  });

  it("takes an empty chunked body for none", async () => {
    const answer = await world.send("DELETE", "/echo/v1/things/a", { headers: { "transfer-encoding": "chunked" } });
    expect(answer.status).toBe(200);
  });

  it("refuses members that the message does not have, at any depth", async () => {
    const body = '{"validateOnly":true,"inners":[{"nam":"a"}]}';
    expect((await refuse("DELETE", "/echo/v1/things", { body })).fields).toEqual(["validateOnly", "inners[0].nam"]);
  });

  it("takes what the rule does have", async () => {
    const answer = await world.send("DELETE", "/echo/v1/things/a?number=3&inner.name=b");
    expect(answer.json()).toMatchObject({ text: "a", number: 3, inner: { name: "b" } });
  });
});

describe("other verbs", () => {
  it("ignore query names and members that they do not know", async () => {
    const body = '{"text":"a","nonsense":{"x":[1]},"inner":{"name":"b","more":1},"inners":[{"y":1}],"[no.such.extension]":1}';
    const answer = await world.send("POST", "/echo/v1/things?what=ever", { body });
    expect(answer.status).toBe(200);
    expect(world.lastMessage()).toEqual({ text: "a", inner: { name: "b" }, inners: [{}] });
  });

  it("still refuse an enum value that nobody knows: a filter must not vanish", async () => {
    expect((await refuse("GET", "/echo/v1/things?color=GREEN")).fields).toEqual(["color"]);
  });

  it("ignore a body that the rule does not have", async () => {
    expect((await world.send("GET", "/echo/v1/things/a", { body: "not json" })).status).toBe(200);
  });

  it("do not become another verb by a header", async () => {
    const answer = await world.send("POST", "/echo/v1/things/a", { headers: { "x-http-method-override": "DELETE" } });
    expect(answer.status).toBe(405);
  });
});

describe("a guarded method", () => {
  const REFUSED: readonly [verb: string, path: string, body: string | undefined, reason: string][] = [
    ["POST", "/echo/v1/guarded/a%20b", "{", "REQUEST_MALFORMED"],
    ["POST", "/echo/v1/guarded/a%20b", '{"number":"x"}', "REQUEST_INVALID"],
    ["DELETE", "/echo/v1/guarded/a%20b?dry_run=1", undefined, "REQUEST_INVALID"],
    ["DELETE", "/echo/v1/guarded/a%20b", "{}", "REQUEST_INVALID"],
  ];

  it.each(REFUSED)("%s %s: the services decide 401 and 403 before the refusal is answered", async (verb, path, body, reason) => {
    world.services.behave = ({ metadata }) => {
      const [refusal] = metadata.get("tenure-refusal-bin");
      return { status: Buffer.isBuffer(refusal) ? Status.decode(refusal) : statusWith(world.catalogue, Code.INTERNAL, "no refusal came") };
    };
    const sent = body === undefined ? {} : { body };
    const answer = await world.send(verb, path, sent);
    const { code, details } = answer.json() as Refused;
    expect([answer.status, code, details[0]]).toMatchObject([400, 3, { reason, domain: "tenure" }]);
    expect(world.lastMessage()).toEqual({ text: "a b" });

    world.services.behave = () => ({ status: statusWith(world.catalogue, Code.UNAUTHENTICATED, "who?") });
    expect((await world.send(verb, path, sent)).status).toBe(401);
  });

  it("answers 500 when services run what they were told to refuse", async () => {
    const answer = await world.send("POST", "/echo/v1/guarded/a", { body: "{" });
    expect([answer.status, answer.json()]).toMatchObject([500, { code: 13, message: "internal error" }]);
  });

  it.each([
    ["DELETE", "/echo/v1/guarded/%ff", {}],
    ["POST", "/echo/v1/guarded/a/7/%ff/b", { text: "a", number: 7, inner: { note: "b" } }],
    ["POST", "/echo/v1/guarded/a/many/n/b", { text: "a", inner: { name: "n", note: "b" } }],
  ])("%s %s: gets all of the path that can be read", async (verb, path, message) => {
    await world.send(verb, path);
    expect(world.lastMessage()).toEqual(message);
    const [refusal] = world.lastCall().metadata.get("tenure-refusal-bin");
    const [info] = Status.decode(refusal as Buffer).details;
    expect(ErrorInfo.decode(info?.value ?? Buffer.alloc(0)).reason).toMatch(/^REQUEST_/);
  });

  it("never takes a refusal from a client", async () => {
    const forged = Buffer.from(Status.encode({ code: 3, message: "forged", details: [] }).finish()).toString("base64");
    const headers = { "tenure-refusal-bin": forged, "grpc-metadata-tenure-refusal-bin": forged, "grpc-metadata-grpc-timeout": "1n" };
    const answer = await world.send("POST", "/echo/v1/guarded/a", { body: "{}", headers });
    expect(answer.status).toBe(200);
    expect(world.lastCall().metadata.get("tenure-refusal-bin")).toEqual([]);
  });
});

describe("in the infisical dialect, a DELETE that is refused by the gateway", () => {
  const path = "/api/v1/projects/p/identities/i";

  beforeEach(() => {
    world.services.behave = ({ metadata }) => ({ status: Status.decode(metadata.get("tenure-refusal-bin")[0] as Buffer) });
  });

  it("names an unknown query parameter in a 422", async () => {
    const answer = await world.send("DELETE", `${path}?dryRun=true`);
    expect([answer.status, answer.json()]).toMatchObject([
      422,
      {
        error: "ValidationFailure",
        message: [{ code: "unrecognized_keys", path: ["dryRun"], message: "is no query parameter of this method" }],
      },
    ]);
  });

  it("answers an unexpected body with 400", async () => {
    const answer = await world.send("DELETE", path, { body: "{}" });
    expect([answer.status, answer.json()]).toMatchObject([400, { error: "BadRequest", message: "this method takes no body" }]);
  });
});
