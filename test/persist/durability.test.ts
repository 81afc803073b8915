/** When answers leave, what a storage that fails costs, and what it says. */
import { Fixture, type FixtureOptions } from "../support/fixtures.js";
import { MemoryStorage } from "../support/memory-storage.js";
import { assert, suite } from "../support/test.js";

const test = suite("durability");
const persistent = { clean: false };

/** A broker whose batches end when the test says so. */
function slow(options: FixtureOptions = {}): Fixture {
	const medium = new MemoryStorage();
	medium.isPrompt = false;
	return new Fixture({ medium, ...options });
}

/** The disk has synced. */
function sync(fixture: Fixture): void {
	fixture.medium!.finish();
	fixture.settle();
}

/** A client with a persistent session; whose CONNACK waited for the disk. */
function come(fixture: Fixture, clientId: string, version = 4) {
	const client = fixture.open(version);
	client.send({
		cmd: "connect",
		clientId,
		protocolId: "MQTT",
		protocolVersion: version as 4,
		clean: false,
		keepalive: 0,
		properties: version === 5 ? { sessionExpiryInterval: 3_600 } : {},
	});
	for (let i = 0; i < 3; i++) sync(fixture);
	client.take("connack");
	return client;
}

test("CONNACK, SUBACK, PUBACK, PUBREC and PUBCOMP leave after what they promise is durable", () => {
	const f = slow();
	const client = f.open();
	const connect = { cmd: "connect", clientId: "a", protocolId: "MQTT", protocolVersion: 4, clean: false } as const;
	client.send({ ...connect, keepalive: 0 });
	assert.equal(client.messages(), []);
	sync(f);
	assert.equal(client.messages(), ["connack"]);
	client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 1 }] });
	assert.equal(client.messages(), []);
	sync(f);
	assert.equal(client.messages(), ["suback"]);
	client.publish("r", "x", 1, { retain: true, messageId: 2 });
	client.publish("r", "x", 2, { messageId: 3 });
	assert.equal(client.messages(), []);
	sync(f);
	assert.equal(client.messages(), ["puback"], "the other one came when that batch was being written");
	sync(f);
	assert.equal(client.messages(), ["pubrec"]);
	client.send({ cmd: "pubrel", messageId: 3 });
	assert.equal(client.messages(), []);
	sync(f);
	assert.equal(client.messages(), ["pubcomp"]);
	client.send({ cmd: "unsubscribe", messageId: 4, unsubscriptions: ["t"] });
	assert.equal(client.messages(), []);
	sync(f);
	assert.equal(client.messages(), ["unsuback"]);
});

test("many acknowledgements share one sync, in the order of each connection [MQTT-4.6.0-2]", () => {
	const f = slow();
	const [a, b] = [f.connect("a"), f.connect("b")];
	a.publish("0", "x", 1, { retain: true, messageId: 100 });
	const before = f.broker.persist!.batches;
	for (let i = 1; i <= 10; i++) {
		a.publish("a", `${i}`, 1, { retain: true, messageId: i });
		b.publish(`b/${i}`, "x", 1, { retain: i % 2 === 0, messageId: i });
	}
	assert.equal(
		[a.packets.length, b.packets.map((p) => p.messageId)],
		[0, [1]],
		"who was promised nothing does not wait",
	);
	sync(f);
	assert.equal(
		a.packets.map((p) => p.messageId),
		[100],
	);
	sync(f);
	assert.is(f.broker.persist!.batches - before, 1);
	assert.equal(
		a.packets.map((p) => p.messageId),
		[100, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
	);
	assert.equal(
		b.packets.map((p) => p.messageId),
		[1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
	);
});

test("QoS 0 never waits, nor does what others receive at QoS 1", () => {
	const f = slow();
	const receiver = come(f, "r");
	receiver.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "#", qos: 2 }] });
	sync(f);
	receiver.take("suback");
	const sender = f.connect("s");
	sender.publish("t", "1", 1, { messageId: 1 });
	assert.equal(receiver.messages(), ["t 1 1"]);
	sender.publish("t", "2", 2, { messageId: 2 });
	sender.publish("t", "0", 0);
	assert.equal(receiver.messages(), ["t 0 0"], "QoS 2 waits until its Packet Identifier is durable");
	assert.equal(sender.messages(), []);
	sync(f);
	sync(f);
	assert.equal(receiver.messages(), ["t 2 2"]);
	assert.equal(sender.messages(), ["puback", "pubrec"]);
});

