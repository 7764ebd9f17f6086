/** Says what it was given, ends with the code in its first argument, and without one only when it is told to. */
type Said = { arguments: string[]; flags: string[]; channel: boolean };

const said: Said = { arguments: process.argv.slice(2), flags: process.execArgv, channel: process.connected === true };
console.log(JSON.stringify(said));

const [code] = said.arguments;
if (code !== undefined) process.exit(Number(code));
process.on("SIGTERM", () => process.exit(15));
process.on("disconnect", () => process.exit(16));
setInterval(() => {}, 60_000);
