/** The issuer while its database cannot be reached: an honest refusal without a word of the driver, and work again afterwards. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cuttable, cuttable } from "../../support/cut.ts";
import { type System, startSystem } from "../../support/system.ts";

let system: System;
let way: Cuttable;

beforeAll(async () => {
  system = await startSystem(async (url) => {
    way = await cuttable(url);
    return way.url;
  });
});

afterAll(async () => {
  await system.close();
  await way.close();
});

const body = new URLSearchParams({
  grant_type: "authorization_code",
  client_id: "00000000-0000-7000-8000-000000000000",
  code: "x",
  redirect_uri: "x",
});

function ask(): Promise<Response> {
  return fetch(`${system.baseUrl}/oauth/v2/token`, { method: "POST", body });
}

describe("without its database", () => {
  it("the issuer says that it failed, and nothing of why, and works when it is back", async () => {
    expect((await ask()).status).toBe(401);
    way.cut();
    const answer = await ask();
    const text = await answer.text();
    expect({ status: answer.status, error: JSON.parse(text).error }).toEqual({ status: 500, error: "server_error" });
    expect(text).not.toMatch(/ECONN|postgres|terminat|pg|stack|node_modules/i);
    const login = await fetch(`${system.baseUrl}/oauth/v2/authorize?client_id=x&response_type=code`);
    expect(login.status).toBeGreaterThanOrEqual(400);
    expect((await fetch(`${system.baseUrl}/.well-known/openid-configuration`)).status).toBe(200);
    way.mend();
    await expect.poll(async () => (await ask()).status).toBe(401);
  });
});
