/** On XS: 16 clients, 128 subscriptions and 64 Retained Messages in an ESP32's memory; then 100,000 routed
 *  messages of 60
 *  bytes. Reports what is in use after garbage is gone. */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder, publishBytes } from "./clients.js";
import { report } from "./measure.js";
import { XsPlatform } from "./platform.js";

/** fewer than the routes that are kept, so that what is in use after garbage is gone can be compared */
const TOPICS = 24;

function use(): { slots: number; chunks: number } {
	host.gc();
	return { slots: host.slots(), chunks: host.chunks() };
}

function main(): void {
	const before = use();
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform });
	const made = use();
	const feeder = new Feeder(broker);
	const clients: Connection[] = [];
	for (let i = 0; i < 16; i++) clients.push(feeder.connect(`client-${i}`, i % 2 === 0)!);
	const connected = use();
	// each client has its own commands, a value of another, and a wildcard: 128 in all
	for (let i = 0; i < 16; i++) {
		for (let k = 0; k < 6; k++) feeder.subscribe(clients[i]!, `house/room${i}/set/${k}`, k % 3);
		feeder.subscribe(clients[i]!, `house/room${(i + 1) % 16}/+/value`, i % 3);
		feeder.subscribe(clients[i]!, `house/room${(i + 2) % 16}/temperature/value`, 0);
	}
	for (let i = 0; i < 64; i++) feeder.publish(clients[i % 16]!, `house/room${i % 16}/state/${i >> 4}`, 30, 1, true);
	const full = use();
	report("tables", {
		subscriptions: broker.table.count,
		retained: broker.retained.count,
		clients: broker.connectedCount,
	});
	report("memory", {
		broker: { slots: made.slots - before.slots, chunks: made.chunks - before.chunks },
		clients: { slots: connected.slots - made.slots, chunks: connected.chunks - made.chunks },
		full,
	});
	route(broker, feeder, clients);
	host.exit(0);
}

/** Routes messages of 60 bytes at QoS 0 and, one of eight, at QoS 1 with its acknowledgements. */
function route(broker: Broker, feeder: Feeder, clients: Connection[]): void {
	const packets: Uint8Array[] = [];
	for (let t = 0; t < TOPICS; t++) {
		const topic = `house/room${t % 16}/${t < 16 ? "temperature" : "humidity"}/value`;
		packets.push(new Uint8Array(publishBytes(topic, 56 - topic.length, 0, false, 0)));
	}
	const commands: Uint8Array[] = [];
	for (let i = 0; i < 16; i++) commands.push(new Uint8Array(publishBytes(`house/room${i}/set/1`, 30, 1, false, 1)));
	const first = broker.counters.publishesSent;
	for (let n = 1; n <= 100_000; n++) {
		const client = clients[n % 16]!;
		const bytes = packets[n % TOPICS]!;
		if (n % 8 === 0) {
			feeder.feed(client, commands[n % 16]!);
			acknowledge(broker, feeder, clients[n % 16]!);
		} else feeder.feed(client, bytes);
		if (n === 1_000 || n === 100_000) {
			const { slots, chunks } = use();
			report(`after ${n}`, { slots, chunks, delivered: broker.counters.publishesSent - first });
		}
	}
}

const ack = new Uint8Array([0x40, 2, 0, 0]);

/** The receiver acknowledges what is in flight to it. */
function acknowledge(broker: Broker, feeder: Feeder, client: Connection): void {
	const outbox = client.session!.outbox;
	while (outbox.sentFirst !== 0) {
		const id = broker.deliveries.packetId[outbox.sentFirst]!;
		ack[2] = id >> 8;
		ack[3] = id;
		feeder.feed(client, ack);
	}
}

main();
