/** Raw bytes to a port and what came back, for tests of what no client would send. */
import { connect } from "node:net";

/**
 * Sends bytes and collects the answer until the other side closes or has said nothing for a while.
 *
 * @param quiet milliseconds of silence after which the answer is taken as complete
 */
export function exchange(address: string, bytes: Buffer | string, quiet = 300): Promise<Buffer> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), host, () => socket.write(bytes));
    socket.setTimeout(quiet, () => socket.destroy());
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}
