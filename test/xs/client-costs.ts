/** On XS: what a PUBLISH costs a client with a device's limits in each direction, in opcodes and garbage, exact and
 *  repeatable; what the client keeps; and 100,000 messages. */
import { Bench, CONNACK, CONNACK5 } from "./client-parts.js";
import { publishBytes } from "./clients.js";
import { costOf, keptBy, report } from "./measure.js";

const TOPIC = "sensors/room1/temp";
const PAYLOAD: Uint8Array = new Uint8Array(36).fill(0x41);
const QOS1 = { qos: 1 };
const QOS2 = { qos: 2 };

const kept = keptBy(() => new Bench({ version: 4, clientId: "device" }));
report("a client keeps", { slots: kept.slots, chunkBytes: kept.chunkBytes, bytes: kept.bytes });
const bench = kept.value;
const client = bench.client;
bench.connect(CONNACK);
let heard = 0;
client.subscribe("sensors/+/temp", (message) => {
	heard += message.payloadEnd - message.payloadStart;
});
client.endTurn();

/** The server acknowledges the SUBSCRIBE whose Packet Identifier came. */
function suback(of: Bench): void {
	const id = of.client.outbox.nextId - 1;
	of.feed([0x90, 3, id >> 8, id & 255, 0]);
}
suback(bench);
if (client.subscriptions.waiting !== 0) throw new Error("the subscription was not granted");

function ack(type: number): void {
	const id = client.deliveries.packetId[client.outbox.sentFirst]!;
	bytes[0] = type;
	bytes[2] = id >> 8;
	bytes[3] = id;
	client.link.onReadable(bytes, 0, 4);
}
const bytes: Uint8Array = new Uint8Array([0x40, 2, 0, 0]);

function measure(name: string, action: () => void, turns: number): void {
	report(name, costOf(action, turns));
}

measure(
	"QoS 0 out",
	() => {
		client.publish(TOPIC, PAYLOAD);
		client.endTurn();
	},
	20,
);
const done = (): void => {};
measure(
	"QoS 1 out, with PUBACK and a callback",
	() => {
		client.publish(TOPIC, PAYLOAD, QOS1, done);
		client.endTurn();
		ack(0x40);
	},
	10,
);
measure(
	"QoS 2 out, with all acknowledgements",
	() => {
		client.publish(TOPIC, PAYLOAD, QOS2, done);
		client.endTurn();
		ack(0x50);
		client.endTurn();
		ack(0x70);
	},
	10,
);

const incoming: Uint8Array = new Uint8Array(128);
function feed(packet: readonly number[]): number {
	incoming.set(packet);
	return packet.length;
}
let length = feed(publishBytes(TOPIC, 38, 0, false, 0));
const take = (): void => {
	client.link.onReadable(incoming, 0, length);
	client.endTurn();
};
measure("QoS 0 in", take, 20);
length = feed(publishBytes(TOPIC, 36, 1, false, 7));
measure("QoS 1 in, with PUBACK", take, 20);
length = feed(publishBytes(TOPIC, 36, 2, false, 7));
const pubrel: Uint8Array = new Uint8Array([0x62, 2, 0, 7]);
measure(
	"QoS 2 in, with all acknowledgements",
	() => {
		take();
		client.link.onReadable(pubrel, 0, 4);
		client.endTurn();
	},
	20,
);

const five = new Bench({ version: 5, clientId: "device5" });
five.connect(CONNACK5);
measure(
	"5.0, QoS 0 out by a Topic Alias",
	() => {
		five.client.publish(TOPIC, PAYLOAD);
		five.client.endTurn();
	},
	20,
);

function use(): { slots: number; chunks: number } {
	host.gc();
	return { slots: host.slots(), chunks: host.chunks() };
}

const one = publishBytes(TOPIC, 36, 1, false, 7);
for (let n = 1; n <= 100_000; n++) {
	if (n % 4 === 0) {
		client.publish(TOPIC, PAYLOAD, QOS1, done);
		client.endTurn();
		ack(0x40);
	} else if (n % 4 === 1) {
		client.publish(TOPIC, PAYLOAD);
		client.endTurn();
	} else {
		length = feed(one);
		take();
	}
	if (n === 1_000 || n === 100_000) {
		const { slots, chunks } = use();
		report(`after ${n}`, { slots, chunks, heard, blocks: client.pool.freeCount });
	}
}
host.exit(0);
