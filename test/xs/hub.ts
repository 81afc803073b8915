/** On XS: a broker with an ESP32's limits on a free port of 127.0.0.1. Prints the port, and what it keeps in memory.
 *  Ends when a client publishes to the topic "end". */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import { keptBy, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const platform = new XsPlatform();
const kept = keptBy(() => new Broker({ limits, platform, access: { allowAnonymous: true } }));
const broker = kept.value;
platform.attach(broker);
broker.subscribe("end", () => {
	broker.stop();
	platform.detach();
});
platform.endTurn();
const { slots, chunkBytes, bytes } = kept;
report("listening", { port: platform.listen(0), slots, chunkBytes, bytes, planned: broker.layout.bytes });
