/** On XS: one sort of packet, as often as the program is told; for test/bench/instructions.ts, which counts the
 *  processor's instructions of two such runs, and of two in which nobody takes the packets. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import { Broker } from "../../src/broker/broker.js";
import { Feeder, publishBytes } from "./clients.js";
import { XsPlatform } from "./platform.js";

const TOPIC = "sensors/room1/temp";

/** Takes packets in place of the broker. */
const nobody = { onReadable: (_bytes: Uint8Array, _start: number, _end: number): number => 0 };

function main(): void {
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform });
	const feeder = new Feeder(broker);
	const { packet, messages } = config;
	const publisher = feeder.connect("publisher")!;
	const receiver = feeder.connect("receiver")!;
	feeder.subscribe(receiver, TOPIC, packet === "qos1" ? 1 : 0);
	for (let i = 1; i < Number(config.receivers); i++) feeder.subscribe(feeder.connect(`receiver-${i}`)!, TOPIC, 0);
	const ping = [0xc0, 0];
	const bytes = packet === "ping" ? ping : publishBytes(TOPIC, 38, packet === "qos1" ? 1 : 0, false, 7);
	const acknowledges = packet === "qos1";
	feeder.feed(publisher, bytes); // the first one makes the topic's route, and what it sends leaves at the turn's end
	if (acknowledges) feeder.feed(receiver, [0x40, 2, 0, 1]);
	const { memory, layout } = broker;
	const start = layout.receive;
	memory.set(bytes, start);
	const ack = start + 1_000;
	memory.set([0x40, 2], ack);
	const sender = config.nobody ? nobody : publisher;
	const acknowledger = config.nobody ? nobody : receiver;
	const end = start + bytes.length;
	for (let left = Number(messages); left > 0; left--) {
		for (let i = 0; i < 4; i++) memory[start + i] = bytes[i]!; // the answer may lie over the packet before
		sender.onReadable(memory, start, end);
		if (!acknowledges) continue;
		const id = broker.deliveries.packetId[receiver.session!.outbox.sentFirst]!;
		memory[ack + 2] = id >> 8;
		memory[ack + 3] = id;
		acknowledger.onReadable(memory, ack, ack + 4);
	}
	if (broker.counters.internalErrors > 0 || (!config.nobody && broker.counters.packetsReceived < Number(messages)))
		throw new Error("the broker did not take the packets");
	host.exit(0);
}

main();