test("what is promised by the batch that is being written leaves with it", () => {
	const f = slow();
	const first = come(f, "a");
	first.cut();
	const second = f.open();
	second.send({ cmd: "connect", clientId: "b", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 });
	sync(f);
	assert.equal(second.messages(), ["connack"]);
	const sender = come(f, "s");
	sender.publish("t", "x", 2, { messageId: 5 });
	const again = f.open();
	sender.cut();
	f.settle();
	again.send({ cmd: "connect", clientId: "s", protocolId: "MQTT", protocolVersion: 4, clean: false, keepalive: 0 });
	again.publish("t", "x", 2, { messageId: 5, dup: true });
	for (let i = 0; i < 3; i++) sync(f);
	assert.equal(again.messages(), ["connack", "pubrec"]);
	assert.is(f.broker.persist!.held.count, 0);
});

test("a client that is gone before the sync leaves nothing that another gets", () => {
	const f = slow();
	const sender = f.connect("s");
	sender.publish("t", "x", 1, { retain: true, messageId: 1 });
	sender.cut();
	const other = f.connect("o");
	sync(f);
	assert.equal(other.messages(), []);
	assert.is(f.broker.persist!.held.count, 0);
	sync(f);
	assert.is(f.broker.pool.freeCount, f.broker.limits.blocks - 1, "only the Retained Message has a block");
});

test("with an interval nothing waits, and at most so much is lost", () => {
	const f = new Fixture({ medium: new MemoryStorage(), persist: { durability: "interval", intervalMs: 5_000 } });
	const client = f.connect("a", persistent);
	assert.equal(client.subscribe("t", 1), [1]);
	client.publish("r", "1", 1, { retain: true, messageId: 1 });
	assert.is(client.take("puback").messageId, 1);
	f.advance(250);
	const before = f.medium!.ends.length;
	client.publish("r", "2", 1, { retain: true, messageId: 2 });
	for (let i = 0; i < 100; i++) client.publish("r", `${i}`, 0, { retain: true });
	f.advance(4_000);
	assert.is(f.medium!.ends.length, before);
	const puts = f.medium!.puts;
	f.advance(1_250);
	assert.is(f.medium!.ends.length, before + 1);
	assert.ok(f.medium!.puts - puts <= 4, "of many changes of one value, the last is written");
	const again = new Fixture({ medium: f.medium!.again() });
	const reader = again.connect("b");
	reader.subscribe("r");
	assert.equal(reader.messages(), ["r 99 0 retain"]);
});

for (const [what, fail, mend] of [
	["fails", (m: MemoryStorage) => (m.failure = "EIO"), (m: MemoryStorage) => (m.failure = "")],
	["is full", (m: MemoryStorage) => (m.bytesMax = m.bytesUsed), (m: MemoryStorage) => (m.bytesMax = 1 << 30)],
] as const)
	test(`a storage that ${what}: QoS 1 and 2 are refused, the rest goes on, and it recovers by itself`, () => {
		const f = new Fixture({ medium: new MemoryStorage(), sysInterval: 1 });
		const v5 = { protocolVersion: 5 as const, clean: false, properties: { sessionExpiryInterval: 3_600 } };
		const receiver = f.connect("r", v5);
		receiver.subscribe("t", 2);
		const watch = f.connect("w");
		const sender = f.connect("s", { protocolVersion: 5 });
		const old = f.connect("s3");
		const early = f.connect("s4");
		fail(f.medium!);
		early.publish("t", "first", 1, { messageId: 1 });
		assert.equal(receiver.messages(), ["t first 1"]);
		assert.equal(early.messages(), [], "not acknowledged: it is not durable");
		assert.ok(f.broker.persist!.alarm !== "");
		assert.ok(f.log.some((line) => /^storage: cannot write, tries again each second: /.test(line)));
		sender.publish("t", "refused", 1, { messageId: 2 });
		assert.is((sender.take("puback") as { reasonCode?: number }).reasonCode, 0x97);
		sender.publish("t", "refused", 2, { messageId: 3 });
		assert.is((sender.take("pubrec") as { reasonCode?: number }).reasonCode, 0x97);
		old.publish("t", "refused", 1, { messageId: 1 });
		assert.ok(old.closed, "before 5.0 it is not acknowledged");
		sender.publish("t", "qos 0", 0);
		assert.equal(receiver.messages(), ["t qos 0 0"]);
		assert.equal(receiver.subscribe("more", 1, 7), [0x97]);
		assert.equal(watch.subscribe("$SYS/broker/hearth/storage/alarm", 0, 7), [0]);
		assert.ok(/^\$SYS\/broker\/hearth\/storage\/alarm \S+/.test(watch.messages()[0]!));
		const back = f.open(5);
		receiver.cut();
		assert.is((back.connect("r", v5) as { reasonCode?: number }).reasonCode, 0, "who has a session comes in");
		assert.is((f.open(5).connect("new", v5) as { reasonCode?: number }).reasonCode, 0x97);
		assert.is((f.open(4).connect("new", persistent) as { returnCode?: number }).returnCode, 3);
		f.connect("clean");
		f.advance(3_000);
		mend(f.medium!);
		f.advance(1_250);
		assert.is(f.broker.persist!.alarm, "");
		assert.ok(f.log.includes("storage: writes again"));
		assert.is(early.take("puback").messageId, 1);
		sender.publish("t", "taken", 2, { messageId: 4 });
		assert.is(sender.take("pubrec").messageId, 4);
		const again = new Fixture({ medium: f.medium!.again() });
		const reader = again.open(5);
		reader.connect("r", v5);
		assert.equal(reader.messages(), ["t first 1 dup", "t taken 2 dup"]);
	});

