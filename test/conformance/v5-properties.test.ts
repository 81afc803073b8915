/** What only 5.0 has: properties, flow control, DISCONNECT from the broker. */
import type { Packet } from "mqtt-packet";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, data, ended, fresh, ILL_FORMED, lasting, packet, refused, variable } from "./wire.js";

const test = suite("5.0");

/** @returns a test's name with the statements that it proves */
function proves(sentence: string, ...ids: string[]): string {
	return `${sentence} ${ids.join(" ")}`;
}

function publish(client: TestClient, topic: string, properties: object, qos: 0 | 1 | 2 = 0, payload = "x"): void {
	client.send({ cmd: "publish", topic, payload, qos, dup: false, retain: false, messageId: 1, properties });
}

/** @returns a PUBLISH of QoS 0 to "a" with these encoded properties */
function withProperties(properties: number[], topic = "a"): number[] {
	return packet(0x30, data(topic), variable(properties.length), properties, [0x78]);
}

const STRINGS = "[5:MQTT-3.3.2-15] [5:MQTT-3.3.2-16] [5:MQTT-3.3.2-17] [5:MQTT-3.3.2-18] [5:MQTT-3.3.2-20]";

test(`5.0: a message's properties go on as they came, User Properties in order [5:MQTT-3.3.2-4] ${STRINGS}`, () => {
	const properties = [
		...[38, ...data("b"), ...data("1")],
		...[1, 1],
		...[8, ...data("answer/to")],
		...[38, ...data("a"), ...data("2")],
		...[9, ...data([0, 255, 0])],
		...[3, ...data("text/\u00fc")],
		...[38, ...data("b"), ...data("")],
	];
	const fixture = new Fixture();
	const there = fixture.connect("there", fresh(5));
	there.subscribe("a");
	const old = fixture.connect("old");
	old.subscribe("a");
	const publisher = fixture.connect("p", fresh(5));
	there.bytes = [];
	publisher.raw(withProperties(properties));
	assert.equal(there.bytes, withProperties(properties));
	assert.equal(old.messages(), ["a x 0"]);
	publisher.raw([0x31, ...withProperties(properties).slice(1)]);
	const late = fixture.connect("late", fresh(5));
	late.subscribe("a");
	const retained = [0x31, ...withProperties(properties).slice(1)];
	assert.equal(late.bytes.slice(-retained.length), retained, "when they are retained, too");
});

test(
	proves(
		"5.0: a message that has expired is not sent; one that has not tells what is left",
		"[5:MQTT-3.3.2-5]",
		"[5:MQTT-3.3.2-6]",
	),
	() => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(5));
		client.subscribe("a", 1);
		client.cut();
		const publisher = fixture.connect("p", fresh(5));
		publish(publisher, "a", { messageExpiryInterval: 10 }, 1, "short");
		publish(publisher, "a", { messageExpiryInterval: 100 }, 1, "long");
		publish(publisher, "a", {}, 1, "for ever");
		fixture.advance(30_000);
		const back = fixture.connect("c", lasting(5));
		const first = back.take("publish");
		assert.equal([`${first.payload}`, first.properties?.messageExpiryInterval], ["long", 70]);
		assert.equal(back.messages(), ["a for ever 1"]);
	},
);

test("5.0: what was sent once is completed, however old it is [5:MQTT-4.3.3-7] [5:MQTT-4.3.3-13]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c", lasting(5));
	client.subscribe("a", 2);
	const publisher = fixture.connect("p", lasting(5));
	publish(publisher, "a", { messageExpiryInterval: 10 }, 2);
	assert.equal(client.messages(), ["a x 2"]);
	client.cut();
	fixture.advance(60_000);
	const back = fixture.connect("c", lasting(5));
	assert.equal(back.messages(), ["a x 2 dup"]);
	publisher.packets = [];
	publisher.send({ cmd: "pubrel", messageId: 1 });
	assert.is(publisher.take("pubcomp").reasonCode ?? 0, 0);
});

