/** Starts one services process from the environment and stops it when told, or when the parent that started it is gone. */
import { pino } from "pino";
import { readConfig } from "./config.ts";
import { startServices } from "./server.ts";

const config = readConfig();
const log = pino({ level: config.logLevel, base: { process: "services" } });

try {
  const services = await startServices(config, log);
  log.info({ host: config.host, port: services.port }, "services are listening");
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await services.close();
    process.exit(0);
  };
  for (const event of ["SIGINT", "SIGTERM", "disconnect"]) process.on(event, () => void stop());
} catch (error) {
  log.fatal({ err: error }, "services cannot start");
  process.exit(1);
}
