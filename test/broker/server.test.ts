/** What a program has in hand of a broker: packets to any client, connections, sessions; and controllers alone. */
import type { Packet } from "mqtt-packet";
import { type Context, Controller, Refusal } from "../../src/broker/controller.js";
import type { ConnectView } from "../../src/broker/view-connect.js";
import type { PublishView } from "../../src/broker/view-publish.js";
import type { ReasonView, SubscribeView } from "../../src/broker/views.js";
import type { PacketProperties } from "../../src/codec/packet-properties.js";
import type { ServerPacket } from "../../src/codec/packets.js";
import { Cause, HearthError } from "../../src/errors.js";
import { fresh, lasting } from "../conformance/wire.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("server");

/** The fields of a packet that count; of mqtt-packet's. */
function plain(packet: Packet | undefined): Record<string, unknown> {
	const { length: _length, topic: _topic, payload: _payload, ...rest } = packet as unknown as Record<string, unknown>;
	return JSON.parse(JSON.stringify(rest));
}

test("every packet that a server sends, with its fields and properties, in both versions", () => {
	const properties: PacketProperties = {
		reasonString: "why",
		userProperties: [
			["a", "1"],
			["a", "2"],
		],
	};
	const told = { reasonString: "why", userProperties: { a: ["1", "2"] } };
	const packets: [ServerPacket, object, object][] = [
		[{ type: "connack" }, { cmd: "connack", returnCode: 0 }, { cmd: "connack", reasonCode: 0 }],
		[
			{ type: "puback", packetId: 300, reasonCode: 0x10, properties },
			{ messageId: 300 },
			{ reasonCode: 16, properties: told },
		],
		[{ type: "pubrec", packetId: 65_535, properties }, { cmd: "pubrec" }, { messageId: 65_535, properties: told }],
		[{ type: "pubrel", packetId: 1, reasonCode: 0x92 }, { cmd: "pubrel" }, { reasonCode: 0x92 }],
		[{ type: "pubcomp", packetId: 1 }, { cmd: "pubcomp" }, { cmd: "pubcomp" }],
		[
			{ type: "suback", packetId: 1, reasonCodes: [0, 1, 2, 0x97] },
			{ granted: [0, 1, 2, 128] },
			{ granted: [0, 1, 2, 151] },
		],
		[{ type: "unsuback", packetId: 1, reasonCodes: [0, 17], properties }, { cmd: "unsuback" }, { granted: [0, 17] }],
		[{ type: "pingresp" }, { cmd: "pingresp" }, { cmd: "pingresp" }],
	];
	for (const [packet, v4, v5] of packets)
		for (const version of [4, 5] as const) {
			const fixture = new Fixture();
			const client = fixture.connect("c", fresh(version));
			assert.is(fixture.broker.server.send("c", packet), Cause.None);
			fixture.settle();
			const got = plain(client.packets[0]);
			const wanted = JSON.parse(JSON.stringify(version === 4 ? v4 : v5));
			for (const [field, value] of Object.entries(wanted)) assert.equal(got[field], value, `${packet.type} ${field}`);
			assert.is(got["cmd"], packet.type);
			assert.is(client.packets.length, 1);
		}
});

test("CONNACK, DISCONNECT and AUTH with their properties, to 5.0; before it, what there is of them", () => {
	const fixture = new Fixture();
	const v5 = fixture.connect("v5", fresh(5));
	const v4 = fixture.connect("v4");
	const { server } = fixture.broker;
	const auth: ServerPacket = {
		type: "auth",
		reasonCode: 0x18,
		properties: { authenticationMethod: "M", authenticationData: new Uint8Array([1, 2]) },
	};
	assert.is(server.send("v5", auth), Cause.None);
	assert.is(server.send("v4", auth), Cause.PacketNotAllowed);
	const disconnect: ServerPacket = { type: "disconnect", reasonCode: 0x9c, properties: { serverReference: "other" } };
	for (const id of ["v4", "v5"]) assert.is(server.send(id, disconnect), Cause.None);
	fixture.settle();
	const got = v5.take("auth");
	assert.is(got.reasonCode, 0x18);
	assert.equal(Buffer.from(got.properties!.authenticationData as Buffer), Buffer.from([1, 2]));
	const end = v5.take("disconnect");
	assert.equal([end.reasonCode, end.properties!.serverReference], [0x9c, "other"]);
	assert.ok(v5.closed && v4.closed);
	assert.equal(v4.packets, []);
});

