import type { DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { create, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import { plainStatus } from "./echo-services.ts";
import type { Answer } from "./http.ts";
import { statusWith } from "./statuses.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

const SERVICE = "/echo.v1.EchoService";
const BINARY = "application/grpc-web+proto";
const TEXT = "application/grpc-web-text+proto";

let world: World;
let transport: Transport;

beforeAll(async () => {
  world = await startWorld();
  transport = createGrpcWebTransport({ baseUrl: world.gateway.url, httpVersion: "1.1" });
});

afterAll(() => world.close());

beforeEach(() => {
  world.services.behave = undefined;
});

function methodNamed(name: string) {
  const method = world.catalogue.registry.getService("echo.v1.EchoService")?.method[name];
  if (method === undefined) {
    throw new Error(`no method ${name}`);
  }
  return method;
}

async function callUnary(json: object, header: Record<string, string> = {}) {
  const method = methodNamed("get") as DescMethodUnary;
  const answer = await transport.unary(method, undefined, 5_000, header, fromJson(method.input, { ...json }));
  return { json: toJson(method.output, answer.message), header: answer.header, trailer: answer.trailer };
}

async function callStream(json: object) {
  const method = methodNamed("list") as DescMethodStreaming;
  const input = fromJson(method.input, { ...json });
  const answer = await transport.stream(
    method,
    undefined,
    5_000,
    undefined,
    (async function* () {
      yield input;
    })(),
  );
  return { messages: answer.message, output: method.output, trailer: answer.trailer };
}

function message(json: object): Buffer {
  const type = methodNamed("get").input;
  return Buffer.from(toBinary(type, fromJson(type, { ...json })));
}

function frame(content: Uint8Array, flag = 0): Buffer {
  const header = Buffer.alloc(5);
  header[0] = flag;
  header.writeUInt32BE(content.length, 1);
  return Buffer.concat([header, content]);
}

function post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  return world.send("POST", `${SERVICE}/${path}`, { body, headers: { "content-type": BINARY, ...headers } });
}

/** Frames of an answer, as [flag, content]. */
function framesOf(bytes: Buffer): [number, Buffer][] {
  const frames: [number, Buffer][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    frames.push([bytes.readUInt8(at), bytes.subarray(at + 5, end)]);
    at = end;
  }
  return frames;
}

describe("an unmodified Connect client", () => {
  it("gets the answer of a unary call", async () => {
    expect((await callUnary({ text: "grüße", number: 7 })).json).toEqual({ text: "grüße", number: 7 });
  });

  it("gets headers and trailers, and sends metadata and its deadline", async () => {
    world.services.behave = ({ message: bytes }) => ({
      messages: [bytes],
      headers: { "x-first": "1" },
      trailers: { "x-last": "2", "x-last-bin": "AQI=" },
    });
    const { header, trailer } = await callUnary({}, { authorization: "Bearer t", "x-zitadel-orgid": "42", "x-mine-bin": "AQI=" });
    expect([header.get("x-first"), trailer.get("x-last"), trailer.get("x-last-bin")]).toEqual(["1", "2", "AQI="]);
    const { metadata, timeLeft } = world.lastCall();
    expect(metadata.get("authorization")).toEqual(["Bearer t"]);
    expect(metadata.get("x-zitadel-orgid")).toEqual(["42"]);
    expect(metadata.get("x-mine-bin")).toEqual([Buffer.from([1, 2])]);
    expect(timeLeft).toBeGreaterThan(2_000);
    expect(timeLeft).toBeLessThanOrEqual(5_000);
  });

  it("gets code, message and details of a failure", async () => {
    world.services.behave = () => ({
      status: statusWith(world.catalogue, Code.NOT_FOUND, "gone: ünknown 100 %", ["google.rpc.ErrorInfo", { reason: "ORG_NOT_FOUND" }]),
    });
    const error = await callUnary({}).catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({
      code: ConnectCode.NotFound,
      rawMessage: "gone: ünknown 100 %",
      details: [{ type: "google.rpc.ErrorInfo" }],
    });
  });

  it("gets a failure that is too large for headers", async () => {
    const words = "x".repeat(20_000);
    world.services.behave = () => ({ status: plainStatus(Code.NOT_FOUND, words.slice(0, 6_000)) });
    const error = await callUnary({}).catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: ConnectCode.NotFound, rawMessage: words.slice(0, 6_000) });
  });

  it("gets every message of a stream, and the failure that ends it", async () => {
    world.services.behave = ({ message: bytes }) => ({ messages: Array(50).fill(bytes), status: plainStatus(Code.ABORTED, "enough") });
    const { messages, output } = await callStream({ text: "x" });
    const texts: unknown[] = [];
    const reading = (async () => {
      for await (const one of messages) {
        texts.push(toJson(output, one));
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: ConnectCode.Aborted, rawMessage: "enough" });
    expect(texts).toEqual(Array(50).fill({ text: "x" }));
  });

  it("gets a large stream whole, however slowly it reads", async () => {
    const large = message({ data: Buffer.alloc(200_000, 7).toString("base64") });
    world.services.behave = () => ({ messages: Array(40).fill(large) });
    const { messages } = await callStream({});
    let count = 0;
    for await (const _ of messages) {
      count++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(count).toBe(40);
  });

  it("gets UNAVAILABLE in our own words while no services are there", async () => {
    const gateway = await import("../../gateway/server.ts").then(({ startGateway }) =>
      startGateway({ ...world.config, upstream: "127.0.0.1:1" }),
    );
    const lonely = createGrpcWebTransport({ baseUrl: gateway.url, httpVersion: "1.1" });
    const method = methodNamed("get") as DescMethodUnary;
    const error = await lonely
      .unary(method, undefined, 5_000, undefined, create(method.input))
      .catch((thrown: unknown) => ConnectError.from(thrown));
    await gateway.close();
    expect(error).toMatchObject({ code: ConnectCode.Unavailable, rawMessage: "the services cannot be reached" });
  });
});

describe("hand-made frames", () => {
  it("come back as a message and a trailer frame", async () => {
    const answer = await post("Get", frame(message({ text: "a" })));
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, BINARY]);
    expect(framesOf(answer.bytes)).toEqual([
      [0, message({ text: "a" })],
      [0x80, Buffer.from("grpc-status: 0\r\n")],
    ]);
  });

  it("pass bytes that no message of that type would hold", async () => {
    const garbage = Buffer.from([0xff, 0xff, 0xff, 0xff]);
    expect(framesOf((await post("Get", frame(garbage))).bytes)[0]).toEqual([0, garbage]);
  });

  it.each([
    ["application/grpc-web", BINARY],
    ["application/grpc-web+proto; charset=utf-8", BINARY],
    ["application/grpc-web-text", TEXT],
    ["application/grpc-web-text+proto", TEXT],
  ])("of type %s are answered as %s", async (type, expected) => {
    const bytes = frame(message({ text: "a" }));
    const body = expected === TEXT ? bytes.toString("base64") : bytes;
    expect((await post("Get", body, { "content-type": type })).headers["content-type"]).toBe(expected);
  });

  it("are answered in the variant that Accept names", async () => {
    const body = frame(message({ text: "a" }));
    const answer = await post("Get", body, { accept: "application/grpc-web-text" });
    expect(answer.headers["content-type"]).toBe(TEXT);
    expect(framesOf(Buffer.from(answer.text, "base64"))[0]).toEqual([0, message({ text: "a" })]);
  });

  it("in text may be padded anywhere", async () => {
    const bytes = frame(message({ text: "hello" }));
    const body = [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)].map((chunk) => chunk.toString("base64")).join("");
    const answer = await post("Get", body, { "content-type": TEXT });
    expect(framesOf(Buffer.from(answer.text, "base64"))[0]).toEqual([0, message({ text: "hello" })]);
  });

  it("in text stream as chunks of base64", async () => {
    world.services.behave = ({ message: bytes }) => ({ messages: [bytes, bytes] });
    const body = frame(message({ text: "ab" })).toString("base64");
    const answer = await post("List", body, { "content-type": TEXT });
    const chunks = answer.text.match(/[^=]+={0,2}/g) ?? [];
    expect(framesOf(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk, "base64")))).map(([flag]) => flag)).toEqual([0, 0, 0x80]);
  });

  it("that fail are answered by headers alone", async () => {
    world.services.behave = () => ({
      status: statusWith(world.catalogue, Code.NOT_FOUND, "gone", ["google.rpc.ErrorInfo", { reason: "X" }]),
      trailers: { "x-last": "1" },
    });
    const answer = await post("Get", frame(message({})));
    expect([answer.status, answer.bytes.length, answer.headers["grpc-status"], answer.headers["grpc-message"]]).toEqual([
      200,
      0,
      "5",
      "gone",
    ]);
    expect(answer.headers["x-last"]).toBe("1");
    expect(answer.headers["access-control-expose-headers"]).toMatch(/\bx-last\b/);
    const status = Status.decode(Buffer.from(String(answer.headers["grpc-status-details-bin"]), "base64"));
    expect(status).toMatchObject({ code: 5, message: "gone" });
  });
});

