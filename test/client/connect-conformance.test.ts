/** What MQTT demands of a client as it connects and while it is connected. */
import type { IConnectPacket } from "mqtt-packet";
import type { ClientWill } from "../../src/client/client-options.js";
import { type ScriptedOptions, ScriptedServer } from "../support/scripted-server.js";
import { assert, suite } from "../support/test.js";

const test = suite("a client connects");

const will: ClientWill = { topic: "gone", payload: Buffer.from("bye"), qos: 1, retain: true };
const VERSIONS = [4, 5] as const;

function connectOf(options: ScriptedOptions): { packet: IConnectPacket; bytes: number[]; flags: number } {
	const server = new ScriptedServer(options);
	const packet = server.connect();
	const { bytes } = server.end;
	// fixed header of two bytes, "MQTT", level: the flags are behind them
	return { packet, bytes, flags: bytes[9]! };
}

/** An option's statements, of both versions. */
const of = (version: 4 | 5, three: string[], five: string[]) =>
	(version === 4 ? three.map((id) => `[MQTT-${id}]`) : five.map((id) => `[5:MQTT-${id}]`)).join(" ");

for (const version of VERSIONS) {
	const name = version === 4 ? "3.1.1" : "5.0";

	test(`${name}: CONNECT is first on every connection ${of(version, ["3.1.0-1"], ["3.1.0-1"])}`, () => {
		const server = new ScriptedServer({ version });
		server.client.connect();
		server.publish("early", "1", 1);
		server.subscribe("early/#");
		assert.equal(server.end.packets[0]?.cmd, "connect");
		assert.is(server.end.packets.length, 1); // nothing before CONNACK
		server.accept();
		assert.equal(server.end.kinds().sort(), ["publish", "subscribe"]);
		server.again();
		assert.equal(server.end.bytes[0], 0x10);
	});

	test(`${name}: without a Will its bits are zero and its fields absent ${of(
		version,
		["3.1.2-11", "3.1.2-13", "3.1.2-15"],
		["3.1.2-11", "3.1.2-13"],
	)}`, () => {
		const { packet, flags } = connectOf({ version });
		assert.is(flags & 0b0011_1100, 0);
		assert.is(packet.will, undefined);
	});

	test(`${name}: a Will has all its fields, and a QoS of 0, 1 or 2 ${of(
		version,
		["3.1.2-9", "3.1.2-14"],
		["3.1.2-9", "3.1.2-12"],
	)}`, () => {
		for (const qos of [0, 1, 2]) {
			const { packet, flags } = connectOf({ version, will: { ...will, qos } });
			assert.is((flags >> 3) & 3, qos);
			assert.is(flags & 0b0010_0100, 0b0010_0100);
			assert.equal([packet.will?.topic, `${packet.will?.payload}`, packet.will?.retain], ["gone", "bye", true]);
		}
		assert.throws(() => new ScriptedServer({ version, will: { ...will, qos: 3 } }), /qos/i);
	});

	test(`${name}: user name and password are there if their flags are, and only then ${of(
		version,
		["3.1.2-18", "3.1.2-19", "3.1.2-20", "3.1.2-21"],
		["3.1.2-16", "3.1.2-17", "3.1.2-18", "3.1.2-19"],
	)}`, () => {
		const none = connectOf({ version });
		assert.is(none.flags & 0xc0, 0);
		assert.equal([none.packet.username, none.packet.password], [undefined, undefined]);
		const user = connectOf({ version, userName: "ann" });
		assert.is(user.flags & 0xc0, 0x80);
		assert.equal([user.packet.username, user.packet.password], ["ann", undefined]);
		const both = connectOf({ version, userName: "ann", password: Buffer.from("pw") });
		assert.is(both.flags & 0xc0, 0xc0);
		assert.equal([both.packet.username, `${both.packet.password}`], ["ann", "pw"]);
	});

	test(`${name}: the payload's fields are in their order, Client Identifier first ${of(
		version,
		["3.1.3-1", "3.1.3-3"],
		["3.1.3-1", "3.1.3-3"],
	)}`, () => {
		const { bytes } = connectOf({ version, will, userName: "ann", password: Buffer.from("pw") });
		const all = Buffer.from(bytes).toString("latin1");
		const at = ["\0\x02me", "\0\x04gone", "\0\x03bye", "\0\x03ann", "\0\x02pw"].map((field) => all.indexOf(field));
		assert.equal(
			at,
			[...at].sort((a, b) => a - b),
		);
		assert.not.ok(at.includes(-1));
	});

	test(`${name}: texts are UTF-8 ${of(
		version,
		["3.1.3-4", "3.1.3-10", "3.1.3-11"],
		["3.1.3-4", "3.1.3-11", "3.1.3-12"],
	)}`, () => {
		const texts = { clientId: "mé-\u{1f525}", userName: "änn", will: { ...will, topic: "größe/\u{1f525}" } };
		const { packet } = connectOf({ version, ...texts });
		assert.equal([packet.clientId, packet.username, packet.will?.topic], ["mé-\u{1f525}", "änn", "größe/\u{1f525}"]);
		const bad = "a\0b";
		assert.throws(() => new ScriptedServer({ version, clientId: bad }), /clientId/);
		assert.throws(() => new ScriptedServer({ version, userName: bad }), /userName/);
		assert.throws(() => new ScriptedServer({ version, will: { ...will, topic: bad } }), /will/i);
		// half of a pair is no character: it goes as the one that stands for what cannot be
		assert.is(connectOf({ version, clientId: "a\ud800b" }).packet.clientId, "a\ufffdb");
	});

	test(`${name}: an idle client pings within Keep Alive ${of(version, ["3.1.2-23"], ["3.1.2-20"])}`, () => {
		const server = new ScriptedServer({ version, keepAlive: 10 });
		server.connect();
		for (let round = 0; round < 3; round++) {
			const before = server.now;
			while (server.end.packets.length === 0) server.advance(250);
			server.end.take("pingreq");
			assert.ok(server.now - before <= 10_000, `${server.now - before} ms`);
			server.end.send({ cmd: "pingresp" });
		}
		// a server that does not answer is gone: a half-open connection
		server.advance(30_000);
		assert.ok(server.ends.length > 1);
	});

	test(`${name}: DISCONNECT is the last, and the client closes ${of(version, ["3.14.4-1", "3.14.4-2"], [])}`, () => {
		const server = new ScriptedServer({ version });
		server.connect();
		server.client.publish("a", "1", { qos: 1 });
		server.client.disconnect();
		server.client.publish("a", "2", { qos: 1 });
		server.settle();
		const kinds = server.end.kinds();
		assert.is(kinds.at(-1), "disconnect");
		assert.ok(server.end.closed);
		server.advance(5_000);
		assert.is(server.ends.length, 1);
	});
}

