/** The issuer's paths: passed on as they are, to an issuer of the test that tells what reached it. */
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_DESCRIPTORS } from "../../gateway/config.ts";
import { type Gateway, startGateway } from "../../gateway/server.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let issuer: Server;
let gateway: Gateway;
let seen: Seen | undefined;
let aborted: Promise<void>;

beforeAll(async () => {
  let tell = () => {};
  aborted = new Promise((resolve) => {
    tell = resolve;
  });
  issuer = createServer(async (incoming, answer) => {
    const { method = "", url = "", headers } = incoming;
    if (url === "/oidc/v1/never") {
      answer.on("close", tell);
      answer.write("first");
      return;
    }
    let body = "";
    for await (const chunk of incoming) body += chunk;
    seen = { method, url, headers, body };
    answer.writeHead(303, {
      location: "https://app.test/in",
      "set-cookie": ["a=1", "b=2"],
      connection: "x-hop",
      "x-hop": "1",
      "x-kept": "2",
    });
    answer.end("answer");
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  gateway = await open(`127.0.0.1:${(issuer.address() as AddressInfo).port}`);
});

afterAll(async () => {
  await gateway.close();
  issuer.closeAllConnections();
  issuer.close();
});

function open(issuerUpstream: string): Promise<Gateway> {
  const rest = { descriptors: OWN_DESCRIPTORS, logLevel: "silent", publicUrl: "https://id.example:8443" };
  return startGateway({ host: "127.0.0.1", port: 0, upstream: "127.0.0.1:1", issuerUpstream, ...rest });
}

const manual = { redirect: "manual" } as const;

describe("a path of the issuer", () => {
  it.each([
    ["GET", "/.well-known/openid-configuration"],
    ["GET", "/oauth/v2/authorize?scope=a%20b&x=%2F"],
    ["POST", "/oauth/v2/token"],
    ["GET", "/oidc/v1/userinfo"],
    ["GET", "/oauth2/v2/jwks"],
    ["GET", "/oidc/callback?code=1"],
    ["POST", "/login/abc"],
    ["OPTIONS", "/oauth/v2/token"],
  ])("is passed on: %s %s", async (method, path) => {
    const body = method === "POST" ? "a=b&c=d" : null;
    const answer = await fetch(`${gateway.url}${path}`, { method, body, ...manual });
    expect(seen).toMatchObject({ method, url: path, body: body ?? "" });
    expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 303, text: "answer" });
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.headers.get("location")).toBe("https://app.test/in");
  });

  it.each(["/oauth/v2", "/login", "/oidc/callbacks", "/.well-known/openid-configuration/x", "/oauth/v3/token"])(
    "is none that only looks like one: %s",
    async (path) => {
      seen = undefined;
      expect((await fetch(`${gateway.url}${path}`, manual)).status).toBe(404);
      expect(seen).toBeUndefined();
    },
  );
});

describe("the issuer is told", () => {
  it("under which name people know the gateway, whatever the client says", async () => {
    const lies = { "x-forwarded-host": "evil.test", "x-forwarded-proto": "http", "x-forwarded-for": "10.0.0.1" };
    await fetch(`${gateway.url}/oidc/v1/userinfo`, { headers: { ...lies, authorization: "Bearer t" }, ...manual });
    expect(seen?.headers).toMatchObject({
      host: "id.example:8443",
      "x-forwarded-host": "id.example:8443",
      "x-forwarded-proto": "https",
      "x-forwarded-for": "10.0.0.1, 127.0.0.1",
      authorization: "Bearer t",
    });
    expect(seen?.headers["x-request-id"]).toMatch(/^req-/);
  });

  it("nothing that belongs to the connection, nor is the client", async () => {
    const headers = { connection: "x-private", "x-private": "1", te: "trailers", "x-shared": "2" };
    const answer = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
      const sent = request(`${gateway.url}/oidc/v1/userinfo`, { headers }, (response) => {
        response.resume();
        resolve(response.headers);
      });
      sent.on("error", reject).end();
    });
    expect(seen?.headers).toMatchObject({ "x-shared": "2" });
    expect(seen?.headers).not.toHaveProperty("x-private");
    expect(seen?.headers).not.toHaveProperty("te");
    expect(answer).toMatchObject({ "x-kept": "2" });
    expect(answer).not.toHaveProperty("x-hop");
  });

  it("when the client goes away", async () => {
    const abort = new AbortController();
    const answer = await fetch(`${gateway.url}/oidc/v1/never`, { signal: abort.signal });
    const first = await answer.body?.getReader().read();
    expect(new TextDecoder().decode(first?.value as Uint8Array)).toBe("first");
    abort.abort();
    await aborted;
  });
});

describe("an issuer that is away", () => {
  it("is an answer, with nothing of the transport in it", async () => {
    const alone = await open("127.0.0.1:1");
    const answer = await fetch(`${alone.url}/oauth/v2/token`, { method: "POST", body: "a=b" });
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 503,
      body: { error: "temporarily_unavailable", error_description: "the issuer cannot be reached" },
    });
    await alone.close();
  });
});
