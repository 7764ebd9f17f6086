import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { plainStatus } from "./echo-services.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

const B = "/echo/v1";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

beforeEach(() => {
  world.services.behave = undefined;
});

/** Sends a request and returns the method that it reached and the message that arrived there. */
async function reach(verb: string, path: string, body?: object | string): Promise<[method: string, message: unknown]> {
  const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const answer = await world.send(verb, path, sent);
  expect(answer.status, answer.text).toBe(200);
  return [world.lastCall().path.slice("/echo.v1.EchoService/".length), world.lastMessage()];
}

describe("paths", () => {
  it.each([
    ["GET", "/things/hello", "Get", { text: "hello" }],
    ["GET", "/things/a%2Fb%3Ac%20d%2525", "Get", { text: "a/b:c d%25" }],
    ["GET", "/things/gr%C3%BC%C3%9Fe", "Get", { text: "grüße" }],
    ["GET", "/things/a+b", "Get", { text: "a+b" }],
    ["GET", "/things/%00", "Get", { text: "\u0000" }],
    ["GET", "/things/..", "Get", { text: ".." }],
    ["GET", "/things/%2e%2e%2f", "Get", { text: "../" }],
    ["GET", `/things/${"x".repeat(10_000)}`, "Get", { text: "x".repeat(10_000) }],
    ["GET", "/things/special", "Special", {}],
    ["GET", "/things", "Search", {}],
    ["GET", "/shelves/s%2F1/books/b%201", "Named", { text: "shelves/s%2F1/books/b 1" }],
    ["GET", "/files/a/b%20c/d%2Fe", "Path", { text: "a/b c/d%2Fe" }],
    ["GET", "/files", "Path", {}],
    ["GET", "/files/", "Path", {}],
    ["GET", "/x/star/-7", "Star", { number: -7 }],
    ["POST", "/things/a:undelete", "Undelete", { text: "a" }],
    ["POST", "/things/a:b:undelete", "Undelete", { text: "a:b" }],
    ["GET", "/things/jason:other", "Get", { text: "jason:other" }],
    ["GET", "/things/a%3Aundelete", "Get", { text: "a:undelete" }],
    ["PUT", "/things/a", "Create", { text: "a" }],
    ["PATCH", "/things/a", "Create", { inner: { name: "a" } }],
    ["OPTIONS", "/custom", "Options", {}],
    ["PURGE", "/any", "AnyVerb", {}],
    ["HEAD", "/things/hello", "Get", { text: "hello" }],
  ])("%s %s reaches %s", async (verb, path, method, message) => {
    expect(await reach(verb, B + path)).toEqual([method, message]);
  });

  it("HEAD answers as GET does, without the body", async () => {
    const [head, get] = [await world.send("HEAD", `${B}/things/a`), await world.send("GET", `${B}/things/a`)];
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", get.headers["content-length"]]);
  });
});

describe("query parameters", () => {
  it.each([
    ["text=a%20b+c%2Bd", { text: "a b c+d" }],
    ["text", {}],
    ["text=", {}],
    ["text=a=b", { text: "a=b" }],
    ["&text=a&&", { text: "a" }],
    [
      "number=7&big=9007199254740993&unsignedBig=18446744073709551615",
      { number: 7, big: "9007199254740993", unsignedBig: "18446744073709551615" },
    ],
    ["unsigned_big=1&optionalText=", { unsignedBig: "1", optionalText: "" }],
    ["ratio=1.5e3", { ratio: 1500 }],
    ["ratio=NaN", { ratio: "NaN" }],
    ["flag=true", { flag: true }],
    ["data=aGk_-w%3D%3D", { data: "aGk/+w==" }],
    ["color=COLOR_BLUE", { color: "COLOR_BLUE" }],
    ["color=2", { color: "COLOR_BLUE" }],
    ["color=7", { color: 7 }],
    ["texts=a&texts=b", { texts: ["a", "b"] }],
    ["texts=a,b", { texts: ["a,b"] }],
    ["numbers=1&numbers=2", { numbers: [1, 2] }],
    ["colors=COLOR_RED&colors=2", { colors: ["COLOR_RED", "COLOR_BLUE"] }],
    ["inner.name=a&inner.count=3", { inner: { name: "a", count: 3 } }],
    ["inner.deeper.deeper.name=a", { inner: { deeper: { deeper: { name: "a" } } } }],
    ["labels[a]=1&labels[b.c]=2&labels[__proto__]=3", { labels: { a: "1", "b.c": "2", ["__proto__"]: "3" } }],
    ["at=2024-06-13T06:44:38.896Z", { at: "2024-06-13T06:44:38.896Z" }],
    ["lasts=1.5s", { lasts: "1.500s" }],
    ["mask=text,optional_text,inner.name", { mask: "text,optionalText,inner.name" }],
    ["maybeText=a&maybe_flag=false&maybeBig=9007199254740993", { maybeText: "a", maybeFlag: false, maybeBig: "9007199254740993" }],
    ["left=a", { left: "a" }],
    ["nonsense=1&inner.nonsense=2&labels=3&text[x]=4&inners.name=5", {}],
  ])("?%s", async (query, message) => {
    const [, received] = await reach("GET", `${B}/things?${query}`);
    expect(received).toEqual(message);
  });

  it("never override what the path or the body says", async () => {
    expect((await reach("GET", `${B}/things/a?text=b`))[1]).toEqual({ text: "a" });
    expect((await reach("POST", `${B}/things?text=b`, { number: 1 }))[1]).toEqual({ number: 1 });
    expect((await reach("PATCH", `${B}/things/a?inner.count=3&number=4`, { count: 5 }))[1]).toEqual({
      inner: { name: "a", count: 5 },
      number: 4,
    });
  });
});

