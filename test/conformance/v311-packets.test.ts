import { Cause } from "../../src/errors.js";
import { Fixture, hex } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("MQTT 3.1.1: packets that are right and wrong");

/** Sends bytes on a connection of its own, in each version, while another client watches.
 *  @returns whether the connection ended, and what 5.0 heard as reason */
function send(bytes: string, version: 4 | 5 = 4): { closed: boolean; reason: number | undefined } {
	const fixture = new Fixture();
	const watcher = fixture.connect("watcher");
	watcher.subscribe("#", 2);
	const client = fixture.connect("c", { protocolVersion: version });
	client.raw(hex(bytes));
	const disconnect = client.packets.find((packet) => packet.cmd === "disconnect");
	watcher.send({ cmd: "pingreq" });
	assert.equal(watcher.messages().slice(-1), ["pingresp"], "others are not touched");
	assert.is(fixture.broker.counters.internalErrors, 0);
	return { closed: client.closed, reason: disconnect?.cmd === "disconnect" ? disconnect.reasonCode : undefined };
}

function ends(table: Record<string, string>): void {
	for (const [what, bytes] of Object.entries(table)) assert.ok(send(bytes).closed, what);
}

test("wrong fixed header flags end the connection [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.6.1-1] [MQTT-3.8.1-1]", () => {
	ends({
		"PUBACK with flags": "41 02 00 01",
		"PUBREC with flags": "51 02 00 01",
		"PUBREL with flags 0": "60 02 00 01",
		"PUBREL with flags 3": "63 02 00 01",
		"PUBCOMP with flags": "72 02 00 01",
		"SUBSCRIBE with flags 0": "80 06 00 01 00 01 61 00",
		"SUBSCRIBE with flags 6": "86 06 00 01 00 01 61 00",
		"PINGREQ with flags": "c1 00",
	});
});

test("wrong flags of UNSUBSCRIBE and DISCONNECT end it, with the will [MQTT-3.10.1-1] [MQTT-3.14.1-1]", () => {
	ends({ "UNSUBSCRIBE with flags 0": "a0 05 00 01 00 01 61", "DISCONNECT with flags": "e1 00" });
	const fixture = new Fixture();
	const watcher = fixture.connect("w");
	watcher.subscribe("will");
	const will = { topic: "will", payload: Buffer.from("x"), qos: 0, retain: false } as const;
	fixture.connect("c", { will }).raw(hex("e1 00"));
	assert.equal(watcher.messages(), ["will x 0"]);
});

test("a protocol violation ends the connection on which it came, and no other [MQTT-4.8.0-1]", () => {
	ends({
		"packet type 0": "00 00",
		"packet type 15": "f0 00",
		"a Remaining Length of five bytes": "30 ff ff ff ff 01",
		CONNACK: "20 02 00 00",
		SUBACK: "90 03 00 01 00",
		UNSUBACK: "b0 02 00 01",
		PINGRESP: "d0 00",
		"PINGREQ with a body": "c0 01 00",
		"DISCONNECT with a body": "e0 01 00",
		"PUBACK of one byte": "40 01 00",
		"PUBACK of three bytes": "40 03 00 01 00",
		"a SUBSCRIBE of one byte": "82 01 00",
	});
});

test("a Packet Identifier of zero ends the connection wherever one is needed [MQTT-2.3.1-1]", () => {
	ends({
		"PUBLISH QoS 1": "32 05 00 01 61 00 00",
		"PUBLISH QoS 2": "34 05 00 01 61 00 00",
		SUBSCRIBE: "82 06 00 00 00 01 61 00",
		UNSUBSCRIBE: "a2 05 00 00 00 01 61",
		PUBACK: "40 02 00 00",
		PUBREC: "50 02 00 00",
		PUBREL: "62 02 00 00",
		PUBCOMP: "70 02 00 00",
	});
});

test("ill-formed UTF-8 ends the connection, and is never sent on [MQTT-1.5.3-1]", () => {
	ends({
		"a lone continuation byte": "30 04 00 02 61 80",
		"a surrogate": "30 05 00 03 ed a0 80",
		"an overlong slash": "30 04 00 02 c0 af",
		"above U+10FFFF": "30 06 00 04 f4 90 80 80",
		"cut off": "30 04 00 02 61 e2",
		"a filter": "82 07 00 01 00 02 61 ff 00",
		"a filter to unsubscribe from": "a2 06 00 01 00 02 61 ff",
	});
});

test("U+0000 ends the connection, also where the part before it is a known topic [MQTT-1.5.3-2] [MQTT-4.7.3-2]", () => {
	ends({ "a topic": "30 05 00 03 61 00 62", "a filter": "82 08 00 01 00 03 61 00 62 00" });
	const fixture = new Fixture();
	const client = fixture.connect("c");
	client.subscribe("a");
	client.publish("a", "known");
	client.packets = [];
	client.raw(hex("30 05 00 03 61 00 62"));
	assert.equal(client.messages(), []);
	assert.ok(client.closed);
});

