/** `npm start`: the whole of Tenure on one machine. */
import { supervise } from "./supervisor.ts";

await supervise({
  services: new URL("../services/main.ts", import.meta.url),
  gateway: new URL("../gateway/main.ts", import.meta.url),
});
