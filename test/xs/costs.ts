/** On XS: what a message costs a broker with an ESP32's limits, in opcodes and garbage, exact and repeatable. */
import { limits } from "hearth-mqtt/limits";
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

/** What a step calls; the second one is called in place of the broker to know what the step itself costs. */
interface Receiver {
	onReadable(bytes: Uint8Array, start: number, end: number): number;
}
interface Turns {
	endTurn(): void;
}
const nobody: Receiver & Turns = { onReadable: () => 0, endTurn: () => {} };

/** One packet of a client, whose bytes lie in the receive buffer already, and the acknowledgements that follow it. */
interface Step {
	name: string;
	bytes: readonly number[];
	turns: number;
	from?: Connection;
	/** fixed header's first byte and sender */
	acks?: readonly (readonly [first: number, from: Connection])[];
}

/** The broker may put its answer over a packet that it has sent on. */
const HEAD_BYTES = 4;

/** Acknowledgements lie behind the packet, 8 bytes each. */
const ACKS = broker.layout.receive + 1_000;

/** Reports what the broker executes, the step's own opcodes apart. */
function measure({ name, bytes, turns, from = publisher, acks = [] }: Step): void {
	const { memory, layout } = broker;
	const start = layout.receive;
	memory.set(bytes, start);
	for (let i = 0; i < acks.length; i++) memory.set([acks[i]![0], 2], ACKS + 8 * i);
	const make = (turn: Turns, sender: Receiver, ackers: readonly Receiver[]) => (): void => {
		for (let i = 0; i < HEAD_BYTES; i++) memory[start + i] = bytes[i]!;
		sender.onReadable(memory, start, start + bytes.length);
		turn.endTurn();
		for (let i = 0, at = ACKS; i < ackers.length; i++, at += 8) {
			const acknowledger = acks[i]![1];
			const id = acknowledger === from ? 7 : broker.deliveries.packetId[acknowledger.session!.outbox.sentFirst]!;
			memory[at + 2] = id >> 8;
			memory[at + 3] = id;
			ackers[i]!.onReadable(memory, at, at + 4);
			turn.endTurn();
		}
	};
	const action = make(
		broker,
		from,
		acks.map((ack) => ack[1]),
	);
	const own = costOf(
		make(
			nobody,
			nobody,
			acks.map(() => nobody),
		),
		turns,
	);
	const all = costOf(action, turns);
	report(name, {
		opcodes: all.opcodes - own.opcodes,
		slots: all.slots - own.slots,
		chunkBytes: all.chunkBytes - own.chunkBytes,
	});
	if (host.profileStart === undefined) return;
	host.profileStart();
	action();
	host.profileStop?.(name);
}

/** 5.0 without properties */
const receiver50 = feeder.connect5("receiver50", 0)!;

const qos0 = publishBytes(TOPIC, 38, 0, false, 0);
const qos1 = publishBytes(TOPIC, 36, 1, false, 7);
const qos2 = publishBytes(TOPIC, 36, 2, false, 7);
measure({ name: "QoS 0, no receiver", bytes: qos0, turns: 20 });
feeder.subscribe(receivers[0]!, TOPIC, 2);
measure({ name: "QoS 0, 1 receiver", bytes: qos0, turns: 20 });
for (let i = 1; i < 5; i++) feeder.subscribe(receivers[i]!, TOPIC, 0);
measure({ name: "QoS 0, 5 receivers", bytes: qos0, turns: 20 });
for (let i = 1; i < 5; i++) feeder.unsubscribe(receivers[i]!, TOPIC);
feeder.subscribe5(receiver50, "sensors/room3/temp", 0);
measure({
	name: "QoS 0, 1 receiver of 5.0",
	bytes: publishBytes("sensors/room3/temp", 38, 0, false, 0),
	turns: 20,
});

const [one] = receivers as [Connection];
measure({ name: "QoS 1, 1 receiver, with both PUBACKs", bytes: qos1, turns: 5, acks: [[0x40, one]] });
for (let i = 1; i < 5; i++) feeder.subscribe(receivers[i]!, TOPIC, 1);
measure({
	name: "QoS 1, 5 receivers, with all PUBACKs",
	bytes: qos1,
	turns: 2,
	acks: receivers.map((receiver) => [0x40, receiver]),
});
for (let i = 1; i < 5; i++) feeder.unsubscribe(receivers[i]!, TOPIC);
feeder.subscribe(receivers[1]!, "sensors/room4/temp", 0);
measure({
	name: "QoS 1, 1 receiver that subscribed to QoS 0",
	bytes: publishBytes("sensors/room4/temp", 36, 1, false, 7),
	turns: 5,
});
const staying = feeder.connect("staying", false)!;
feeder.subscribe(staying, "sensors/room2/temp", 1);
measure({
	name: "QoS 1, 1 receiver whose session stays, with both PUBACKs",
	bytes: publishBytes("sensors/room2/temp", 36, 1, false, 7),
	turns: 5,
	acks: [[0x40, staying]],
});
measure({
	name: "QoS 2, 1 receiver, with all acknowledgements",
	bytes: qos2,
	turns: 5,
	acks: [
		[0x62, publisher],
		[0x50, one],
		[0x70, one],
	],
});
measure({ name: "PINGREQ", bytes: [0xc0, 0], turns: 20 });

// Topic Alias, Payload Format Indicator, Content Type, and 30 bytes of payload, from and to clients of 5.0
const publisher5 = feeder.connect5("publisher5", 4)!;
const receiver5 = feeder.connect5("receiver5", 4)!;
feeder.subscribe5(receiver5, "sensors/room5/temp", 0);
const properties = [0x01, 1, 0x03, 0, 1, 0x74, 0x23, 0, 1];
const body = (topic: number[]): number[] => topic.concat([properties.length], properties, new Array(30).fill(0x41));
const alias5 = packet(0x30, body([0, 0]));
feeder.feed(publisher5, packet(0x30, body(text("sensors/room5/temp"))));
measure({ name: "5.0, alias and 2 properties, 1 receiver", bytes: alias5, turns: 20, from: publisher5 });

/** Collections while 10,000 messages go from a client to a client; their keys are all the garbage. */
function collections(): number {
	const { memory, layout } = broker;
	memory.set(qos0, layout.receive);
	const before = host.gcs();
	for (let i = 0; i < 10_000; i++) {
		publisher.onReadable(memory, layout.receive, layout.receive + qos0.length);
		broker.endTurn();
	}
	return host.gcs() - before;
}

report("garbage collections in 10,000 messages, QoS 0, 1 receiver", { collections: collections() });
const client = keptBy(() => feeder.connect("one more client"));
report("a connected client keeps", { slots: client.slots, chunkBytes: client.chunkBytes, bytes: client.bytes });
host.exit(0);
