/** What outlives a restart, on a virtual clock. */
import { Fixture, type FixtureOptions } from "../support/fixtures.js";
import { MemoryStorage } from "../support/memory-storage.js";
import { assert, suite } from "../support/test.js";

const test = suite("restart");

/** A broker with a storage. */
function begin(options: FixtureOptions = {}): Fixture {
	return new Fixture({ medium: new MemoryStorage(), ...options });
}

/** The power goes and comes back `off` ms later: another broker on what was durable. */
function restart(before: Fixture, options: FixtureOptions = {}, off = 0): Fixture {
	const wall = before.wall === undefined ? {} : { wall: before.wall + off };
	return new Fixture({ medium: before.medium!.again(), now: 5_000, ...wall, ...options });
}

const persistent = { clean: false };

test("Retained Messages outlive a restart, with QoS, properties and the last value", () => {
	const first = begin();
	const client = first.connect("a", { protocolVersion: 5 });
	client.publish("t/1", "old", 1, { retain: true });
	client.publish("t/1", "new", 2, { retain: true, messageId: 2, properties: { contentType: "text" } });
	client.publish("t/2", "gone", 0, { retain: true });
	client.publish("t/2", "", 0, { retain: true });
	client.publish("t/3", "x".repeat(1000), 0, { retain: true });
	const second = restart(first);
	const reader = second.connect("b", { protocolVersion: 5 });
	reader.subscribe("t/#", 2);
	const got = reader.packets.filter((p) => p.cmd === "publish");
	assert.equal(got.map((p) => `${p.topic} ${p.qos} ${p.payload.length}`).sort(), ["t/1 2 3", "t/3 0 1000"]);
	assert.is(got.find((p) => p.topic === "t/1")!.properties!.contentType, "text");
	assert.is(second.broker.store.count, 2);
});

test("a session outlives a restart with its subscriptions, queue and Packet Identifiers [MQTT-4.4.0-1]", () => {
	const first = begin();
	const receiver = first.connect("r", persistent);
	receiver.subscribe("one/+", 1, 1);
	receiver.subscribe("two", 2, 2);
	const sender = first.connect("s");
	sender.publish("one/a", "1", 1, { messageId: 1 });
	sender.publish("two", "2", 2, { messageId: 2 });
	const sent = receiver.packets.map((p) => p.messageId);
	assert.equal(receiver.messages(), ["one/a 1 1", "two 2 2"]);
	receiver.cut();
	sender.publish("one/b", "3", 1, { messageId: 3 });
	const second = restart(first);
	const again = second.open();
	assert.is(again.connect("r", persistent).sessionPresent, true);
	assert.equal(
		again.packets.map((p) => p.messageId),
		[...sent, 3],
	);
	assert.equal(again.messages(), ["one/a 1 1 dup", "two 2 2 dup", "one/b 3 1"]);
	second.connect("t").publish("one/c", "4", 0);
	assert.equal(again.messages(), ["one/c 4 0"]);
});

test("a QoS 2 message that was taken is known after a restart: it is not delivered twice [MQTT-4.3.3-2]", () => {
	const first = begin();
	first.connect("r", persistent).subscribe("t", 2);
	const sender = first.connect("s", persistent);
	sender.publish("t", "once", 2, { messageId: 9 });
	assert.is(sender.take("pubrec").messageId, 9);
	const second = restart(first);
	const again = second.connect("s", persistent);
	again.publish("t", "once", 2, { messageId: 9, dup: true });
	assert.is(again.take("pubrec").messageId, 9);
	again.send({ cmd: "pubrel", messageId: 9 });
	assert.is(again.take("pubcomp").messageId, 9);
	const third = restart(second);
	const receiver = third.open();
	receiver.connect("r", persistent);
	assert.equal(receiver.messages(), ["t once 2 dup"]);
	const last = third.connect("s", persistent);
	last.publish("t", "another", 2, { messageId: 9 });
	assert.is(last.take("pubrec").messageId, 9);
	assert.equal(receiver.messages(), ["t another 2"]);
});

test("after PUBREC, PUBREL is what is sent again after a restart [MQTT-4.3.3-1]", () => {
	const first = begin();
	const receiver = first.connect("r", persistent);
	receiver.subscribe("t", 2);
	first.connect("s").publish("t", "x", 2);
	const id = receiver.take("publish").messageId!;
	receiver.send({ cmd: "pubrec", messageId: id });
	assert.is(receiver.take("pubrel").messageId, id);
	const second = restart(first);
	assert.is(second.broker.store.count, 0, "the message itself is given up");
	const again = second.open();
	again.connect("r", persistent);
	assert.is(again.take("pubrel").messageId, id);
	again.send({ cmd: "pubcomp", messageId: id });
	const third = restart(second);
	assert.is(third.broker.deliveries.freeCount, third.broker.limits.deliveries);
});

