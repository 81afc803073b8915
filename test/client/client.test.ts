/** The client's own behaviour on a virtual clock: queues, Keep Alive, pauses, wrong servers, redirection, aliases. */
import type { Packet } from "mqtt-packet";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { ScramSha256, scramCredentials } from "../../src/auth/scram.js";
import { scramSha256 } from "../../src/auth/scram-client.js";
import type { ClientOptions } from "../../src/client/client-options.js";
import { Cause, causeName } from "../../src/errors.js";
import type { Platform, TransportTarget } from "../../src/platform.js";
import { assert, suite } from "../support/test.js";
import { Notes, script } from "./script.js";
import { bytesHeld, World } from "./world.js";

const test = suite("the client");

test("the pause before the next attempt doubles up to the most, less a random part of at most half", () => {
	const server = script({ reconnectMinMs: 1_000, reconnectMaxMs: 10_000, connectTimeoutMs: 100_000 });
	for (let i = 0; i < 8; i++) {
		server.refuse();
		server.world.advance(10_250);
		assert.is(server.asked.length, i + 2);
	}
	for (const [i, pause] of server.notes.pauses.entries()) {
		const most = Math.min(10_000, 1_000 * 2 ** i);
		assert.ok(pause >= most / 2 && pause <= most, `${i}: ${pause}`);
	}
	assert.ok(new Set(server.notes.pauses.slice(4)).size > 1, "not all the same");
	server.accept();
	(server.client.link as TransportTarget).onError();
	assert.ok(server.notes.pauses.at(-1)! <= 1_000, "a connection that was made counts");
});

test("a server that does not answer CONNECT is given up", () => {
	const server = script({ connectTimeoutMs: 5_000 });
	server.world.advance(5_500);
	assert.equal(server.notes.ends, ["connect-timeout 0 no answer in 5000 ms"]);
});

test("a lasting refusal of the first CONNECT ends it, a passing one does not; later ones never do", () => {
	const wrong = script({ version: 4 }).accept({ returnCode: 4 });
	assert.equal(wrong.notes.ends, ["not-authorized 134 the server refused the connection"]);
	assert.equal(wrong.notes.pauses, [-1]);
	const busy = script({ version: 4 }).accept({ returnCode: 3 });
	assert.ok(busy.notes.pauses[0]! > 0);
	const later = script({ version: 5 }).accept();
	later.client.link.onError();
	later.world.advance(2_000);
	later.accept({ reasonCode: 0x87 });
	assert.ok(later.notes.pauses[1]! > 0);
});

test("a server that does not speak 5.0 is asked again with 3.1.1 at once, unless the version was given", () => {
	const old = script().accept([0x20, 2, 0, 1]);
	assert.is(old.asked.length, 2);
	old.accept();
	assert.is((old.sent("connect")[1] as { protocolVersion: number }).protocolVersion, 4);
	assert.ok(old.client.isConnected);
	const told = script({ version: 5 }).accept([0x20, 2, 0, 1]);
	assert.is(told.asked.length, 1);
	assert.equal(told.notes.pauses, [-1]);
});

test("a silent server is asked by PINGREQ, and given up when it does not answer [MQTT-3.1.2-23]", () => {
	const server = script({ keepAlive: 10, pingTimeoutMs: 4_000 }).accept();
	server.world.advance(8_000);
	assert.is(server.sent("pingreq").length, 1);
	server.send({ cmd: "pingresp" } as Packet);
	server.world.advance(8_000);
	assert.is(server.sent("pingreq").length, 2);
	server.world.advance(4_500);
	assert.match(server.notes.ends[0]!, /^keep-alive-timeout 0 the server is silent for \d+ ms$/);
});

test("a client that only sends notices that nobody is there", () => {
	const server = script({ keepAlive: 10, pingTimeoutMs: 4_000 }).accept();
	for (let i = 0; i < 15 && server.client.isConnected; i++) {
		server.client.publish("a", "x");
		server.world.advance(1_000);
	}
	assert.is(server.client.isConnected, false);
});

