/** The short ways of packets: that they are taken, and that what is between them is not mistaken. */
import { generate, type Packet } from "mqtt-packet";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("short ways");

/** @returns packets as they follow each other in one read */
function bytesOf(...packets: Packet[]): Uint8Array {
	return Buffer.concat(packets.map((packet) => generate(packet)));
}

function publish(topic: string, payload: string, qos: 0 | 1 | 2 = 0, messageId = 1): Packet {
	const id = qos > 0 ? { messageId } : {};
	return { cmd: "publish", topic, payload, qos, dup: false, retain: false, ...id } as Packet;
}

/** A publisher whose topics are in the route cache, and receivers of them. */
function known(
	fixture: Fixture,
	topics: readonly string[],
	receivers: number,
	clean = true,
): [TestClient, ...TestClient[]] {
	const publisher = fixture.connect("publisher");
	const others: TestClient[] = [];
	for (let i = 0; i < receivers; i++) {
		const client = fixture.connect(`receiver-${i}`, { clean });
		client.subscribe([...topics], 1);
		others.push(client);
	}
	for (const topic of topics) publisher.publish(topic, "first");
	for (const client of others) client.packets = [];
	return [publisher, ...others];
}

for (const copiesWrites of [true, false]) {
	const how = copiesWrites ? "at once" : "at the turn's end";
	test(`runs of several topics in one read come in order, ${how}`, () => {
		const fixture = new Fixture({ copiesWrites });
		const [publisher, a, b] = known(fixture, ["t/1", "t/2"], 2);
		const packets = ["t/1", "t/1", "t/2", "t/1", "t/2", "t/2"].map((topic, i) => publish(topic, `${i}`));
		publisher.raw(bytesOf(...packets));
		const expected = ["t/1 0 0", "t/1 1 0", "t/2 2 0", "t/1 3 0", "t/2 4 0", "t/2 5 0"];
		assert.equal(a!.messages(), expected);
		assert.equal(b!.messages(), expected);
		assert.is(fixture.broker.counters.publishesReceived, 8);
		assert.is(fixture.broker.counters.publishesSent, 16);
	});

	test(`more bytes than a buffer has, in packets of any length, come whole and in order, ${how}`, () => {
		const fixture = new Fixture({ copiesWrites, limits: { outputBytes: 2_000 } });
		const [publisher, a, b] = known(fixture, ["t/1"], 2);
		const lengths = [3, 121, 122, 123, 124, 125, 126, 127, 128, 500, 1_900, 1_990, 2_000, 3_000, 9];
		const packets = [...lengths, ...lengths].map((length) => publish("t/1", "x".repeat(length)));
		publisher.raw(bytesOf(...packets));
		for (const client of [a!, b!])
			assert.equal(
				client.packets.splice(0).map((packet) => packet.cmd === "publish" && packet.payload.length),
				[...lengths, ...lengths],
			);
		publisher.raw([0x30, 0x85, 0, 0, 3, ...Buffer.from("t/1")]); // a length that is longer than it need be
		assert.equal(a!.messages(), ["t/1  0"]);
	});

	test(`bytes that were sent are counted once, ${how}`, () => {
		const fixture = new Fixture({ copiesWrites });
		const [publisher, a] = known(fixture, ["t/1"], 1);
		a!.bytes = [];
		const before = fixture.broker.outputs.bytesSent;
		publisher.publish("t/1", "x").publish("t/1", "y", 1).send({ cmd: "pingreq" });
		const answers = 4 + 2;
		assert.is(fixture.broker.outputs.bytesSent - before, a!.bytes.length + answers);
		publisher.take("puback");
		publisher.take("pingresp");
	});

	test(`a receiver that is not ready, and those behind it, get what they must, ${how}`, () => {
		const fixture = new Fixture({ copiesWrites });
		const [publisher, a, b, c] = known(fixture, ["t/1"], 3);
		b!.stall(5);
		publisher.raw(bytesOf(publish("t/1", "1"), publish("t/1", "2")));
		assert.equal(a!.messages(), ["t/1 1 0", "t/1 2 0"]);
		assert.equal(b!.messages(), []);
		assert.equal(c!.messages(), ["t/1 1 0", "t/1 2 0"]);
		b!.drain();
		assert.equal(b!.messages(), ["t/1 1 0", "t/1 2 0"]);
	});

	test(`a packet that comes in pieces is one packet, also among others' pieces, ${how}`, () => {
		const fixture = new Fixture({ copiesWrites, limits: { packetBytes: 1_000, partialBytes: 64 } });
		const [publisher, a] = known(fixture, ["t/1"], 1);
		const other = fixture.connect("other");
		// the payloads look like packets
		const large = [0, 1].map((n) => bytesOf(publish("t/1", "\u0030\u0003".repeat(150) + n)));
		for (let at = 0; at < large[0]!.length; at += 50) {
			publisher.raw(large[0]!.slice(at, at + 50));
			other.raw(large[1]!.slice(at, at + 50));
		}
		const lengths = a!.messages().map((message) => message.length);
		assert.equal(lengths, [4 + 301 + 2, 4 + 301 + 2]);
		for (const byte of bytesOf(publish("t/1", "x"), publish("t/1", "y"), { cmd: "pingreq" })) publisher.raw([byte]);
		assert.equal(a!.messages(), ["t/1 x 0", "t/1 y 0"]);
		publisher.take("pingresp");
	});
}