test("3.1.1: no password without a user name [MQTT-3.1.2-22]", () => {
	assert.throws(() => new ScriptedServer({ version: 4, password: Buffer.from("pw") }), /userName/);
	const { packet } = connectOf({ version: 5, password: Buffer.from("pw") }); // 5.0 allows it
	assert.is(`${packet.password}`, "pw");
});

test("3.1.1: no Client Identifier asks for a clean session [MQTT-3.1.3-7]", () => {
	const { packet } = connectOf({ version: 4, clientId: "", cleanStart: true });
	assert.equal([packet.clientId, packet.clean], ["", true]);
	assert.throws(() => new ScriptedServer({ version: 4, clientId: "", cleanStart: false }), /give clientId/);
});

test("5.0: Server Keep Alive goes before the client's own [5:MQTT-3.1.2-21] [5:MQTT-3.2.2-21]", () => {
	const server = new ScriptedServer({ version: 5, keepAlive: 600 });
	server.connect({ properties: { serverKeepAlive: 4 } });
	server.advance(4_000);
	server.end.take("pingreq");
});

test("5.0: Session Present that cannot be ends the connection [5:MQTT-3.2.2-4]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.client.connect();
	server.settle();
	server.end.take("connect");
	server.end.send({ cmd: "connack", sessionPresent: true, reasonCode: 0 });
	assert.ok(server.end.closed);
	assert.not(server.client.isConnected);
});

test("5.0: without Session Present the client's own session is void [5:MQTT-3.2.2-5]", () => {
	const server = new ScriptedServer({ version: 5, cleanStart: false });
	server.connect();
	// a QoS 2 message half way: its Packet Identifier means nothing in a new session
	server.end.send({ cmd: "publish", topic: "a", payload: "1", qos: 2, messageId: 7, dup: false, retain: false });
	server.end.take("pubrec");
	server.again({ sessionPresent: false });
	server.end.kinds();
	let got = 0;
	server.client.subscribe("a", () => got++, { qos: 2 });
	server.end.send({ cmd: "publish", topic: "a", payload: "2", qos: 2, messageId: 7, dup: false, retain: false });
	assert.is(got, 1); // and not taken for the one before
});

test("5.0: no AUTH without a method [5:MQTT-4.12.0-7]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect();
	assert.not(server.client.authenticate());
	server.end.send({ cmd: "auth", reasonCode: 0x18, properties: { authenticationMethod: "X" } });
	assert.equal(
		server.end.kinds().filter((kind) => kind === "auth"),
		[],
	);
	assert.ok(server.end.closed);
});

test("what a server sends wrong costs the connection, with the reason where 5.0 can tell it", () => {
	for (const [bytes, reason] of [
		[[0x00, 0x00], 0x81],
		[[0x32, 0x05, 0, 1, 0x61, 0, 0], 0x82],
		[[0xd0, 0x01, 0x00], 0x81],
		[[0x82, 0x05, 0, 1, 0, 1, 0x61, 0], 0x82],
	] as const) {
		const server = new ScriptedServer({ version: 5 });
		server.connect();
		server.end.raw([...bytes]);
		const last = server.end.packets.at(-1);
		assert.is(last?.cmd, "disconnect", `${bytes}`);
		assert.is((last as { reasonCode?: number }).reasonCode, reason, `${bytes}`);
		assert.ok(server.end.closed);
		server.advance(10_000);
		assert.ok(server.ends.length > 1, "it comes again");
	}
});

test.run();
