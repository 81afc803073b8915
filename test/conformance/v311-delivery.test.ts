import { Fixture, hex } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("MQTT 3.1.1: delivery");

test("each QoS has its own acknowledgement, of the same identifier [MQTT-3.3.4-1] [MQTT-2.3.1-6]", () => {
	const client = new Fixture().connect("c");
	client.bytes = [];
	client.raw(hex("30 03 00 01 61"));
	assert.equal(client.bytes, []);
	client.raw(hex("32 05 00 01 61 12 34"));
	assert.equal(client.bytes, [...hex("40 02 12 34")]);
	client.bytes = [];
	client.raw(hex("34 05 00 01 61 ff ff"));
	assert.equal(client.bytes, [...hex("50 02 ff ff")]);
	client.bytes = [];
	client.raw(hex("62 02 ff ff"));
	assert.equal(client.bytes, [...hex("70 02 ff ff")]);
});

test("a QoS 2 message is handed on once, however often it comes before PUBREL [MQTT-4.3.3-2]", () => {
	const fixture = new Fixture();
	const receiver = fixture.connect("r");
	receiver.subscribe("a");
	const sender = fixture.connect("s", { clean: false });
	sender.publish("a", "1", 2, { messageId: 9 }).publish("a", "1", 2, { messageId: 9, dup: true });
	sender.cut();
	const back = fixture.connect("s", { clean: false });
	back.publish("a", "1", 2, { messageId: 9, dup: true });
	assert.equal(back.messages(), ["pubrec"]);
	assert.equal(receiver.messages(), ["a 1 0"]);
	back.send({ cmd: "pubrel", messageId: 9 }).send({ cmd: "pubrel", messageId: 9 });
	assert.equal(back.messages(), ["pubcomp", "pubcomp"], "PUBREL is answered always");
	back.publish("a", "2", 2, { messageId: 9 });
	assert.equal(receiver.messages(), ["a 2 0"], "after PUBREL the identifier is a new message's");
});

test("what was not acknowledged comes again: DUP, same identifiers, same order [MQTT-3.3.1-3]", () => {
	const fixture = new Fixture();
	const receiver = fixture.connect("r", { clean: false });
	receiver.subscribe("a", 2);
	const sender = fixture.connect("s");
	// a DUP that comes in never goes out
	for (let i = 1; i <= 4; i++) sender.publish("a", `${i}`, i % 2 === 0 ? 2 : 1, { messageId: i, dup: true });
	const sent = receiver.packets.map((p) => (p.cmd === "publish" ? `${p.messageId} ${p.payload} ${p.dup}` : p.cmd));
	assert.equal(sent, ["1 1 false", "2 2 false", "3 3 false", "4 4 false"]);
	receiver.send({ cmd: "pubrec", messageId: 2 });
	receiver.cut();
	const back = fixture.connect("r", { clean: false });
	const again = back.packets.map((p) => (p.cmd === "publish" ? `${p.messageId} ${p.payload} ${p.dup}` : p.cmd));
	assert.equal(again, ["1 1 true", "pubrel", "3 3 true", "4 4 true"]);
	back.send({ cmd: "pubcomp", messageId: 2 }).send({ cmd: "puback", messageId: 1 });
	back.cut();
	const third = fixture.connect("r", { clean: false });
	assert.equal(
		third.packets.map((p) => p.messageId),
		[3, 4],
	);
});

test("a QoS 1 message has a fresh identifier until its PUBACK [MQTT-4.3.2-1] [MQTT-2.3.1-4]", () => {
	const fixture = new Fixture();
	const receiver = fixture.connect("r");
	receiver.subscribe("a", 1);
	const sender = fixture.connect("s");
	const ids = new Set<number>();
	for (let i = 0; i < 16; i++) sender.publish("a", "x", 1, { messageId: 1 });
	for (const packet of receiver.packets) ids.add(packet.messageId!);
	assert.is(ids.size, 16, "the sender's identifier is not the receiver's");
	sender.publish("a", "waits", 1, { messageId: 1 });
	assert.is(receiver.packets.length, 16, "the window is closed");
	receiver.send({ cmd: "puback", messageId: receiver.packets[0]!.messageId! });
	assert.is(receiver.packets.length, 17);
});