test("a PUBLISH to one client: each QoS, with properties, through its queue, also while it is away", () => {
	const fixture = new Fixture();
	const { server } = fixture.broker;
	const client = fixture.connect("c", lasting(5));
	const other = fixture.connect("other");
	other.subscribe("#");
	const properties: PacketProperties = {
		payloadFormatIndicator: true,
		messageExpiryInterval: 100,
		contentType: "text",
		responseTopic: "r",
		correlationData: new Uint8Array([9]),
		userProperties: [["a", "b"]],
		subscriptionIdentifier: [7, 300],
	};
	for (const qos of [0, 1, 2] as const)
		assert.is(
			server.send("c", { type: "publish", topic: "t", payload: `${qos}`, qos, retain: qos === 1, properties }),
			0,
		);
	fixture.settle();
	const [first, second] = client.packets as (Packet & { properties?: object; retain: boolean })[];
	assert.equal(JSON.parse(JSON.stringify(first!.properties)), {
		payloadFormatIndicator: true,
		messageExpiryInterval: 100,
		contentType: "text",
		responseTopic: "r",
		correlationData: { type: "Buffer", data: [9] },
		userProperties: { a: "b" },
		subscriptionIdentifier: [7, 300],
	});
	assert.is(second!.retain, true);
	assert.equal(client.messages(), ["t 0 0", "t 1 1 retain", "t 2 2"]);
	assert.equal(other.messages(), []);
	client.cut();
	assert.is(server.send("c", { type: "publish", topic: "t", payload: "gone" }), Cause.TransportClosed);
	assert.is(server.send("c", { type: "publish", topic: "t", payload: "kept", qos: 1 }), Cause.None);
	assert.is(server.send("c", { type: "pingresp" }), Cause.TransportClosed);
	assert.is(server.send("nobody", { type: "pingresp" }), Cause.TransportClosed);
	assert.is(server.session("c")!.queued, 3);
	const again = fixture.connect("c", lasting(5));
	assert.equal(again.messages(), ["t 1 1 retain dup", "t 2 2 dup", "t kept 1"]);
	assert.is(fixture.broker.counters.internalErrors, 0);
});

test("what is too large for the client or the broker, or finds no room, is said and not sent", () => {
	const fixture = new Fixture({ limits: { queueMessages: 2 } });
	const { server } = fixture.broker;
	const properties = { maximumPacketSize: 60 };
	const client = fixture.connect("c", { ...fresh(5), properties });
	const long: ServerPacket = { type: "publish", topic: "t", payload: "x".repeat(60) };
	assert.is(server.send("c", long), Cause.PacketTooLarge);
	assert.is(server.send("c", { ...long, qos: 1 }), Cause.PacketTooLarge);
	assert.is(server.send("c", { ...long, payload: "x".repeat(5_000) }), Cause.PacketTooLarge);
	assert.is(server.send("c", { ...long, topic: "t".repeat(300) }), Cause.PacketTooLarge);
	const codes = Array.from({ length: 100 }, () => 0);
	assert.is(server.send("c", { type: "suback", packetId: 1, reasonCodes: codes }), Cause.PacketTooLarge);
	const wordy = { reasonString: "x".repeat(100) };
	assert.is(server.send("c", { type: "puback", packetId: 5, properties: wordy }), Cause.None);
	fixture.settle();
	assert.equal(plain(client.take("puback"))["properties"], undefined, "the string is left out");
	assert.not(client.closed);
	client.stall();
	const small: ServerPacket = { type: "publish", topic: "t", payload: "x", qos: 0 };
	for (let i = 0; i < 2; i++) assert.is(server.send("c", small), Cause.None);
	assert.is(server.send("c", small), Cause.FullQueue);
	client.drain();
	assert.equal(client.messages(), ["t x 0", "t x 0"]);
	assert.is(server.send("c", { type: "suback", packetId: 1, reasonCodes: codes.slice(50) }), Cause.None, "two blocks");
	fixture.settle();
	assert.is((client.take("suback").granted as number[]).length, 50);
});

