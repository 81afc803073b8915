/** What MQTT demands of a client that publishes, subscribes and receives. */
import type { IPublishPacket } from "mqtt-packet";
import { text } from "../../host-sim/text.js";
import { PacketType } from "../../src/codec/packet-types.js";
import { Cause } from "../../src/errors.js";
import { encodeProperties, type PropertyRecord } from "../../src/promises/property-record.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { assert, suite } from "../support/test.js";

const test = suite("a client publishes and receives");
const VERSIONS = [4, 5] as const;

const of = (version: 4 | 5, three: string[], five: string[]) =>
	(version === 4 ? three.map((id) => `[MQTT-${id}]`) : five.map((id) => `[5:MQTT-${id}]`)).join(" ");

/** @returns the PUBLISHes that came, which are taken */
function published(server: ScriptedServer): IPublishPacket[] {
	return server.end.packets.splice(0).filter((packet): packet is IPublishPacket => packet.cmd === "publish");
}

function incoming(topic: string, qos: number, messageId: number, properties?: object) {
	const more = properties === undefined ? {} : { properties };
	return { cmd: "publish", topic, payload: "x", qos, messageId, dup: false, retain: false, ...more };
}

for (const version of VERSIONS) {
	const name = version === 4 ? "3.1.1" : "5.0";

	test(`${name}: a Packet Identifier is not zero and not in use ${of(version, ["2.3.1-2"], ["2.2.1-3"])}`, () => {
		const server = new ScriptedServer({ version, limits: { inFlight: 4 } });
		server.connect();
		const used = new Set<number>();
		for (let i = 0; i < 3; i++) server.publish("a", `${i}`, 1 + (i % 2));
		server.subscribe("b");
		server.subscribe("c");
		for (const packet of server.end.packets.splice(0)) {
			assert.ok(packet.messageId! > 0);
			assert.not.ok(used.has(packet.messageId!), `${packet.messageId} is in use`);
			used.add(packet.messageId!);
		}
		assert.is(used.size, 5);
		// 65,535 later the numbers begin anew, and go round what is still in use
		const held = [...used];
		const next = Math.max(...held) + 1;
		for (let i = 0; i < 70_000; i++) {
			server.publish("a", "x", 1);
			const { messageId } = server.end.take("publish");
			assert.not.ok(held.includes(messageId!), `${messageId}`);
			server.end.send({ cmd: "puback", messageId });
			server.end.bytes = [];
		}
		assert.ok(next > 0);
	});

	test(`${name}: what is sent again keeps its identifier and order ${of(
		version,
		["2.3.1-3", "4.6.0-1"],
		["4.6.0-1"],
	)}`, () => {
		const server = new ScriptedServer({ version, cleanStart: false });
		server.connect();
		for (let i = 0; i < 4; i++) server.publish("a", `${i}`, 1 + (i % 2));
		const first = published(server);
		server.again({ sessionPresent: true });
		const second = published(server);
		const told = (list: IPublishPacket[]) => list.map((p) => `${p.messageId} ${p.payload} ${p.qos}`);
		assert.equal(told(second), told(first));
		assert.ok(second.every((p) => p.dup));
		assert.ok(first.every((p) => !p.dup));
		// and is free again when it was acknowledged
		server.end.send({ cmd: "puback", messageId: first[0]!.messageId });
		assert.is(server.client.unacknowledged, 3);
	});

	test(`${name}: acknowledgements come in the order of what they acknowledge ${of(
		version,
		["4.6.0-2", "4.6.0-3", "4.6.0-4"],
		["4.6.0-2", "4.6.0-3", "4.6.0-4"],
	)}`, () => {
		const server = new ScriptedServer({ version });
		server.connect();
		for (const id of [5, 3, 9, 4]) server.end.send(incoming("a", 1 + (id % 2), id));
		const acks = server.end.packets.splice(0).map((p) => `${p.cmd} ${p.messageId}`);
		assert.equal(
			acks.filter((ack) => ack.startsWith("puback")),
			["puback 4"],
		);
		assert.equal(
			acks.filter((ack) => ack.startsWith("pubrec")),
			["pubrec 5", "pubrec 3", "pubrec 9"],
		);
		for (let i = 0; i < 3; i++) server.publish("a", `${i}`, 2);
		const ids = published(server).map((p) => p.messageId!);
		for (const messageId of ids) server.end.send({ cmd: "pubrec", messageId });
		assert.equal(
			server.end.packets.splice(0).map((p) => `${p.cmd} ${p.messageId}`),
			ids.map((id) => `pubrel ${id}`),
		);
	});

	test(`${name}: messages that nobody asked for are acknowledged, too ${of(version, ["4.5.0-2"], ["4.5.0-2"])}`, () => {
		const server = new ScriptedServer({ version });
		server.connect();
		server.end.send(incoming("nobody/asked", 1, 11));
		server.end.send(incoming("nobody/asked", 2, 12));
		server.end.send({ cmd: "pubrel", messageId: 12 });
		assert.equal(server.end.kinds(), ["puback", "pubrec", "pubcomp"]);
	});

	test(`${name}: filters are UTF-8, and there is one at least ${of(
		version,
		["3.8.3-1", "3.8.3-3", "3.10.3-1", "3.10.3-2"],
		["3.8.3-1", "3.8.3-2", "3.10.3-1", "3.10.3-2"],
	)}`, () => {
		const server = new ScriptedServer({ version });
		server.connect();
		const subscription = server.subscribe("größe/+/\u{1f525}", undefined, { qos: 1 });
		const subscribe = server.end.take("subscribe");
		assert.equal(
			subscribe.subscriptions.map((s) => [s.topic, s.qos]),
			[["größe/+/\u{1f525}", 1]],
		);
		server.end.send({ cmd: "suback", messageId: subscribe.messageId, granted: [1] });
		assert.ok(typeof subscription !== "number");
		if (typeof subscription !== "number") server.client.unsubscribe(subscription);
		server.settle();
		assert.equal(server.end.take("unsubscribe").unsubscriptions, ["größe/+/\u{1f525}"]);
		for (const bad of ["", "a\0b", "a/#/b", "a+"]) assert.type(server.subscribe(bad), "number");
		assert.equal(server.end.kinds(), []);
	});
}

