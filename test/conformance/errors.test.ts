/** Protocol violations and transient errors: section 4.8 of 3.1.1, 4.13 of 5.0. */
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import {
	connectBytes,
	data,
	each,
	ended,
	fresh,
	lasting,
	none,
	packet,
	publishBytes,
	subscribeBytes,
	type Version,
} from "./wire.js";

const test = suite("errors");

/** Packets that a client must not send, or not like this. */
function violations(version: Version): [string, number[]][] {
	const some = none(version);
	const list: [string, number[]][] = [
		["packet type 0", [0x00, 0]],
		["CONNACK", [0x20, 2, 0, 0]],
		["SUBACK", packet(0x90, [0, 1], some, [0])],
		["UNSUBACK", packet(0xb0, [0, 1], some)],
		["PINGRESP", [0xd0, 0]],
		["a SUBSCRIBE of nothing", packet(0x82, [0, 1], some)],
		["a SUBSCRIBE without options", packet(0x82, [0, 1], some, data("a"))],
		["a SUBSCRIBE without identifier", [0x82, 0]],
		["a SUBSCRIBE with half an identifier", [0x82, 1, 0]],
		["a SUBSCRIBE whose filter is longer than it", packet(0x82, [0, 1], some, [0, 9, 0x61], [0])],
		["an UNSUBSCRIBE of nothing", packet(0xa2, [0, 1], some)],
		["an UNSUBSCRIBE without identifier", [0xa2, 0]],
		["an UNSUBSCRIBE whose filter is longer than it", packet(0xa2, [0, 1], some, [0, 9, 0x61])],
		["an empty PUBLISH", [0x30, 0]],
		["a PUBLISH without its identifier", packet(0x32, data("a"))],
		["a PUBACK without identifier", [0x40, 0]],
		["a PUBREC with half an identifier", [0x50, 1, 0]],
		["a PUBREL without identifier", [0x62, 0]],
		["a PUBCOMP without identifier", [0x70, 0]],
		["a PINGREQ with a body", [0xc0, 1, 0]],
		["a Remaining Length of five bytes", [0x30, 0x80, 0x80, 0x80, 0x80, 0x01]],
	];
	if (version === 5) return list;
	return [
		...list,
		["packet type 15", [0xf0, 0]],
		["a PUBACK with more", [0x40, 3, 0, 1, 0]],
		["a PUBREL with more", [0x62, 3, 0, 1, 0]],
		["a DISCONNECT with a body", [0xe0, 1, 0]],
	];
}

each(
	test,
	{ 3: "", 4: "[MQTT-4.8.0-1]", 5: "[5:MQTT-4.13.1-1]" },
	"a protocol violation ends the connection it came on, with what follows it, and no other",
	(version) => {
		for (const [what, bytes] of violations(version)) {
			const fixture = new Fixture();
			const witness = fixture.connect("w");
			witness.subscribe("#", 1);
			const client = fixture.connect("c", lasting(version));
			client.subscribe("mine", 1);
			const after = [...publishBytes(version, 1, "a", [], "after"), ...subscribeBytes(version, "b", 0)];
			client.raw([...bytes, ...after, ...connectBytes(version, { payload: data("ghost") })]);
			ended(client, what);
			assert.is(fixture.broker.sessions.find("ghost"), undefined, what);
			assert.equal(witness.messages(), [], what);
			assert.is(fixture.broker.retained.count, 0, what);
			assert.not(witness.closed, what);
			fixture.connect("p").publish("mine", "x", 1);
			assert.equal(witness.messages(), ["mine x 1"], what);
			assert.equal(fixture.connect("c", lasting(version)).messages(), ["mine x 1"], `${what}: the session is kept`);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.8.0-2]" },
	"a message that there is no room for is not acknowledged: the connection ends, and it can come again",
	(version) => {
		for (const qos of [1, 2] as const) {
			const fixture = new Fixture({ limits: { queueMessages: 2, whenQueueFull: "refuse" } });
			const away = fixture.connect("away", lasting(4));
			away.subscribe("a", 1);
			away.cut();
			const client = fixture.connect("c", lasting(version));
			for (let i = 1; i <= 2; i++) client.publish("a", `${i}`, 1, { messageId: i });
			assert.equal(client.messages(), ["puback", "puback"]);
			client.publish("a", "3", qos, { messageId: 3 });
			ended(client);
			const back = fixture.connect("away", lasting(4));
			assert.equal(back.messages(), ["a 1 1", "a 2 1"]);
			for (let i = 1; i <= 2; i++) back.send({ cmd: "puback", messageId: i });
			const again = fixture.connect("c", lasting(version));
			again.publish("a", "3", qos, { messageId: 3, dup: true });
			assert.equal(again.messages(), [qos === 1 ? "puback" : "pubrec"]);
			assert.equal(back.messages(), ["a 3 1"], "not lost, not doubled");
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.8.0-2]" },
	"a full store ends the connection whose packet needs it, and no other",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("a", 1);
		const client = fixture.connect("c", fresh(version));
		const { pool } = fixture.broker;
		const taken = pool.take(pool.freeCount - 1);
		client.publish("a", "x".repeat(300), 1);
		ended(client);
		assert.not(witness.closed);
		pool.giveBack(taken);
		const again = fixture.connect("c", fresh(version));
		again.publish("a", "x", 1);
		assert.equal(again.messages(), ["puback"]);
		assert.equal(witness.messages(), ["a x 1"]);
	},
);

each(
	test,
	{ 3: "", 4: "", 5: "" },
	"an exception in the program's own rules costs the connection whose packet met it, and no other",
	(version) => {
		const authorizePublish = (_client: unknown, topic: string): boolean => {
			if (topic === "bad") throw new Error("broken rule");
			return true;
		};
		const fixture = new Fixture({ access: { authorizePublish } });
		const witness = fixture.connect("w");
		witness.subscribe("#", 1);
		const client = fixture.connect("c", fresh(version));
		client.publish("bad", "x", 1, { retain: true });
		ended(client, "", 0x83);
		fixture.connect("p").publish("good", "x", 1);
		assert.equal(witness.messages(), ["good x 1"]);
		assert.is(fixture.broker.counters.internalErrors, 1);
	},
);

each(
	test,
	{ 3: "", 4: "", 5: "" },
	"the same violations in pieces of one byte, and between good packets, end the connection too",
	(version) => {
		const fixture = new Fixture();
		for (const [what, bytes] of violations(version)) {
			const client = fixture.connect("c", fresh(version));
			client.raw([0xc0, 0]);
			client.take("pingresp");
			for (const byte of [...bytes, 0xc0, 0]) client.raw([byte]);
			ended(client, what);
		}
	},
);

test.run();