test(
	proves(
		"5.0: Topic Aliases up to the maximum, no others, none after the connection",
		"[5:MQTT-3.3.2-7]",
		"[5:MQTT-3.3.2-8]",
		"[5:MQTT-3.3.2-12]",
	),
	() => {
		const fixture = new Fixture({ limits: { topicAliases: 4 } });
		const witness = fixture.connect("w", fresh(5));
		witness.subscribe("#");
		let client = fixture.connect("c", fresh(5));
		for (let alias = 1; alias <= 4; alias++) client.raw(withProperties([35, 0, alias], `t${alias}`));
		for (let alias = 1; alias <= 4; alias++) client.raw(withProperties([35, 0, alias], ""));
		client.raw(withProperties([35, 0, 1], "other")).raw(withProperties([35, 0, 1], ""));
		const topics = ["t1", "t2", "t3", "t4", "t1", "t2", "t3", "t4", "other", "other"];
		assert.equal(
			witness.messages(),
			topics.map((topic) => `${topic} x 0`),
		);
		for (const alias of [0, 5, 255]) {
			client = fixture.connect("c", fresh(5));
			client.raw(withProperties([35, 0, alias], "a"));
			ended(client, `${alias}`, 0x94);
		}
		client = fixture.connect("c", fresh(5));
		client.raw(withProperties([35, 0, 1], ""));
		ended(client, "of the connection before");
		assert.equal(witness.messages(), []);
	},
);

test(
	proves(
		"5.0: a Response Topic with wildcards, or properties that are no UTF-8, end the connection",
		"[5:MQTT-3.3.2-14]",
		"[5:MQTT-3.3.2-13]",
		"[5:MQTT-3.3.2-19]",
		"[5:MQTT-1.5.7-1]",
	),
	() => {
		const fixture = new Fixture();
		const bad: number[][] = [
			[8, ...data("a/#")],
			[8, ...data("+")],
		];
		for (const string of [...ILL_FORMED, [0]])
			bad.push(
				[8, ...data(string)],
				[3, ...data(string)],
				[38, ...data(string), ...data("x")],
				[38, ...data("x"), ...data(string)],
			);
		for (const properties of bad) {
			const client = fixture.connect("c", fresh(5));
			client.raw(withProperties(properties));
			ended(client, `${properties}`);
		}
	},
);

test(
	proves(
		"5.0: each matching subscription's identifier goes along, in one copy",
		"[5:MQTT-3.3.4-3]",
		"[5:MQTT-3.3.4-4]",
	),
	() => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(5));
		const subscribe = (topic: string, subscriptionIdentifier?: number) => {
			const properties = subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier };
			client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }], properties });
			client.take("suback");
		};
		subscribe("a/b", 1);
		subscribe("a/+", 268_435_455);
		subscribe("a/#");
		subscribe("#", 300);
		const publisher = fixture.connect("p");
		const identifiers = (from: TestClient) => {
			const { properties } = from.take("publish");
			assert.equal(from.packets, []);
			return [properties?.subscriptionIdentifier ?? []].flat().sort((a, b) => a - b);
		};
		for (const qos of [0, 1] as const) {
			publisher.publish("a/b", "x", qos);
			assert.equal(identifiers(client), [1, 300, 268_435_455]);
		}
		client.send({ cmd: "puback", messageId: 1 });
		publisher.publish("c", "x", 0);
		assert.equal(identifiers(client), [300]);
		client.cut();
		publisher.publish("a/b", "later", 1);
		assert.equal(identifiers(fixture.connect("c", lasting(5))), [1, 300, 268_435_455]);
	},
);

test(
	proves(
		"5.0: no more than Receive Maximum unacknowledged; other packets go on",
		"[5:MQTT-3.3.4-9]",
		"[5:MQTT-3.3.4-10]",
		"[5:MQTT-4.9.0-1]",
		"[5:MQTT-4.9.0-2]",
		"[5:MQTT-4.9.0-3]",
	),
	() => {
		const fixture = new Fixture();
		const client = fixture.connect("c", { ...fresh(5), properties: { receiveMaximum: 2 } });
		client.subscribe("a", 2);
		const publisher = fixture.connect("p");
		for (let i = 1; i <= 5; i++) publisher.publish("a", `${i}`, i === 2 ? 2 : 1, { messageId: i });
		assert.equal(client.messages(), ["a 1 1", "a 2 2"]);
		publisher.publish("a", "zero");
		client.send({ cmd: "pingreq" });
		assert.equal(client.messages(), ["a zero 0", "pingresp"]);
		client.send({ cmd: "pubrec", messageId: 2 });
		assert.equal(client.messages(), ["pubrel"], "PUBREC frees nothing");
		client.send({ cmd: "pubcomp", messageId: 2 });
		assert.equal(client.messages(), ["a 3 1"]);
		client.send({ cmd: "puback", messageId: 1 });
		assert.equal(client.messages(), ["a 4 1"]);
	},
);