test("messages of QoS 1 and 2 wait for sessions that are away, QoS 0 does not [MQTT-4.5.0-1] [MQTT-3.1.2-5]", () => {
	const fixture = new Fixture();
	const away = fixture.connect("away", { clean: false });
	away.subscribe("a/+", 2);
	away.subscribe("a/b", 1);
	away.cut();
	const sender = fixture.connect("s");
	for (const qos of [0, 1, 2] as const) sender.publish("a/b", `${qos}`, qos, { messageId: 5 + qos });
	const back = fixture.connect("away", { clean: false });
	assert.ok(back.sessionPresent);
	assert.equal(back.messages(), ["a/b 1 1", "a/b 2 2"]);
});

test("after its PUBACK the same identifier is another message, DUP or not [MQTT-4.3.2-2]", () => {
	const fixture = new Fixture();
	const receiver = fixture.connect("r");
	receiver.subscribe("a", 0);
	const sender = fixture.connect("s");
	for (const dup of [false, true, false]) sender.publish("a", `${dup}`, 1, { messageId: 7, dup });
	assert.equal(sender.messages(), ["puback", "puback", "puback"]);
	assert.equal(receiver.messages(), ["a false 0", "a true 0", "a false 0"]);
});

test("a retained message outlives its sender's session [MQTT-3.1.2-7]", () => {
	const fixture = new Fixture();
	const sender = fixture.connect("s");
	sender.publish("a", "kept", 1, { retain: true });
	sender.send({ cmd: "disconnect" });
	fixture.connect("s", { clean: true });
	const late = fixture.connect("l");
	late.subscribe("a", 2);
	assert.equal(late.messages(), ["a kept 1 retain"]);
});

test("an empty retained message deletes and is not kept itself [MQTT-3.3.1-11] [MQTT-3.3.1-10]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c");
	client.subscribe("a");
	client.publish("a", "x", 0, { retain: true }).publish("a", "", 0, { retain: true });
	assert.equal(client.messages(), ["a x 0", "a  0"], "who is there gets it as any other");
	const late = fixture.connect("l");
	late.subscribe("a");
	assert.equal(late.messages(), []);
	assert.is(fixture.broker.retained.count, 0);
	assert.is(fixture.broker.store.count, 0);
});

test("a receiver gets what its filters match and nothing else, at the lower QoS [MQTT-3.3.2-3] [MQTT-3.8.4-6]", () => {
	const fixture = new Fixture();
	const topics = ["a", "a/b", "a/b/c", "/a", "a/", "A", "$SYS/a", "a/b/", "b"];
	const expected: Record<string, string[]> = {
		a: ["a"],
		"a/+": ["a/b", "a/"],
		"a/#": ["a", "a/b", "a/b/c", "a/", "a/b/"],
		"+": ["a", "A", "b"],
		"+/+": ["a/b", "/a", "a/"],
		"/+": ["/a"],
		"$SYS/+": ["$SYS/a"],
		"#": topics.filter((topic) => topic !== "$SYS/a"),
		"a/+/": ["a/b/"],
	};
	const sender = fixture.connect("s");
	for (const [filter, matching] of Object.entries(expected)) {
		const receiver = fixture.connect("r");
		receiver.subscribe(filter, 1);
		for (const topic of topics) sender.publish(topic, "x", 2, { messageId: 3 }).send({ cmd: "pubrel", messageId: 3 });
		assert.equal(
			receiver.messages(),
			matching.map((topic) => `${topic} x 1`),
			filter,
		);
	}
});

test("what a client may not publish is acknowledged and dropped [MQTT-3.3.5-2]", () => {
	const fixture = new Fixture({ access: { mayPublish: (id, topic) => id !== "c" || topic !== "secret" } });
	const watcher = fixture.connect("w");
	watcher.subscribe("#", 2);
	const client = fixture.connect("c");
	client.publish("secret", "x", 1).publish("secret", "x", 2, { messageId: 2 }).publish("open", "y", 1);
	assert.equal(client.messages(), ["puback", "pubrec", "puback"]);
	assert.equal(watcher.messages(), ["open y 1"]);
	const v5 = fixture.connect("c", { protocolVersion: 5 });
	v5.publish("secret", "x", 1);
	assert.is(v5.take("puback").reasonCode, 0x87);
});

