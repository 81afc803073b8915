/** On XS: 16 clients, 128 subscriptions and 64 Retained Messages in an ESP32's memory; then 100,000 routed messages of 60
 *  bytes. Reports what is in use after garbage is gone, and what a message costs. */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder, publishBytes } from "./clients.js";
import { costOf, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const TOPICS = 32;

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
	const cost = new Costs(broker, feeder, clients);
	cost.report();
	host.exit(0);
}

/** Routes messages of 60 bytes at QoS 0 and, one of eight, at QoS 1 with its acknowledgements. */
function route(broker: Broker, feeder: Feeder, clients: Connection[]): void {
	const packets: number[][] = [];
	for (let t = 0; t < TOPICS; t++) {
		const topic = `house/room${t % 16}/${t < 16 ? "temperature" : "humidity"}/value`;
		packets.push(publishBytes(topic, 56 - topic.length, 0, false, 0));
	}
	const first = broker.counters.publishesSent;
	for (let n = 1; n <= 100_000; n++) {
		const client = clients[n % 16]!;
		const bytes = packets[n % TOPICS]!;
		if (n % 8 === 0) {
			feeder.publish(client, `house/room${n % 16}/set/1`, 30, 1, false, 1 + (n % 1000));
			acknowledge(broker, feeder, clients[n % 16]!);
		} else feeder.feed(client, bytes);
		if (n === 1_000 || n === 100_000) {
			const { slots, chunks } = use();
			report(`after ${n}`, { slots, chunks, delivered: broker.counters.publishesSent - first });
		}
	}
}

/** The receiver acknowledges what is in flight to it. */
function acknowledge(broker: Broker, feeder: Feeder, client: Connection): void {
	const outbox = client.session!.outbox;
	while (outbox.sentFirst !== 0) {
		const id = broker.deliveries.packetId[outbox.sentFirst]!;
		feeder.feed(client, [0x40, 2, id >> 8, id & 255]);
	}
}

/** What one message costs, its bytes lying in the receive buffer already. */
class Costs {
	constructor(
		private readonly broker: Broker,
		private readonly feeder: Feeder,
		private readonly clients: Connection[],
	) {}

	private place(bytes: readonly number[]): number {
		const { memory, layout } = this.broker;
		for (let i = 0; i < bytes.length; i++) memory[layout.receive + i] = bytes[i]!;
		return layout.receive + bytes.length;
	}

	/** One packet from client 0, ready to be fed again and again. */
	private measure(name: string, bytes: readonly number[], turns: number, after?: () => void): void {
		const { broker } = this;
		const client = this.clients[0]!;
		const end = this.place(bytes);
		const start = broker.layout.receive;
		const action = () => {
			client.onReadable(broker.memory, start, end);
			broker.endTurn();
			after?.();
		};
		report(name, costOf(action, turns));
	}

	report(): void {
		const { feeder, clients, broker } = this;
		const topic = "sensors/room1/temp";
		const qos0 = publishBytes(topic, 38, 0, false, 0);
		this.measure("QoS 0, 60 bytes, no receiver", qos0, 20);
		feeder.subscribe(clients[1]!, topic, 1);
		this.measure("QoS 0, 60 bytes, 1 receiver", qos0, 20);
		for (let i = 2; i < 6; i++) feeder.subscribe(clients[i]!, topic, 0);
		this.measure("QoS 0, 60 bytes, 5 receivers", qos0, 20);
		const outbox = clients[1]!.session!.outbox;
		// without the receiver's PUBACK, which is given in the same breath: the table's part of it
		this.measure("QoS 1, 60 bytes, 1 receiver at QoS 1 and 4 at QoS 0", publishBytes(topic, 36, 1, false, 7), 5, () => {
			outbox.complete(broker.deliveries.packetId[outbox.sentFirst]!, 1, false);
		});
		for (let i = 2; i < 6; i++) this.unsubscribe(clients[i]!, topic);
		this.measure("QoS 1, 60 bytes, 1 receiver", publishBytes(topic, 36, 1, false, 7), 5, () => {
			outbox.complete(broker.deliveries.packetId[outbox.sentFirst]!, 1, false);
		});
		this.measure("PINGREQ", [0xc0, 0], 20);
	}

	private unsubscribe(client: Connection, filter: string): void {
		const body = [0, 1, 0, filter.length];
		for (let i = 0; i < filter.length; i++) body.push(filter.charCodeAt(i));
		this.feeder.feed(client, [0xa2, body.length].concat(body));
	}
}

main();
