import { Cause } from "../../src/errors.js";
import { Fixture, type Packet } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("slow and dead receivers, large packets");

const HUNDRED = "x".repeat(100);

test("one that does not read delays nobody; QoS 0 beyond its queue is dropped, newest first, and counted", () => {
	const fixture = new Fixture({ limits: { queueMessages: 5 } });
	const slow = fixture.connect("slow");
	const fast = fixture.connect("fast");
	slow.subscribe("a");
	fast.subscribe("a");
	const publisher = fixture.connect("p");
	slow.stall(0);
	for (let i = 0; i < 20; i++) publisher.publish("a", `${i}`);
	assert.is(fast.messages().length, 20);
	assert.equal(slow.messages(), []);
	slow.drain();
	assert.equal(slow.messages(), ["a 0 0", "a 1 0", "a 2 0", "a 3 0", "a 4 0"]);
	assert.is(fixture.broker.sessions.find("slow")?.drops, 15);
	assert.is(fixture.broker.counters.dropsQueue, 15);
	publisher.publish("a", "again");
	assert.equal(slow.messages(), ["a again 0"]);
});

test("the queue is bounded in bytes", () => {
	const fixture = new Fixture({ limits: { queueBytes: 4096 } });
	const slow = fixture.connect("slow");
	slow.subscribe("a");
	slow.stall(0);
	const publisher = fixture.connect("p");
	for (let i = 0; i < 100; i++) publisher.publish("a", HUNDRED);
	assert.ok(fixture.broker.sessions.find("slow")!.outbox.bytes <= 4096);
	slow.drain();
	assert.is(slow.messages().length, Math.floor(4096 / 101));
});

test("one that cannot keep up at QoS 1 is disconnected, and its session has what was queued", () => {
	const fixture = new Fixture({ limits: { queueMessages: 5 } });
	const slow = fixture.connect("slow", { clean: false });
	slow.subscribe("a", 1);
	slow.stall(0);
	const publisher = fixture.connect("p");
	for (let i = 0; i < 8; i++) publisher.publish("a", `${i}`, 1, { messageId: i + 1 });
	assert.is(publisher.messages().length, 8, "every PUBLISH is acknowledged");
	assert.ok(slow.closed);
	assert.is(fixture.broker.counters.closedFor(Cause.SlowReceiver), 1);
	const back = fixture.connect("slow", { clean: false });
	assert.ok(back.sessionPresent);
	assert.equal(back.messages(), ["a 0 1", "a 1 1", "a 2 1", "a 3 1", "a 4 1"]);
});

test("by configuration the publisher is refused: 5.0 hears 0x97, 3.1.1 is closed without PUBACK [MQTT-4.8.0-2]", () => {
	const fixture = new Fixture({ limits: { queueMessages: 2, whenQueueFull: "refuse" } });
	const slow = fixture.connect("slow");
	slow.subscribe("a", 1);
	slow.stall(0);
	const publisher = fixture.connect("p", { protocolVersion: 5 });
	for (let i = 0; i < 3; i++) publisher.publish("a", `${i}`, 1, { messageId: i + 1 });
	const codes = publisher.packets.map((p) => (p.cmd === "puback" ? (p.reasonCode ?? 0) : -1));
	assert.equal(codes, [0, 0, 0x97]);
	assert.not(slow.closed);
	const old = fixture.connect("old");
	old.publish("a", "x", 1);
	assert.equal(old.messages(), []);
	assert.ok(old.closed);
});

test("answers to one that does not read wait, reading stops, and goes on when it reads", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c");
	client.stall(0);
	for (let i = 0; i < 200; i++) client.send({ cmd: "pingreq" });
	assert.equal(client.messages(), []);
	assert.is(client.connection?.onReadable(new Uint8Array(0), 0, 0), 0, "nothing more is wanted");
	const { resumed } = client;
	client.drain();
	assert.is(client.messages().length, 200);
	assert.is(client.resumed, resumed + 1);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.pool.blockCount);
});

test("one that takes nothing for too long is ended", () => {
	const fixture = new Fixture({ limits: { stallTimeoutMs: 5_000 } });
	const slow = fixture.connect("slow");
	slow.subscribe("a");
	slow.stall(0);
	fixture.connect("p").publish("a", "x");
	fixture.advance(4_000);
	assert.not(slow.closed);
	fixture.advance(2_000);
	assert.ok(slow.closed);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.pool.blockCount);
});

test("while a QoS 0 PUBLISH leaves in parts, acknowledgements of others pass, whatever its entry held before", () => {
	const fixture = new Fixture({ limits: { outputBytes: 128 } });
	const publisher = fixture.connect("p");
	const before = fixture.connect("before");
	before.subscribe("a", 1);
	for (const messageId of [1, 2]) publisher.publish("a", "x", 1, { messageId });
	for (const messageId of [1, 2]) before.send({ cmd: "puback", messageId });
	before.send({ cmd: "disconnect" });
	const receiver = fixture.connect("r");
	receiver.subscribe("a", 1);
	publisher.publish("a", "x", 1);
	receiver.stall(40);
	const payload = "y".repeat(1_000);
	publisher.publish("a", payload);
	receiver.send({ cmd: "puback", messageId: 1 });
	assert.not(receiver.closed);
	receiver.drain();
	assert.equal(receiver.messages(), ["a x 1", `a ${payload} 0`]);
});

