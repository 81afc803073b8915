/** The same hub on the SDK's Linux runtime, whose network is the PC's. It ends when a client publishes to the topic
 *  that the option `end` names, and goes wrong when one publishes "throw" or "fill" to the topic `fault`. */
import config from "mc/config";
import Timer from "timer";
import { entropy } from "./entropy.js";
import { HubOnDevice } from "./hub.js";
import { makePage } from "./page-in-flash.js";
import { PairingOnDevice } from "./pairing.js";
import { countStart } from "./restarts.js";

/** Devices that the hub may have. */
const DEVICES = 32;

/** The hub's devices; there is nothing here that would keep them over a restart. */
function devices(): PairingOnDevice {
	const admin = config.user === undefined ? undefined : `${config.user}`;
	return new PairingOnDevice({ entropy, devicesMax: DEVICES, admin, openRecords: undefined });
}

const hub = new HubOnDevice({
	port: Number(config.port ?? 1883),
	webSocketPort: config.ws === undefined ? undefined : Number(config.ws),
	user: config.user === undefined ? undefined : `${config.user}`,
	secret: config.secret === undefined ? undefined : `${config.secret}`,
	anonymous: `${config.anonymous}` === "1",
	restarts: countStart(),
	devices: `${config.pairing}` === "1" ? devices() : undefined,
	page: config.page === undefined ? undefined : makePage({ asked: `${config.page}`, host: "hearth", log: trace }),
});

/** What no edge catches. */
function goWrong(how: string | undefined): void {
	if (how === "throw") throw new Error("asked for");
	for (let chain = {}; how === "fill"; ) chain = { chain };
}

if (config.end !== undefined)
	hub.broker.subscribe(`${config.end}`, () => {
		hub.platform.log(1, `ended, faults ${hub.platform.faults}`);
		hub.close();
	});
if (config.fault !== undefined)
	hub.broker.subscribe(`${config.fault}`, ({ payload }) => {
		const how = hub.platform.text.decode(payload, 0, payload.length);
		Timer.set(() => goWrong(how));
	});
