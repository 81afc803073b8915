/** Strings, fixed headers and Packet Identifiers: sections 1.5 and 2 of 3.1.1. */
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import {
	connectBytes,
	data,
	each,
	ended,
	fresh,
	ILL_FORMED,
	lasting,
	none,
	packet,
	publishBytes,
	refused,
	subscribeBytes,
	unsubscribeBytes,
	type Version,
	variable,
} from "./wire.js";

const test = suite("data format");

/** Every string that a client sends in each packet, made of these bytes; CONNECT's are refused, others end it. */
function sendString(fixture: Fixture, version: Version, string: number[], what: string, reason?: number): void {
	const will = (topic: number[]) => [...none(version), ...data(topic), ...data("x")];
	const connects: [string, number, number[]][] = [
		["Client Identifier", 2, data(string)],
		["Will Topic", 6, [...data("c"), ...will(string)]],
		["user name", 0x82, [...data("c"), ...data(string)]],
	];
	for (const [where, flags, payload] of connects) {
		const client = fixture.open(version);
		client.raw(connectBytes(version, { flags, payload }));
		refused(client, `${what} in ${where}`, 0, reason);
	}
	const packets: [string, number[]][] = [
		["Topic Name, QoS 0", publishBytes(version, 1, string, [], "x")],
		["Topic Name, QoS 1", publishBytes(version, 3, string, [0, 1], "x")],
		["Topic Filter", subscribeBytes(version, string, 1)],
		["Topic Filter to unsubscribe", unsubscribeBytes(version, string)],
		["second Topic Filter", packet(0x82, [0, 1], none(version), data("a"), [0], data(string), [0])],
	];
	for (const [where, bytes] of packets) {
		const client = fixture.connect("c", fresh(version));
		client.raw(bytes);
		ended(client, `${what} in ${where}`, reason);
	}
	assert.is(fixture.broker.retained.count, 0);
	assert.is(fixture.broker.table.count, 1, "the witness's");
}

function withWitness(): [Fixture, TestClient] {
	const fixture = new Fixture();
	const witness = fixture.connect("witness");
	witness.subscribe("#", 1);
	return [fixture, witness];
}

each(
	test,
	{ 3: "", 4: "[MQTT-1.5.3-1]", 5: "[5:MQTT-1.5.4-1]" },
	"ill-formed UTF-8 in any string ends the connection, and nothing of it is sent on",
	(version) => {
		const [fixture, witness] = withWitness();
		// topics that replacement characters stand for
		for (const topic of ["\ufffd", "a\ufffd", "\ufffd\ufffd"]) fixture.connect("p").publish(topic, "x");
		witness.packets = [];
		for (const bytes of ILL_FORMED) {
			const what = Buffer.from(bytes).toString("hex");
			sendString(fixture, version, bytes, what, 0x81);
			sendString(fixture, version, [0x61, ...bytes], `a ${what}`, 0x81);
			sendString(fixture, version, [...bytes, 0x2f, 0x62], `${what} /b`, 0x81);
		}
		assert.equal(witness.messages(), []);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-1.5.3-1]", 5: "[5:MQTT-1.5.4-1]" },
	"well-formed UTF-8 to its edges arrives as it was sent",
	(version) => {
		const edges = ["\u0001", "\u007f\u0080", "\u07ff\u0800", "\ud7ff\ue000", "\ufffd\uffff", "\u{10000}\u{10ffff}"];
		const fixture = new Fixture();
		for (const edge of edges) {
			const client = fixture.connect(`id ${edge}`, { ...fresh(version), username: edge });
			client.subscribe(edge, 1);
			fixture.connect("p", fresh(version)).publish(edge, "x", 1);
			const publish = client.take("publish");
			assert.is(publish.topic, edge);
			client.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: [edge] });
			client.take("unsuback");
			client.cut();
			assert.is(fixture.broker.table.count, 0);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-1.5.3-2]", 5: "[5:MQTT-1.5.4-2]" },
	"U+0000 in any string ends the connection",
	(version) => {
		const [fixture, witness] = withWitness();
		fixture.connect("p").publish("a", "x");
		witness.packets = [];
		for (const bytes of [[0], [0x61, 0], [0, 0x61], [0x61, 0, 0x62], [0x61, 0x2f, 0]])
			sendString(fixture, version, bytes, `${bytes}`, 0x81);
		assert.equal(witness.messages(), []);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-1.5.3-3]", 5: "[5:MQTT-1.5.4-3]" },
	"EF BB BF is U+FEFF wherever it stands, never skipped or stripped",
	(version) => {
		const fixture = new Fixture();
		const plain = fixture.connect("c", fresh(version));
		plain.subscribe("a");
		const marked = fixture.connect("\ufeffc", fresh(version));
		assert.not(plain.closed, "another Client Identifier");
		marked.subscribe("\ufeffa");
		const both = fixture.connect("both", fresh(version));
		both.subscribe("#");
		const publisher = fixture.connect("p", fresh(version));
		for (const topic of ["\ufeffa", "a\ufeff", "\ufeff"]) {
			both.bytes = [];
			publisher.publish(topic, "\ufeffx");
			assert.equal(both.bytes, packet(0x30, data(topic), none(version), data("\ufeffx").slice(2)));
		}
		publisher.publish("a", "x");
		assert.equal(plain.messages(), ["a x 0"]);
		assert.equal(marked.messages(), ["\ufeffa \ufeffx 0"]);
	},
);

