/** On XS: each limit is sent its overflow, and the broker answers, counts and lives. A memory that is full, a
 *  stack that
 *  overflows and an exception that nobody catches would end the process. */
import { limits } from "hearth-mqtt/limits";
import { Broker } from "../../src/broker/broker.js";
import { type Connection, ConnectionState } from "../../src/broker/connection.js";
import { Feeder, packet, publishBytes, text } from "./clients.js";
import { report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const platform = new XsPlatform();
platform.log = () => {};
const broker = new Broker({ limits, platform });
const feeder = new Feeder(broker);
const clients: Connection[] = [];

/** Sends a long packet in pieces, as the network brings it. */
function feedLong(client: Connection, head: readonly number[], fill: number, count: number): void {
	feeder.feed(client, head);
	const piece = new Uint8Array(1_000).fill(fill);
	for (let left = count; left > 0 && client.state !== ConnectionState.Free; left -= piece.length)
		feeder.feed(client, left < piece.length ? piece.subarray(0, left) : piece);
}

function reconnect(index: number): Connection {
	const client = clients[index]!;
	if (client.state === ConnectionState.Connected) return client;
	return (clients[index] = feeder.connect(`client-${index}`)!);
}

function connections(): void {
	for (let i = 0; i < limits.connections; i++) clients.push(feeder.connect(`client-${i}`)!);
	report("connected", { count: broker.connectedCount });
	feeder.connect("one too many");
	report("one too many clients", { code: feeder.last(3), count: broker.connectedCount });
	const strangers: unknown[] = [];
	for (let i = 0; i < 5; i++) strangers.push(broker.accept(feeder.sink, 5_744));
	report("strangers", { taken: strangers.filter((s) => s !== undefined).length });
	platform.now = () => host.now() + 60_000;
	for (let i = 0; i < limits.connections; i++) feeder.feed(clients[i]!, [0xc0, 0]);
	broker.tick();
	broker.endTurn();
	report("strangers are gone", { count: broker.connectedCount });
}

function subscriptions(): void {
	let refused = 0;
	for (let i = 0; i < 300; i++) {
		feeder.subscribe(clients[i % 16]!, `filter/${i}/+/x`, 1);
		if (feeder.last(4) === 0x80) refused++;
	}
	report("subscriptions", { refused, count: broker.table.count, nodes: broker.table.nodeCount });
	feeder.subscribe(clients[0]!, "a".repeat(300), 1);
	report("a long filter", { code: feeder.last(4) });
	feeder.subscribe(clients[0]!, "a/".repeat(50), 1);
	report("a deep filter", { code: feeder.last(4) });
	// each level of these would be a piece of memory
	const deep = new Uint8Array(4_086).fill(0x2f);
	for (let i = 1; i < 4_081; i += 2) deep[i + 4] = 0x2b;
	deep.set([0, 2, 0x0f, 0xf1]);
	deep[4_085] = 0;
	feeder.feed(clients[0]!, [0x82, 0xf6, 0x1f]);
	for (let at = 0; at < deep.length; at += 1_000) feeder.feed(clients[0]!, deep.subarray(at, at + 1_000));
	report("a filter of 2,000 levels", { code: feeder.last(4) });
	// and each path of these: 16 levels of wildcards behind 200 characters
	for (let i = 0; i < 40; i++) feeder.subscribe(clients[i % 16]!, `${`${i}`.padEnd(200, "x")}${"/+".repeat(15)}`, 0);
	report("many long paths", { bytes: broker.table.filterBytes });
	for (let i = 0; i < 40; i++) feeder.unsubscribe(clients[i % 16]!, `${`${i}`.padEnd(200, "x")}${"/+".repeat(15)}`);
	for (let i = 0; i < 300; i++) feeder.unsubscribe(clients[i % 16]!, `filter/${i}/+/x`);
	report("unsubscribed", { count: broker.table.count, nodes: broker.table.nodeCount });
}

function retained(): void {
	for (let i = 0; i < 200; i++) feeder.publish(clients[0]!, `retained/${i}`, 20, 0, true);
	report("retained", { count: broker.retained.count, dropped: broker.counters.dropsRetained });
	for (let i = 0; i < 200; i++) feeder.publish(clients[0]!, `retained/${i}`, 0, 1, true);
	report("retained deleted", { count: broker.retained.count, blocks: broker.pool.freeCount });
}

function queues(): void {
	feeder.feed(clients[15]!, [0xe0, 0]); // makes room for one more
	const absent = feeder.connect("absent", false);
	if (absent === undefined) throw new Error("no connection");
	feeder.subscribe(absent, "queue", 1);
	feeder.feed(absent, [0xe0, 0]);
	for (let i = 0; i < 300; i++) {
		clients[1] = reconnect(1);
		feeder.publish(clients[1], "queue", 100, 1, false, 1 + i);
	}
	const { count, bytes } = broker.sessions.find("absent")!.outbox;
	report("queue", { count, bytes, drops: broker.counters.dropsQueue });
	feeder.connect("absent", true);
	broker.disconnect("absent");
	broker.endTurn();
}

function packets(): void {
	const before = broker.pool.freeCount;
	feedLong(clients[2]!, [0x30, 0xff, 0xff, 0xff, 0x7f], 0x41, 10_000);
	report("a packet of 256 MB", { open: clients[2]!.state === ConnectionState.Connected });
	clients[2] = reconnect(2);
	// the largest that is taken: 4,096 bytes
	feedLong(clients[2], [0x30, 0xfd, 0x1f, 0, 3, 0x61, 0x2f, 0x62], 0x42, 4_088);
	report("the largest packet", { open: clients[2].state === ConnectionState.Connected });
	feedLong(clients[2], [0x30, 0xfe, 0x1f, 0, 3, 0x61, 0x2f, 0x62], 0x42, 4_089);
	report("one byte more", { open: clients[2].state === ConnectionState.Connected });
	clients[2] = reconnect(2);
	// many at once, none finished: the store is full, and everything comes back
	for (let i = 3; i < 10; i++) feedLong(clients[i]!, [0x30, 0xfd, 0x1f], 0, 3_000);
	const least = broker.pool.freeCount;
	for (let i = 3; i < 10; i++) if (clients[i]!.state === ConnectionState.Connected) clients[i]!.onError();
	for (let i = 3; i < 10; i++) clients[i] = reconnect(i);
	report("unfinished packets", { least, back: broker.pool.freeCount === before });
	feedLong(clients[3]!, [0x30, 0xff, 0x07, 0x03, 0xe8], 0x63, 1_021);
	report("a long topic", { open: clients[3]!.state === ConnectionState.Connected });
	clients[3] = reconnect(3);
}

function identifiers(): void {
	feeder.feed(clients[4]!, [0xe0, 0]);
	feeder.connect("i".repeat(200));
	report("a long Client Identifier", { code: feeder.last(3) });
	for (let id = 1; id <= 40; id++)
		if (clients[5]!.state === ConnectionState.Connected) feeder.feed(clients[5]!, publishBytes("q2", 5, 2, false, id));
	report("QoS 2 without PUBREL", { open: clients[5]!.state === ConnectionState.Connected });
}

/** The same for random bytes, whatever they are. */
function garbage(): void {
	let seed = 1;
	const bytes = new Uint8Array(200);
	for (let round = 0; round < 2_000; round++) {
		clients[6] = reconnect(6);
		for (let i = 0; i < 40; i++) {
			seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
			bytes[i] = seed >> 16;
		}
		if (round % 2 === 0) bytes[0] = [0x30, 0x32, 0x82, 0xa2, 0x10, 0x40, 0x62, 0xe0][(round >> 1) % 8]!;
		if (round % 4 === 0) bytes[1] = 38;
		feeder.feed(clients[6], bytes.subarray(0, 40));
	}
	report("garbage", { internalErrors: broker.counters.internalErrors });
}

connections();
subscriptions();
retained();
queues();
packets();
identifiers();
garbage();
feeder.feed(reconnect(0), packet(0x82, [0, 1].concat(text("alive"), [0])));
const sent = broker.counters.publishesSent;
feeder.publish(reconnect(1), "alive", 10, 0, false);
report("alive", { delivered: broker.counters.publishesSent - sent, causes: broker.counters.closedByName().size });
host.exit(0);