test("Server Keep Alive takes the place of the client's [5:MQTT-3.1.2-21]", () => {
	const server = script({ keepAlive: 1_000 }).accept({ properties: { serverKeepAlive: 4 } } as Partial<Packet>);
	server.world.advance(3_500);
	assert.is(server.sent("pingreq").length, 1);
});

for (const [name, bytes, cause, reason] of [
	["a reserved packet type", [0x00, 0], "packet-type-reserved", 0x81],
	["a Remaining Length of five bytes", [0x30, 0xff, 0xff, 0xff, 0xff, 1], "remaining-length-malformed", 0x81],
	["QoS 3", [0x36, 5, 0, 1, 0x61, 0, 1], "publish-qos-3", 0x81],
	["a topic with a wildcard", [0x30, 4, 0, 1, 0x23, 0], "topic-wildcard", 0x90],
	["a topic that is no UTF-8", [0x30, 4, 0, 1, 0xff, 0], "string-ill-formed", 0x81],
	["a topic longer than the packet", [0x30, 3, 0, 9, 0x61], "string-past-end", 0x81],
	["an unknown property", [0x30, 6, 0, 1, 0x61, 2, 0x7f, 0], "property-unknown", 0x81],
	["a packet larger than Maximum Packet Size", [0x30, 0xff, 0x7f], "packet-too-large", 0x95],
	["a large packet that is no PUBLISH", [0x90, 0xff, 0x0f], "packet-too-large", 0x95],
	["a second CONNACK", [0x20, 3, 0, 0, 0], "packet-not-allowed", 0x82],
	["a packet of clients", [0x82, 6, 0, 1, 0, 0, 1, 0x61, 0], "packet-not-allowed", 0x82],
	["a SUBACK with two codes for one filter", [0x90, 5, 0, 1, 0, 0, 0], "packet-not-allowed", 0x82],
] as const)
	test(`${name} ends the connection with its reason, and the client comes back`, () => {
		const server = script({ version: 5, limits: { packetBytes: 8_000 } as never });
		server.client.subscribe("a");
		server.accept();
		server.raw([...bytes]);
		assert.is(server.notes.ends[0]?.split(" ")[0], cause);
		assert.is((server.packets.at(-1) as { reasonCode?: number }).reasonCode, reason);
		assert.is(bytesHeld(server.client), 0);
		server.world.advance(2_000);
		server.accept();
		assert.ok(server.client.isConnected);
	});

test("an acknowledgement that contradicts what is in flight ends the connection, an unknown one is counted", () => {
	const server = script({ version: 4 }).accept();
	server.client.publish("a", "x", { qos: 2 });
	server.world.advance(1);
	server.send({ cmd: "puback", messageId: 99 });
	server.send({ cmd: "suback", messageId: 98, granted: [0] });
	assert.is(server.client.counters.unexpectedAcks, 2);
	assert.ok(server.client.isConnected);
	server.send({ cmd: "puback", messageId: (server.sent("publish")[0] as { messageId: number }).messageId });
	assert.is(server.notes.ends[0]?.split(" ")[0], "packet-not-allowed");
	assert.is(server.client.unacknowledged, 1, "the message is still there");
});

test("a full queue refuses, or gives up the oldest, and tells of each", () => {
	const refusing = script({ limits: { queueMessages: 3 } as never });
	for (let i = 0; i < 3; i++) assert.ok(refusing.client.publish(`t/${i}`, "x") > 0);
	assert.is(refusing.client.publish("t/3", "x"), -Cause.FullQueue);
	const dropping = script({ limits: { queueMessages: 3 } as never, whenQueueFull: "drop-oldest" });
	const told: string[] = [];
	dropping.client.publish("t/0", "x", { qos: 1 }, (cause) => told.push(causeName(cause)));
	for (let i = 1; i < 5; i++) assert.ok(dropping.client.publish(`t/${i}`, "x") > 0);
	assert.equal(told, ["full-queue"]);
	assert.equal(dropping.notes.drops, ["full-queue t/1"]);
	dropping.accept();
	assert.equal(
		dropping.sent("publish").map((packet) => (packet as { topic: string }).topic),
		["t/2", "t/3", "t/4"],
	);
	const large = script();
	assert.is(large.client.publish("a", new Uint8Array(5_000)), -Cause.FullQueue);
});

