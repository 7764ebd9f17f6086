/** The supervisor itself, with stand-ins to supervise. Power loss is not among the failures that tests can make. */
import { supervise } from "../../../start/supervisor.ts";

await supervise({ services: new URL("services.ts", import.meta.url), gateway: new URL("gateway.ts", import.meta.url), durable: false });
