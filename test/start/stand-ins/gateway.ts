/** In the place of the gateway: answers 200 to everything, `/debug/ready` included, and stops as its supervisor asks. */
import { createServer } from "node:http";

const { HOST, HTTP_PORT } = process.env;
createServer((_, response) => response.end(String(process.pid))).listen(Number(HTTP_PORT), HOST);

process.on("SIGTERM", () => process.exit(0));