test("a message that waits for longer than its expiry is given up, and the rest of the time goes along", () => {
	const server = script({ version: 5, connectTimeoutMs: 60_000 });
	const told: string[] = [];
	const done = (cause: Cause) => told.push(causeName(cause));
	server.client.publish("short", "x", { expirySeconds: 2 }, done);
	server.client.publish("long", "x", { expirySeconds: 100 }, done);
	server.world.advance(10_000);
	server.accept();
	assert.equal(told, ["message-expired", "none"]);
	const [packet] = server.sent("publish") as { topic: string; properties: { messageExpiryInterval: number } }[];
	assert.is(packet!.topic, "long");
	assert.is(packet!.properties.messageExpiryInterval, 90);
});

test("Topic Aliases are given while there are free ones, and forgotten with the connection [5:MQTT-3.3.2-7]", () => {
	const server = script({ version: 5 }).accept({ properties: { topicAliasMaximum: 2 } } as Partial<Packet>);
	for (const topic of ["a", "b", "c", "a", "b", "c"]) server.client.publish(topic, "x");
	server.client.publish("a", "x", { qos: 1 });
	server.world.advance(1);
	const told = () =>
		(server.sent("publish") as { topic: string; properties?: { topicAlias?: number } }[]).map(
			({ topic, properties }) => `${topic}:${properties?.topicAlias ?? ""}`,
		);
	assert.equal(told(), ["a:1", "b:2", "c:", ":1", ":2", "c:", ":1"]);
	server.client.link.onError();
	server.world.advance(2_000);
	server.packets.length = 0;
	server.accept({ properties: { topicAliasMaximum: 2 }, sessionPresent: true } as Partial<Packet>);
	assert.equal(told(), ["a:"], "what is resent has its name");
});

test("no more QoS 1 and 2 messages are in flight than the server's Receive Maximum [5:MQTT-4.9.0-2]", () => {
	const server = script({ version: 5 }).accept({ properties: { receiveMaximum: 2 } } as Partial<Packet>);
	for (let i = 0; i < 5; i++) server.client.publish("a", String(i), { qos: 1 });
	server.client.publish("a", "passes");
	server.world.advance(1);
	assert.is(server.sent("publish").length, 3);
	server.send({ cmd: "puback", messageId: (server.sent("publish")[0] as { messageId: number }).messageId });
	assert.is(server.sent("publish").length, 4);
});

test("what the server does not support is refused before it is sent", () => {
	const properties = { maximumQoS: 1, retainAvailable: false, maximumPacketSize: 60 };
	const server = script({ version: 5 }).accept({ properties } as Partial<Packet>);
	assert.is(server.client.publish("a", "x", { qos: 2 }), -Cause.QosNotSupported);
	assert.is(server.client.publish("a", "x", { retain: true }), -Cause.RetainNotSupported);
	const told: string[] = [];
	server.client.publish("a", new Uint8Array(100), { qos: 1 }, (cause) => told.push(causeName(cause)));
	assert.equal(told, ["packet-too-large"]);
	assert.is(server.client.unacknowledged, 0);
});

test("Server Reference leads to another server: for once, or for good", () => {
	const moved = { reasonCode: 0x9d, properties: { serverReference: "other.example:1999 third.example" } };
	const server = script({ version: 5 }).accept(moved as Partial<Packet>);
	assert.equal(server.asked, ["", "other.example:1999"]);
	server.accept();
	server.client.link.onError();
	server.world.advance(2_000);
	assert.equal(server.asked, ["", "other.example:1999", "other.example:1999"], "for good");
	const away = { reasonCode: 0x9c, properties: { serverReference: "other.example" } };
	const once = script({ version: 5 }).accept(away as Partial<Packet>);
	once.accept();
	once.client.link.onError();
	once.world.advance(2_000);
	assert.equal(once.asked, ["", "other.example", ""], "for once");
	const circle = script({ version: 5 });
	for (let i = 0; i < 8; i++) {
		if (circle.asked.length <= i) circle.world.advance(1_250);
		circle.accept(away as Partial<Packet>);
	}
	assert.ok(circle.notes.pauses.filter((pause) => pause > 0).length > 0, "not in a circle without a pause");
	const stays = script({ version: 5, followRedirects: false }).accept(away as Partial<Packet>);
	assert.ok(stays.notes.pauses[0] !== 0);
});

