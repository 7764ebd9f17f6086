/** The login page: what it says, what it does not tell, and what it does not take. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { networkOf } from "../../../services/issuer/attempts.ts";
import { hashPassword } from "../../../services/users/password.ts";
import { within } from "../zitadel/world.ts";
import type { Stop } from "./browser.ts";
import { authorization, logIn, type Party, password, redeem, startWorld, type User, type World } from "./world.ts";

let world: World;
let orgId: string;
let party: Party;
let user: User;

beforeAll(async () => {
  world = await startWorld();
  orgId = await world.tenants.org();
  party = await world.party(orgId, await world.project(orgId));
  user = await world.user(orgId);
});

afterAll(() => world.close());

async function start(more: Record<string, string> = {}) {
  return authorization(party, "openid", more);
}

/** What a refusal shows, without what is different in every login. */
function shown({ status, text }: Stop, loginName: string): { status: number; text: string } {
  return {
    status,
    text: text
      .replace(/\/login\/[\w-]+/g, "")
      .replace(/name="token" value="[^"]*"/, "")
      .replaceAll(loginName, ""),
  };
}

async function refused(loginName: string, secret: string, org = ""): Promise<{ status: number; text: string }> {
  const stop = await logIn(world.browser(), (await start()).url, loginName, secret, org);
  return shown(stop, loginName);
}

