/** The power goes at every byte of every write of a scripted day, and again while the broker recovers: what is found is
 *  what the broker had when it gave one of two batches away, the last whole one or the one that was being written. */
import type { Broker } from "../../src/broker/broker.js";
import type { StoredReceivedIds } from "../../src/broker/stored-tables.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { MemoryStorage } from "../support/memory-storage.js";
import { assert, suite } from "../support/test.js";

const test = suite("power cuts");

/** Bits of a delivery's state that outlive a restart: QoS, RETAIN, Released, InFlight. */
const STATE = 3 | 4 | 16 | 64;

/** All that outlives a restart, as text. */
function digest(broker: Broker): string {
	const { sessions, table, deliveries, retained, store, received } = broker;
	const message = (m: number) => {
		const bytes = new Uint8Array(store.bytes(m));
		broker.pool.read(m, 0, bytes.length, bytes, 0);
		return `${Buffer.from(bytes).toString("hex")} ${store.flags(m)} ${store.propertyBytes(m)}`;
	};
	const lines: string[] = [];
	for (let i = 0; i < sessions.max; i++) {
		const session = sessions.at(i);
		if (session.clientId === "" || session.expirySeconds === 0) continue;
		const ids = new Uint8Array(100);
		const end = (received as StoredReceivedIds).write(i, ids, 0);
		const will = session.will === 0 ? "" : message(session.will);
		const known = [...new Uint16Array(ids.slice(0, end).buffer)].sort();
		lines.push(`session ${i} ${session.clientId} ${session.expirySeconds} ${will} ${known}`);
		const filters: string[] = [];
		for (let s = table.firstOfSession[i]!; s !== 0; s = table.nextOfSession[s]!)
			filters.push(` ${table.filterOf(s)} ${table.options[s]} ${table.identifier[s]}`);
		lines.push(...filters.sort());
		for (const first of [session.outbox.sentFirst, session.outbox.waitingFirst])
			for (let e = first; e !== 0; e = deliveries.next[e]!) {
				const state = deliveries.state[e]! & STATE;
				if ((state & 3) === 0) continue;
				const id = (state & 64) === 0 ? 0 : deliveries.packetId[e]!;
				const m = deliveries.message[e]!;
				lines.push(` ${state} ${id} ${m === 0 ? "" : message(m)}`);
			}
	}
	const kept: string[] = [];
	for (let place = 1; place <= retained.placeCount; place++)
		if (retained.topicAt(place) !== "") kept.push(`${retained.topicAt(place)} ${message(retained.messageAt(place))}`);
	return [...lines, ...kept.sort()].join("\n");
}

/** Notes what the broker has when it gives a batch away. */
class Watched extends MemoryStorage {
	broker: Broker | undefined;
	readonly digests: string[] = [];

	static from(log: Uint8Array): Watched {
		const storage = new Watched();
		storage.mount(log);
		return storage;
	}

	override commit(): number {
		this.digests.push(digest(this.broker!));
		return super.commit();
	}
}

function begin(medium: Watched): Fixture {
	const fixture = new Fixture({ medium, now: 1_000 });
	medium.broker = fixture.broker;
	return fixture;
}

/** A day in a house: devices that come and go, commands for those that sleep, all QoS, replaced values, expiry. */
function day(f: Fixture): void {
	const v5 = { protocolVersion: 5 as const, clean: false };
	const week = { ...v5, properties: { sessionExpiryInterval: 604_800 } };
	const house = f.connect("house", week);
	house.subscribe(["+/state", "$share/g/+/event"], 2, 1);
	const acknowledge = (client: TestClient) => {
		for (const packet of client.packets.splice(0)) {
			if (packet.cmd === "publish" && packet.qos === 1) client.send({ cmd: "puback", messageId: packet.messageId! });
			if (packet.cmd === "publish" && packet.qos === 2) client.send({ cmd: "pubrec", messageId: packet.messageId! });
			if (packet.cmd === "pubrel") client.send({ cmd: "pubcomp", messageId: packet.messageId! });
		}
	};
	for (let i = 0; i < 4; i++) {
		const will = { topic: `d${i}/state`, payload: Buffer.from("offline"), qos: 1 as const, retain: true };
		const device = f.connect(`d${i}`, { clean: false, will });
		device.subscribe(`d${i}/set`, i % 3 === 0 ? 1 : 2, 1);
		device.publish(`d${i}/state`, "online", 1, { retain: true, messageId: 1 });
		if (i % 2 === 0) device.cut();
		else device.publish(`d${i}/event`, "pressed", 2, { messageId: 2 });
		house.publish(`d${i}/set`, `on ${i}`, 2, { messageId: 10 + i });
		if (i % 2 === 1) acknowledge(device);
		if (i === 1) device.send({ cmd: "pubrel", messageId: 2 });
	}
	acknowledge(house);
	for (let i = 0; i < 4; i++) house.send({ cmd: "pubrel", messageId: 10 + i });
	acknowledge(house);
	f.connect("s").publish("d0/config", "x".repeat(600), 1, { retain: true });
	f.advance(3_000);
	const back = f.open();
	back.connect("d0", { clean: false });
	acknowledge(back);
	back.publish("d0/config", "", 1, { retain: true, messageId: 4 });
	back.send({ cmd: "unsubscribe", messageId: 5, unsubscriptions: ["d0/set"] });
	back.send({ cmd: "disconnect" });
	f.connect("d2", { clean: true }).cut();
	f.advance(2_000);
	house.cut();
	f.connect("t").publish("d1/event", "again", 1, { messageId: 6 });
	const short = f.connect("short", { ...v5, properties: { sessionExpiryInterval: 5 } });
	short.subscribe("#", 1, 1);
	short.cut();
	f.advance(8_000);
}

const medium = new Watched();
const whole = begin(medium);
day(whole);

test("every byte of the day: one of two states, never a start that fails", () => {
	assert.ok(medium.ends.length > 30, `${medium.ends.length} batches`);
	let batch = 0;
	for (let cut = 0; cut <= medium.log.length; cut++) {
		const isEnd = cut === medium.ends[batch];
		if (isEnd) batch++;
		const left = MemoryStorage.of(medium.log.slice(0, cut));
		assert.is(left.ends.length, batch, `byte ${cut}`);
		// within a batch, what is found is the same table, byte by byte: the broker takes it up once
		if (!isEnd) continue;
		const restarted = begin(Watched.from(medium.log.slice(0, cut)));
		assert.is(digest(restarted.broker), medium.digests[batch - 1], `batch ${batch}`);
		assert.is(restarted.broker.persist!.lost, 0);
	}
	assert.is(batch, medium.ends.length);
});

test("every byte of what a restart writes, after each batch of the day", () => {
	let cuts = 0;
	for (let batch = 1; batch <= medium.ends.length; batch++) {
		const end = medium.ends[batch - 1]!;
		const found = Watched.from(medium.log.slice(0, end));
		const recovering = begin(found);
		const before = digest(recovering.broker);
		recovering.advance(1_000);
		const states = [before, ...found.digests];
		let written = 0;
		for (let cut = end; cut <= found.log.length; cut++) {
			const isEnd = cut === found.ends[batch + written];
			if (isEnd) written++;
			cuts++;
			const left = MemoryStorage.of(found.log.slice(0, cut));
			assert.is(left.ends.length, batch + written);
			if (cut !== end && !isEnd) continue;
			const again = begin(Watched.from(found.log.slice(0, cut)));
			assert.is(digest(again.broker), states[written], `batch ${batch}, ${written} of its recovery`);
		}
	}
	assert.ok(cuts > 1_000, `${cuts} cuts`);
});

test.run();
