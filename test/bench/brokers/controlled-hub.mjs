// A hub with a controller that sees packets and leaves them as they are: node controlled-hub.mjs METHOD...
import { Hub } from "hearth-mqtt";

const controller = Object.fromEntries(process.argv.slice(2).map((name) => [name, () => undefined]));
const hub = new Hub({ listeners: [{ mqtt: { port: 0, controller } }] });
for (const address of await hub.open()) console.log(`listening ${address}`);
process.on("SIGTERM", () => process.exit());
