import type { Http2Server, ServerHttp2Stream } from "node:http2";
import { constants, createServer } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createNetServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Call, MetadataEntry, Reply } from "../../gateway/call.ts";
import type { Upstream } from "../../gateway/upstream.ts";
import { openUpstream } from "../../gateway/upstream.ts";
import { Code } from "../../proto/gen/google/rpc/code.ts";

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) {
    close();
  }
});

const CALL: Call = { path: "/a.B/C", message: Buffer.from("ask"), metadata: [], timeout: 5_000 };

function ask(upstream: Upstream, call: Partial<Call> = {}): Promise<Reply> {
  return new Promise((resolve) => upstream.unary({ ...CALL, ...call }, resolve));
}

function listen(server: Http2Server | Server): Promise<Upstream> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const upstream = openUpstream(`127.0.0.1:${(server.address() as AddressInfo).port}`);
      closers.push(() => {
        upstream.close();
        server.close();
      });
      resolve(upstream);
    });
  });
}

/** Services that treat every stream as told. */
function serve(treat: (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => void): Promise<Upstream> {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    treat(stream, headers);
  });
  return listen(server);
}

/** A peer that does whatever it wants with the bytes. */
function serveRaw(treat: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    treat(socket);
  });
  closers.push(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  return listen(server);
}

const GRPC = { ":status": 200, "content-type": "application/grpc" };

function frame(content: string, flag = 0, length = content.length): Buffer {
  const header = Buffer.alloc(5);
  header[0] = flag;
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, Buffer.from(content)]);
}

