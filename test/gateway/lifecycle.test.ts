import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startGateway } from "../../gateway/server.ts";
import { Code } from "../../proto/gen/google/rpc/code.ts";
import type { EchoServices } from "./echo-services.ts";
import { startEcho } from "./echo-services.ts";
import { send } from "./http.ts";
import { statusWith } from "./statuses.ts";
import type { World } from "./world.ts";
import { startWorld } from "./world.ts";

const MAIN = fileURLToPath(new URL("../../gateway/main.ts", import.meta.url));

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

beforeEach(() => {
  world.services.behave = undefined;
  world.services.isServing = true;
});

describe("health", () => {
  it("is about the gateway alone at /debug/healthz", async () => {
    world.services.isServing = false;
    const answer = await world.send("GET", "/debug/healthz");
    expect([answer.status, answer.text]).toEqual([200, "ok"]);
  });

  it("is about the services too at /debug/ready, asked each time", async () => {
    const ready = await world.send("GET", "/debug/ready");
    expect([ready.status, ready.json()]).toEqual([200, "ok"]);
    world.services.isServing = false;
    expect((await world.send("GET", "/debug/ready")).status).toBe(412);
    world.services.isServing = true;
    expect((await world.send("GET", "/debug/ready")).status).toBe(200);
  });
});

describe("a deadline that passes", () => {
  it("ends the call on both sides, in our own words", async () => {
    const ended = new Promise<void>((resolve) => {
      world.services.behave = (call) => {
        call.cancelled.then(resolve);
        return new Promise(() => {});
      };
    });
    const answer = await world.send("GET", "/echo/v1/things", { headers: { "grpc-timeout": "50m" } });
    expect([answer.status, answer.json()]).toMatchObject([504, { code: 4, message: "the deadline passed before the services answered" }]);
    await ended;
  });
});

const RECOVERY = { timeout: 3_000, interval: 20 };

/** Services and a gateway that a test may break. */
async function startPair() {
  const services = await startEcho(world.catalogue.methods.values());
  const gateway = await startGateway({ ...world.config, upstream: services.address });
  return { services, gateway, get: (path: string) => send(gateway.port, "GET", path) };
}

describe("services that go away", () => {
  const PATHS: readonly [path: string, status: number, body: object][] = [
    ["/admin/v1/orgs/1", 503, { code: 14, message: "the services cannot be reached" }],
    ["/api/v1/organizations/o/groups/g", 500, { error: "server_error", code: 14 }],
    ["/api/v1/projects/p/identities/i", 500, { statusCode: 500, message: "Something went wrong" }],
    ["/echo/v1/things/a", 503, { code: 14, details: [{ reason: "SERVICES_UNAVAILABLE", domain: "tenure" }] }],
  ];

  it("are missed in each dialect, and found again by themselves", async () => {
    const { services, gateway, get } = await startPair();
    expect((await get("/echo/v1/things/a")).status).toBe(200);
    await services.stop();
    for (const [path, status, body] of PATHS) {
      const answer = await send(gateway.port, "DELETE", path);
      expect([answer.status, answer.json()]).toMatchObject([status, body]);
      expect(answer.text).not.toContain("ECONNREFUSED");
    }
    expect((await get("/debug/ready")).status).toBe(412);

    let back = await startEcho(world.catalogue.methods.values(), services.port);
    await expect.poll(async () => (await get("/debug/ready")).status, RECOVERY).toBe(200);
    expect((await get("/echo/v1/things/a")).status).toBe(200);

    await back.stop();
    back = await startEcho(world.catalogue.methods.values(), services.port);
    await expect.poll(async () => (await get("/echo/v1/things/a")).status, RECOVERY).toBe(200);
    await gateway.close();
    await back.stop();
  });

  it("in the middle of a call leave an answer behind", async () => {
    const { services, gateway, get } = await startPair();
    const arrived = new Promise<void>((resolve) => {
      services.behave = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const answer = get("/echo/v1/things/a");
    await arrived;
    await services.stop();
    expect((await answer).status).toBeGreaterThanOrEqual(500);
    await gateway.close();
  });
});

describe("services that stop in good order", () => {
  it("finish the calls under way, while new ones go to those that take their place", async () => {
    const { services, gateway, get } = await startPair();
    let finish = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      services.behave = ({ message }) => {
        resolve();
        return new Promise((done) => {
          finish = () => done({ messages: [message] });
        });
      };
    });
    const slow = get("/echo/v1/things/slow");
    await arrived;
    const drained = services.drain();
    let successor: EchoServices | undefined;
    await expect
      .poll(async () => {
        successor ??= await startEcho(world.catalogue.methods.values(), services.port).catch(() => undefined);
        return successor !== undefined && (await get("/echo/v1/things/a")).status;
      }, RECOVERY)
      .toBe(200);
    finish();
    expect((await slow).json()).toMatchObject({ text: "slow" });
    await drained;
    await gateway.close();
    await successor?.stop();
  });
});

