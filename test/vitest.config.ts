import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    // These need what npm does not install, a browser and curl: .ci/run brings both and names the browser in TEST_BROWSER.
    exclude: process.env.TEST_BROWSER ? [] : ["test/browser/**", "test/readme/**"],
    // One Postgres a run, with a template of the migrated schema: see support/postgres.ts.
    globalSetup: "test/support/global.ts",
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Two cores: more workers than cores only make every test slower.
    maxWorkers: 2,
  },
});