describe("bodies", () => {
  it.each([
    [
      { text: "a", big: 5, unsigned_big: "6" },
      { text: "a", big: "5", unsignedBig: "6" },
    ],
    ['{"big":9007199254740993}', { big: "9007199254740993" }],
    ['{"ratio":"Infinity","color":1,"data":"aGk_-w"}', { ratio: "Infinity", color: "COLOR_RED", data: "aGk/+w==" }],
    [{ text: null, inner: null, texts: null, left: null, at: null }, {}],
    [
      { maybeText: "", optionalText: "" },
      { maybeText: "", optionalText: "" },
    ],
    [{ value: { a: [1, "b", null, true] } }, { value: { a: [1, "b", null, true] } }],
    [{ value: null }, { value: null }],
    [
      { any: { "@type": "type.googleapis.com/echo.v1.Everything", text: "a" } },
      { any: { "@type": "type.googleapis.com/echo.v1.Everything", text: "a" } },
    ],
    [{ at: "2024-06-13T08:44:38+02:00" }, { at: "2024-06-13T06:44:38Z" }],
    [{ labels: { ["__proto__"]: "x", constructor: "y" } }, { labels: { ["__proto__"]: "x", constructor: "y" } }],
    ["", {}],
    [" {} ", {}],
  ])("%j", async (body, message) => {
    expect((await reach("POST", `${B}/things`, body))[1]).toEqual(message);
  });

  it("that are the whole message yield to the path", async () => {
    expect((await reach("PUT", `${B}/things/a`, { text: "b", number: 1 }))[1]).toEqual({ text: "a", number: 1 });
  });

  it("that are one field are read as that field", async () => {
    expect((await reach("PATCH", `${B}/things/a`, { name: "b", deeper: { count: 2 } }))[1]).toEqual({
      inner: { name: "a", deeper: { count: 2 } },
    });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"])(
    "of type %s are read as JSON",
    async (type) => {
      const answer = await world.send("POST", `${B}/things`, { body: '{"text":"a"}', headers: { "content-type": type } });
      expect([answer.status, world.lastMessage()]).toEqual([200, { text: "a" }]);
    },
  );
});

describe("answers", () => {
  const EMPTY = {
    text: "",
    number: 0,
    big: "0",
    unsignedBig: "0",
    ratio: 0,
    flag: false,
    data: "",
    color: "COLOR_UNSPECIFIED",
    texts: [],
    numbers: [],
    colors: [],
    inners: [],
    labels: {},
    parts: {},
  };

  it("print what is empty where the dialect does, but for fields that say otherwise", async () => {
    expect((await world.send("GET", `${B}/things`)).json()).toEqual(EMPTY);
  });

  it("print a field that is left out when empty once it is not, at every depth", async () => {
    const body = JSON.stringify({ shyText: "0", shyTexts: [""], inner: {}, inners: [{ note: "n" }, {}], parts: { a: {} } });
    const inner = { name: "", count: 0 };
    expect((await world.send("POST", `${B}/things`, { body })).json()).toEqual({
      ...EMPTY,
      shyText: "0",
      shyTexts: [""],
      inner,
      inners: [{ ...inner, note: "n" }, inner],
      parts: { a: inner },
    });
  });

  it.each([
    ["items?inner.name=a", []],
    ["inner", null],
  ])("are one field where the rule says so: %s", async (path, json) => {
    expect((await world.send("GET", `${B}/${path}`)).json()).toEqual(json);
  });

  it("have no body and no type for google.protobuf.Empty, and the status that the method declares", async () => {
    world.services.behave = () => ({ messages: [Buffer.alloc(0)] });
    const answer = await world.send("DELETE", `${B}/nothing/a`);
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([202, "", undefined]);
  });

  it("are 500 when the services send no such message", async () => {
    world.services.behave = () => ({ messages: [Buffer.from([0xff, 0xff])] });
    expect((await world.send("GET", `${B}/things`)).status).toBe(500);
  });

  it("keep 64 bits, nanoseconds and unknown enum values", async () => {
    const query = "big=-9223372036854775808&at=2024-06-13T06:44:38.000000001Z&lasts=-0.000000001s&color=99";
    const answer = await world.send("GET", `${B}/things?${query}`);
    expect(answer.json()).toMatchObject({
      big: "-9223372036854775808",
      at: "2024-06-13T06:44:38.000000001Z",
      lasts: "-0.000000001s",
      color: 99,
    });
  });
});

describe("server streams", () => {
  it("are one JSON object a line", async () => {
    world.services.behave = ({ message }) => ({ messages: [message, message] });
    const answer = await world.send("GET", `${B}/stream?text=a`);
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/x-ndjson"]);
    const lines = answer.text.split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ result: { text: "a" } }, { result: { text: "a" } }]);
  });

  it("end with a line that says why they broke", async () => {
    world.services.behave = ({ message }) => ({ messages: [message], status: plainStatus(Code.ABORTED, "enough") });
    const lines = (await world.send("GET", `${B}/stream`)).text.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ result: {} }, { error: { code: 10, message: "enough", details: [] } }]);
  });

  it("that fail before the first message are ordinary failures", async () => {
    world.services.behave = () => ({ status: plainStatus(Code.NOT_FOUND, "gone") });
    const answer = await world.send("GET", `${B}/stream`);
    expect([answer.status, answer.json()]).toMatchObject([404, { code: 5, message: "gone" }]);
  });

  it("without a message are empty", async () => {
    world.services.behave = () => ({ messages: [] });
    const answer = await world.send("GET", `${B}/stream`);
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });

  it("break off with a line when a message is none", async () => {
    world.services.behave = ({ message }) => ({ messages: [message, Buffer.from([0xff]), message] });
    const lines = (await world.send("GET", `${B}/stream`)).text.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ result: {} }, { error: { code: 13 } }]);
  });
});