describe("what is no call", () => {
  const good = (): Buffer => frame(message({ text: "a" }));
  it.each([
    ["a compressed frame", () => frame(message({ text: "a" }), 1), Code.UNIMPLEMENTED],
    ["no frame", () => Buffer.alloc(0), Code.UNIMPLEMENTED],
    ["two messages", () => Buffer.concat([good(), good()]), Code.UNIMPLEMENTED],
    ["a trailer frame", () => frame(Buffer.from("a: b\r\n"), 0x80), Code.INVALID_ARGUMENT],
    ["half a header", () => Buffer.from([0, 0, 0]), Code.INVALID_ARGUMENT],
    ["half a message", () => good().subarray(0, 6), Code.INVALID_ARGUMENT],
    ["a frame that claims 4 GiB", () => Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), Code.RESOURCE_EXHAUSTED],
    ["a message above 4 MiB", () => frame(Buffer.alloc(4 * 1024 * 1024 + 1)), Code.RESOURCE_EXHAUSTED],
  ])("%s is refused", async (_, body, code) => {
    const before = world.services.calls.length;
    const answer = await post("Get", body());
    expect([answer.status, answer.headers["grpc-status"]]).toEqual([200, String(code)]);
    expect(world.services.calls.length).toBe(before);
  });

  it("a message of 4 MiB is the largest that passes", async () => {
    const answer = await post("Get", frame(Buffer.alloc(4 * 1024 * 1024)));
    expect(framesOf(answer.bytes)[0]?.[1].length).toBe(4 * 1024 * 1024);
  });

  it.each(["*", "A", "AAAA=AAA", "AAA=="])("text that is not base64 is refused: %s", async (body) => {
    expect((await post("Get", body, { "content-type": TEXT })).headers["grpc-status"]).toBe(String(Code.INVALID_ARGUMENT));
  });

  it.each([`${SERVICE}/Nothing2`, "/no.such.Service/Get", "/echo/v1/things"])("%s is no method: code 12", async (path) => {
    const answer = await world.send("POST", path, { body: good(), headers: { "content-type": BINARY } });
    expect([answer.status, answer.headers["grpc-status"]]).toEqual([200, "12"]);
  });

  it("a method that reads a stream has no gRPC-web form: code 12", async () => {
    expect((await post("Chat", good())).headers["grpc-status"]).toBe("12");
  });

  it.each(["application/json", "application/grpc", "application/grpc-web+json", "application/grpc-webby"])(
    "content type %s gets 415",
    async (type) => {
      const answer = await post("Get", good(), { "content-type": type });
      expect([answer.status, answer.headers["accept-post"]]).toEqual([415, "application/grpc-web+proto, application/grpc-web-text+proto"]);
    },
  );

  it("another verb than POST gets 405", async () => {
    const answer = await world.send("GET", `${SERVICE}/Get`);
    expect([answer.status, answer.headers.allow]).toEqual([405, "POST"]);
  });

  it("a deadline that is none is refused", async () => {
    expect((await post("Get", good(), { "grpc-timeout": "soon" })).headers["grpc-status"]).toBe(String(Code.INVALID_ARGUMENT));
  });

  it("reserved metadata never gets through", async () => {
    const answer = await post("Get", good(), {
      "tenure-refusal-bin": "AQI=",
      "x-request-id": "mine",
      "grpcgateway-user-agent": "fake",
      "user-agent": "real",
    });
    const { metadata } = world.lastCall();
    expect(metadata.get("tenure-refusal-bin")).toEqual([]);
    expect(metadata.get("x-request-id")).toEqual([answer.headers["x-request-id"]]);
    expect(metadata.get("grpcgateway-user-agent")).toEqual(["real"]);
    expect(metadata.get("cookie")).toEqual([]);
  });
});