test("clean sessions, and what they had, leave nothing behind", () => {
	const first = begin();
	const client = first.connect("c");
	client.subscribe("#", 2);
	first.connect("s").publish("t", "x", 2);
	assert.is(first.medium!.table.size, 0);
	const kept = first.connect("k", persistent);
	kept.subscribe("#", 1);
	first.connect("k2", persistent).publish("t", "x", 1);
	kept.cut();
	first.connect("k", { clean: true }).cut();
	first.connect("k2", { clean: true }).cut();
	const second = restart(first);
	assert.is(second.broker.clientSessions, 0);
	assert.is(second.broker.table.count, 0);
	second.advance(1_000);
	assert.equal([...second.medium!.table.keys()], [0, 1], "format and clock");
});

test("a message for many queues is one record, and goes with the last of them", () => {
	const first = begin();
	for (let i = 0; i < 10; i++) first.connect(`r${i}`, persistent).subscribe("t", 1);
	for (let i = 0; i < 10; i++) first.broker.disconnect(`r${i}`);
	first.settle();
	first.connect("s").publish("t", "x".repeat(200), 1);
	const messages = () => [...first.medium!.table.keys()].filter((key) => key >>> 28 === 4).length;
	assert.is(messages(), 1);
	for (let i = 0; i < 10; i++) {
		const client = first.open();
		client.connect(`r${i}`, persistent);
		assert.is(messages(), 1);
		client.send({ cmd: "puback", messageId: client.take("publish").messageId! });
		client.cut();
	}
	assert.is(messages(), 0);
});

test("Session Expiry goes on while the power is off, where there is a wall clock [5:MQTT-4.1.0-2]", () => {
	const v5 = { protocolVersion: 5 as const, properties: { sessionExpiryInterval: 600 } };
	for (const wall of [1_800_000_000_000, undefined]) {
		const first = begin(wall === undefined ? {} : { wall });
		first.connect("a", v5).cut();
		first.advance(100_000);
		const second = restart(first, {}, 400_000);
		second.advance(1_000);
		assert.is(second.broker.clientSessions, 1);
		second.advance(95_000);
		assert.is(second.broker.clientSessions, 1);
		second.advance(10_000);
		assert.is(second.broker.clientSessions, wall === undefined ? 1 : 0);
		second.advance(500_000); // without one, what had run since the last batch before does not count, either
		assert.is(second.broker.clientSessions, 0);
	}
});

test("a Will Message with a delay is published after the restart, once [5:MQTT-3.1.3-9]", () => {
	const first = begin({ wall: 1_800_000_000_000 });
	first.connect("watch", persistent).subscribe("will", 1);
	const will = { topic: "will", payload: Buffer.from("gone"), qos: 1 as const, properties: { willDelayInterval: 60 } };
	first.connect("w", { protocolVersion: 5, properties: { sessionExpiryInterval: 3_600 }, will } as never).cut();
	first.advance(20_000);
	const second = restart(first, {}, 20_000);
	const watch = second.open();
	watch.connect("watch", persistent);
	second.advance(15_000);
	assert.equal(watch.messages(), []);
	second.advance(10_000);
	assert.equal(watch.messages(), ["will gone 1"]);
	const third = restart(second);
	third.advance(3_600_000);
	assert.is(third.broker.counters.willsPublished, 0);
});

test("the Will Message of a client that was connected at a power cut is published after it", () => {
	const first = begin();
	first.connect("watch", persistent).subscribe("will", 1);
	first.connect("w", { ...persistent, will: { topic: "will", payload: Buffer.from("gone"), qos: 1, retain: false } });
	const second = restart(first);
	const watch = second.open();
	watch.connect("watch", persistent);
	second.advance(1_000);
	assert.equal(watch.messages(), ["will gone 1"]);
});

test("a clean stop sends no Will Messages, before or after", () => {
	const first = begin();
	first.connect("watch", persistent).subscribe("will", 1);
	first.connect("w", { ...persistent, will: { topic: "will", payload: Buffer.from("gone"), qos: 1, retain: false } });
	first.broker.stop();
	assert.ok(first.medium!.closed);
	const second = restart(first);
	const watch = second.open();
	watch.connect("watch", persistent);
	second.advance(1_000);
	assert.equal(watch.messages(), []);
});

