/** On XS: what a message costs a broker with an ESP32's limits, in opcodes and garbage, exact and repeatable. */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder, packet, publishBytes, text } from "./clients.js";
import { costOf, keptBy, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const TOPIC = "sensors/room1/temp";

const platform = new XsPlatform();
platform.log = () => {};
const broker = new Broker({ limits, platform });
const feeder = new Feeder(broker);
const publisher = feeder.connect("publisher")!;
const receivers: Connection[] = [];
for (let i = 0; i < 5; i++) receivers.push(feeder.connect(`receiver-${i}`)!);

/** One packet of the publisher, whose bytes lie in the receive buffer already. */
function measure(name: string, bytes: readonly number[], turns: number, after?: () => void, from = publisher): void {
	const { memory, layout } = broker;
	memory.set(bytes, layout.receive);
	const start = layout.receive;
	const end = start + bytes.length;
	const action = (): void => {
		from.onReadable(memory, start, end);
		broker.endTurn();
		if (after !== undefined) after();
	};
	report(name, costOf(action, turns));
	if (host.profileStart === undefined) return;
	host.profileStart();
	action();
	host.profileStop?.(name);
}

const qos0 = publishBytes(TOPIC, 38, 0, false, 0);
const qos1 = publishBytes(TOPIC, 36, 1, false, 7);
const qos2 = publishBytes(TOPIC, 36, 2, false, 7);
measure("QoS 0, no receiver", qos0, 20);
feeder.subscribe(receivers[0]!, TOPIC, 2);
measure("QoS 0, 1 receiver", qos0, 20);
for (let i = 1; i < 5; i++) feeder.subscribe(receivers[i]!, TOPIC, 0);
measure("QoS 0, 5 receivers", qos0, 20);
for (let i = 1; i < 5; i++) feeder.unsubscribe(receivers[i]!, TOPIC);

/** An acknowledgement as a packet of its own, in the measured turn. */
function acknowledge(connection: Connection, type: number, id: number): void {
	const memory = broker.memory;
	const at = broker.layout.receive + 1_000;
	memory[at] = type;
	memory[at + 1] = 2;
	memory[at + 2] = id >> 8;
	memory[at + 3] = id;
	connection.onReadable(memory, at, at + 4);
	broker.endTurn();
}

/** @returns the Packet Identifier of what is in flight to the receiver */
function inFlight(): number {
	return broker.deliveries.packetId[receivers[0]!.session!.outbox.sentFirst]!;
}

measure("QoS 1, 1 receiver, with both PUBACKs", qos1, 5, () => acknowledge(receivers[0]!, 0x40, inFlight()));
measure("QoS 2, 1 receiver, with all acknowledgements", qos2, 5, () => {
	const id = inFlight();
	acknowledge(publisher, 0x62, 7);
	acknowledge(receivers[0]!, 0x50, id);
	acknowledge(receivers[0]!, 0x70, id);
});
measure("PINGREQ", [0xc0, 0], 20);

// Topic Alias, Payload Format Indicator, Content Type, and 30 bytes of payload, from and to clients of 5.0
const publisher5 = feeder.connect5("publisher5", 4)!;
const receiver5 = feeder.connect5("receiver5", 4)!;
feeder.subscribe5(receiver5, "sensors/room5/temp", 0);
const properties = [0x01, 1, 0x03, 0, 1, 0x74, 0x23, 0, 1];
const body = (topic: number[]): number[] => topic.concat([properties.length], properties, new Array(30).fill(0x41));
const alias5 = packet(0x30, body([0, 0]));
feeder.feed(publisher5, packet(0x30, body(text("sensors/room5/temp"))));
measure("5.0, alias and 2 properties, 1 receiver", alias5, 20, undefined, publisher5);

const client = keptBy(() => feeder.connect("one more client"));
report("a connected client keeps", { slots: client.slots, chunkBytes: client.chunkBytes, bytes: client.bytes });
host.exit(0);
