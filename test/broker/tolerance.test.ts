/** What docs/tolerance.md says that is taken, and how `strict` changes it. */

import { data, ended, fresh, packet } from "../conformance/wire.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("tolerance");
const RECEIVE_MAXIMUM = 16;

/** Begins 100 QoS 2 messages and completes none. @returns the Reason Codes of PUBREC */
function begin(client: TestClient): number[] {
	const codes: number[] = [];
	for (let id = 1; id <= 100; id++) {
		client.publish("a", "x", 2, { messageId: id });
		if (client.closed) return codes;
		codes.push(client.take("pubrec").reasonCode ?? 0);
	}
	return codes;
}

const limits = { receiveMaximum: RECEIVE_MAXIMUM, received: 64 };

test("5.0: beyond Receive Maximum QoS 2 messages pass while half of the places are free; others keep theirs", () => {
	const fixture = new Fixture({ limits });
	const client = fixture.open(5);
	assert.is(client.connect("c", fresh(5)).properties?.receiveMaximum, RECEIVE_MAXIMUM);
	assert.equal(begin(client), [...Array(32).fill(0x10), ...Array(68).fill(0x97)]);
	assert.not(client.closed);
	assert.equal(begin(fixture.connect("other", fresh(5))).slice(0, 17), [...Array(16).fill(0x10), 0x97]);
	for (let id = 1; id <= 32; id++) client.send({ cmd: "pubrel", messageId: id });
	client.packets = [];
	client.publish("a", "x", 2, { messageId: 200 });
	assert.is(client.take("pubrec").reasonCode, 0x10, "when there is room again");
});

test("5.0, strict: beyond Receive Maximum the connection ends with 0x93", () => {
	const client = new Fixture({ strict: true, limits }).connect("c", fresh(5));
	assert.is(begin(client).length, RECEIVE_MAXIMUM);
	ended(client, "", 0x93);
});

test("5.0: QoS 1 messages are acknowledged at once and never too many", () => {
	const fixture = new Fixture({ strict: true, limits });
	const client = fixture.connect("c", fresh(5));
	for (let id = 1; id <= 100; id++) client.publish("a", "x", 1, { messageId: id });
	assert.not(client.closed);
	assert.is(client.packets.length, 100);
});

test("3.1.1: who was told no limit has one all the same, strict or not", () => {
	for (const strict of [false, true]) {
		const client = new Fixture({ strict, limits }).connect("c");
		assert.is(begin(client).length, 32);
		assert.ok(client.closed);
	}
});

/** SUBSCRIBE, UNSUBSCRIBE and PUBREL with these flags. */
function withFlags(flags: number): number[][] {
	return [
		packet(0x80 | flags, [0, 1], data("a"), [0]),
		packet(0xa0 | flags, [0, 2], data("a")),
		packet(0x60 | flags, [0, 3]),
	];
}

test("3.1: flags of SUBSCRIBE, UNSUBSCRIBE and PUBREL may be any; strictly, only DUP may differ", () => {
	for (const strict of [false, true])
		for (let flags = 0; flags < 16; flags++)
			for (const bytes of withFlags(flags)) {
				const client = new Fixture({ strict }).connect("c", { protocolVersion: 3 });
				client.raw(bytes);
				assert.is(client.closed, strict && (flags & 7) !== 2, `strict ${strict}, flags ${flags}`);
				if (!client.closed) assert.is(client.packets.length, 1);
			}
});

test("3.1.1 and 5.0: other flags end the connection, strict or not [MQTT-2.2.2-2]", () => {
	for (const strict of [false, true])
		for (const protocolVersion of [4, 5] as const)
			for (const bytes of withFlags(0)) {
				const client = new Fixture({ strict }).connect("c", { protocolVersion });
				client.raw(bytes);
				ended(client, `${bytes}`);
			}
});

test("acknowledgements of what is not known are answered or ignored", () => {
	for (const protocolVersion of [3, 4, 5] as const) {
		const client = new Fixture().connect("c", { protocolVersion });
		client.raw([0x62, 2, 0, 9]).raw([0x50, 2, 0, 8]).raw([0x40, 2, 0, 7]).raw([0x70, 2, 0, 6]);
		const code = protocolVersion === 5 ? [0x92] : [];
		client.bytes = client.bytes.slice(-(8 + 2 * code.length));
		assert.equal(client.bytes, [0x70, 2 + code.length, 0, 9, ...code, 0x62, 2 + code.length, 0, 8, ...code]);
		assert.not(client.closed);
	}
});

test("Client Identifiers of 56 bytes, and with the characters of topics, are taken by an ESP32", () => {
	for (const protocolVersion of [3, 4, 5] as const)
		for (const id of ["m".repeat(56), "govee2mqtt/aa+bb#", "x".repeat(64)])
			assert.not(new Fixture().connect(id, { protocolVersion }).closed);
});

test("a protocol level with a bridge's bit is answered by 0x01, so that the bridge comes again without it", () => {
	for (const level of [0x83, 0x84]) {
		const name = level === 0x83 ? "MQIsdp" : "MQTT";
		const client = new Fixture().open(4).raw(packet(0x10, data(name), [level, 2, 0, 0], data("bridge")));
		assert.equal(client.bytes, [0x20, 2, 0, 1]);
		assert.ok(client.closed);
	}
});

test.run();
