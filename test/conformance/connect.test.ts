import type { Client } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
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
	refused,
	subscribeBytes,
	type Version,
} from "./wire.js";

const test = suite("CONNECT");

each(test, { 3: "", 4: "[MQTT-3.1.0-2]", 5: "[5:MQTT-3.1.0-2]" }, "a second CONNECT ends the connection", (version) => {
	for (const id of ["c", "other"]) {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("will");
		const will = { topic: "will", payload: "gone", qos: 0 as const, retain: false };
		const client = fixture.connect("c", { ...fresh(version), will });
		client.raw(connectBytes(version, { payload: data(id) }));
		ended(client, id, 0x82);
		assert.equal(witness.messages(), ["will gone 0"], "it was no DISCONNECT");
		assert.is(fixture.broker.sessions.find("other"), undefined);
	}
});

test("a CONNECT with another protocol name is not handled as one [MQTT-3.1.2-1] [5:MQTT-3.1.2-1]", () => {
	const names = ["MQTU", "mqtt", "MQTt", "MQT", "MQTTT", "", "MQTT ", "HTTP", "MQIsd", "MQIsdq", "mqisdp", "AMQP\0\0"];
	for (const version of [4, 5] as const)
		for (const name of names) {
			const fixture = new Fixture();
			const client = fixture.open(version);
			client.raw(connectBytes(version, { name, payload: data("client") }));
			assert.ok(client.closed, name);
			assert.equal(client.bytes, [], name);
			assert.is(fixture.broker.sessions.count, 0);
		}
});

test("a protocol level that is not known is answered by 0x01 and the end [MQTT-3.1.2-2] [5:MQTT-3.1.2-2]", () => {
	for (const level of [0, 1, 2, 3, 6, 7, 64, 127, 128, 0x83, 0x84, 0x85, 255]) {
		const fixture = new Fixture();
		const client = fixture.open();
		client.raw(connectBytes(4, { level }));
		refused(client, `level ${level}`, 1);
		assert.is(fixture.broker.sessions.count, 0);
	}
	for (const level of [0, 1, 2, 4, 5, 6, 0x83, 255]) {
		const client = new Fixture().open(3);
		client.raw(connectBytes(3, { level }));
		refused(client, `MQIsdp, level ${level}`, 1);
	}
});

each(
	test,
	{ 4: "[MQTT-3.1.2-3]", 5: "[5:MQTT-3.1.2-3]" },
	"the reserved flag of CONNECT ends the connection",
	(version) => {
		for (const flags of [1, 3]) {
			const fixture = new Fixture();
			const client = fixture.open(version);
			client.raw(connectBytes(version, { flags }));
			refused(client, `flags ${flags}`, 0, 0x81);
			assert.is(fixture.broker.sessions.count, 0);
		}
		const client = new Fixture().open(version);
		client.raw(connectBytes(version, { flags: 2 }));
		assert.is(client.take("connack").sessionPresent, false);
		assert.not(client.closed);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.3-2]", 5: "[5:MQTT-3.1.3-2]" },
	"a session belongs to its Client Identifier, byte for byte, and to no other",
	(version) => {
		const fixture = new Fixture();
		const ids = ["client", "Client", "client ", "clien", "clientt", "\u00e9", "e\u0301", "\ufeffclient"];
		for (const id of ids) {
			const client = fixture.connect(id, lasting(version));
			assert.not(client.sessionPresent, id);
			client.subscribe(`to/${ids.indexOf(id)}`, 1);
			client.cut();
		}
		const publisher = fixture.connect("p");
		ids.forEach((_, i) => {
			publisher.publish(`to/${i}`, "x", 1);
		});
		ids.forEach((id, i) => {
			const client = fixture.connect(id, lasting(version));
			if (version !== 3) assert.ok(client.sessionPresent, id);
			assert.equal(client.messages(), [`to/${i} x 1`]);
		});
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.3-5]", 5: "[5:MQTT-3.1.3-5]" },
	"every Client Identifier of 1 to 23 letters and digits is taken",
	(version) => {
		const fixture = new Fixture();
		const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
		for (const letter of alphabet) fixture.connect(letter, fresh(version)).cut();
		for (let length = 1; length <= 23; length++) {
			fixture.connect(alphabet.slice(0, length), fresh(version)).cut();
			fixture.connect(alphabet.slice(-length), fresh(version)).cut();
		}
		fixture.connect(alphabet.slice(20, 43), fresh(version));
	},
);