test("who takes the session over is not fought with: the pauses grow", () => {
	const server = script({ version: 5, reconnectMinMs: 1_000 }).accept();
	for (let i = 0; i < 4; i++) {
		server.send({ cmd: "disconnect", reasonCode: 0x8e } as Packet);
		server.world.advance(server.notes.pauses.at(-1)! + 300);
		server.accept();
	}
	assert.ok(server.notes.pauses.at(-1)! >= 8_000, `${server.notes.pauses}`);
});

test("a lost session: subscriptions are asked for again, what was received is done, the rest is sent anew", () => {
	const server = script({ version: 4, cleanStart: false }).accept();
	server.client.subscribe("room/#", undefined, { qos: 1 });
	const told: string[] = [];
	const done = (cause: Cause) => told.push(causeName(cause));
	server.client.publish("a", "1", { qos: 1 }, done);
	server.client.publish("a", "2", { qos: 2 }, done);
	server.world.advance(1);
	const ids = (server.sent("publish") as { messageId: number }[]).map((packet) => packet.messageId);
	server.send({
		cmd: "suback",
		messageId: (server.sent("subscribe")[0] as { messageId: number }).messageId,
		granted: [1],
	});
	server.send({ cmd: "pubrec", messageId: ids[1]! } as Packet);
	server.client.link.onError();
	server.world.advance(2_000);
	server.packets.length = 0;
	server.accept({ sessionPresent: false });
	assert.equal(told, ["none"], "the QoS 2 message is with the server");
	assert.is(server.sent("subscribe").length, 1);
	assert.equal(
		(server.sent("publish") as { payload: Buffer; dup: boolean }[]).map(({ payload, dup }) => `${payload} ${dup}`),
		["1 false"],
	);
});

test("messages are acknowledged in their order, whoever is done first [MQTT-4.6.0-2]", () => {
	const server = script({ version: 4 }).accept();
	const tickets: number[] = [];
	server.client.subscribe("#", (message) => {
		message.deferred = message.packetId < 4;
		tickets.push(message.ticket);
	});
	const publish = { cmd: "publish", topic: "a", payload: "x", qos: 1, dup: false, retain: false } as const;
	for (const messageId of [1, 2, 3, 4]) server.send({ ...publish, messageId });
	const acked = () => (server.sent("puback") as { messageId: number }[]).map((packet) => packet.messageId);
	assert.equal(acked(), []);
	server.client.acknowledge(tickets[1]!);
	assert.equal(acked(), []);
	server.client.acknowledge(tickets[0]!);
	server.world.advance(1);
	assert.equal(acked(), [1, 2]);
	server.client.acknowledge(tickets[2]!);
	server.world.advance(1);
	assert.equal(acked(), [1, 2, 3, 4]);
});

test("Packet Identifiers are never given twice, SUBSCRIBEs included [5:MQTT-2.2.1-3]", () => {
	const server = script({ version: 4, limits: { inFlight: 10 } as never }).accept();
	server.client.publish("stays", "x", { qos: 1 });
	server.client.subscribe("also/stays");
	server.world.advance(1);
	for (let i = 0; i < 65_600; i++) {
		server.client.publish("a", "x", { qos: 1 });
		server.client.endTurn();
		const { messageId } = server.packets.pop() as { messageId: number };
		assert.ok(messageId > 2 && messageId < 65_536, `${messageId}`);
		const ack = new Uint8Array([0x40, 2, messageId >> 8, messageId & 255]);
		server.client.link.onReadable(ack, 0, 4);
	}
});

