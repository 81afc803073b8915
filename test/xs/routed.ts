/** On XS: as many clients, subscriptions and Retained Messages as the board has places for; then routed messages of 60
 *  bytes. Reports what is in use after garbage is gone, but for the slots that this program had before:
 *  the code of a test is no part of a device's image. */
import { limits } from "hearth-mqtt/limits";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder, publishBytes } from "./clients.js";
import { report } from "./measure.js";
import { XsPlatform } from "./platform.js";

/** fewer than the routes that are kept, so that what is in use after garbage is gone can be compared */
const TOPICS = Math.min(24, limits.routes - 4);

const CLIENTS = limits.connections;

function use(): { slots: number; chunks: number } {
	host.gc();
	return { slots: host.slots(), chunks: host.chunks() };
}

/** @param messages > 1,000 */
export function load(messages: number): void {
	const before = use();
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform });
	const made = use();
	const feeder = new Feeder(broker);
	const clients: Connection[] = [];
	for (let i = 0; i < CLIENTS; i++) clients.push(feeder.connect(`client-${i}`, i % 2 === 0)!);
	const connected = use();
	// each client has its own commands, a value of another, and a wildcard
	const commands = Math.floor(limits.subscriptions / CLIENTS) - 2;
	for (let i = 0; i < CLIENTS; i++) {
		for (let k = 0; k < commands; k++) feeder.subscribe(clients[i]!, `house/room${i}/set/${k}`, k % 3);
		feeder.subscribe(clients[i]!, `house/room${(i + 1) % CLIENTS}/+/value`, i % 3);
		feeder.subscribe(clients[i]!, `house/room${(i + 2) % CLIENTS}/temperature/value`, 0);
	}
	for (let i = 0; i < limits.retained; i++) {
		const topic = `house/room${i % CLIENTS}/state/${Math.floor(i / CLIENTS)}`;
		feeder.publish(clients[i % CLIENTS]!, topic, 30, 1, true);
	}
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
	route(broker, feeder, clients, messages, before.slots);
	host.exit(0);
}

/** Routes messages of 60 bytes at QoS 0 and, one of eight, at QoS 1 with its acknowledgements. */
function route(broker: Broker, feeder: Feeder, clients: Connection[], messages: number, before: number): void {
	const packets: Uint8Array[] = [];
	for (let t = 0; t < TOPICS; t++) {
		const topic = `house/room${t % CLIENTS}/${t < CLIENTS ? "temperature" : "humidity"}/value`;
		packets.push(new Uint8Array(publishBytes(topic, 56 - topic.length, 0, false, 0)));
	}
	const commands: Uint8Array[] = [];
	for (let i = 0; i < CLIENTS; i++)
		commands.push(new Uint8Array(publishBytes(`house/room${i}/set/1`, 30, 1, false, 1)));
	const first = broker.counters.publishesSent;
	for (let n = 1; n <= messages; n++) {
		const client = clients[n % CLIENTS]!;
		const bytes = packets[n % TOPICS]!;
		if (n % 8 === 0) {
			feeder.feed(client, commands[n % CLIENTS]!);
			acknowledge(broker, feeder, clients[n % CLIENTS]!);
		} else feeder.feed(client, bytes);
		if (n === 1_000 || n === messages) {
			const { slots, chunks } = use();
			const delivered = broker.counters.publishesSent - first;
			report(`after ${n}`, { slots: slots - before, chunks, delivered });
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
