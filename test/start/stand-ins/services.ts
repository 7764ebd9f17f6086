/**
 * In the place of the services: serves the health check that the supervisor looks at, writes the token that the banner
 * names, and stops as its supervisor asks. Ends at once, with a reason, while DATA_DIR holds a file `broken`.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { Client } from "pg";

const { DATA_DIR = "", DATABASE_URL, HOST, GRPC_PORT } = process.env;
if (existsSync(join(DATA_DIR, "broken"))) throw new Error("broken on purpose");

// Recovery is complete only if what was acknowledged before a crash is there after it.
const client = new Client(DATABASE_URL);
client.on("error", () => {});
await client.connect();
await client.query("CREATE TABLE IF NOT EXISTS starts (pid int)");
await client.query("INSERT INTO starts VALUES ($1)", [process.pid]);

writeFileSync(join(DATA_DIR, "admin.pat"), "token", { mode: 0o600 });
const server = new Server();
new HealthImplementation({ "": "SERVING" }).addToServer(server);
server.bindAsync(`${HOST}:${GRPC_PORT}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});

process.on("SIGTERM", () => process.exit(0));