test("what waited when the storage failed: 5.0 hears 0x97, before 5.0 it waits on", () => {
	const f = slow();
	const receiver = come(f, "r");
	receiver.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 2 }] });
	sync(f);
	receiver.take("suback");
	const [v5, v4] = [come(f, "a", 5), come(f, "b")];
	for (const [i, client] of [v5, v4].entries()) {
		client.publish("t", `${i} 1`, 1, { messageId: 1 });
		client.publish("t", `${i} 2`, 2, { messageId: 2 });
	}
	f.medium!.failure = "EIO";
	sync(f);
	sync(f);
	const refused = v5.packets.splice(0) as { cmd: string; messageId: number; reasonCode: number }[];
	assert.equal(
		refused.map((p) => `${p.cmd} ${p.messageId} ${p.reasonCode}`),
		["puback 1 151", "pubrec 2 151"],
	);
	assert.equal(v4.messages(), []);
	assert.is(f.broker.received.count, 1, "what was refused frees its Packet Identifier");
	f.medium!.failure = "";
	f.advance(1_250);
	for (let i = 0; i < 4; i++) sync(f);
	assert.equal(v4.messages(), ["puback", "pubrec"]);
	assert.equal(v5.messages(), []);
});

test("a disk that is full has room again when queues are emptied", () => {
	const f = new Fixture({ medium: new MemoryStorage() });
	f.connect("r", persistent).subscribe("t", 1);
	f.broker.disconnect("r");
	f.settle();
	const sender = f.connect("s", { protocolVersion: 5 });
	for (let i = 1; i <= 10; i++) sender.publish("t", "x".repeat(100), 1, { messageId: i });
	assert.is(sender.messages().length, 10);
	f.medium!.bytesMax = f.medium!.bytesUsed + 50;
	sender.publish("t", "x".repeat(100), 1, { messageId: 11 });
	assert.is((sender.take("puback") as { reasonCode?: number }).reasonCode, 0x97);
	const receiver = f.open();
	receiver.connect("r", persistent);
	assert.is(receiver.packets.length, 11, "what is in memory is delivered");
	for (const packet of receiver.packets.splice(0)) receiver.send({ cmd: "puback", messageId: packet.messageId! });
	f.advance(1_250);
	assert.is(f.broker.persist!.alarm, "");
	sender.publish("t", "x", 1, { messageId: 12 });
	assert.is((sender.take("puback") as { reasonCode?: number }).reasonCode ?? 0, 0);
});

test("a message that is larger than a record may be is refused at QoS 1, and delivered at QoS 0", () => {
	const medium = new MemoryStorage();
	medium.valueBytesMax = 200;
	const f = new Fixture({ medium });
	const receiver = f.connect("r", persistent);
	receiver.subscribe("t", 1);
	const sender = f.connect("s", { protocolVersion: 5 });
	sender.publish("t", "x".repeat(300), 1, { messageId: 1 });
	assert.is((sender.take("puback") as { reasonCode?: number }).reasonCode, 0x97);
	sender.publish("t", "y".repeat(300), 0, { retain: true });
	assert.is(receiver.messages().length, 1);
	sender.publish("t", "z", 1, { messageId: 2 });
	assert.is(sender.take("puback").messageId, 2, "nothing is in the way of what comes after");
	assert.is(f.broker.persist!.alarm, "");
	const again = new Fixture({ medium: medium.again() });
	assert.is(again.broker.retained.count, 0);
});

