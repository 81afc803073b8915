/** What receivers of every sort get by the short ways is what they get by the long one, to the byte. */
import { generate, type Packet } from "mqtt-packet";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("short ways, receivers");

/** A receiver: version and QoS of its subscription, and what makes it another case. */
interface Receiver {
	version: 3 | 4 | 5;
	qos: 0 | 1 | 2;
	/** its session stays */
	stays?: boolean;
	/** it comes after the messages */
	away?: boolean;
	aliases?: number;
	identifier?: number;
	maximumPacketSize?: number;
	/** its subscription is a shared one */
	shared?: boolean;
	/** how many messages it lets lie before it acknowledges them, the last one first */
	lazy?: number;
}

const RECEIVERS: readonly Receiver[] = [
	{ version: 4, qos: 0 },
	{ version: 4, qos: 1 },
	{ version: 4, qos: 1, stays: true },
	{ version: 3, qos: 1 },
	{ version: 5, qos: 0 },
	{ version: 5, qos: 1 },
	{ version: 5, qos: 2, stays: true, lazy: 3 },
	{ version: 4, qos: 2, lazy: 2 },
	{ version: 5, qos: 1, aliases: 2 },
	{ version: 5, qos: 0, identifier: 7 },
	{ version: 5, qos: 1, maximumPacketSize: 40 },
	{ version: 4, qos: 1, stays: true, away: true },
	{ version: 4, qos: 0, lazy: 1 },
	{ version: 4, qos: 0, shared: true },
	{ version: 5, qos: 1, shared: true },
	{ version: 5, qos: 0, shared: true, identifier: 8 },
	{ version: 4, qos: 1, shared: true, stays: true, away: true },
];

/** Payloads around what makes a length one byte longer, and one that a block does not hold. */
const LENGTHS = [0, 1, 113, 114, 115, 116, 117, 118, 119, 200, 1_000];

class World {
	readonly fixture: Fixture;
	readonly clients: TestClient[] = [];
	private readonly waiting: number[][] = [];
	/** what each client got, in its order */
	readonly got: string[][] = [];

	constructor(
		way: { copiesWrites?: boolean; shortWays?: boolean },
		private readonly receivers: readonly Receiver[],
	) {
		this.fixture = new Fixture({ ...way, limits: { connections: 24, sessions: 30 } });
		for (const [i, receiver] of receivers.entries()) this.connect(i, receiver);
	}

	private connect(i: number, receiver: Receiver): void {
		const { version, stays, aliases, maximumPacketSize } = receiver;
		const properties = {
			...(aliases === undefined ? {} : { topicAliasMaximum: aliases }),
			...(maximumPacketSize === undefined ? {} : { maximumPacketSize }),
			...(stays ? { sessionExpiryInterval: 100 } : {}),
		};
		const options = { protocolVersion: version, clean: !stays, ...(version === 5 ? { properties } : {}) };
		const client = this.fixture.connect(`receiver-${i}`, options as object);
		this.clients[i] = client;
		this.waiting[i] = [];
		this.got[i] ??= [];
		if (client.sessionPresent) return this.read(i);
		const identifier = receiver.identifier === undefined ? {} : { subscriptionIdentifier: receiver.identifier };
		client.send({
			cmd: "subscribe",
			messageId: 1,
			subscriptions: [{ topic: receiver.shared ? "$share/g/t/#" : "t/+", qos: receiver.qos }],
			...(version === 5 ? { properties: identifier } : {}),
		} as Packet);
		client.take("suback");
		if (receiver.away) client.send({ cmd: "disconnect" } as Packet);
	}

	/** Takes what has come, and acknowledges it, sooner or later. */
	private read(i: number): void {
		const client = this.clients[i]!;
		for (const packet of client.packets.splice(0)) {
			const { payload, ...rest } = packet as Packet & { payload?: Buffer };
			this.got[i]!.push(JSON.stringify({ ...rest, payload: payload?.toString("hex") }));
			if (packet.cmd === "publish" && packet.qos === 1) this.waiting[i]!.push(packet.messageId!);
			if (packet.cmd === "publish" && packet.qos === 2) client.send({ cmd: "pubrec", messageId: packet.messageId! });
			if (packet.cmd === "pubrel") client.send({ cmd: "pubcomp", messageId: packet.messageId! });
		}
		if (client.packets.length > 0) this.read(i);
		if (this.waiting[i]!.length <= (this.receivers[i]!.lazy ?? 0)) return;
		for (const messageId of this.waiting[i]!.splice(0).reverse()) client.send({ cmd: "puback", messageId });
	}