test("a packet that cannot be made is an error of the program, with what it is and a remedy", () => {
	const fixture = new Fixture();
	fixture.connect("c", fresh(5));
	const wrong: [object, RegExp][] = [
		[{ type: "subscribe" }, /^packet: type subscribe: give one that a server sends$/],
		[{ type: "puback" }, /^puback: packetId: 0: give 1 to 65535$/],
		[{ type: "puback", packetId: 1, reasonCode: 256 }, /^puback: Reason Code 256: give one that this packet may have$/],
		[
			{ type: "puback", packetId: 1, properties: { topicAlias: 1 } },
			/^puback: properties\.topicAlias: this packet has no such/,
		],
		[
			{ type: "puback", packetId: 1, properties: { reason: "x" } },
			/^puback: properties\.reason: this packet has no such/,
		],
		[{ type: "disconnect", properties: { reasonString: 1 } }, /^disconnect: properties\.reasonString: give a text of/],
		[
			{ type: "connack", properties: { receiveMaximum: 0 } },
			/^connack: properties\.receiveMaximum: give a number, 1 to 65535$/,
		],
		[{ type: "connack", properties: { maximumQoS: 2 } }, /^connack: properties\.maximumQoS: give a number, 0 to 1$/],
		[{ type: "auth", properties: { authenticationData: "x" } }, /properties\.authenticationData: give a Uint8Array/],
		[{ type: "auth", properties: { userProperties: { a: "b" } } }, /properties\.userProperties: give pairs/],
		[{ type: "pubrel", packetId: 1, reasonCode: 0x87 }, /^pubrel: Reason Code 135: give one/],
		[{ type: "suback", packetId: 1, reasonCodes: [3] }, /^suback: Reason Code 3: give one/],
		[{ type: "auth", reasonCode: 0x19 }, /^auth: Reason Code 25: give one/],
		[{ type: "disconnect", reasonCode: 4 }, /^disconnect: Reason Code 4: give one/],
		[{ type: "connack", reasonCode: 0x8d }, /^connack: Reason Code 141: give one/],
		[{ type: "connack", properties: { retainAvailable: 1 } }, /retainAvailable: give true or false$/],
		[{ type: "publish", topic: "+", payload: "" }, /^publish: topic "\+": topic-wildcard$/],
		[{ type: "publish", topic: "", payload: "" }, /^publish: topic "": topic-empty$/],
		[{ type: "publish", topic: "a" }, /^publish: payload of a: give a text or a Uint8Array$/],
		[{ type: "publish", topic: "a", payload: "", qos: 3 }, /^publish: qos of a: 3: give 0, 1 or 2$/],
		[{ type: "publish", topic: "a", payload: "", properties: { topicAlias: 1 } }, /topicAlias: leave it out/],
		[
			{ type: "publish", topic: "a", payload: "", properties: { subscriptionIdentifier: [0] } },
			/a number, 1 to 268435455, or a list/,
		],
	];
	for (const [packet, message] of wrong)
		for (const send of [
			() => fixture.broker.server.send("c", packet as ServerPacket),
			() => fixture.broker.server.sendAll(packet as ServerPacket),
		])
			assert.throws(send, (e: unknown) => e instanceof HearthError && message.test(e.message), message.source);
});

test("sendAll reaches who is connected, and stores a message once", () => {
	const fixture = new Fixture();
	const clients = ["1", "2", "3"].map((id) => fixture.connect(id, id === "2" ? fresh(5) : {}));
	fixture.connect("away", lasting(4)).cut();
	fixture.open();
	const free = fixture.broker.pool.freeCount;
	assert.is(fixture.broker.server.sendAll({ type: "publish", topic: "t", payload: "x", qos: 1 }), 3);
	assert.is(free - fixture.broker.pool.freeCount, 1);
	fixture.settle();
	for (const client of clients) assert.equal(client.messages(), ["t x 1"]);
	assert.is(fixture.broker.server.sendAll({ type: "disconnect" }), 3);
	assert.is(fixture.broker.connectedCount, 0);
});

test("connections: who is connected, each by one object for as long as it is open, with the program's own data", () => {
	const fixture = new Fixture();
	const { server } = fixture.broker;
	const client = fixture.connect("c", { ...fresh(5), username: "ann" });
	fixture.open();
	const [connection, ...more] = server.connections;
	assert.equal(more, []);
	assert.is(server.connection("c"), connection);
	connection!.data = 5;
	const { clientId, userName, protocolVersion, address, open } = server.connection("c")!;
	assert.equal([clientId, userName, protocolVersion, address, open], ["c", "ann", 5, "test", true]);
	connection!.close(0x8b);
	fixture.settle();
	assert.is(client.take("disconnect").reasonCode, 0x8b);
	assert.ok(client.closed && !connection!.open);
	assert.is(connection!.send({ type: "pingresp" }), Cause.TransportClosed);
	connection!.close();
	const next = fixture.connect("d");
	assert.not(next.closed, "another's place is not touched");
	assert.is(server.connection("d")!.data, undefined);
	assert.is(server.connection("c"), undefined);
});

