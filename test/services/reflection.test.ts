/** Server reflection in both of its versions, and health, as any gRPC tool asks for them. */
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "../../proto/gen/grpc/reflection/v1/reflection.ts";
import { ServerReflectionService as AlphaService } from "../../proto/gen/grpc/reflection/v1alpha/reflection.ts";
import { type System, startSystem } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

type Asked = NonNullable<ServerReflectionRequest["messageRequest"]>;

/** Asks in one stream, half-closes, and waits for the server's end. */
function ask(definition: typeof ServerReflectionService | typeof AlphaService, asked: Asked[]): Promise<ServerReflectionResponse[]> {
  const { path, requestSerialize, responseDeserialize } = definition.serverReflectionInfo;
  const client = new Client(system.grpcAddress, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const answers: ServerReflectionResponse[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (answer: ServerReflectionResponse) => answers.push(answer));
    stream.on("error", reject);
    stream.on("end", () => {
      client.close();
      resolve(answers);
    });
    for (const messageRequest of asked) stream.write({ host: "", messageRequest });
    stream.end();
  });
}

describe.each([
  ["v1", ServerReflectionService],
  ["v1alpha", AlphaService],
] as const)("reflection %s", (_, definition) => {
  it("lists services, finds files by symbol and by name with all they import, and says what it does not know", async () => {
    const [list, bySymbol, byMethod, byName, unknown, extensions] = await ask(definition, [
      { $case: "listServices", value: "" },
      { $case: "fileContainingSymbol", value: "zitadel.admin.v1.AdminService" },
      { $case: "fileContainingSymbol", value: "zitadel.admin.v1.AdminService.RemoveOrg" },
      { $case: "fileByFilename", value: "google/api/http.proto" },
      { $case: "fileContainingSymbol", value: "no.such.Thing" },
      { $case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" },
    ]);
    expect(list?.messageResponse).toMatchObject({
      value: { service: expect.arrayContaining([{ name: "nscale.identity.v1.AdminService" }]) },
    });
    const files = (answer: ServerReflectionResponse | undefined) =>
      answer?.messageResponse?.$case === "fileDescriptorResponse" ? answer.messageResponse.value.fileDescriptorProto.length : 0;
    expect(files(bySymbol)).toBeGreaterThan(5);
    expect(files(byMethod)).toBe(files(bySymbol));
    expect(files(byName)).toBe(1);
    expect(unknown?.messageResponse).toMatchObject({ $case: "errorResponse", value: { errorCode: 5 } });
    expect(extensions?.messageResponse).toMatchObject({ value: { extensionNumber: expect.arrayContaining([50001, 72295728]) } });
  });
});