	/** All messages of one publisher. */
	publish(name: string, version: 3 | 4 | 5): void {
		const publisher = this.fixture.connect(name, { protocolVersion: version as 4 });
		publisher.subscribe("own", 1);
		for (const topic of ["t/1", "own", "t/2"])
			for (const qos of [0, 1, 2] as const)
				for (const [n, length] of LENGTHS.entries()) {
					publisher.publish(topic, Buffer.alloc(length, 65 + n), qos, qos > 0 ? { messageId: 100 + n } : {});
					for (const packet of publisher.packets.splice(0))
						if (packet.cmd === "publish" && packet.qos === 1)
							publisher.send({ cmd: "puback", messageId: packet.messageId! });
						else if (packet.cmd === "pubrec") publisher.send({ cmd: "pubrel", messageId: packet.messageId! });
						else this.got[this.receivers.length] = [...(this.got[this.receivers.length] ?? []), JSON.stringify(packet)];
					for (let i = 0; i < this.receivers.length; i++) this.read(i);
				}
		const run = (qos: 0 | 1): Buffer[] =>
			LENGTHS.map((length, n) => {
				const id = qos > 0 ? { messageId: 200 + n } : {};
				const packet = { cmd: "publish", topic: "t/1", payload: Buffer.alloc(length, 97), qos, ...id };
				return generate({ ...packet, dup: false, retain: false } as Packet, { protocolVersion: version });
			});
		publisher.raw(Buffer.concat([...run(0), ...run(0), ...run(1), ...run(0)]));
		for (let i = 0; i < this.receivers.length; i++) this.read(i);
		publisher.packets = [];
		publisher.send({ cmd: "disconnect" } as Packet);
	}

	/** Who was away comes back, and all that is owed is acknowledged. */
	finish(): void {
		for (const [i, receiver] of this.receivers.entries()) {
			if (receiver.away) this.connect(i, receiver);
			for (const messageId of this.waiting[i]!.splice(0)) this.clients[i]!.send({ cmd: "puback", messageId });
			this.read(i);
		}
	}
}

const WAYS = [
	["at once", { copiesWrites: true }],
	["at the turn's end", { copiesWrites: false }],
] as const;
for (const version of [3, 4, 5] as const)
	for (const [how, way] of WAYS)
		test(`from a publisher of version ${version}, ${how}`, () => {
			const alone = version === 3 ? [] : RECEIVERS.map((receiver) => [receiver]);
			const groups = [RECEIVERS, [...RECEIVERS].reverse(), ...alone];
			for (const receivers of groups) {
				const long = new World({ shortWays: false }, receivers);
				const short = new World(way, receivers);
				for (const world of [long, short]) {
					world.publish("publisher", version);
					world.finish();
				}
				for (let i = 0; i <= receivers.length; i++)
					assert.equal(short.got[i], long.got[i], JSON.stringify(receivers[i]));
				const [a, b] = [short.fixture.broker, long.fixture.broker];
				assert.equal({ ...a.counters }, { ...b.counters });
				assert.is(a.outputs.bytesSent, b.outputs.bytesSent);
				assert.is(a.pool.freeCount, b.pool.freeCount, "blocks");
				assert.is(a.deliveries.freeCount, b.deliveries.freeCount, "deliveries");
			}
		});

test("QoS 1 for a session that ends with its connection is not stored, and lost with it [MQTT-3.1.2-6]", () => {
	const fixture = new Fixture();
	const [publisher, passing, staying] = ["publisher", "passing", "staying"].map((name) =>
		fixture.connect(name, { clean: name !== "staying" }),
	) as [TestClient, TestClient, TestClient];
	passing.subscribe("passing", 1);
	staying.subscribe("staying", 1);
	for (const topic of ["passing", "staying"]) publisher.publish(topic, "makes the route");
	const { pool, deliveries } = fixture.broker;
	const free = pool.freeCount;
	const entries = deliveries.freeCount;
	publisher.publish("passing", "x", 1);
	assert.equal([pool.freeCount, deliveries.freeCount], [free, entries - 1]);
	publisher.publish("staying", "y", 1);
	assert.equal([pool.freeCount, deliveries.freeCount], [free - 1, entries - 2]);
	for (const client of [passing, staying]) client.cut();
	assert.is(deliveries.freeCount, entries - 1);
	const again = ["passing", "staying"].map((name) => fixture.connect(name, { clean: false }));
	assert.equal(again[0]!.messages(), []);
	assert.equal(again[1]!.messages(), ["staying y 1 dup"]);
});

test.run();
