import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

describe("a REST call", () => {
  it("binds a path variable and answers the message as JSON", async () => {
    const answer = await world.send("GET", "/echo/v1/things/hello?number=7");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.json()).toMatchObject({ text: "hello", number: 7 });
    expect(world.lastCall().path).toBe("/echo.v1.EchoService/Get");
  });
});