test("a PUBLISH larger than the output buffer leaves in parts as the receiver takes them, answers after it", () => {
	for (const step of [33, 64, 100, 1000]) {
		const fixture = new Fixture({ limits: { outputBytes: 128 } });
		const receiver = fixture.connect("r");
		receiver.subscribe("a", 1);
		receiver.stall(0);
		const payload = Array.from({ length: 300 }, (_, i) => `${i},`).join("");
		fixture.connect("p").publish("a", payload, 1);
		receiver.drain(40);
		receiver.send({ cmd: "pingreq" });
		for (let i = 0; i < 200; i++) receiver.drain(step);
		assert.equal(receiver.messages(), [`a ${payload} 1`, "pingresp"], `${step} bytes at a time`);
		receiver.send({ cmd: "puback", messageId: 1 });
		assert.is(fixture.broker.store.count, 0);
		assert.is(fixture.broker.pool.freeCount, fixture.broker.pool.blockCount);
	}
});

test("a packet larger than the connection's buffer comes in through the store, cut anywhere", () => {
	const payload = "0123456789".repeat(200);
	for (const cut of [1, 2, 3, 7, 100, 191, 192, 193, 500, 2000]) {
		const fixture = new Fixture();
		const receiver = fixture.connect("r");
		receiver.subscribe("topic", 2);
		const publisher = fixture.connect("p");
		const bytes = [0x32, 0xd9, 0x0f, 0, 5, ...Buffer.from("topic"), 0, 1, ...Buffer.from(payload)];
		bytes[1] = (2009 & 127) | 128;
		bytes[2] = 2009 >> 7;
		for (let at = 0; at < bytes.length; at += cut) publisher.raw(bytes.slice(at, at + cut));
		assert.equal(receiver.messages(), [`topic ${payload} 1`], `cut at ${cut}`);
		assert.equal(publisher.messages(), ["puback"]);
	}
});

test("an unfinished large packet gives its blocks back when its connection ends", () => {
	const fixture = new Fixture();
	const { pool } = fixture.broker;
	const client = fixture.connect("c");
	client.raw([0x30, 0x80, 0x10, ...new Array(1000).fill(0)]);
	assert.ok(pool.freeCount < pool.blockCount);
	client.cut();
	assert.is(pool.freeCount, pool.blockCount);
});

test("a fan-out has the same bytes for each receiver but for the Packet Identifier", () => {
	const fixture = new Fixture();
	const receivers = [1, 2, 3, 4].map((n) => fixture.connect(`r${n}`, { protocolVersion: n === 3 ? 5 : 4 }));
	for (const [i, receiver] of receivers.entries()) {
		receiver.subscribe("a/b", i === 1 ? 1 : 2);
		receiver.bytes = [];
	}
	const publisher = fixture.connect("p");
	for (const qos of [0, 1, 2] as const) publisher.publish("a/b", HUNDRED, qos, { messageId: qos });
	for (const [i, receiver] of receivers.entries()) {
		const second = i === 1 ? 1 : 2;
		assert.equal(
			receiver.messages(),
			[0, 1, second].map((qos) => `a/b ${HUNDRED} ${qos}`),
		);
	}
	assert.equal(receivers[0]!.bytes, receivers[3]!.bytes);
});

test("receivers that need different bytes of one message each get theirs, in whatever order they come", () => {
	for (const qos of [0, 1, 2] as const)
		for (const retain of [false, true]) {
			const fixture = new Fixture();
			const receivers = Array.from({ length: 9 }, (_, n) => {
				const client = fixture.connect(`r${n}`, { protocolVersion: n % 3 === 0 ? 4 : 5 });
				const properties = n % 3 === 1 ? { properties: { subscriptionIdentifier: 200 + n } } : {};
				const options = n % 2 === 0 ? { rap: true } : {};
				client.send({
					cmd: "subscribe",
					messageId: 1,
					subscriptions: [{ topic: "a/b", qos: n % 4 === 3 ? 0 : qos, ...options }],
					...properties,
				} as Packet);
				client.take("suback");
				return client;
			});
			const publisher = fixture.connect("p", { protocolVersion: 5 });
			const properties = { userProperties: { room: "x".repeat(60) }, messageExpiryInterval: 9 };
			for (const more of [{}, { properties }])
				publisher.publish("a/b", HUNDRED, qos, { messageId: 1 + Object.keys(more).length, retain, ...more });
			for (const [n, receiver] of receivers.entries()) {
				assert.is(receiver.packets.length, 2, `${n} at QoS ${qos}`);
				for (const [i, packet] of receiver.packets.entries()) {
					if (packet.cmd !== "publish") throw new Error(packet.cmd);
					assert.is(`${packet.topic} ${packet.payload}`, `a/b ${HUNDRED}`);
					assert.is(packet.qos, n % 4 === 3 ? 0 : qos);
					assert.is(packet.retain, retain && n % 2 === 0 && n % 3 !== 0);
					const identifier = packet.properties?.subscriptionIdentifier;
					assert.equal(identifier, n % 3 === 1 ? 200 + n : undefined);
					const room = packet.properties?.userProperties?.["room"];
					assert.is(room, i === 1 && n % 3 !== 0 ? "x".repeat(60) : undefined);
				}
			}
		}
});

test.run();
