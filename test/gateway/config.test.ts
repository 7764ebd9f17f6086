import { describe, expect, it } from "vitest";
import { OWN_DESCRIPTORS, readConfig } from "../../gateway/config.ts";

describe("readConfig()", () => {
  it("has a value for everything", () => {
    expect(readConfig({})).toEqual({
      host: "127.0.0.1",
      port: 8080,
      upstream: "127.0.0.1:50051",
      issuerUpstream: "127.0.0.1:8081",
      descriptors: OWN_DESCRIPTORS,
      logLevel: "info",
      publicUrl: "http://localhost:8080",
    });
  });

  it("takes what the environment says", () => {
    const env = {
      HOST: "::",
      HTTP_PORT: "0",
      UPSTREAM: "[::1]:50052",
      ISSUER_UPSTREAM: "[::1]:8082",
      DESCRIPTORS: "/d.binpb",
      LOG_LEVEL: "warn",
      PUBLIC_URL: "https://id.example",
    };
    expect(readConfig(env)).toEqual({
      host: "::",
      port: 0,
      upstream: "[::1]:50052",
      issuerUpstream: "[::1]:8082",
      descriptors: "/d.binpb",
      logLevel: "warn",
      publicUrl: "https://id.example",
    });
  });

  it.each([
    ["HTTP_PORT", "65536"],
    ["HTTP_PORT", "-1"],
    ["HTTP_PORT", "80.5"],
    ["UPSTREAM", "services"],
    ["ISSUER_UPSTREAM", "issuer"],
    ["UPSTREAM", "http://services:1"],
    ["UPSTREAM", "services:99999"],
    ["UPSTREAM", "a b:1"],
    ["LOG_LEVEL", "loud"],
  ])("refuses %s=%s, by name", (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(name);
  });
});
