/** Connections: who comes in, who is refused and why, and what they cost others. */
import { Cause } from "../../src/errors.js";
import { Fixture, hex } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("connections");

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

test("an identifier that is too long is refused with CONNACK 0x02, and nobody else is touched", () => {
	const fixture = new Fixture();
	const other = fixture.connect("other");
	const client = fixture.open();
	assert.is(client.connect("x".repeat(65)).returnCode, 2);
	assert.ok(client.closed);
	assert.not(other.closed);
});

test("user name and password are judged, with their own return codes [MQTT-3.1.3-9]", () => {
	const asked: unknown[] = [];
	const fixture = new Fixture({
		limits: { guesses: 0 },
		access: {
			authenticate: ({ clientId, userName: user }, password) => {
				asked.push([clientId, user, password === undefined ? undefined : Buffer.from(password).toString()]);
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

test("single bytes don't keep a connection alive, packets and parts of a large packet do [MQTT-3.1.2-24]", () => {
	const fixture = new Fixture();
	const packet = [0x30, 50, 0, 1, 0x61, ...new Array(47).fill(0x62)];
	const trickle = fixture.connect("trickle", { keepalive: 10 });
	for (let at = 0; at < 3 && !trickle.closed; at++) {
		trickle.raw(packet.slice(at, at + 1));
		fixture.advance(6_000);
	}
	assert.ok(trickle.closed);
	const large = fixture.connect("large", { keepalive: 10 });
	large.raw([0x30, 0xe8, 0x07, 0, 1, 0x61, ...new Array(300).fill(0x62)]);
	for (let part = 0; part < 7; part++) {
		fixture.advance(14_000);
		large.raw(new Array(100).fill(0x62));
	}
	assert.not(large.closed);
});

test("without a budget for Retained Messages 5.0 is told so, and refused when it retains", () => {
	const fixture = new Fixture({ limits: { retained: 0 } });
	const watcher = fixture.connect("w");
	watcher.subscribe("a");
	const client = fixture.open(5);
	assert.is(client.connect("c").properties?.retainAvailable, false);
	client.publish("a", "x", 1, { retain: true });
	assert.is(client.take("disconnect").reasonCode, 0x9a);
	fixture.connect("old").publish("a", "y", 0, { retain: true });
	assert.equal(watcher.messages(), ["a y 0"], "3.1.1 cannot be told: at QoS 0 it is delivered and not kept");
	const will = { topic: "w", payload: Buffer.from("x"), qos: 0, retain: true } as const;
	assert.is(fixture.open(5).connect("d", { will }).reasonCode, 0x9a);
});

test.run();