each(
	test,
	{ 4: "[MQTT-2.2.2-1] [MQTT-2.2.2-2]", 5: "[5:MQTT-2.1.3-1]" },
	"flags of the fixed header are as the table says, sent and received; others end the connection",
	(version) => {
		const required = [-1, 0, -1, -1, 0, 0, 2, 0, 2, -1, 2, -1, 0, -1, 0, version === 5 ? 0 : -1];
		for (let first = 0; first < 256; first++) {
			const wanted = required[first >> 4]!;
			if (wanted === -1 || wanted === (first & 15)) continue;
			for (const body of [[], [0, 1], [0, 1, ...none(version), 0, 1, 0x61, 0]]) {
				const fixture = new Fixture();
				const client = first >> 4 === 1 ? fixture.open(version) : fixture.connect("c", fresh(version));
				client.raw(packet(first, body));
				if (first >> 4 === 1) refused(client, `${first}`, 0);
				else ended(client, `${first}`, 0x81);
			}
		}
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(version));
		client.subscribe("a", 2);
		client.publish("a", "x", 1).publish("a", "x", 2, { messageId: 2 });
		client.send({ cmd: "pubrec", messageId: 2 }).send({ cmd: "pubrel", messageId: 2 }).send({ cmd: "pingreq" });
		client.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: ["a"] });
		let at = 0;
		const seen: number[] = [];
		while (at < client.bytes.length) {
			seen.push(client.bytes[at]!);
			at += 2 + client.bytes[at + 1]!;
		}
		const types = [0x20, 0x90, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0xb0, 0xd0];
		assert.equal([...new Set(seen)].sort(), types.sort());
	},
);

each(test, { 3: "", 4: "", 5: "" }, "Remaining Length takes one to four bytes", (version) => {
	const bytes = 2_200_000;
	const limits = { packetBytes: bytes, blockBytes: 2_048, blocks: 2_400, queueBytes: bytes };
	const fixture = new Fixture({ limits });
	const client = fixture.connect("c", fresh(version));
	client.subscribe("a");
	client.bytes = [];
	const large = version === 4 ? [2_097_151, 2_097_152] : [];
	for (const remaining of [10, 127, 128, 16_383, 16_384, ...large]) {
		const publish = publishBytes(version, 0, "a", [], new Array(remaining - 3 - none(version).length).fill(0x78));
		assert.equal(
			publish.slice(1, 5),
			[...variable(remaining), ...publish.slice(1 + variable(remaining).length)].slice(0, 4),
		);
		client.raw(publish);
		const length = client.take("publish").payload.length;
		assert.is(length, remaining - 3 - none(version).length);
		client.bytes = [];
	}
	for (const length of [
		[0x80, 0x80, 0x80, 0x80, 0x01],
		[0xff, 0xff, 0xff, 0xff],
		[0xff, 0xff, 0xff, 0xff, 0x7f],
	]) {
		const bad = fixture.connect("bad", fresh(version));
		bad.raw([0x30, ...length]);
		assert.ok(bad.closed, `${length}`);
	}
});

