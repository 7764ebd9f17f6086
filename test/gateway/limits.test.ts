import { connect } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ReceivedCall } from "./echo-services.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

const MIB = 1024 * 1024;
const THINGS = "/echo/v1/things";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

beforeEach(() => {
  world.services.behave = undefined;
});

/** A JSON object of exactly so many bytes. */
function jsonOf(bytes: number): string {
  return `{"text":"${"x".repeat(bytes - 11)}"}`;
}

describe("bodies", () => {
  it("of 1 MiB are the largest that pass", async () => {
    expect((await world.send("POST", THINGS, { body: jsonOf(MIB) })).status).toBe(200);
    expect((await world.send("POST", THINGS, { body: jsonOf(MIB + 1) })).status).toBe(413);
  });

  it("that do not say their length are measured", async () => {
    const headers = { "transfer-encoding": "chunked" };
    expect((await world.send("POST", THINGS, { body: jsonOf(MIB), headers })).status).toBe(200);
    expect((await world.send("POST", THINGS, { body: jsonOf(MIB + 1), headers })).status).toBe(413);
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ])("in %s are inflated, and measured then", async (encoding, compress) => {
    const headers = { "content-encoding": encoding };
    const small = await world.send("POST", THINGS, { body: compress(Buffer.from('{"text":"a"}')), headers });
    expect([small.status, world.lastMessage()]).toEqual([200, { text: "a" }]);
    expect((await world.send("POST", THINGS, { body: compress(Buffer.from(jsonOf(MIB))), headers })).status).toBe(200);
    expect((await world.send("POST", THINGS, { body: compress(Buffer.from(jsonOf(MIB + 1))), headers })).status).toBe(413);
  });

  it("that are bombs are not inflated", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * MIB));
    expect(bomb.length).toBeLessThan(MIB);
    const before = process.memoryUsage().rss;
    const answer = await world.send("POST", THINGS, { body: bomb, headers: { "content-encoding": "gzip" } });
    expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  });

  it("in an unknown encoding get 415", async () => {
    expect((await world.send("POST", THINGS, { body: "{}", headers: { "content-encoding": "lzma" } })).status).toBe(415);
  });

  it.each([
    ["/management/v1/orgs", "POST", { code: 3 }],
    ["/api/v1/organizations/o/groups", "POST", { error: "request_entity_too_large", code: 3 }],
    ["/api/v1/projects/p/identities", "POST", { statusCode: 413, error: "PayloadTooLarge" }],
    ["/api/v1/organizations/o/groups/g", "DELETE", { error: "request_entity_too_large" }],
  ])("too large for %s are refused in its dialect, before anyone is asked", async (path, verb, body) => {
    const before = world.services.calls.length;
    const answer = await world.send(verb, path, { body: jsonOf(2 * MIB) });
    expect([answer.status, answer.json()]).toMatchObject([413, body]);
    expect(world.services.calls.length).toBe(before);
  });
});

