// The gateway as a process: settings in, SIGINT or SIGTERM out.
import { readConfig } from "./config.ts";
import { startGateway } from "./server.ts";

try {
  const gateway = await startGateway(readConfig());
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, async () => {
      await gateway.close();
      process.exit(0);
    });
  }
} catch (error) {
  console.error(`The gateway cannot start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