each(
	test,
	{ 4: "[MQTT-3.1.3-6]", 5: "[5:MQTT-3.1.3-6] [5:MQTT-3.1.3-7] [5:MQTT-3.2.2-16]" },
	"clients without a Client Identifier each get one of their own",
	(version) => {
		const fixture = new Fixture();
		const clients = [0, 1, 2, 3, 4].map(() => fixture.open(version));
		const assigned = clients.map((client, i) => {
			const connack = client.connect("", fresh(version));
			assert.is(connack.returnCode ?? connack.reasonCode, 0);
			assert.not(connack.sessionPresent);
			client.subscribe(`to/${i}`);
			return connack.properties?.assignedClientIdentifier;
		});
		const publisher = fixture.connect("p");
		clients.forEach((client, i) => {
			publisher.publish(`to/${i}`, "x");
			assert.not(client.closed);
			assert.equal(client.messages(), [`to/${i} x 0`]);
		});
		assert.is(fixture.broker.sessions.count, 6);
		if (version !== 5) return;
		assert.is(new Set(assigned).size, 5);
		const keeper = fixture.open(5);
		keeper.raw(connectBytes(5, { flags: 0, properties: [17, 0, 0, 1, 0], payload: data("") }));
		const kept = keeper.take("connack").properties?.assignedClientIdentifier;
		assert.ok(kept !== undefined && kept.length > 0);
		const back = fixture.connect(kept!, lasting(5));
		assert.ok(back.sessionPresent, "the identifier is the session's");
	},
);

test("no Client Identifier and Clean Session 0: 0x02 and the end [MQTT-3.1.3-8]", () => {
	const fixture = new Fixture();
	const client = fixture.open();
	client.raw(connectBytes(4, { flags: 0, payload: data("") }));
	refused(client, "empty, clean session 0", 2);
	assert.is(fixture.broker.sessions.count, 0);
});

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.3-9]", 5: "[5:MQTT-3.1.3-8]" },
	"a Client Identifier that is not welcome is refused as such",
	(version) => {
		const authenticate = ({ clientId }: Client) => (clientId === "banned" ? Cause.ClientIdRejected : Cause.None);
		const fixture = new Fixture({ access: { authenticate }, limits: { clientIdBytes: 30 } });
		for (const id of ["banned", "x".repeat(31)]) {
			const client = fixture.open(version);
			client.raw(connectBytes(version, { payload: data(id) }));
			refused(client, id, 2, 0x85);
		}
		assert.is(fixture.broker.sessions.count, 0);
		fixture.connect("x".repeat(30), fresh(version));
	},
);

/** A CONNECT with everything, and its parts. */
function full(version: Version): number[] {
	const will = [...none(version), ...data("will/topic"), ...data("payload")];
	return [...data("client"), ...will, ...data("user"), ...data("password")];
}