/** Sends raw bytes and returns all that comes back until the server closes or nothing more is due. */
function sendRaw(bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(world.gateway.port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

async function expectAlive(): Promise<void> {
  expect((await world.send("GET", `${THINGS}/alive`)).status).toBe(200);
}

describe("garbage", () => {
  it.each([
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a broken request line", "GET\r\n\r\n"],
    ["two lengths", "POST /echo/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
    [
      "a length beside chunks",
      "POST /echo/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a broken chunk", "POST /echo/v1/things HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
    ["endless headers", `GET /echo/v1/things HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(40_000)}\r\n\r\n`],
  ])("%s gets a 4xx", async (_, text) => {
    expect(await sendRaw(Buffer.from(text))).toMatch(/^HTTP\/1\.1 4\d\d /);
    await expectAlive();
  });

  it("of any kind as a body never does worse than a 4xx", async () => {
    const soup = fc.string({
      unit: fc.constantFrom(...'{}[]",:0123456789eE+-.tfn\\u ', "text", "inner", "value", "any", "@type", "1e999"),
      maxLength: 40,
    });
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      soup.map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(`{"value":${text}}`)),
      fc
        .constantFrom('{"ratio":1e999}', '{"value":1e999}', '{"value":-1e999}', '{"number":1e5}', '{"any":{}}', '{"any":{"@type":1}}')
        .map((text) => Buffer.from(text)),
    );
    const verbs = fc.constantFrom("POST", "DELETE");
    await fc.assert(
      fc.asyncProperty(anything, verbs, async (body, verb) => {
        expect([200, 400]).toContain((await world.send(verb, THINGS, { body })).status);
      }),
      { numRuns: 300 },
    );
  });

  it("of any kind as a path or query never does worse than a 4xx", async () => {
    const part = fc.string({
      unit: fc.constantFrom("/", "%", "2", "F", "f", ":", "?", "&", "=", "[", "]", ".", "a", "things", "text", "labels", "inner"),
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(part, async (tail) => {
        expect([200, 400, 404, 405]).toContain((await world.send("GET", `/echo/v1/things${tail}`)).status);
      }),
      { numRuns: 300 },
    );
  });

  it("of any kind as gRPC-web is answered with a status", async () => {
    const bytes = fc.uint8Array({ maxLength: 32 }).map((some) => Buffer.from(some));
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom("application/grpc-web", "application/grpc-web-text"), async (body, type) => {
        const answer = await world.send("POST", "/echo.v1.EchoService/Get", { body, headers: { "content-type": type } });
        expect([answer.status, answer.headers["grpc-status"] ?? "in the body"]).toEqual([
          200,
          expect.stringMatching(/^(3|8|12|in the body)$/),
        ]);
      }),
      { numRuns: 300 },
    );
  });

  it("in metadata never breaks a call", async () => {
    const byte = fc.integer({ min: 0x20, max: 0xff }).filter((one) => one !== 0x7f);
    const value = fc.array(byte, { maxLength: 20 }).map((bytes) => String.fromCharCode(...bytes));
    const name = fc.constantFrom(
      "authorization",
      "x-zitadel-orgid",
      "user-agent",
      "grpc-metadata-x",
      "grpc-metadata-x-bin",
      "grpc-metadata-a!b",
    );
    await fc.assert(
      fc.asyncProperty(name, value, async (header, text) => {
        expect((await world.send("GET", THINGS, { headers: { [header]: text } })).status).toBe(200);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a client that goes away", () => {
  it("in the middle of its body leaves nothing behind", async () => {
    const before = world.services.calls.length;
    await new Promise<void>((resolve) => {
      const socket = connect(world.gateway.port, "127.0.0.1", () => {
        socket.write("POST /echo/v1/things HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{", () => socket.destroy());
      });
      socket.on("close", () => resolve());
    });
    await expectAlive();
    expect(world.services.calls.length).toBe(before + 1);
  });

  it.each([
    ["a REST call", `${THINGS}/a`, "GET", ""],
    ["a REST stream", "/echo/v1/stream", "GET", ""],
    ["a gRPC-web call", "/echo.v1.EchoService/Get", "POST", "content-type: application/grpc-web\r\ncontent-length: 5\r\n"],
    ["a gRPC-web stream", "/echo.v1.EchoService/List", "POST", "content-type: application/grpc-web\r\ncontent-length: 5\r\n"],
  ])("takes %s with it", async (_, path, verb, headers) => {
    const arrived = new Promise<ReceivedCall>((resolve) => {
      world.services.behave = (call) => {
        resolve(call);
        return new Promise(() => {});
      };
    });
    const socket = connect(world.gateway.port, "127.0.0.1", () => {
      socket.write(`${verb} ${path} HTTP/1.1\r\nhost: a\r\n${headers}\r\n${"\0".repeat(verb === "POST" ? 5 : 0)}`);
    });
    const { cancelled } = await arrived;
    socket.destroy();
    await cancelled;
    world.services.behave = undefined;
    await expectAlive();
  });
});
