// The gateway as a process: settings in, SIGINT or SIGTERM out; it also stops when the parent that started it is gone.
import { readConfig } from "./config.ts";
import { startGateway } from "./server.ts";

try {
  const gateway = await startGateway(readConfig());
  for (const event of ["SIGINT", "SIGTERM", "disconnect"]) {
    process.once(event, async () => {
      await gateway.close();
      process.exit(0);
    });
  }
} catch (error) {
  console.error(`Error: the gateway cannot start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
