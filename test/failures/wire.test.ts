/** Garbage below the level of calls: broken HTTP/2, broken frames, bombs. Each ends in a status or a closed connection. */
import { connect, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchange } from "../support/raw.ts";
import { restClient } from "../support/rest.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const path = "/zitadel.admin.v1.AdminService/RemoveOrg";

async function lives(): Promise<void> {
  const rest = restClient(system.baseUrl, system.adminToken);
  expect((await rest("GET", "/management/v1/orgs/me")).status).toBe(200);
}

/** One gRPC call made of raw bytes; resolves with the grpc-status, or with nothing when the stream was cut. */
function rawCall(body: Buffer, headers: Record<string, string> = {}): Promise<string | undefined> {
  const session = connect(`http://${system.grpcAddress}`);
  return new Promise((resolve) => {
    let status: string | undefined;
    const finish = () => {
      session.destroy();
      resolve(status);
    };
    session.on("error", finish);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${system.adminToken}`,
      ...headers,
    });
    const note = (block: Record<string, unknown>) => {
      if (block["grpc-status"] !== undefined) status = String(block["grpc-status"]);
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("error", finish);
    stream.on("close", finish);
    stream.resume();
    stream.end(body);
  });
}

function frame(message: Buffer, flag = 0): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flag, 0);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

describe("the gRPC port", () => {
  it.each([
    ["plain noise", Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 256))],
    ["HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n")],
    ["a preface and noise", Buffer.concat([Buffer.from(preface), Buffer.alloc(2048, 0xee)])],
    [
      "a frame longer than allowed",
      Buffer.concat([Buffer.from(preface), Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]), Buffer.alloc(1024)]),
    ],
    [
      "headers that never end",
      Buffer.concat([Buffer.from(preface), Buffer.from([0, 0, 4, 1, 0, 0, 0, 0, 1]), Buffer.from([0x82, 0x86, 0x84, 0x41])]),
    ],
  ])("survives %s", async (_, bytes) => {
    await exchange(system.grpcAddress, bytes);
    await lives();
  });

  it.each([
    ["bytes that are no message", frame(Buffer.from([0xff, 0xff, 0xff, 0xff])), "3"],
    ["a message that is cut short", Buffer.concat([Buffer.from([0, 0, 0, 0, 50]), Buffer.from([0x0a])]), "12"],
    ["a length of 4 GiB", Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), "8"],
    ["invalid UTF-8 in a text", frame(Buffer.from([0x0a, 0x02, 0xc3, 0x28])), "3"],
  ])("answers %s with a status", async (_, body, status) => {
    expect(await rawCall(body)).toBe(status);
    await lives();
  });

  it("does not inflate a bomb beyond the largest message", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(await rawCall(frame(bomb, 1), { "grpc-encoding": "gzip" })).toBe("8");
    await lives();
  });

  it("refuses what a compressed frame without an announced encoding holds", async () => {
    expect(await rawCall(frame(gzipSync(Buffer.from("x")), 1))).toMatch(/^(3|12|13)$/);
    await lives();
  });

  it("asks for a credential before it looks at the message", async () => {
    expect(await rawCall(frame(Buffer.from([0xff])), { authorization: "" })).toBe("16");
  });
});
