import { Cause } from "../../src/errors.js";
import { Fixture, hex, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("MQTT 3.1.1: CONNECT and CONNACK");

/** A CONNECT of 3.1.1 with these Connect Flags and payload. */
function connectBytes(flags: number, payload: number[], level = 4, name = [0, 4, 0x4d, 0x51, 0x54, 0x54]): number[] {
	const body = [...name, level, flags, 0, 0, ...payload];
	return [0x10, body.length, ...body];
}

const ID = [0, 1, 0x63]; // "c"

/** @returns what a fresh connection hears to these bytes, and whether it is closed */
function answer(bytes: number[], fixture = new Fixture()): { bytes: number[]; closed: boolean; client: TestClient } {
	const client = fixture.open();
	client.raw(bytes);
	return { bytes: client.bytes, closed: client.closed, client };
}

test("a valid CONNECT is the first packet's answer: CONNACK with code zero [MQTT-3.1.4-4] [MQTT-3.2.0-1]", () => {
	assert.equal(answer(connectBytes(2, ID)).bytes, [0x20, 2, 0, 0]);
	const fixture = new Fixture();
	const other = fixture.connect("c", { clean: false });
	other.subscribe("#", 1);
	other.cut();
	fixture.connect("p").publish("a", "x", 1);
	const { bytes } = answer(connectBytes(0, ID), fixture);
	assert.equal(bytes.slice(0, 4), [0x20, 2, 1, 0], "before the queued message");
	assert.ok(bytes.length > 4);
});

test("before CONNECT no other packet is taken, and nothing is sent [MQTT-4.8.0-1]", () => {
	for (const bytes of ["c0 00", "30 03 00 01 61", "82 06 00 01 00 01 61 00", "e0 00", "40 02 00 01"]) {
		const { bytes: heard, closed } = answer([...hex(bytes)]);
		assert.ok(closed, bytes);
		assert.equal(heard, []);
	}
});

test("a second CONNECT ends the connection [MQTT-3.1.0-2]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c");
	client.raw(connectBytes(2, ID));
	assert.ok(client.closed);
	assert.is(fixture.broker.counters.closedFor(Cause.ConnectTwice), 1);
});

test("a wrong protocol name ends the connection without CONNACK [MQTT-3.1.2-1] [MQTT-3.2.2-6]", () => {
	for (const name of ["MQTU", "mqtt", "MQTTT", "XXXX"]) {
		const { bytes, closed } = answer(connectBytes(2, ID, 4, [0, name.length, ...Buffer.from(name)]));
		assert.ok(closed, name);
		assert.equal(bytes, []);
	}
});

test("an unknown protocol level gets CONNACK 0x01 and the end [MQTT-3.1.2-2]", () => {
	for (const level of [0, 1, 2, 3, 6, 7, 255]) {
		const { bytes, closed } = answer(connectBytes(2, ID, level));
		assert.equal(bytes, [0x20, 2, 0, 1], `level ${level}`);
		assert.ok(closed);
	}
});

test("a reserved flag that is not zero ends the connection without CONNACK [MQTT-3.1.2-3] [MQTT-3.1.4-1]", () => {
	const { bytes, closed } = answer(connectBytes(3, ID));
	assert.ok(closed);
	assert.equal(bytes, []);
});

test("a malformed CONNECT ends the connection without CONNACK [MQTT-3.1.4-1]", () => {
	const malformed: Record<string, number[]> = {
		"Will QoS 3": connectBytes(0x1e, [...ID, 0, 1, 0x77, 0, 0]),
		"Will QoS without Will": connectBytes(0x0a, ID),
		"Will Retain without Will": connectBytes(0x22, ID),
		"a password without user name": connectBytes(0x42, [...ID, 0, 1, 0x70]),
		"no Client Identifier": connectBytes(2, []),
		"a Will without topic": connectBytes(6, ID),
		"a user name that is not there": connectBytes(0x82, ID),
		"bytes after the payload": connectBytes(2, [...ID, 0]),
		"an ill-formed Client Identifier": connectBytes(2, [0, 1, 0xff]),
		"U+0000 in the Client Identifier": connectBytes(2, [0, 1, 0]),
		"a Will Topic with a wildcard": connectBytes(6, [...ID, 0, 1, 0x23, 0, 0]),
	};
	for (const [what, bytes] of Object.entries(malformed)) {
		const heard = answer(bytes);
		assert.ok(heard.closed, what);
		assert.equal(heard.bytes, [], what);
	}
});