test("a byte order mark is a character like others [MQTT-1.5.3-3]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c");
	client.subscribe("\ufeffa");
	client.publish("a", "without");
	client.publish("\ufeffa", "with");
	assert.equal(client.messages(), ["\ufeffa with 0"]);
	assert.equal(client.bytes.slice(-10), [...hex("30 0a 00 04 ef bb bf 61"), ...Buffer.from("with")].slice(-10));
});

test("a PUBLISH of QoS 0 has no Packet Identifier, in or out [MQTT-2.3.1-5] [MQTT-4.3.1-1] [MQTT-3.3.1-2]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c");
	client.subscribe("a", 2);
	client.bytes = [];
	client.raw(hex("30 05 00 01 61 00 07"));
	assert.equal(client.bytes, [...hex("30 05 00 01 61 00 07")], "the two bytes are payload");
	assert.ok(send("38 03 00 01 61").closed, "DUP at QoS 0");
});

test("QoS 3 ends the connection [MQTT-3.3.1-4]", () => {
	ends({ "QoS 3": "36 05 00 01 61 00 01" });
	assert.is(send("36 06 00 01 61 00 01 00", 5).reason, 0x81);
});

test("a topic has no wildcards and is not empty [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1] [MQTT-3.3.2-1]", () => {
	ends({
		"a plus": "30 05 00 03 61 2f 2b",
		"a hash": "30 03 00 01 23",
		"an empty topic": "30 02 00 00",
		"an empty filter": "82 05 00 01 00 00 00",
		"no topic": "30 01 00",
		"a topic past the end": "30 03 00 05 61",
	});
});

test("QoS and reserved bits of a SUBSCRIBE are checked, and it lists a filter [MQTT-3.8.3-4]", () => {
	ends({
		"QoS 3": "82 06 00 01 00 01 61 03",
		"a reserved bit": "82 06 00 01 00 01 61 04",
		another: "82 06 00 01 00 01 61 80",
		"no filter": "82 02 00 01",
		"no options": "82 05 00 01 00 01 61",
		"no filter to unsubscribe from": "a2 02 00 01",
	});
});

test("filters that are not valid are refused alone, with 0x80 [MQTT-4.7.1-2] [MQTT-4.7.1-3]", () => {
	const client = new Fixture().connect("c");
	const wrong = ["#/a", "a/#/b", "a#", "a/b#", "+a", "a+", "a/+b/c", "##", "++", "a/b+"];
	assert.equal(
		client.subscribe(wrong, 1),
		wrong.map(() => 0x80),
	);
	const right = ["#", "+", "a/#", "+/+", "/", "//", "/#", "a//+", "+/a/#", "$SYS/#", " "];
	assert.equal(
		client.subscribe(right, 1),
		right.map(() => 1),
	);
	assert.not(client.closed);
});

test("a topic of 65,535 bytes is taken, by a broker with the limits for it [MQTT-4.7.3-3]", () => {
	const limits = { topicBytes: 65_535, packetBytes: 131_072, blocks: 4_096, queueBytes: 200_000, filterBytes: 100_000 };
	const fixture = new Fixture({ limits });
	const client = fixture.connect("c");
	const topic = "t".repeat(65_535);
	assert.equal(client.subscribe(topic, 1), [1]);
	client.publish(topic, "long", 0);
	assert.equal(client.messages(), [`${topic} long 0`]);
});

test("5.0 hears why: malformed 0x81, protocol error 0x82, and the others' own codes", () => {
	const reasons: [string, number][] = [
		["00 00", 0x81],
		["41 02 00 01", 0x81],
		["30 06 00 03 61 2f 2b 00", 0x90],
		["30 03 00 00 00", 0x82],
		["30 05 00 02 61 80 00", 0x81],
		["82 06 00 01 00 00 01 61", 0x81],
		["82 03 00 01 00", 0x82],
		["20 03 00 00 00", 0x82],
		["30 06 00 01 61 02 01 02", 0x82],
		["30 08 00 01 61 04 01 00 01 00", 0x82],
		["30 06 00 01 61 02 11 00", 0x81],
		["30 07 00 00 03 23 00 00 00", 0x94],
		["30 07 00 00 03 23 ff ff 00", 0x94],
		["30 ff ff ff 7f", 0x95],
	];
	for (const [bytes, reason] of reasons) assert.equal(send(bytes, 5), { closed: true, reason }, bytes);
});

test("what is refused is counted by its cause", () => {
	const fixture = new Fixture();
	fixture.connect("a").raw(hex("36 05 00 01 61 00 01"));
	fixture.connect("b").raw(hex("30 03 00 01 23"));
	fixture.connect("c").raw(hex("30 03 00 01 23"));
	assert.is(fixture.broker.counters.closedFor(Cause.PublishQos3), 1);
	assert.is(fixture.broker.counters.closedFor(Cause.TopicWildcard), 2);
});

test.run();
