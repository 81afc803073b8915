/** On XS: the hub as boards/ has it, with stand-ins for the SDK's modules (test/xs/sdk), on a free port of 127.0.0.1.
 *  Ends when a client publishes to the topic "end". */
import config from "mc/config";
import { HubOnDevice } from "../../boards/hub.js";
import { keptBy, report } from "./measure.js";

globalThis.trace = (line) => host.print(`${line}`.trimEnd());

const kept = keptBy(
	() =>
		new HubOnDevice({
			port: 0,
			webSocketPort: config.ws === undefined ? undefined : 0,
			user: "ann",
			secret: "grüße",
			anonymous: config.anonymous !== 0,
			restarts: "1",
		}),
);
const hub = kept.value;
hub.broker.subscribe("end", () => {
	const { internalErrors } = hub.broker.counters;
	hub.close();
	report("counted", { internalErrors, faults: hub.platform.faults });
});
report("listening", { port: hub.port, webSocketPort: hub.webSocketPort, slots: kept.slots, chunks: kept.chunkBytes });