describe("the login page", () => {
  it("needs no script and takes nothing from elsewhere", async () => {
    const { headers, text } = await world.browser().visit((await start()).url);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' http://127.0.0.1:9;");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(text).not.toMatch(/<script|https?:|\son\w+=/);
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("labels every field, says what is wrong in an alert, and puts the cursor where to type", async () => {
    const browser = world.browser();
    const first = await browser.visit((await start()).url);
    const second = await browser.submit(first, { login_name: user.email });
    const third = await browser.submit(second, { password: "wrong" });
    for (const { text } of [first, second, third]) {
      const ids = [...text.matchAll(/<input id="(\w+)"/g)].map(([, id]) => id);
      expect(ids.length).toBeGreaterThan(0);
      for (const id of ids) expect(text).toContain(`<label for="${id}">`);
      expect(text.match(/ autofocus/g)).toHaveLength(1);
      expect(text).toContain('<html lang="en">');
    }
    expect(third.text).toContain('role="alert"');
  });

  it("shows what was typed as text", async () => {
    const browser = world.browser();
    const stop = await browser.submit(await browser.visit((await start()).url), { login_name: `"><script>alert(1)</script>` });
    expect(stop.text).not.toContain("<script");
  });

  it("takes a login name in place of an address, in any case", async () => {
    const userName = user.email.replace("@example.com", "");
    const { body } = await world.tenants.admin<{ user: { preferredLoginName: string } }>(
      "GET",
      `/management/v1/users/${user.id}`,
      within(orgId),
    );
    const loginName = body.user.preferredLoginName;
    expect(loginName.startsWith(userName)).toBe(true);
    const request = await start();
    expect((await redeem(party, await logIn(world.browser(), request.url, loginName.toUpperCase()), request)).claims()?.sub).toBe(user.id);
  });
});

describe("a refusal", () => {
  it("is the same for a wrong password, for a name that nobody has, and for users that ended", async () => {
    const removed = await world.user(orgId);
    const gone = await world.user(await world.tenants.org());
    const { admin } = world.tenants;
    expect((await admin("DELETE", `/management/v1/users/${removed.id}`, within(orgId))).status).toBe(200);
    expect((await admin("DELETE", `/admin/v1/orgs/${gone.orgId}`)).status).toBe(200);
    const wrong = await refused(user.email, "wrong");
    expect(wrong.status).toBe(401);
    expect(await refused("nobody@example.com", password)).toEqual(wrong);
    expect(await refused(removed.email, password)).toEqual(wrong);
    expect(await refused(gone.email, password)).toEqual(wrong);
  });

  it("costs a hash for a name that nobody has, too", async () => {
    const clock = async (work: () => Promise<unknown>) => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    const times = { hash: [] as number[], answer: [] as number[] };
    for (let round = 0; round < 7; round += 1) {
      times.hash.push(await clock(() => hashPassword("some password")));
      const browser = world.browser();
      const page = await browser.submit(await browser.visit((await start()).url), { login_name: `nobody-${round}@example.com` });
      times.answer.push(await clock(() => browser.submit(page, { password: "wrong" })));
    }
    expect(Math.min(...times.answer)).toBeGreaterThan(Math.min(...times.hash) * 0.8);
  });

  it.each([
    ["of no characters", ""],
    ["of 15,000 characters", "a".repeat(15_000)],
    ["with a NUL", `${password}\0`],
    ["of emoji", "🐎🔋📎"],
  ])("is what a password %s gets", async (_, secret) => {
    expect((await refused(user.email, secret)).status).toBe(401);
  });

  it("of a body that is too large breaks nothing", async () => {
    const browser = world.browser();
    const page = await browser.submit(await browser.visit((await start()).url), { login_name: user.email });
    expect((await browser.submit(page, { password: "a".repeat(100_000) })).status).toBe(400);
  });
});

describe("an address of users in two orgs", () => {
  it("needs the org to be named, and proves just the user of that org", async () => {
    const names = ["Twin One", "Twin Two"];
    const [one = "", two = ""] = await Promise.all(names.map((name) => world.tenants.org(name)));
    const twin = await world.user(one, "twin@example.com");
    await world.user(two, "twin@example.com");
    expect((await refused("twin@example.com", password)).status).toBe(401);
    const request = await start();
    const stop = await logIn(world.browser(), request.url, "twin@example.com", password, "twin one");
    expect((await redeem(party, stop, request)).claims()?.sub).toBe(twin.id);
  });
});

describe("a form", () => {
  it("that another site sent is not taken", async () => {
    const browser = world.browser();
    const page = await browser.submit(await browser.visit((await start()).url), { login_name: user.email });
    const stop = await browser.submit(page, { password }, { origin: "https://evil.test" });
    expect(stop.status).toBe(400);
    expect((await browser.submit(page, { password }, { origin: world.origin })).url.searchParams.get("code")).toBeTruthy();
  });

  it("without its token, or in another browser, is not taken", async () => {
    const browser = world.browser();
    const page = await browser.submit(await browser.visit((await start()).url), { login_name: user.email });
    expect((await browser.submit(page, { password, token: "x" })).status).toBe(400);
    expect((await world.browser().submit(page, { password })).status).toBe(400);
  });

  it("of another login of the same browser is not taken", async () => {
    const browser = world.browser();
    const one = await browser.submit(await browser.visit((await start()).url), { login_name: user.email });
    const two = await browser.submit(await browser.visit((await start()).url), { login_name: user.email });
    const token = /name="token" value="([^"]*)"/.exec(one.text)?.[1] ?? "";
    expect((await browser.submit(two, { password, token })).status).toBe(400);
  });
});

describe("guessing", () => {
  it("ends after ten attempts on one name, whether anybody has it or not, and for the right password too", async () => {
    const victim = await world.user(orgId);
    for (const name of [victim.email, "nobody-at-all@example.com"]) {
      const statuses = await Promise.all(Array.from({ length: 14 }, async () => (await refused(name, "wrong")).status));
      expect(statuses.toSorted()).toEqual([...Array(10).fill(401), ...Array(4).fill(429)]);
    }
    expect((await refused(victim.email, password)).status).toBe(429);
  });

  it("counts an IPv6 subscriber as one", () => {
    expect(networkOf("2001:db8:0:1::1")).toBe(networkOf("2001:db8::1:ffff:0:0:2"));
    expect(networkOf("2001:db8:0:2::1")).not.toBe(networkOf("2001:db8:0:1::1"));
    expect(networkOf("::1")).toBe("0:0:0:0");
    expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
  });
});
