/**
 * The README's page in real Chromium, served from another origin than the gateway: it removes an org over gRPC-web, so the
 * browser itself asks for CORS and reads what CORS exposes. Runs when TEST_BROWSER names the browser (.ci/run sets it).
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { restClient } from "../support/rest.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
let browser: Browser;
let pages: Server;

beforeAll(async () => {
  system = await startSystem();
  const executablePath = process.env.TEST_BROWSER;
  if (!executablePath) throw new Error("TEST_BROWSER does not name a browser");
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  browser = await chromium.launch({ executablePath, args });
  pages = createServer((_, response) => response.setHeader("content-type", "text/html").end(page())).listen(0, "127.0.0.1");
});
afterAll(async () => {
  await browser.close();
  pages.close();
  await system.close();
});

/** The page as the README prints it, but for the address of the gateway. */
function page(): string {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const html = /```html\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(html).toContain("http://localhost:8080");
  return html.replaceAll("http://localhost:8080", system.baseUrl);
}

describe("the page of the README, from another origin", () => {
  it("removes an org over gRPC-web and shows what it was answered, also when it is refused", async () => {
    const rest = restClient(system.baseUrl, system.adminToken);
    const { body: org } = await rest<{ id: string }>("POST", "/management/v1/orgs", { body: { name: "Seen in a browser" } });
    const tab = await browser.newPage();
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    await tab.goto(origin);
    expect(new URL(tab.url()).origin).not.toBe(system.baseUrl);

    const remove = async (token: string) => {
      await tab.getByLabel("Token").fill(token);
      await tab.getByLabel("Org id").fill(org.id);
      await tab.getByRole("button", { name: "Remove" }).click();
      await tab.locator("output:not([aria-busy=true])").waitFor();
      return tab.locator("output").textContent();
    };
    expect(await remove("nonsense")).toBe("16 Errors.Token.Invalid (AUTH-7fs1e)");
    expect(await remove(system.adminToken)).toBe("0 removed");
    expect(await remove(system.adminToken)).toBe("5 Organisation not found (COMMA-aps2n)");
    expect((await rest("GET", `/admin/v1/orgs/${org.id}`)).status).toBe(404);
    await tab.close();
  });
});