interface Line {
  readonly msg: string;
  readonly url?: string;
  readonly route?: string;
}

/** Starts the gateway as its own process and returns it with the lines of its log. */
function spawnGateway(env: Record<string, string>): { child: ChildProcess; lines: Line[]; line: (msg: string) => Promise<Line> } {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, HTTP_PORT: "0", DESCRIPTORS: world.config.descriptors, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  if (child.stdout === null) {
    throw new Error("no output to read");
  }
  const lines: Line[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (text) => lines.push(JSON.parse(text) as Line));
  const line = async (msg: string): Promise<Line> => {
    for (;;) {
      const found = lines.find((one) => one.msg === msg);
      if (found !== undefined) {
        return found;
      }
      await once(reader, "line");
    }
  };
  return { child, lines, line };
}

describe("the gateway as a process", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("lets a call under way finish on %s, then leaves", async (signal) => {
    const { child, line } = spawnGateway({ UPSTREAM: world.config.upstream });
    const { url = "" } = await line("gateway listens");
    let finish = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      world.services.behave = ({ message }) => {
        resolve();
        return new Promise((done) => {
          finish = () => done({ messages: [message] });
        });
      };
    });
    const answer = send(Number(new URL(url).port), "GET", "/echo/v1/things/a");
    await arrived;
    const exited = once(child, "exit");
    child.kill(signal);
    await line("gateway stops");
    finish();
    expect((await answer).status).toBe(200);
    expect(await exited).toEqual([0, null]);
  });

  it("leaves when the parent that started it is gone", async () => {
    const { child, line } = spawnGateway({ UPSTREAM: world.config.upstream });
    await line("gateway listens");
    child.disconnect();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("logs a line a request, without tokens and query strings", async () => {
    const { child, lines, line } = spawnGateway({ UPSTREAM: world.config.upstream, LOG_LEVEL: "info" });
    const { url = "" } = await line("gateway listens");
    const headers = { authorization: "Bearer hunter2" };
    const answer = await send(Number(new URL(url).port), "GET", "/echo/v1/things/secret-id?text=hunter3", { headers });
    expect(await line("request")).toMatchObject({
      requestId: answer.headers["x-request-id"],
      verb: "GET",
      route: "/echo/v1/things/{text}",
      status: 200,
      code: 0,
    });
    expect(JSON.stringify(lines)).not.toMatch(/hunter|secret-id/);
    child.kill();
    await once(child, "exit");
  });

  it.each([
    ["a port that is none", { HTTP_PORT: "http" }, "HTTP_PORT"],
    ["an upstream without a port", { UPSTREAM: "services" }, "UPSTREAM"],
    ["a level that is none", { LOG_LEVEL: "loud" }, "LOG_LEVEL"],
    ["descriptors that are missing", { DESCRIPTORS: "/nowhere.binpb" }, "/nowhere.binpb"],
    ["descriptors that are something else", { DESCRIPTORS: MAIN }, "main.ts"],
  ])("refuses to start with %s, in one line that says why", async (_, env, word) => {
    const { child } = spawnGateway(env);
    let errors = "";
    child.stderr?.on("data", (chunk) => {
      errors += chunk;
    });
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    expect(errors.trim().split("\n")).toEqual([expect.stringContaining(word)]);
  });
});

describe("failures of the services", () => {
  it("carry the same request id in answer and metadata", async () => {
    world.services.behave = () => ({ status: statusWith(world.catalogue, Code.INTERNAL, "x") });
    const answer = await world.send("GET", "/echo/v1/things");
    expect(world.services.calls.at(-1)?.metadata.get("x-request-id") ?? []).toEqual([answer.headers["x-request-id"]]);
  });
});