each(
	test,
	{ 3: "", 4: "[MQTT-2.3.1-1]", 5: "" },
	"a Packet Identifier of 0 ends the connection wherever one is needed",
	(version) => {
		const packets: [string, number[]][] = [
			["SUBSCRIBE", subscribeBytes(version, "a", 0, [0, 0])],
			["UNSUBSCRIBE", unsubscribeBytes(version, "a", [0, 0])],
			["PUBLISH, QoS 1", publishBytes(version, 2, "a", [0, 0], "x")],
			["PUBLISH, QoS 2", publishBytes(version, 4, "a", [0, 0], "x")],
			["PUBACK", [0x40, 2, 0, 0]],
			["PUBREC", [0x50, 2, 0, 0]],
			["PUBREL", [0x62, 2, 0, 0]],
			["PUBCOMP", [0x70, 2, 0, 0]],
		];
		const [fixture, witness] = withWitness();
		for (const [what, bytes] of packets) {
			const client = fixture.connect("c", fresh(version));
			client.raw(bytes);
			ended(client, what);
		}
		assert.equal(witness.messages(), []);
	},
);

each(
	test,
	{ 4: "[MQTT-2.3.1-1] [MQTT-2.3.1-4]", 5: "[5:MQTT-2.2.1-4]" },
	"identifiers that the broker gives are never 0 and never in use, over the wrap-around",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		client.subscribe("a", 2);
		const publisher = fixture.connect("p");
		const inUse = new Set<number>();
		const take = () => {
			client.bytes = [];
			publisher.packets = [];
			publisher.bytes = [];
			const id = client.take("publish").messageId!;
			assert.ok(id >= 1 && id <= 65_535 && !inUse.has(id), `${id}`);
			return id;
		};
		// three stay unacknowledged, one of them with its PUBREL
		for (let i = 0; i < 3; i++) {
			publisher.publish("a", "x", 1);
			inUse.add(take());
		}
		publisher.publish("a", "x", 2).send({ cmd: "pubrel", messageId: 1 });
		const released = take();
		inUse.add(released);
		client.send({ cmd: "pubrec", messageId: released });
		client.take("pubrel");
		// twelve at once: the window has sixteen
		const publishes = new Array(12).fill(publishBytes(4, 2, "a", [0, 9], "x")).flat();
		const outbox = fixture.broker.sessions.find("c")!.outbox as unknown as { lastId: number };
		for (let i = 0; i < 200; i++) {
			if (i === 100) outbox.lastId = 65_000; // as if tens of thousands more had gone by
			publisher.raw(publishes);
			const acks: number[] = [];
			const given = new Set<number>();
			while (client.packets.length > 0) {
				const id = take();
				given.add(id);
				acks.push(0x40, 2, id >> 8, id & 255);
			}
			assert.is(given.size, 12);
			client.raw(acks);
		}
		assert.ok(outbox.lastId < 2_000, "it has wrapped around");
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-2.3.1-5]", 5: "[5:MQTT-2.2.1-2]" },
	"a QoS 0 PUBLISH has no Packet Identifier: none is sent, none is taken out of the payload",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		client.subscribe("a", 2);
		const publisher = fixture.connect("p", fresh(version));
		for (const payload of [[], [0x01], [0x00, 0x00], [0x00, 0x01, 0x78]]) {
			for (const retain of [0, 1]) {
				client.bytes = [];
				publisher.raw(publishBytes(version, retain, "a", [], payload));
				assert.equal(client.bytes, packet(0x30, data("a"), none(version), payload));
			}
		}
		const zero = fixture.connect("z", fresh(version));
		zero.subscribe("b", 0);
		zero.bytes = [];
		publisher.raw(publishBytes(version, 2, "b", [0x12, 0x34], "x"));
		assert.equal(zero.bytes, packet(0x30, data("b"), none(version), [0x78]), "lowered to QoS 0");
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-2.3.1-7]", 5: "[5:MQTT-2.2.1-6]" },
	"SUBACK and UNSUBACK have the identifier of what they answer",
	(version) => {
		const client = new Fixture().connect("c", fresh(version));
		for (const id of [1, 2, 255, 256, 0x1234, 0xffff]) {
			const bytes = [id >> 8, id & 255];
			client.raw([...subscribeBytes(version, "a", 0, bytes), ...unsubscribeBytes(version, "a", bytes)]);
			assert.is(client.take("suback").messageId, id);
			assert.is(client.take("unsuback").messageId, id);
		}
	},
);

test.run();