describe("CORS", () => {
  const origin = "https://elsewhere.example";

  it.each([`${SERVICE}/Get`, "/admin/v1/orgs/42", "/nowhere"])("a preflight for %s is answered without asking anyone", async (path) => {
    const before = world.services.calls.length;
    const headers = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-grpc-web,authorization" };
    const answer = await world.send("OPTIONS", path, { headers });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
    expect(answer.headers["access-control-allow-methods"]).toContain("DELETE");
    for (const name of [
      "authorization",
      "content-type",
      "x-grpc-web",
      "x-user-agent",
      "grpc-timeout",
      "x-zitadel-orgid",
      "accept-language",
    ]) {
      expect(answer.headers["access-control-allow-headers"]).toContain(name);
    }
    expect(world.services.calls.length).toBe(before);
  });

  it("every answer may be read by any page, with its status and request id", async () => {
    for (const answer of [
      await post("Get", frame(message({})), { origin }),
      await world.send("GET", "/nowhere", { headers: { origin } }),
    ]) {
      expect(answer.headers["access-control-allow-origin"]).toBe("*");
      expect(answer.headers["access-control-expose-headers"]).toBe(
        "grpc-status, grpc-message, grpc-status-details-bin, location, x-request-id, x-tenure-operation",
      );
    }
  });

  it("metadata of a gRPC-web answer may be read too", async () => {
    world.services.behave = ({ message: bytes }) => ({ messages: [bytes], headers: { "x-first": "1" } });
    const answer = await post("Get", frame(message({})), { origin });
    expect(answer.headers["access-control-expose-headers"]).toContain("x-first");
  });

  it("an OPTIONS request that is no preflight is an ordinary one", async () => {
    expect((await world.send("OPTIONS", "/echo/v1/custom")).status).toBe(200);
    expect((await world.send("OPTIONS", "/echo/v1/things")).status).toBe(405);
  });
});