test("answers that wait are bounded, and cost their connection when there is no room", () => {
	const f = slow();
	const sender = f.connect("s", { protocolVersion: 5 });
	let sent = 0;
	for (; !sender.closed && sent < 10_000; sent++)
		sender.publish("t", "x", 1, { retain: true, messageId: 1 + (sent % 60_000) });
	assert.ok(sender.closed);
	assert.ok(sent < 1_000, `${sent} answers waited`);
	for (let i = 0; i < 4; i++) sync(f);
	assert.is(f.broker.pool.freeCount, f.broker.limits.blocks - 1);
});

test("a newer format, and more than the limits hold, are refused with a clear line", () => {
	const f = new Fixture({ medium: new MemoryStorage() });
	for (let i = 0; i < 5; i++) f.connect(`c${i}`, persistent).subscribe(`t/${i}`, 1);
	f.connect("s").publish("r", "x", 0, { retain: true });
	assert.throws(
		() => new Fixture({ medium: f.medium!.again(), limits: { sessions: 2, connections: 2, localSubscriptions: 0 } }),
		/^storage: more sessions than these limits: start with those that it had, or export and import$/,
	);
	const newer = f.medium!.copy();
	newer.table.set(0, new Uint8Array([0x48, 0x54, 0x52, 0x48, 0, 99]));
	assert.throws(
		() => new Fixture({ medium: newer }),
		/^storage: has format 99, this version knows up to 2: start the newer version$/,
	);
});

test("the format before this one is read, and written anew", () => {
	const f = new Fixture({ medium: new MemoryStorage() });
	f.connect("c", persistent).subscribe("t", 1);
	f.connect("s").publish("r", "x", 1, { retain: true });
	const old = f.medium!.copy();
	old.table.set(0, new Uint8Array([0x48, 0x54, 0x52, 0x48, 0, 1]));
	// sessions of format 1 end with their Client Identifier
	for (const [key, value] of old.table) if (key >>> 28 === 1) old.table.set(key, value.slice(0, 32));
	const second = new Fixture({ medium: old });
	second.advance(1_000);
	assert.equal([...old.table.get(0)!], [0x48, 0x54, 0x52, 0x48, 0, 2]);
	const third = new Fixture({ medium: old.copy() });
	const client = third.open();
	client.connect("c", persistent);
	assert.ok(client.sessionPresent);
	assert.is(third.broker.retained.count, 1);
});

test("records that a fault of the medium made unusable are left out, counted and given up", () => {
	const f = new Fixture({ medium: new MemoryStorage() });
	f.connect("c", persistent).subscribe("t", 1);
	f.broker.disconnect("c");
	f.settle();
	const sender = f.connect("s");
	for (let i = 1; i <= 3; i++) sender.publish("t", `${i}`, 1, { messageId: i });
	for (let i = 1; i <= 3; i++) sender.publish(`r/${i}`, `${i}`, 1, { messageId: i, retain: true });
	for (const key of f.medium!.table.keys()) {
		for (const damage of ["missing", "cut"]) {
			const medium = f.medium!.copy();
			if (damage === "missing") medium.table.delete(key);
			else medium.table.set(key, medium.table.get(key)!.slice(0, 3));
			const again = new Fixture({ medium });
			again.advance(2_000);
			const { broker } = again;
			const last = new Fixture({ medium: medium.copy() });
			assert.is(last.broker.persist!.lost, 0, `${key}`);
			assert.is(last.broker.retained.count, broker.retained.count);
			assert.is(last.broker.store.count, broker.store.count);
			assert.ok(broker.retained.count >= 2 || key === 0);
		}
	}
});

test("topics that are never stored are retained until the end", () => {
	const medium = new MemoryStorage();
	const f = new Fixture({ medium, persist: { neverStore: ["+/value"] } });
	const sender = f.connect("s");
	sender.publish("a/value", "1", 1, { retain: true, messageId: 1 });
	sender.publish("a/value", "2", 1, { retain: true, messageId: 2 });
	sender.publish("a/name", "x", 1, { retain: true, messageId: 3 });
	assert.is(f.broker.retained.count, 2);
	const again = new Fixture({ medium: medium.again() });
	assert.is(again.broker.retained.count, 1);
});

test.run();