function answer(stream: ServerHttp2Stream, pieces: readonly Buffer[], trailers: Record<string, string>, headers: object = {}): void {
  stream.respond({ ...GRPC, ...headers }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  for (const piece of pieces) {
    stream.write(piece);
  }
  stream.end();
}

const OK = { "grpc-status": "0" };

describe("a call", () => {
  it("sends what gRPC asks for, and its metadata", async () => {
    let sent: Readonly<Record<string, unknown>> = {};
    const chunks: Buffer[] = [];
    const upstream = await serve((stream, headers) => {
      sent = headers;
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => answer(stream, [frame("yes")], OK));
    });
    const metadata: MetadataEntry[] = [
      ["x-one", "1"],
      ["x-two", "a"],
      ["x-two", "b"],
      ["x-bin", Buffer.from([0xfb, 0xff])],
    ];
    expect(await ask(upstream, { metadata })).toMatchObject({ failure: undefined, message: Buffer.from("yes") });
    expect(sent).toMatchObject({
      ":method": "POST",
      ":path": "/a.B/C",
      te: "trailers",
      "content-type": "application/grpc",
      "grpc-timeout": "5000m",
    });
    expect(sent).toMatchObject({ "x-one": "1", "x-two": "a, b", "x-bin": "+/8=" });
    expect(Buffer.concat(chunks)).toEqual(frame("ask"));
  });

  it("gets headers and trailers back", async () => {
    const upstream = await serve((stream) =>
      answer(stream, [frame("yes")], { ...OK, "x-last": "2", "x-last-bin": "AQI,Aw==" }, { "x-first": "1" }),
    );
    const { headers, trailers } = await ask(upstream);
    expect(headers.filter(([name]) => name.startsWith("x-"))).toEqual([["x-first", "1"]]);
    expect(trailers).toEqual([
      ["x-last", "2"],
      ["x-last-bin", Buffer.from([1, 2])],
      ["x-last-bin", Buffer.from([3])],
    ]);
  });

  it("puts a message together from any pieces", async () => {
    const whole = frame("x".repeat(1_000));
    const pieces = Array.from({ length: Math.ceil(whole.length / 3) }, (_, index) => whole.subarray(index * 3, index * 3 + 3));
    const upstream = await serve((stream) => answer(stream, pieces, OK));
    expect((await ask(upstream)).message?.length).toBe(1_000);
  });

  it("is sent once more when it was refused unread, and only then", async () => {
    let count = 0;
    const upstream = await serve((stream) =>
      ++count === 1 ? stream.close(constants.NGHTTP2_REFUSED_STREAM) : answer(stream, [frame("yes")], OK),
    );
    expect((await ask(upstream)).message).toEqual(Buffer.from("yes"));
    expect(count).toBe(2);

    let broken = 0;
    const other = await serve((stream) => {
      broken++;
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    expect((await ask(other)).failure).toMatchObject({ code: Code.UNAVAILABLE });
    expect(broken).toBe(1);
  });

  it("is not sent a third time", async () => {
    let count = 0;
    const upstream = await serve((stream) => {
      count++;
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    expect((await ask(upstream)).failure).toMatchObject({ code: Code.UNAVAILABLE });
    expect(count).toBe(2);
  });
});

describe("services that break the protocol", () => {
  const UNAVAILABLE = { code: Code.UNAVAILABLE };
  it.each<[string, (stream: ServerHttp2Stream) => void, object]>([
    ["answer with another status", (stream) => stream.respond({ ":status": 502 }, { endStream: true }), UNAVAILABLE],
    [
      "answer with another type",
      (stream) => stream.respond({ ":status": 200, "content-type": "text/html" }, { endStream: true }),
      UNAVAILABLE,
    ],
    ["end without trailers", (stream) => answer(stream, [frame("yes")], {}), UNAVAILABLE],
    ["end without a status", (stream) => answer(stream, [frame("yes")], { "x-last": "1" }), { code: Code.UNKNOWN }],
    ["send a status that is none", (stream) => answer(stream, [], { "grpc-status": "fine" }), { code: Code.UNKNOWN }],
    ["succeed without a message", (stream) => answer(stream, [], OK), { code: Code.INTERNAL }],
    ["succeed in the middle of a message", (stream) => answer(stream, [frame("ye", 0, 3)], OK), UNAVAILABLE],
    ["compress unasked", (stream) => answer(stream, [frame("yes", 1)], OK), { code: Code.INTERNAL }],
    ["announce 4 GiB", (stream) => answer(stream, [frame("yes", 0, 0xffff_ffff)], OK), { code: Code.RESOURCE_EXHAUSTED }],
    [
      "break off",
      (stream) => {
        stream.respond(GRPC);
        stream.close(constants.NGHTTP2_CANCEL);
      },
      UNAVAILABLE,
    ],
    ["lose the connection", (stream) => stream.session?.destroy(), UNAVAILABLE],
    [
      "send details that are none",
      (stream) => answer(stream, [], { "grpc-status": "5", "grpc-message": "100%", "grpc-status-details-bin": "////" }),
      { code: 5, message: "100%", details: [] },
    ],
  ])("and %s make a failure", async (_, treat, failure) => {
    const upstream = await serve(treat);
    expect(await ask(upstream)).toMatchObject({ failure, message: undefined });
  });

  it.each<[string, (socket: Socket) => void]>([
    ["garbage", (socket) => socket.write(Buffer.alloc(200, 0xff))],
    ["an HTTP/1 answer", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["nothing but a closed door", (socket) => socket.destroy()],
  ])("or are %s are unavailable", async (_, treat) => {
    expect((await ask(await serveRaw(treat))).failure).toMatchObject(UNAVAILABLE);
  });

  it("or never answer at all cost no more than the deadline", async () => {
    const upstream = await serveRaw(() => {});
    expect((await ask(upstream, { timeout: 100 })).failure).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });
});

describe("a stream", () => {
  it("is held back while its reader is", async () => {
    let written = 0;
    const upstream = await serve((stream) => {
      stream.respond(GRPC);
      const more = (): void => {
        written++;
        if (stream.write(frame("x".repeat(100_000)))) {
          setImmediate(more);
        } else {
          stream.once("drain", more);
        }
      };
      more();
    });
    const received: number[] = [];
    const next = await new Promise<() => void>((resolve) => {
      upstream.stream(CALL, {
        headers: () => {},
        message: (bytes, release) => {
          received.push(bytes.length);
          resolve(release);
        },
        end: () => {},
      });
    });
    let seen = -1;
    const isMoving = (): boolean => {
      const moved = written !== seen;
      seen = written;
      return moved;
    };
    await expect.poll(isMoving, { interval: 100 }).toBe(false);
    expect(received.length).toBe(1);
    expect(written).toBeLessThan(20);
    next();
    expect(received.length).toBe(2);
  });

  it("that nobody reads does not hold back other calls", async () => {
    const upstream = await serve((stream, headers) =>
      headers[":path"] === "/a.B/C" ? answer(stream, [frame("yes")], OK) : answer(stream, Array(100).fill(frame("x".repeat(100_000))), OK),
    );
    for (let count = 0; count < 20; count++) {
      upstream.stream({ ...CALL, path: "/a.B/Stream" }, { headers: () => {}, message: () => {}, end: () => {} });
    }
    expect((await ask(upstream)).message).toEqual(Buffer.from("yes"));
  });

  it("that is given up ends at once, and on the other side too", async () => {
    const closed = new Promise<number>((resolve) => {
      serve((stream) => {
        stream.on("close", () => resolve(stream.rstCode));
        answerForever(stream);
      }).then((upstream) => {
        const cancel = upstream.stream(CALL, {
          headers: () => {},
          message: () => cancel(),
          end: ({ failure }) => expect(failure?.code).toBe(Code.CANCELLED),
        });
      });
    });
    expect(await closed).toBe(constants.NGHTTP2_CANCEL);
  });
});

function answerForever(stream: ServerHttp2Stream): void {
  stream.respond(GRPC);
  stream.write(frame("yes"));
}

describe("readiness", () => {
  it.each([
    ["SERVING", [frame("\u0008\u0001")], true],
    ["NOT_SERVING", [frame("\u0008\u0002")], false],
    ["nothing", [frame("")], false],
  ])("is what the health service says: %s", async (_, pieces, ready) => {
    expect(await (await serve((stream) => answer(stream, pieces, OK))).ready(1_000)).toBe(ready);
  });

  it("is no when nobody is there", async () => {
    expect(await openUpstream("127.0.0.1:1").ready(1_000)).toBe(false);
  });

  it("is no when nobody answers in time", async () => {
    expect(await (await serveRaw(() => {})).ready(50)).toBe(false);
  });
});