test("5.0: no more than Maximum QoS, no RETAIN where it is not available [5:MQTT-3.2.2-11] [5:MQTT-3.2.2-14]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect({ properties: { maximumQoS: 1, retainAvailable: false } });
	assert.is(server.publish("a", "1", 2), -Cause.QosNotSupported);
	assert.is(server.publish("a", "1", 0, { retain: true }), -Cause.RetainNotSupported);
	server.publish("a", "1", 1);
	assert.equal(
		published(server).map((p) => [p.qos, p.retain]),
		[[1, false]],
	);
});

test("5.0: no packet is larger than the server takes [5:MQTT-3.2.2-15]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect({ properties: { maximumPacketSize: 40 } });
	let outcome = Cause.None;
	server.client.publish("a", "x".repeat(60), { qos: 1 }, (cause) => {
		outcome = cause;
	});
	server.settle();
	assert.is(outcome, Cause.PacketTooLarge);
	outcome = Cause.None;
	assert.ok(server.publish("a", "x".repeat(20), 1) > 0);
	server.end.bytes = [];
	server.subscribe("y".repeat(60), undefined, {}, (cause) => {
		outcome = cause;
	});
	assert.is(server.end.bytes.length, 0);
	assert.is(outcome, Cause.PacketTooLarge);
	// nor larger than the client itself can make
	const small = new ScriptedServer({ limits: { controlBytes: 128 } });
	small.connect();
	assert.type(small.subscribe("z".repeat(200)), "number");
	small.subscribe("a");
	assert.equal(small.end.kinds(), ["subscribe"]);
});