test("a session's subscriptions, made and ended by the program; Retained Messages follow", () => {
	const fixture = new Fixture({ access: { authorizeSubscribe: (_client, filter) => filter !== "secret" } });
	fixture.broker.publish("a/b", "kept", { retain: true });
	const client = fixture.connect("c");
	const session = fixture.broker.server.session("c")!;
	const codes = [session.subscribe("a/+", 1), session.subscribe("secret", 0), session.subscribe("a/#/b", 0)];
	assert.equal(codes, [1, 0x87, 0x81]);
	fixture.settle();
	assert.equal(client.messages(), ["a/b kept 0 retain"]);
	assert.equal([session.unsubscribe("a/+"), session.unsubscribe("a/+")], [0, 0x11]);
	assert.throws(() => session.subscribe("a", 3), /qos 3/);
	client.send({ cmd: "disconnect" });
	assert.equal([session.alive, session.subscribe("a", 0), session.unsubscribe("a")], [false, 0x80, 0x11]);
	assert.is(fixture.broker.server.session("c"), undefined);
});

test("a controller subscribes by itself what a client asked for; the SUBACK comes before Retained Messages", () => {
	const controller = Object.assign(new Controller(), {
		subscribe: ({ session }: Context, packet: SubscribeView): ServerPacket => ({
			type: "suback",
			reasonCodes: packet.subscriptions.map(({ filter }) => session!.subscribe(filter, 0)),
		}),
	});
	const fixture = new Fixture({ controller });
	fixture.broker.publish("a", "kept", { qos: 1, retain: true });
	const client = fixture.connect("c");
	assert.equal(client.subscribe(["a", "b"], 2), [0, 0]);
	assert.equal(client.messages(), ["a kept 0 retain"]);
	client.publish("b", "x", 1);
	assert.equal(client.messages(), ["b x 0", "puback"]);
});

test("without routing only the controller answers: nothing is subscribed, kept, published or handed on", () => {
	for (const version of [4, 5] as const) {
		const fixture = new Fixture();
		const alone = fixture.broker.addListener({ routing: false });
		const witness = fixture.connect("witness");
		witness.subscribe("#");
		const will = { topic: "will", payload: Buffer.from("x"), qos: 0 as const, retain: false };
		const client = fixture.connect("c", { ...fresh(version), will }, alone);
		assert.equal(client.subscribe(["#", "a"]), version === 4 ? [128, 128] : [0x83, 0x83]);
		for (const qos of [0, 1, 2] as const) client.publish("a", "x", qos, { retain: true });
		const answers = client.packets.splice(0).map((p) => `${p.cmd} ${(p as { reasonCode?: number }).reasonCode ?? 0}`);
		assert.equal(answers, version === 4 ? ["puback 0", "pubrec 0"] : ["puback 16", "pubrec 16"]);
		client.send({ cmd: "pubrel", messageId: 1 }).take("pubcomp");
		client.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: ["a"] }).take("unsuback");
		client.send({ cmd: "pingreq" }).take("pingresp");
		fixture.broker.publish("a", "y");
		fixture.settle();
		assert.equal(client.packets, []);
		client.cut();
		assert.equal(witness.messages(), ["a y 0"], "no will, either");
		assert.equal([fixture.broker.retained.count, fixture.broker.table.count], [0, 1]);
	}
});

test("a controller has an exchange of AUTH with a client, before CONNACK and after", () => {
	const controller = Object.assign(new Controller(), {
		connect: (_c: Context, packet: ConnectView): ServerPacket => ({
			type: "auth",
			reasonCode: 0x18,
			properties: {
				authenticationMethod: packet.properties.authenticationMethod!,
				authenticationData: new Uint8Array([1]),
			},
		}),
		auth: ({ session }: Context, packet: ReasonView): ServerPacket => {
			const { authenticationMethod, authenticationData } = packet.properties;
			if (authenticationData?.[0] !== 2) throw new Refusal(0x87);
			const properties = { authenticationMethod: authenticationMethod! };
			return session === undefined ? { type: "connack", properties } : { type: "auth", properties };
		},
	});
	const fixture = new Fixture({ controller });
	const open = (answer: number) => {
		const client = fixture.open(5);
		const properties = { authenticationMethod: "M" };
		const protocol = { protocolId: "MQTT", protocolVersion: 5, clean: true, keepalive: 0 } as const;
		client.send({ cmd: "connect", clientId: `c${answer}`, ...protocol, properties });
		assert.is(client.take("auth").reasonCode, 0x18);
		const authenticationData = Buffer.from([answer]);
		client.send({ cmd: "auth", reasonCode: 0x18, properties: { ...properties, authenticationData } });
		return client;
	};
	const good = open(2);
	const connack = good.take("connack");
	assert.equal([connack.reasonCode, connack.properties!.authenticationMethod], [0, "M"]);
	good.send({
		cmd: "auth",
		reasonCode: 0x19,
		properties: { authenticationMethod: "M", authenticationData: Buffer.from([2]) },
	});
	assert.is(good.take("auth").reasonCode, 0);
	const bad = open(3);
	assert.is(bad.take("connack").reasonCode, 0x87);
	assert.ok(bad.closed);
	const silent = fixture.open(5);
	const protocol = { protocolId: "MQTT", protocolVersion: 5, clean: true, keepalive: 0 } as const;
	silent.send({ cmd: "connect", clientId: "s", ...protocol, properties: { authenticationMethod: "M" } });
	fixture.advance(11_000);
	assert.ok(silent.closed);
	assert.equal([fixture.broker.authenticating, fixture.broker.pool.freeCount], [0, fixture.broker.pool.blockCount]);
});