test("QoS 1 is stored until its PUBACK, the short way too [MQTT-4.3.2-2]", () => {
	const fixture = new Fixture();
	const [publisher, a] = known(fixture, ["t/1"], 1, false);
	const { pool, deliveries } = fixture.broker;
	const free = [pool.freeCount, deliveries.freeCount];
	publisher.send(publish("t/1", "one", 1, 7)).send(publish("t/1", "two", 1, 8));
	assert.is(publisher.take("puback").messageId, 7);
	assert.is(publisher.take("puback").messageId, 8);
	assert.is(pool.freeCount, free[0]! - 2);
	const [one, two] = [a!.take("publish"), a!.take("publish")];
	assert.equal([`${one.payload}`, `${two.payload}`], ["one", "two"]);
	a!.send({ cmd: "puback", messageId: two.messageId! }).send({ cmd: "puback", messageId: one.messageId! });
	a!.send({ cmd: "puback", messageId: 99 });
	assert.equal([pool.freeCount, deliveries.freeCount], free);
});

/** A PUBLISH of 5.0 by an alias alone. */
function aliased(topicAlias: number, payload: string, contentType?: string): Packet {
	const properties = {
		topicAlias,
		payloadFormatIndicator: true,
		...(contentType === undefined ? {} : { contentType }),
	};
	return { cmd: "publish", topic: "", payload, qos: 0, dup: false, retain: false, properties } as Packet;
}

for (const shortWays of [true, false])
	test(`a Topic Alias is another's number for each receiver, ${shortWays ? "the short way" : "the long way"}`, () => {
		const fixture = new Fixture({ shortWays });
		const v5 = (id: string, topicAliasMaximum: number): TestClient =>
			fixture.connect(id, { protocolVersion: 5, properties: topicAliasMaximum > 0 ? { topicAliasMaximum } : {} });
		const publisher = v5("publisher", 0);
		const clients = [v5("a", 4), v5("b", 4), v5("plain", 0), fixture.connect("old")];
		const [a, b] = clients as [TestClient, TestClient];
		b.subscribe("other/topic");
		publisher.publish("other/topic", "first for b");
		b.packets = [];
		for (const client of clients) client.subscribe("some/topic");
		const named = { topic: "some/topic", payload: "0", qos: 0, dup: false, retain: false };
		publisher.send({ cmd: "publish", ...named, properties: { topicAlias: 3 } } as Packet);
		for (const payload of ["1", "2", "3"]) publisher.send(aliased(3, payload, "text/plain"));
		for (const client of clients) {
			const got = client.packets
				.splice(0)
				.filter((packet) => packet.cmd === "publish" && packet.topic !== "other/topic");
			assert.equal(
				got.map((packet) => packet.cmd === "publish" && `${packet.payload}`),
				["0", "1", "2", "3"],
			);
			const last = got[3] as Packet & { cmd: "publish" };
			const number = client === a ? 1 : client === b ? 2 : undefined;
			assert.is(last.properties?.topicAlias, number);
			assert.is(last.topic, number === undefined ? "some/topic" : "");
			assert.is(last.properties?.contentType, client === clients[3] ? undefined : "text/plain");
		}
		b.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: ["some/topic"] }).take("unsuback");
		publisher.send({ cmd: "publish", ...named, topic: "new/topic", properties: { topicAlias: 3 } } as Packet);
		publisher.send(aliased(3, "nobody's"));
		assert.equal([a.packets.length, b.packets.length], [0, 0], "the alias stands for another topic now");
		publisher.raw([0x30, 10, 0, 0, 7, 0x23, 0, 3, 0x03, 0, 1, 0xff]);
		assert.is(publisher.take("disconnect").reasonCode, 0x81, "a Content Type that is ill-formed");
	});

test("who only publishes QoS 0 stays, and who falls silent goes [MQTT-3.1.2-24]", () => {
	const fixture = new Fixture();
	const [, a] = known(fixture, ["t/1"], 1);
	const publisher = fixture.connect("p2", { keepalive: 10 });
	for (let i = 0; i < 10; i++) {
		fixture.advance(9_000);
		publisher.publish("t/1", `${i}`);
	}
	assert.is(a!.messages().length, 10);
	fixture.advance(14_900);
	assert.not.ok(publisher.closed);
	fixture.advance(1_000);
	assert.ok(publisher.closed);
});

test("an ill-formed topic ends its sender's connection only", () => {
	const fixture = new Fixture();
	const [publisher, a] = known(fixture, ["t/1"], 1);
	publisher.raw([...bytesOf(publish("t/1", "x")), 0x30, 4, 0, 2, 0x80, 0x80]);
	assert.ok(publisher.closed);
	assert.equal(a!.messages(), ["t/1 x 0"]);
	assert.is(fixture.broker.counters.internalErrors, 0);
});

test.run();
