/** The same hub on the SDK's Linux runtime, whose network is the PC's. It ends when a client publishes to the topic
 *  that the option `end` names. */
import config from "mc/config";
import { HubOnDevice } from "./hub.js";
import { countStart } from "./restarts.js";

const hub = new HubOnDevice({
	port: Number(config.port ?? 1883),
	webSocketPort: config.ws === undefined ? undefined : Number(config.ws),
	user: config.user === undefined ? undefined : `${config.user}`,
	secret: config.secret === undefined ? undefined : `${config.secret}`,
	anonymous: `${config.anonymous}` === "1",
	restarts: countStart(),
});
if (config.end !== undefined)
	hub.broker.subscribe(`${config.end}`, () => {
		hub.platform.log(1, `ended, faults ${hub.platform.faults}`);
		hub.close();
	});
