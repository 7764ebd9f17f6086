// The gateway as a process: settings in, SIGINT or SIGTERM out.
import { readConfig } from "./config.ts";
import { startGateway } from "./server.ts";

const gateway = await startGateway(readConfig());

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    gateway.close().then(() => process.exit(0));
  });
}