test(
	proves(
		"5.0: a packet beyond the client's Maximum Packet Size is not sent and counts as delivered",
		"[5:MQTT-3.1.2-24]",
		"[5:MQTT-3.1.2-25]",
	),
	() => {
		const fixture = new Fixture();
		const client = fixture.connect("c", { ...fresh(5), properties: { maximumPacketSize: 60 } });
		client.subscribe("a", 1);
		const other = fixture.connect("o", fresh(5));
		other.subscribe("a", 1);
		const publisher = fixture.connect("p");
		for (const qos of [0, 1] as const)
			for (const size of [60, 61]) {
				// two bytes of fixed header, three of topic, the identifier, the Property Length
				const payload = "x".repeat(size - 6 - (qos > 0 ? 2 : 0));
				client.bytes = [];
				publisher.publish("a", payload, qos);
				assert.is(client.bytes.length, size > 60 ? 0 : 60, `${qos} ${size}`);
			}
		assert.is(other.messages().length, 4);
		client.packets = [];
		client.send({ cmd: "puback", messageId: 1 });
		publisher.publish("a", "after", 1);
		assert.equal(client.messages(), ["a after 1"]);
		assert.is(fixture.broker.sessions.find("c")!.outbox.count, 1);
	},
);

test(
	proves(
		"5.0: no Topic Aliases, response information or diagnostics that nobody asked for",
		"[5:MQTT-3.1.2-26]",
		"[5:MQTT-3.3.2-11]",
		"[5:MQTT-3.1.2-27]",
		"[5:MQTT-3.1.2-28]",
		"[5:MQTT-3.1.2-29]",
	),
	() => {
		const fixture = new Fixture();
		for (const topicAliasMaximum of [0, 1, 65_535]) {
			const client = fixture.open(5);
			const connack = client.connect("c", {
				...fresh(5),
				properties: { topicAliasMaximum, requestResponseInformation: false, requestProblemInformation: false },
			});
			assert.is(connack.properties?.responseInformation, undefined);
			assert.equal(client.subscribe(["a", "b", "c".repeat(300)], 1), [1, 1, 0x97]);
			const publisher = fixture.connect("p", fresh(5));
			for (const topic of ["a", "b", "a", "b"]) {
				publisher.publish(topic, "x");
				const got = client.take("publish");
				assert.equal([got.topic, got.properties?.topicAlias], [topic, undefined]);
			}
			client.publish("nobody", "x", 1);
			const puback: Packet = client.take("puback");
			assert.is("properties" in puback ? puback.properties : undefined, undefined);
		}
	},
);

test("5.0: nothing but CONNACK before a CONNACK of success, no DISCONNECT either [5:MQTT-3.14.0-1]", () => {
	const fixture = new Fixture();
	for (const bytes of [
		[0xc0, 0],
		[0xe1, 0],
		[0x00, 0],
		[0x10, 0xff, 0xff, 0xff, 0xff],
	]) {
		const client = fixture.open(5);
		client.raw(bytes);
		assert.ok(client.closed);
		assert.equal(client.bytes, []);
	}
	const late = fixture.open(5);
	fixture.advance(20_000);
	assert.ok(late.closed);
	assert.equal(late.bytes, []);
});

test(
	proves("5.0: an authentication method is refused, and AUTH is never sent", "[5:MQTT-4.12.0-1]", "[5:MQTT-4.12.0-6]"),
	() => {
		const fixture = new Fixture();
		const client = fixture.open(5);
		client.raw(connectBytes(5, { properties: [21, ...data("SCRAM-SHA-1")] }));
		refused(client, "a method", 0, 0x8c);
		const dataOnly = fixture.open(5);
		dataOnly.raw(connectBytes(5, { properties: [22, ...data("x")] }));
		refused(dataOnly, "data without a method", 0, 0x82);
		const plain = fixture.connect("c", fresh(5));
		plain.raw([0xf0, 2, 0x19, 0]);
		ended(plain, "AUTH without a method");
	},
);