each(
	test,
	{ 4: "[MQTT-3.1.4-1]", 5: "[5:MQTT-3.1.4-1]" },
	"a malformed CONNECT ends the connection without CONNACK of success",
	(version) => {
		const fixture = new Fixture({ limits: { packetBytes: 4096 } });
		const bad: [string, number[]][] = [];
		const whole = connectBytes(version, { flags: 0xf6, payload: full(version) });
		for (let end = 2; end < whole.length; end++) bad.push([`cut to ${end}`, [0x10, end - 2, ...whole.slice(2, end)]]);
		bad.push(["a byte more", [0x10, whole.length - 1, ...whole.slice(2), 0]]);
		const both = [...data("client"), ...none(version), ...data("will"), ...data("x")];
		for (const flags of [0x1e, 0x3e]) bad.push([`flags ${flags}`, connectBytes(version, { flags, payload: both })]);
		// Will QoS or Will Retain without Will
		for (const flags of [0x0a, 0x12, 0x1a, 0x22, 0x3a]) bad.push([`flags ${flags}`, connectBytes(version, { flags })]);
		// fields without their flags, flags without their fields
		bad.push(["a will without its flag", connectBytes(version, { payload: both })]);
		bad.push(["a user name without its flag", connectBytes(version, { payload: [...data("c"), ...data("u")] })]);
		for (const flags of [0x06, 0x82, 0xc2]) bad.push([`flags ${flags}, no field`, connectBytes(version, { flags })]);
		for (const topic of ["", "a/#", "+", "a\0b"]) {
			const payload = [...data("client"), ...none(version), ...data(topic), ...data("x")];
			bad.push([`will topic ${topic}`, connectBytes(version, { flags: 6, payload })]);
		}
		if (version === 4)
			bad.push([
				"a password without a user name",
				connectBytes(4, { flags: 0x42, payload: [...data("c"), ...data("p")] }),
			]);
		for (const [what, bytes] of bad) {
			const client = fixture.open(version);
			client.raw(bytes);
			refused(client, what, 0);
			assert.is(fixture.broker.sessions.count, 0, what);
		}
		const client = fixture.open(version);
		client.raw(whole);
		assert.is(client.take("connack").sessionPresent, false, "the whole one is good");
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.4-2]", 5: "[5:MQTT-3.1.4-3]" },
	"who comes with a Client Identifier that is in use takes its place",
	(version) => {
		for (const options of [fresh(version), lasting(version)]) {
			const fixture = new Fixture();
			const other = fixture.connect("other");
			const first = fixture.connect("c", options);
			const second = fixture.connect("c", options);
			ended(first, "the older client", 0x8e);
			assert.not(second.closed);
			assert.not(other.closed);
			second.subscribe("a");
			other.publish("a", "x");
			assert.equal(second.messages(), ["a x 0"]);
			const third = fixture.connect("c", { ...options, ...fresh(4) });
			assert.ok(second.closed, "whatever its version");
			assert.not(third.closed);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.4-3]", 5: "[5:MQTT-3.1.4-4]" },
	"Clean Session discards the session of an accepted client, and not of a refused one",
	(version) => {
		const authenticate = ({ userName }: Client) => (userName === "u" ? Cause.None : Cause.NotAuthorized);
		const fixture = new Fixture({ access: { authenticate } });
		const options = { ...lasting(version), username: "u" };
		fixture.connect("c", options).subscribe("a", 1);
		const online = fixture.broker.sessions.find("c")?.connection;
		const thief = fixture.open(version);
		thief.connect("c", fresh(version));
		assert.ok(thief.closed);
		assert.is(fixture.broker.sessions.find("c")?.connection, online, "the refused one took nothing over");
		const back = fixture.connect("c", options);
		const publisher = fixture.connect("p", { username: "u" });
		publisher.publish("a", "1");
		assert.equal(back.messages(), ["a 1 0"], "the subscription is still there");
		const clean = fixture.connect("c", { ...fresh(version), username: "u" });
		assert.not(clean.sessionPresent);
		publisher.publish("a", "2");
		assert.equal(clean.messages(), []);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.4-4]", 5: "[5:MQTT-3.1.4-5]" },
	"a good CONNECT is answered by a CONNACK of success, also when it comes in pieces",
	(version) => {
		const bytes = connectBytes(version, { flags: 0xf6, keepAlive: 60, payload: full(version) });
		for (let size = 1; size <= bytes.length; size++) {
			const client = new Fixture().open(version);
			for (let at = 0; at < bytes.length; at += size) {
				assert.equal(client.bytes, []);
				client.raw(bytes.slice(at, at + size));
			}
			if (version !== 5) assert.equal(client.bytes, [0x20, 2, 0, 0]);
			else assert.is(client.take("connack").reasonCode, 0);
			assert.not(client.closed);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.4-5]", 5: "[5:MQTT-3.1.4-6]" },
	"what a client sent behind a CONNECT is heeded when it comes in, ignored when it is refused",
	(version) => {
		const authenticate = ({ clientId }: Client) => (clientId === "bad" ? Cause.NotAuthorized : Cause.None);
		const fixture = new Fixture({ access: { authenticate } });
		const witness = fixture.connect("w");
		witness.subscribe("#");
		const publish = [0x31, version === 5 ? 5 : 4, 0, 1, 0x61, ...none(version), 0x78];
		for (const id of ["bad", "good"]) {
			const client = fixture.open(version);
			const connect = connectBytes(version, { payload: data(id) });
			client.raw([...connect, ...subscribeBytes(version, "b", 0), ...publish]);
			const heeded = id === "good";
			assert.equal(witness.messages(), heeded ? ["a x 0"] : []);
			assert.is(fixture.broker.retained.count, heeded ? 1 : 0);
			assert.equal(client.messages(), heeded ? ["connack", "suback"] : ["connack"]);
			assert.is(client.closed, !heeded);
			const count = client.bytes.length;
			if (!heeded) client.connection?.onReadable(Uint8Array.from(publish), 0, publish.length);
			fixture.settle();
			assert.is(client.bytes.length, count);
			assert.equal(witness.messages(), []);
		}
	},
);

each(test, { 3: "", 4: "", 5: "" }, "who does not send CONNECT, or not in time, is disconnected", (version) => {
	const fixture = new Fixture({ limits: { connectTimeoutMs: 5_000 } });
	const rude = fixture.open(version);
	rude.raw([0xc0, 0]);
	assert.ok(rude.closed);
	const silent = fixture.open(version);
	const slow = fixture.open(version);
	slow.raw(connectBytes(version).slice(0, 5));
	fixture.advance(4_500);
	slow.raw(connectBytes(version).slice(5, 7));
	assert.not(silent.closed);
	fixture.advance(1_000);
	assert.ok(silent.closed);
	assert.ok(slow.closed, "a part of it is not enough");
	assert.equal([...rude.bytes, ...silent.bytes, ...slow.bytes], []);
});

test.run();
