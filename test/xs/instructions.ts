/** On XS: messages of 60 bytes from a client to a client, as many as the program is told; for test/bench/xs.ts, which
 *  counts the processor's instructions of two such runs. */

import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import { Broker } from "../../src/broker/broker.js";
import { Feeder, publishBytes } from "./clients.js";
import { XsPlatform } from "./platform.js";

function main(): void {
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform });
	const feeder = new Feeder(broker);
	const publisher = feeder.connect("publisher")!;
	feeder.subscribe(feeder.connect("receiver")!, "sensors/room1/temp", 0);
	const bytes = publishBytes("sensors/room1/temp", 38, 0, false, 0);
	const { memory, layout } = broker;
	memory.set(bytes, layout.receive);
	const end = layout.receive + bytes.length;
	for (let left = Number(config.messages); left > 0; left--) {
		publisher.onReadable(memory, layout.receive, end);
		broker.endTurn();
	}
	host.exit(0);
}

main();