test("views: what each packet has, read where it lies", () => {
	const seen: unknown[] = [];
	const see = (_context: Context, view: { copy(): unknown }) => {
		seen.push(view.copy());
	};
	const controller = Object.assign(new Controller(), {
		connect: see,
		publish: see,
		publishRelease: see,
		subscribe: see,
		unsubscribe: see,
		ping: see,
		disconnect: see,
	});
	const fixture = new Fixture({ controller });
	const will = {
		topic: "w",
		payload: Buffer.from("x"),
		qos: 1 as const,
		retain: true,
		properties: { willDelayInterval: 5 },
	};
	const login = { username: "ann", password: Buffer.from("p"), keepalive: 60, properties: { receiveMaximum: 9 } };
	const client = fixture.connect("c", { ...fresh(5), ...login, will });
	client.publish("alias", "1", 2, { properties: { topicAlias: 3 } });
	client.publish("", "2", 0, { properties: { topicAlias: 3 } });
	client.send({ cmd: "pubrel", messageId: 1, reasonCode: 0 });
	const subscription = { topic: "a", qos: 1 as const, nl: true, rap: true, rh: 2 };
	client.send({
		cmd: "subscribe",
		messageId: 2,
		subscriptions: [subscription],
		properties: { subscriptionIdentifier: 5 },
	});
	client.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["a", "b"] });
	client.send({ cmd: "pingreq" });
	client.send({ cmd: "disconnect", reasonCode: 4, properties: { reasonString: "bye" } });
	const x = new Uint8Array([0x78]);
	assert.equal(seen, [
		{
			type: "connect",
			version: 5,
			clientId: "c",
			cleanStart: true,
			keepAlive: 60,
			userName: "ann",
			password: new Uint8Array([0x70]),
			will: { topic: "w", payload: x, qos: 1, retain: true, properties: { willDelayInterval: 5 } },
			properties: { receiveMaximum: 9 },
		},
		...[
			{ payload: new Uint8Array([0x31]), qos: 2, packetId: 1 },
			{ payload: new Uint8Array([0x32]), qos: 0, packetId: 0 },
		].map((own) => ({
			type: "publish",
			topic: "alias",
			retain: false,
			dup: false,
			properties: { topicAlias: 3 },
			...own,
		})),
		{ type: "pubrel", packetId: 1, reasonCode: 0, properties: {} },
		{
			type: "subscribe",
			packetId: 2,
			subscriptions: [{ filter: "a", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
			properties: { subscriptionIdentifier: 5 },
		},
		{ type: "unsubscribe", packetId: 3, filters: ["a", "b"], properties: {} },
		{ type: "pingreq" },
		{ type: "disconnect", reasonCode: 4, properties: { reasonString: "bye" } },
	]);
});

test("a view that a promise keeps is not touched by later calls; those that were kept without one throw", () => {
	const views: PublishView[] = [];
	const controller: Controller = {
		publish: (_context, view) => {
			views.push(view);
			return view.topic === "later" ? Promise.resolve() : undefined;
		},
	};
	const fixture = new Fixture({ controller });
	const client = fixture.connect("c");
	for (const topic of ["a", "b", "later"]) client.publish(topic, topic);
	fixture.connect("d").publish("c", "c");
	const [a, b, later, c] = views as [PublishView, PublishView, PublishView, PublishView];
	assert.is(later.topic, "later");
	for (const view of [a, b, c]) assert.throws(() => view.topic, /after the call/);
});

test.run();
