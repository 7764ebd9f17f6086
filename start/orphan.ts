/**
 * Loaded into each program before its own code: when the supervisor is gone, the program is told to stop like by anybody
 * else, from its first moment on. Programs need to know SIGTERM only, and nothing of this.
 */

/** In milliseconds. Less than what the next start waits for its ports. */
const LAST_CHANCE = 3_000;

process.once("disconnect", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), LAST_CHANCE).unref();
});
// Listening must not keep a program alive that has nothing else to do.
process.channel?.unref();
