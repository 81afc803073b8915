/** On XS: the hub as boards/ has it, with its page; with mcconfig's option `pairing=1` with devices, too, and with
 *  `guests=1` without a user. Ends when a client publishes to the topic "end". */
import config from "mc/config";
import { entropy as none } from "../../boards/entropy.js";
import { entropy } from "../../boards/entropy-esp.js";
import { HubOnDevice } from "../../boards/hub.js";
import { PageServer } from "../../boards/page-server.js";
import { PairingOnDevice } from "../../boards/pairing.js";
import { report } from "./measure.js";

globalThis.trace = (line) => host.print(`${line}`.trimEnd());

const chance = config.entropy === "none" ? none : entropy;
const isOpen = config.guests === 1;
const hub = new HubOnDevice({
	port: 0,
	webSocketPort: undefined,
	user: isOpen ? undefined : "ann",
	secret: isOpen ? undefined : "grüße",
	anonymous: isOpen,
	restarts: "1",
	devices:
		config.pairing === 1
			? new PairingOnDevice({ entropy, devicesMax: 32, admin: "ann", openRecords: undefined })
			: undefined,
	page: { begin: (own) => new PageServer({ port: 0, host: "Kitchen", entropy: chance }, own) },
});
hub.broker.subscribe("end", () => {
	const { internalErrors } = hub.broker.counters;
	hub.close();
	report("counted", { internalErrors, faults: hub.platform.faults });
});
report("listening", { port: hub.port, pagePort: hub.pagePort });
