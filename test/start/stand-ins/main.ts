/** The supervisor itself, with stand-ins to supervise. */
import { supervise } from "../../../start/supervisor.ts";

await supervise({ services: new URL("services.ts", import.meta.url), gateway: new URL("gateway.ts", import.meta.url) });