test("identifiers of 1 to 23 letters and digits are taken, and longer ones up to the limit [MQTT-3.1.3-5]", () => {
	const fixture = new Fixture();
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	for (const id of ["a", "0", letters.slice(0, 23), letters.slice(23, 46), letters.slice(39), "x".repeat(48)]) {
		const client = fixture.connect(id);
		client.send({ cmd: "disconnect" });
	}
});

test("an identifier that is too long is refused with CONNACK 0x02, and nobody else is touched", () => {
	const fixture = new Fixture();
	const other = fixture.connect("other");
	const client = fixture.open();
	assert.is(client.connect("x".repeat(49)).returnCode, 2);
	assert.ok(client.closed);
	assert.not(other.closed);
});

test("clients without identifier get different ones of their own [MQTT-3.1.3-6]", () => {
	const fixture = new Fixture();
	const [one, two] = [fixture.connect(""), fixture.connect("")];
	assert.not(one.closed);
	assert.not(two.closed);
	const ids = [one, two].map((client) => client.connection?.session?.clientId);
	assert.is(new Set(ids).size, 2);
	one.subscribe("a");
	two.publish("a", "x");
	assert.equal(one.messages(), ["a x 0"]);
});

test("no identifier and CleanSession 0: CONNACK 0x02 and the end [MQTT-3.1.3-8] [MQTT-3.2.2-4] [MQTT-3.2.2-5]", () => {
	const { bytes, closed } = answer(connectBytes(0, [0, 0]));
	assert.equal(bytes, [0x20, 2, 0, 2]);
	assert.ok(closed);
});

test("what follows a refused CONNECT is ignored [MQTT-3.1.4-5]", () => {
	const fixture = new Fixture({ access: { allowAnonymous: false } });
	const client = fixture.open();
	client.raw([...connectBytes(2, ID), ...hex("30 03 00 01 61"), 0xc0, 0]);
	assert.equal(client.bytes, [0x20, 2, 0, 5]);
	assert.ok(client.closed);
	assert.is(fixture.broker.counters.publishesReceived, 0);
});

test("user name and password are judged, with their own return codes [MQTT-3.1.3-9]", () => {
	const asked: unknown[] = [];
	const fixture = new Fixture({
		access: {
			authenticate: (id, user, password) => {
				asked.push([id, user, password === undefined ? undefined : Buffer.from(password).toString()]);
				if (user === "banned") return Cause.NotAuthorized;
				if (user === "strange") return Cause.ClientIdRejected;
				return user === "u" && password?.length === 1 ? Cause.None : Cause.BadUserNameOrPassword;
			},
		},
	});
	const code = (username?: string, password?: string) => {
		const client = fixture.open();
		const more = { ...(username ? { username } : {}), ...(password ? { password: Buffer.from(password) } : {}) };
		const { returnCode } = client.connect("c", more);
		assert.is(client.closed, returnCode !== 0);
		return returnCode;
	};
	assert.equal([code("u", "p"), code("u", "wrong"), code("u"), code()], [0, 4, 4, 4]);
	assert.equal([code("banned", "p"), code("strange", "p")], [5, 2]);
	assert.equal(asked[0], ["c", "u", "p"]);
});

test("CleanSession 1 wipes what was, and leaves nothing [MQTT-3.1.2-6] [MQTT-3.1.4-3] [MQTT-3.1.3-2]", () => {
	const fixture = new Fixture();
	const publisher = fixture.connect("p");
	const before = fixture.connect("c", { clean: false });
	before.subscribe("a", 1);
	before.cut();
	publisher.publish("a", "old", 1);
	const other = fixture.connect("d", { clean: false });
	assert.not(other.sessionPresent, "another identifier, another session");
	const clean = fixture.connect("c", { clean: true });
	assert.not(clean.sessionPresent);
	assert.equal(clean.messages(), []);
	publisher.publish("a", "new", 1);
	assert.equal(clean.messages(), [], "its subscription is gone");
	clean.subscribe("b", 1);
	clean.cut();
	const after = fixture.connect("c", { clean: false });
	assert.not(after.sessionPresent, "a clean session leaves nothing");
	publisher.publish("b", "x", 1);
	assert.equal(after.messages(), []);
});