describe("metadata", () => {
  it("is made from the headers that have a meaning for the services", async () => {
    const headers = {
      authorization: "Bearer token",
      "accept-language": "de",
      "x-zitadel-orgid": "42",
      "user-agent": "test/1 (\u00fc)",
      "x-forwarded-for": "203.0.113.7",
      "grpc-metadata-x-mine": "1",
      "grpc-metadata-x-mine-bin": "AQI=",
      "x-request-id": "forged",
      "grpc-metadata-x-request-id": "forged",
      "grpc-metadata-authorization": "forged",
      "grpc-metadata-x-forwarded-for": "forged",
      "grpcgateway-user-agent": "forged",
      "tenure-anything": "forged",
      cookie: "a=b",
    };
    const answer = await world.send("GET", `${B}/things`, { headers });
    const { metadata } = world.lastCall();
    expect(metadata.get("authorization")).toEqual(["Bearer token"]);
    expect(metadata.get("accept-language")).toEqual(["de"]);
    expect(metadata.get("x-zitadel-orgid")).toEqual(["42"]);
    expect(metadata.get("grpcgateway-user-agent")).toEqual(["test/1 (?)"]);
    expect(metadata.get("x-forwarded-for")).toEqual(["203.0.113.7, 127.0.0.1"]);
    expect(metadata.get("x-mine")).toEqual(["1"]);
    expect(metadata.get("x-mine-bin")).toEqual([Buffer.from([1, 2])]);
    expect(metadata.get("x-request-id")).toEqual([answer.headers["x-request-id"]]);
    expect([metadata.get("cookie"), metadata.get("tenure-anything")]).toEqual([[], []]);
  });

  it("comes back as headers: some as they are, others with a prefix", async () => {
    world.services.behave = ({ message }) => ({
      messages: [message],
      headers: {
        location: "/elsewhere",
        "x-tenure-operation": "op",
        "x-other": "1",
        "x-other-bin": "AQI=",
        "content-length": "7",
        "x-request-id": "forged",
      },
    });
    const { headers } = await world.send("GET", `${B}/things/a`);
    expect(headers).toMatchObject({
      location: "/elsewhere",
      "x-tenure-operation": "op",
      "grpc-metadata-x-other": "1",
      "grpc-metadata-x-other-bin": "AQI=",
    });
    expect(headers["x-request-id"]).toMatch(/^req-/);
  });

  it.each([
    [undefined, 25_000, 30_000],
    ["2S", 1_000, 2_000],
    ["100m", 1, 100],
    ["99999999H", 3_000_000, 3_600_000],
  ])("carries the deadline: Grpc-Timeout %s", async (timeout, least, most) => {
    await world.send("GET", `${B}/things`, { headers: timeout === undefined ? {} : { "grpc-timeout": timeout } });
    const { timeLeft } = world.lastCall();
    expect(timeLeft).toBeGreaterThan(least);
    expect(timeLeft).toBeLessThanOrEqual(most);
  });

  it.each(["soon", "1", "S", "-1S", "123456789S", "1.5S"])("refuses the deadline %s", async (timeout) => {
    expect((await world.send("GET", `${B}/things`, { headers: { "grpc-timeout": timeout } })).status).toBe(400);
  });
});