test("5.0: Topic Aliases stay within the server's maximum [5:MQTT-3.2.2-17] [5:MQTT-3.3.2-9]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect({ properties: { topicAliasMaximum: 2 } });
	const aliases = new Set<number>();
	for (let i = 0; i < 40; i++) server.publish(`room/${i % 4}/temperature`, "1");
	for (const { properties } of published(server)) if (properties?.topicAlias) aliases.add(properties.topicAlias);
	assert.ok(aliases.size > 0);
	for (const alias of aliases) assert.ok(alias >= 1 && alias <= 2, `${alias}`);
});

test("5.0: no Topic Alias to a server that has none [5:MQTT-3.2.2-18]", () => {
	for (const properties of [{}, { topicAliasMaximum: 0 }]) {
		const server = new ScriptedServer({ version: 5 });
		server.connect({ properties });
		for (let i = 0; i < 8; i++) server.publish("room/1/temperature", "1");
		assert.ok(published(server).every((p) => p.properties?.topicAlias === undefined && p.topic !== ""));
	}
});

test("5.0: Topic Aliases up to the own maximum are taken [5:MQTT-3.3.2-10]", () => {
	const server = new ScriptedServer({ version: 5 });
	const connect = server.connect();
	const maximum = connect.properties?.topicAliasMaximum ?? 0;
	const got: string[] = [];
	server.subscribe("#", (message) => got.push(message.topic));
	server.end.kinds();
	for (let alias = 1; alias <= maximum; alias++) {
		server.end.send({ ...incoming(`t/${alias}`, 0, 0, { topicAlias: alias }), messageId: undefined });
		server.end.send({ ...incoming("", 0, 0, { topicAlias: alias }), messageId: undefined });
	}
	assert.equal(
		got,
		Array.from({ length: 2 * maximum }, (_, i) => `t/${1 + (i >> 1)}`),
	);
	// and none beyond: 0x94
	server.end.send({ ...incoming("t", 0, 0, { topicAlias: maximum + 1 }), messageId: undefined });
	assert.is((server.end.packets.at(-1) as { reasonCode?: number }).reasonCode, 0x94);
	assert.ok(server.end.closed);
});

test("5.0: no Subscription Identifier in a PUBLISH [5:MQTT-3.3.4-6]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect();
	server.subscribe("a");
	server.end.kinds();
	server.publish("a", "1", 1);
	assert.is(published(server)[0]!.properties?.subscriptionIdentifier, undefined);
	const encode = (record: PropertyRecord) => encodeProperties(record, text, PacketType.Publish, "publish");
	assert.throws(() => encode({ subscriptionIdentifier: 1 }), /leave it out/);
	assert.throws(() => encode({ receiveMaximum: 1 }), /no such property/);
	assert.ok(encode({ contentType: "text/plain" }));
});

test("5.0: Receive Maximum bounds PUBLISH, and nothing else [5:MQTT-3.3.4-7] [5:MQTT-3.3.4-8]", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect({ properties: { receiveMaximum: 2 } });
	for (let i = 0; i < 5; i++) server.publish("a", `${i}`, 1 + (i % 2));
	assert.is(server.end.packets.length, 2);
	server.publish("a", "passes", 0);
	server.subscribe("b");
	const kinds = server.end.packets.map((packet) => packet.cmd);
	assert.equal(kinds, ["publish", "publish", "publish", "subscribe"]);
	const [one, two] = published(server);
	server.end.send({ cmd: "puback", messageId: one!.messageId, reasonCode: 0 });
	assert.is(published(server).length, 1);
	// QoS 2 is in flight until PUBCOMP
	server.end.send({ cmd: "pubrec", messageId: two!.messageId, reasonCode: 0 });
	assert.equal(server.end.kinds(), ["pubrel"]);
	server.end.send({ cmd: "pubcomp", messageId: two!.messageId, reasonCode: 0 });
	assert.is(published(server).length, 1);
});

test.run();