test("a session lasts as long as its connection, with CleanSession 0 longer [MQTT-4.1.0-1] [MQTT-4.1.0-2]", () => {
	const fixture = new Fixture({ limits: { sessionExpirySeconds: 0xffffffff } });
	const client = fixture.connect("c", { clean: false });
	client.subscribe("a", 1);
	fixture.advance(3_600_000);
	fixture.connect("p").publish("a", "1", 1);
	assert.equal(client.messages(), ["a 1 1"]);
	client.send({ cmd: "disconnect" });
	fixture.advance(30 * 86_400_000);
	const back = fixture.connect("c", { clean: false });
	assert.ok(back.sessionPresent);
	assert.equal(back.messages(), ["a 1 1 dup"]);
});

test("a limit on how long a session waits is kept", () => {
	const fixture = new Fixture({ limits: { sessionExpirySeconds: 60 } });
	fixture.connect("c", { clean: false }).cut();
	fixture.advance(59_000);
	const back = fixture.connect("c", { clean: false });
	assert.ok(back.sessionPresent);
	back.cut();
	fixture.advance(61_000);
	assert.not(fixture.connect("c", { clean: false }).sessionPresent);
});

test("one that is silent for 1.5 times its Keep Alive is ended, with its will [MQTT-3.1.2-24]", () => {
	const fixture = new Fixture();
	const watcher = fixture.connect("w");
	watcher.subscribe("will");
	const will = { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false } as const;
	const client = fixture.connect("c", { keepalive: 10, will });
	for (let i = 0; i < 5; i++) {
		fixture.advance(14_000);
		client.send({ cmd: "pingreq" });
	}
	assert.not(client.closed);
	fixture.advance(14_750);
	assert.not(client.closed);
	fixture.advance(500);
	assert.ok(client.closed);
	assert.equal(watcher.messages(), ["will gone 0"]);
	assert.not(watcher.closed, "Keep Alive 0 never ends");
});

test("a connection without CONNECT is ended after the time for it", () => {
	const fixture = new Fixture();
	const client = fixture.open();
	client.raw([0x10]);
	fixture.advance(9_750);
	assert.not(client.closed);
	fixture.advance(500);
	assert.ok(client.closed);
	assert.is(fixture.broker.counters.closedFor(Cause.ConnectTimeout), 1);
});

test("silent strangers don't keep others out: who has waited longest goes", () => {
	const fixture = new Fixture({ limits: { connections: 2, spareConnections: 1 } });
	fixture.connect("one");
	fixture.connect("two");
	const strangers = [fixture.open()];
	for (let i = 0; i < 3; i++) {
		fixture.advance(1_000);
		strangers.push(fixture.open());
		assert.equal(
			strangers.map(({ closed }) => closed),
			[...strangers.slice(1).map(() => true), false],
		);
	}
	assert.is(fixture.open().connect("three").returnCode, 3);
	assert.is(fixture.open().connect("two").returnCode, 0, "one who is known comes in");
});

test("without Will flag nothing is published at the end [MQTT-3.1.2-12]", () => {
	const fixture = new Fixture();
	const watcher = fixture.connect("w");
	watcher.subscribe("#");
	fixture.connect("c").cut();
	assert.equal(watcher.messages(), []);
});

test("a will without Will Retain is not retained, one with it is [MQTT-3.1.2-16] [MQTT-3.1.2-17]", () => {
	const fixture = new Fixture();
	for (const retain of [false, true]) {
		const will = { topic: `w/${retain}`, payload: Buffer.from("x"), qos: 1, retain } as const;
		fixture.connect("c", { will }).cut();
	}
	const late = fixture.connect("l");
	late.subscribe("w/#", 1);
	assert.equal(late.messages(), ["w/true x 1 retain"]);
});

test("3.1: MQIsdp level 3 is spoken, with DUP on a resent SUBSCRIBE and no empty identifier", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c", { protocolVersion: 3 });
	client.raw(hex("8a 06 00 01 00 01 61 02"));
	assert.equal(client.messages(), ["suback"]);
	client.publish("a", "x", 2);
	assert.equal(client.messages(), ["a x 2", "pubrec"]);
	const { bytes, closed } = answer(connectBytes(2, [0, 0], 3, [0, 6, ...Buffer.from("MQIsdp")]), fixture);
	assert.equal(bytes, [0x20, 2, 0, 2]);
	assert.ok(closed);
});

test.run();