test("Message Expiry goes on over a restart [5:MQTT-3.3.2-5] [5:MQTT-3.3.2-6]", () => {
	const first = begin({ wall: 1_800_000_000_000 });
	first.connect("r", persistent).cut();
	const r = first.open();
	r.connect("r", persistent);
	r.subscribe("t", 1);
	r.cut();
	const sender = first.connect("s", { protocolVersion: 5 });
	const lives = (seconds: number) => ({ retain: true, properties: { messageExpiryInterval: seconds } });
	sender.publish("t", "short", 1, lives(30));
	sender.publish("t", "long", 1, { messageId: 2, ...lives(300) });
	sender.publish("u", "short", 0, lives(30));
	const second = restart(first, {}, 60_000);
	assert.is(second.broker.retained.count, 1);
	const again = second.open(5);
	again.connect("r", { clean: false, properties: { sessionExpiryInterval: 100 } });
	const got = again.packets.filter((p) => p.cmd === "publish");
	assert.equal(
		got.map((p) => `${p.payload} ${p.properties!.messageExpiryInterval}`),
		["long 240"],
	);
});

test("Shared Subscriptions and Subscription Identifiers outlive a restart", () => {
	const first = begin();
	const v5 = { protocolVersion: 5 as const, clean: false, properties: { sessionExpiryInterval: 600 } };
	const client = first.connect("a", v5);
	client.send({
		cmd: "subscribe",
		messageId: 1,
		subscriptions: [{ topic: "t", qos: 1, rap: true, nl: true }],
		properties: { subscriptionIdentifier: 7 },
	});
	client.subscribe("$share/g/s", 1, 2);
	client.cut();
	const sender = first.connect("s");
	sender.publish("t", "1", 1, { messageId: 1 });
	sender.publish("s", "2", 1, { messageId: 2 });
	const second = restart(first);
	const other = second.connect("b", v5);
	other.subscribe("$share/g/s", 1);
	const again = second.open(5);
	again.connect("a", v5);
	const got = again.packets.filter((p) => p.cmd === "publish");
	assert.equal(
		got.map((p) => `${p.topic} ${p.payload} ${p.properties?.subscriptionIdentifier ?? ""}`),
		["t 1 7", "s 2 "],
	);
	again.packets = [];
	again.cut();
	assert.equal(other.messages(), ["s 2 1"], "what a lost member has not acknowledged goes on to another");
});

test("DISCONNECT with an expiry of 0, and the end of a session, give its records up", () => {
	const first = begin();
	const v5 = { protocolVersion: 5 as const, clean: false, properties: { sessionExpiryInterval: 600 } };
	const client = first.connect("a", v5);
	client.subscribe("t", 1);
	first.connect("s").publish("t", "1", 1);
	client.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 0 } } as never);
	first.advance(1_000);
	assert.equal([...first.medium!.table.keys()].sort(), [0, 1]);
});

test("a session that comes in again as one that will not outlive its connection is stored no more", () => {
	const first = begin();
	const v5 = { protocolVersion: 5 as const, clean: false, properties: { sessionExpiryInterval: 600 } };
	const client = first.connect("a", v5);
	client.subscribe("t", 2);
	client.publish("x", "1", 2, { messageId: 3 });
	client.cut();
	first.connect("s").publish("t", "1", 2);
	const again = first.open(5);
	again.connect("a", { clean: false });
	assert.is(again.sessionPresent, true);
	assert.is(again.packets.filter((p) => p.cmd === "publish").length, 1);
	assert.equal([...first.medium!.table.keys()].sort(), [0, 1]);
	assert.is(restart(first).broker.clientSessions, 0);
});

test("rights that were lost while the hub was off cost the subscription when the client comes in", () => {
	const first = begin();
	first.connect("a", persistent).subscribe(["mine", "theirs"], 1);
	const second = restart(first, { access: { authorizeSubscribe: (_client, filter) => filter === "mine" } });
	const again = second.open();
	again.connect("a", persistent);
	assert.is(again.sessionPresent, true);
	const sender = second.connect("s");
	sender.publish("mine", "1", 0);
	sender.publish("theirs", "2", 0);
	assert.equal(again.messages(), ["mine 1 0"]);
	assert.is(restart(second).broker.table.count, 1);
});

test("local subscriptions are the program's own, and don't come back by themselves", () => {
	const first = begin();
	first.broker.subscribe("t", () => {});
	first.connect("s").publish("t", "1", 1);
	first.connect("k", persistent);
	const second = restart(first);
	assert.is(second.broker.clientSessions, 1);
	assert.is(second.broker.sessions.count, 1);
});

test.run();