test("a SUBSCRIBE has one SUBACK of its identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.3.1-7] [MQTT-3.8.4-4]", () => {
	const client = new Fixture().connect("c");
	client.bytes = [];
	client.raw(hex("82 0e ab cd 00 01 61 00 00 01 62 02 00 01 61 01"));
	assert.equal(client.bytes, [...hex("90 05 ab cd 00 02 01")]);
	client.publish("a", "x", 2);
	assert.equal(client.messages().slice(1), ["a x 1", "pubrec"], "the last one of a counts");
});

test("every UNSUBSCRIBE has one UNSUBACK of its identifier [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6]", () => {
	const client = new Fixture().connect("c");
	client.subscribe(["a", "b"], 1);
	client.bytes = [];
	client.raw(hex("a2 0b ab cd 00 01 61 00 01 62 00 01 63"));
	assert.equal(client.bytes, [...hex("b0 02 ab cd")]);
	client.raw(hex("a2 05 00 01 00 01 61"));
	assert.equal(client.bytes, [...hex("b0 02 ab cd b0 02 00 01")], "also when there is nothing to delete");
	client.packets = [];
	client.publish("a", "x").publish("b", "x");
	assert.equal(client.messages(), []);
});

test("what is in flight is finished after UNSUBSCRIBE [MQTT-3.10.4-3] [MQTT-3.10.4-2]", () => {
	const fixture = new Fixture();
	const receiver = fixture.connect("r", { clean: false });
	receiver.subscribe("a", 2);
	const sender = fixture.connect("s");
	sender.publish("a", "1", 1).publish("a", "2", 2, { messageId: 2 });
	receiver.send({ cmd: "unsubscribe", messageId: 7, unsubscriptions: ["a"] });
	sender.publish("a", "3", 1);
	assert.equal(receiver.messages(), ["a 1 1", "a 2 2", "unsuback"]);
	receiver.cut();
	const back = fixture.connect("r", { clean: false });
	assert.equal(back.messages(), ["a 1 1 dup", "a 2 2 dup"]);
	back.send({ cmd: "puback", messageId: 1 }).send({ cmd: "pubrec", messageId: 2 });
	assert.equal(back.messages(), ["pubrel"]);
});

test("a PINGREQ is answered with a PINGRESP [MQTT-3.12.4-1]", () => {
	const client = new Fixture().connect("c");
	client.bytes = [];
	client.raw(hex("c0 00"));
	assert.equal(client.bytes, [0xd0, 0]);
});

test("bytes keep their order and none is lost, whatever the pieces they come in [MQTT-7.1.1-1] [MQTT-7.0.0-2]", () => {
	const fixture = new Fixture();
	const receiver = fixture.connect("r");
	receiver.subscribe("a", 0);
	const client = fixture.connect("c");
	const stream: number[] = [];
	for (let i = 0; i < 50; i++) stream.push(0x30, 4, 0, 1, 0x61, 0x30 + (i % 10));
	for (let at = 0, piece = 1; at < stream.length; at += piece, piece = (piece % 13) + 1)
		client.raw(stream.slice(at, at + piece));
	assert.equal(
		receiver.messages(),
		Array.from({ length: 50 }, (_, i) => `a ${i % 10} 0`),
	);
});

test("a takeover ends the one before, with its will, and keeps the session [MQTT-3.1.4-2] [MQTT-3.1.2-8]", () => {
	const fixture = new Fixture();
	const watcher = fixture.connect("w");
	watcher.subscribe("will");
	const will = { topic: "will", payload: Buffer.from("x"), qos: 0, retain: false } as const;
	const first = fixture.connect("c", { clean: false, will });
	first.subscribe("a", 1);
	const second = fixture.connect("c", { clean: false });
	assert.ok(first.closed);
	assert.ok(second.sessionPresent);
	assert.equal(watcher.messages(), ["will x 0"]);
	fixture.connect("p").publish("a", "y", 1);
	assert.equal(second.messages(), ["a y 1"]);
	second.send({ cmd: "disconnect" });
	assert.equal(watcher.messages(), []);
});

test.run();
