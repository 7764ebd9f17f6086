/**
 * A login in real Chromium with script switched off, by keyboard alone: from a relying party's page through the login pages
 * and back, under the pages' own content policy. Runs when TEST_BROWSER names the browser (.ci/run sets it).
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authorization, type Party, password, redeem, startWorld, type User, type World } from "../services/issuer/world.ts";

let world: World;
let browser: Browser;
let app: Server;
let callback: string;
let party: Party;
let user: User;

beforeAll(async () => {
  const executablePath = process.env.TEST_BROWSER;
  if (!executablePath) throw new Error("TEST_BROWSER does not name a browser");
  world = await startWorld();
  app = createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>Back</title>")).listen(0, "127.0.0.1");
  await once(app, "listening");
  callback = `http://127.0.0.1:${(app.address() as AddressInfo).port}/callback`;
  const orgId = await world.tenants.org();
  party = await world.party(orgId, await world.project(orgId), { redirectUris: [callback] });
  user = await world.user(orgId);
  // People reach the gateway under its public URL; the browser is told where that is.
  const lead = `--host-resolver-rules=MAP ${new URL(world.origin).host} ${new URL(world.tenants.system.baseUrl).host}`;
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", ...quiet, lead] });
});

afterAll(async () => {
  await browser?.close();
  app?.close();
  await world?.close();
});

async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const page = await (await browser.newContext({ javaScriptEnabled: false, ...options })).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  return { page, complaints };
}

describe("a login in a browser", () => {
  it("goes by keyboard, without script, and leads back to the relying party", async () => {
    const { page, complaints } = await open();
    const request = await authorization(party, "openid email", { redirect_uri: callback });
    await page.goto(request.url.href);
    await page.keyboard.type(user.email);
    await page.keyboard.press("Enter");
    await page.getByLabel("Password").waitFor();
    await page.keyboard.type(password);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${callback}?**`);
    expect(await page.title()).toBe("Back");
    const stop = { url: new URL(page.url()), status: 200, headers: new Headers(), text: "" };
    expect((await redeem(party, stop, request)).claims()?.sub).toBe(user.id);
    expect(complaints).toEqual([]);
  });

  it("says what is wrong where a screen reader hears it, and lets try again", async () => {
    const { page } = await open();
    await page.goto((await authorization(party, "openid", { redirect_uri: callback })).url.href);
    await page.getByLabel("E-mail or login name").fill(user.email);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    expect(await page.getByRole("alert").textContent()).toContain("not right");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL(`${callback}?**`);
  });

  it.each(["light", "dark"] as const)("is readable in %s, and on a small screen", async (colorScheme) => {
    const { page } = await open({ colorScheme, viewport: { width: 320, height: 568 }, javaScriptEnabled: true });
    await page.goto((await authorization(party, "openid", { redirect_uri: callback })).url.href);
    const shown = await page.evaluate<Shown>(look);
    expect(contrast(shown.text, shown.backgroundColor)).toBeGreaterThan(7);
    expect(shown.wide).toBeLessThanOrEqual(320);
    expect(luminance(shown.backgroundColor) > 0.5).toBe(colorScheme === "light");
  });
});

type Shown = { readonly backgroundColor: string; readonly text: string; readonly wide: number };

/** Runs in the page. */
const look = `({
  backgroundColor: getComputedStyle(document.querySelector("main")).backgroundColor,
  text: getComputedStyle(document.querySelector("h1")).color,
  wide: document.documentElement.scrollWidth,
})`;

/** Of a colour as computed styles spell it (WCAG 2.2, "relative luminance"). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