test(
	proves(
		"5.0: the broker's DISCONNECT has a listed code and no Session Expiry, and is the last",
		"[5:MQTT-3.14.2-1]",
		"[5:MQTT-3.14.2-2]",
		"[5:MQTT-3.14.4-2]",
	),
	() => {
		const listed = [0x81, 0x82, 0x8d, 0x8e, 0x98, 0x8b];
		const fixture = new Fixture();
		const ends: ((client: TestClient) => void)[] = [
			(client) => client.raw([0x36, 0]),
			(client) => client.raw(connectBytes(5)),
			() => fixture.advance(2_000),
			() => fixture.connect("c", fresh(5)),
			() => fixture.broker.disconnect("c"),
			() => fixture.broker.stop(),
		];
		ends.forEach((end, i) => {
			const client = fixture.connect("c", { ...lasting(5), keepalive: 1 });
			end(client);
			fixture.settle();
			const disconnect = client.take("disconnect");
			assert.is(disconnect.reasonCode, listed[i]!);
			assert.equal(Object.keys(disconnect.properties ?? {}), ["reasonString"]);
			assert.equal(client.packets, []);
			assert.ok(client.closed);
		});
	},
);

test("5.0: a DISCONNECT's Session Expiry replaces CONNECT's, but not when that was 0", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c", lasting(5));
	client.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
	fixture.advance(6_000);
	assert.is(fixture.broker.sessions.find("c"), undefined);
	const short = fixture.connect("c", fresh(5));
	short.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
	ended(short, "", 0x82);
});

test(
	proves(
		"5.0: lengths are written as short as can be, an empty property set as 0",
		"[5:MQTT-1.5.5-1]",
		"[5:MQTT-2.2.2-1]",
	),
	() => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(5));
		client.subscribe("a");
		for (const length of [0, 122, 123, 124, 2_000]) {
			client.bytes = [];
			fixture.connect("p").publish("a", "x".repeat(length));
			assert.equal(client.bytes, packet(0x30, data("a"), [0], new Array(length).fill(0x78)));
		}
		for (const bytes of [
			[0x30, 0x85, 0x00, 0, 1, 0x61, 0, 0x78],
			packet(0x30, data("a"), [0x80, 0x00], [0x78]),
			packet(0x82, [0, 1], [3, 11, 0x81, 0x00], data("a"), [0]),
		]) {
			const bad = fixture.connect("bad", fresh(5));
			bad.raw(bytes);
			ended(bad, `${bytes}`, 0x81);
		}
	},
);

test("5.0: a retained Will Message where nothing is retained: 0x9a and the end [5:MQTT-3.2.2-13]", () => {
	const fixture = new Fixture({ limits: { retained: 0 } });
	const will = [0, ...data("will"), ...data("x")];
	const client = fixture.open(5);
	client.raw(connectBytes(5, { flags: 0x26, payload: [...data("c"), ...will] }));
	refused(client, "Will Retain", 0, 0x9a);
	const good = fixture.open(5);
	const connack = good.connect("c", { ...fresh(5), will: { topic: "will", payload: "x", qos: 2, retain: false } });
	assert.equal([connack.reasonCode, connack.properties?.retainAvailable], [0, false]);
});

test("5.0: without Server Keep Alive the client's own counts [5:MQTT-3.2.2-22]", () => {
	const fixture = new Fixture();
	const client = fixture.open(5);
	const connack = client.connect("c", { ...fresh(5), keepalive: 20 });
	assert.is(connack.properties?.serverKeepAlive, undefined);
	fixture.advance(29_500);
	assert.not(client.closed);
	fixture.advance(1_000);
	ended(client, "", 0x8d);
});

test("5.0: the flags of AUTH are 0, or the connection ends [5:MQTT-3.15.1-1]", () => {
	const fixture = new Fixture();
	for (let flags = 1; flags < 16; flags++) {
		const client = fixture.connect("c", fresh(5));
		client.raw([0xf0 | flags, 0]);
		ended(client, `${flags}`, 0x81);
	}
});

test.run();