test("a listener hears of each packet", () => {
	const world = new World();
	const notes = new Notes();
	const client = world.client({ clientId: "listens", listener: notes, version: 5, keepAlive: 2 });
	client.connect();
	const subscription = client.subscribe("a", undefined, { qos: 2 });
	client.publish("a", "1", { qos: 1 });
	client.publish("a", "2", { qos: 2 });
	world.advance(3_000);
	if (typeof subscription !== "number") client.unsubscribe(subscription);
	world.advance(10);
	for (const name of ["connack", "suback", "puback", "pubrec", "pubcomp", "pubrel", "pingresp", "unsuback"])
		assert.ok(notes.packets.includes(name), name);
	client.disconnect();
	assert.equal(notes.ends, ["none 0 closed by this client"]);
	assert.equal(notes.pauses, [-1]);
});

test("SCRAM-SHA-256: who knows the password comes in, both sides prove it, and again on a live connection", () => {
	const users = new Map([["ann", scramCredentials(crypto, text, "her password", new Uint8Array(16).fill(7))]]);
	let random = 1;
	const platform: Platform = {
		text,
		crypto,
		now: () => 0,
		random: () => (random = (random * 48_271) % 2 ** 31),
		wake() {},
	};
	const scram = new ScramSha256(platform, { credentials: (name) => users.get(name) });
	const world = new World({ authentication: [scram], access: { allowAnonymous: false } });
	const connect = (password: string) => {
		const listener = new Notes();
		const authentication = scramSha256("ann", password)(platform);
		const client = world.client({
			clientId: "ann's",
			version: 5,
			listener,
			authentication,
			limits: { controlBytes: 1_024 } as never,
		});
		client.connect();
		world.advance(50);
		return { client, listener };
	};
	const wrong = connect("another");
	assert.is(wrong.client.isConnected, false);
	assert.match(wrong.listener.ends[0]!, /135/);
	const right = connect("her password");
	assert.ok(right.client.isConnected);
	const told: string[] = [];
	assert.ok(right.client.authenticate((cause) => told.push(causeName(cause))));
	world.advance(50);
	assert.equal(told, ["none"]);
	assert.ok(right.client.isConnected);
});

test("what no server could take is refused before it is sent, and sent to none", () => {
	const world = new World();
	const client = world.client();
	assert.is(client.publish("", "x"), -Cause.TransportClosed);
	client.connect();
	world.until(() => client.isConnected, "it connects");
	for (const qos of [0, 1, 2]) assert.is(client.publish("", "x", { qos }), -Cause.TopicEmpty, `QoS ${qos}`);
	for (const qos of [3, -1, 1.5, Number.NaN]) assert.is(client.publish("a", "x", { qos }), -Cause.QosNotSupported);
	for (const qos of [3, 1.5]) assert.is(client.subscribe("a", undefined, { qos }), Cause.SubscribeOptions);
	assert.is(client.subscribe("a", undefined, { retainHandling: 3 }), Cause.SubscribeOptions);
	world.advance(1_000);
	assert.is(client.connections, 1);
});

test("options that cannot be are told in one line", () => {
	const world = new World();
	const wrong = (options: Partial<ClientOptions>) => {
		try {
			world.client(options);
			return "";
		} catch (error) {
			return (error as Error).message;
		}
	};
	assert.match(wrong({ version: 7 }), /^client: version 7: give 3/);
	assert.match(wrong({ keepAlive: 70_000 }), /^client: keepAlive 70000: give 0 to 65535 seconds$/);
	assert.match(wrong({ cleanStart: false }), /give clientId$/);
	assert.match(wrong({ password: new Uint8Array(1), version: 4 }), /give userName$/);
	assert.match(
		wrong({ will: { topic: "a/#", payload: new Uint8Array(0), qos: 0, retain: false } }),
		/^client: will: topic/,
	);
	assert.is(wrong({ limits: { blocks: 2 } as never }), "client limits: give 4 to 4294967295 blocks");
	assert.is(wrong({ limits: { inFlight: "many" } as never }), "client limits: give 1 to 65535 inFlight");
	// a browser's memory has no blocks
	const hasBlocks = world.client({}).pool !== undefined;
	const blockBytes = hasBlocks ? "client limits: blockBytes is a multiple of 4" : "";
	assert.is(wrong({ limits: { blockBytes: 66 } as never }), blockBytes);
	assert.is(wrong({ limits: { received: 1 } as never }), "client limits: received is at least receiveMaximum");
});

test.run();
