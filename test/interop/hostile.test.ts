/** Clients that send garbage, and clients that don't read: whoever behaves must not notice. */
import { generate, type Packet } from "mqtt-packet";
import { assert, suite } from "../support/test.js";
import { connectPacket, Raw, type Version } from "./raw.js";
import { NOTHING_HELD, TestHub, until } from "./support.js";

const test = suite("hostile peers");

/** xorshift32: the same garbage each time. */
class Random {
	private state: number;

	constructor(seed: number) {
		this.state = Math.imul(seed + 1, 0x9e3779b1) | 1;
	}

	/** @returns 0 ≤ n < below */
	below(below: number): number {
		let x = this.state;
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		this.state = x;
		return (x >>> 0) % below;
	}

	bytes(count: number): Buffer {
		return Buffer.from(Array.from({ length: count }, () => this.below(256)));
	}

	/** Changes, cuts out or doubles some of the bytes. */
	mutate(packet: Buffer): Buffer {
		const bytes = [...packet];
		for (let changes = 1 + this.below(4); changes > 0 && bytes.length > 0; changes--) {
			const at = this.below(bytes.length);
			const kind = this.below(4);
			if (kind < 2) bytes[at] = kind === 0 ? this.below(256) : bytes[at]! ^ (1 << this.below(8));
			else if (kind === 2) bytes.splice(at, 1 + this.below(4));
			else bytes.splice(at, 0, ...bytes.slice(at, at + 1 + this.below(8)));
		}
		return Buffer.from(bytes);
	}
}

/** A packet of each kind that clients send, and some that they don't. */
function packets(id: string): Packet[] {
	const publish = { cmd: "publish", topic: `garbage/${id}`, payload: "x".repeat(300), dup: false } as const;
	return [
		{ ...publish, qos: 0, retain: false },
		{ ...publish, qos: 1, retain: true, messageId: 7 },
		{ ...publish, qos: 2, retain: false, messageId: 8 },
		{ cmd: "subscribe", messageId: 9, subscriptions: ["garbage/#", "+/b/#", "c"].map((topic) => ({ topic, qos: 2 })) },
		{ cmd: "unsubscribe", messageId: 10, unsubscriptions: ["garbage/#", "x/y"] },
		{ cmd: "puback", messageId: 11 },
		{ cmd: "pubrec", messageId: 12 },
		{ cmd: "pubrel", messageId: 8 },
		{ cmd: "pubcomp", messageId: 13 },
		{ cmd: "pingreq" },
		{ cmd: "connack", returnCode: 0, reasonCode: 0, sessionPresent: false },
		{ cmd: "suback", messageId: 9, granted: [0] },
		{ cmd: "disconnect" },
	];
}

/** One attack on a connection of its own, to its end. */
async function attack(port: number, id: string, random: Random): Promise<void> {
	const version = [3, 4, 5][random.below(3)] as Version;
	const raw = await Raw.open(port, version);
	raw.each(() => {}); // whatever it gets
	const will = {
		topic: `garbage/will/${id}`,
		payload: Buffer.from("w"),
		qos: 1 as const,
		retain: random.below(2) === 0,
	};
	const connect = raw.encode(connectPacket(version, id, { will, clean: random.below(2) === 0, username: "u" }));
	switch (random.below(6)) {
		case 0:
			raw.write(random.bytes(1 + random.below(2000)));
			break;
		case 1:
			raw.write(random.mutate(connect));
			break;
		case 2: {
			// slowly, each byte a segment of its own, and then half of another
			for (const byte of connect) {
				raw.write(Buffer.of(byte));
				await new Promise((resolve) => setImmediate(resolve));
			}
			raw.write(Buffer.of(0x32));
			break;
		}
		case 3: {
			raw.write(connect);
			const all = packets(id);
			for (let count = 1 + random.below(10); count > 0; count--) {
				const packet = raw.encode(all[random.below(all.length)]!);
				raw.write(random.below(3) > 0 ? packet : random.mutate(packet));
			}
			break;
		}
		case 4:
			// the beginning of 900,000 bytes that never come
			raw.write(connect);
			raw.write(Buffer.concat([Buffer.of(0x30, 0xa0, 0xf7, 0x36, 0, 1, 0x61), random.bytes(random.below(40_000))]));
			break;
		default:
			// half a CONNECT, then silence: the hub ends it
			raw.write(connect.subarray(0, random.below(connect.length)));
			await raw.end();
			return;
	}
	await Promise.race([raw.end(), new Promise((resolve) => setTimeout(resolve, random.below(60)))]);
	raw.cut();
}

/** Sends `count` numbered messages of QoS 1, 100 at a time without acknowledgement. */
function send(from: Raw, to: Raw, topic: string, count: number): Promise<number[]> {
	const got: number[] = [];
	let next = 0;
	const more = (messageId: number) => {
		if (next >= count) return;
		from.send({ cmd: "publish", topic, payload: `${next++}`, qos: 1, dup: false, retain: false, messageId });
	};
	const take = (raw: Raw, mine: string) => (packet: Packet) => {
		if (packet.cmd === "puback") raw === from && more(packet.messageId!);
		if (packet.cmd !== "publish") return;
		if (packet.topic === mine) got.push(Number(packet.payload));
		raw.send({ cmd: "puback", messageId: packet.messageId! });
	};
	from.each(take(from, ""));
	to.each(take(to, topic));
	for (let id = 1; id <= 100; id++) more(id);
	return until(() => got.length >= count, `${count} messages on ${topic}`).then(() => got);
}

test("64 peers send garbage while 10,000 messages of QoS 1 pass: none is lost, doubled or out of order", async () => {
	const hub = await TestHub.start({ connectTimeoutMs: 600, sessionExpirySeconds: 1 });
	const pairs: [Raw, Raw][] = [];
	for (const name of ["a", "b"]) {
		const [from, to] = [await Raw.client(hub.port, `${name}-from`), await Raw.client(hub.port, `${name}-to`, 5)];
		await to.subscribe(`steady/${name}`, 1);
		pairs.push([from, to]);
	}
	let passing = true;
	let attacks = 0;
	const attackers = Array.from({ length: 64 }, async (_, i) => {
		const random = new Random(i);
		for (let round = 0; round < 8 || passing; round++) {
			await attack(hub.port, `evil-${i}-${round}`, random);
			attacks++;
		}
	});
	const passed = pairs.map(([from, to], i) => send(from, to, `steady/${"ab"[i]}`, 5000));
	const results = await Promise.all(passed);
	passing = false;
	await Promise.all(attackers);
	const expected = Array.from({ length: 5000 }, (_, i) => i);
	for (const got of results) assert.equal(got, expected);
	for (const raw of pairs.flat()) {
		raw.keep();
		await raw.ping();
		await raw.leave();
	}
	await until(() => hub.broker.sessions.count === 0, "the sessions of the attackers end");
	assert.equal(hub.held(), NOTHING_HELD);
	const counters = hub.broker.counters;
	const causes = counters.closedByName();
	const closed = [...causes.values()].reduce((sum, count) => sum + count, 0);
	assert.is(closed, counters.connectionsOpened);
	assert.is(closed, attacks + 4);
	assert.ok(causes.size >= 12, [...causes.keys()].join(" "));
	assert.ok((causes.get("connect-timeout") ?? 0) > 0);
	assert.equal(hub.log, []);
	await hub.close();
});

test("a well-formed packet before CONNECT, or cut anywhere, harms nobody", async () => {
	const hub = await TestHub.start({ sessionExpirySeconds: 0 });
	const witness = await Raw.client(hub.port, "witness");
	await witness.subscribe("witness");
	for (const version of [3, 4, 5] as const)
		for (const packet of packets("early")) {
			const bytes = generate(packet, { protocolVersion: version });
			const early = await Raw.open(hub.port, version);
			early.write(bytes);
			assert.equal(await early.end(), [], packet.cmd);
			const cut = await Raw.client(hub.port, "cut", version);
			cut.write(bytes.subarray(0, bytes.length >> 1));
			cut.cut();
		}
	assert.is(hub.broker.counters.closedByName().get("connect-missing"), 3 * packets("").length);
	await witness.publish("witness", "still here");
	assert.is(`${(await witness.take("publish")).payload}`, "still here");
	await witness.leave();
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

const KB = 1024;
const slowLimits = {
	packetBytes: 128 * KB,
	queueBytes: 512 * KB,
	queueMessages: 1000,
	blocks: 8192,
	blockBytes: 512,
};

/** A message of 64 KB with its number. */
function big(number: number): Buffer {
	const payload = Buffer.alloc(64 * KB, number);
	payload.writeUInt32BE(number);
	return payload;
}

/** Publishes `count` messages of 64 KB, each as soon as the healthy one has the last but three. */
async function flood(from: Raw, healthy: Raw, topic: string, qos: 0 | 1, count: number): Promise<number[]> {
	const got: number[] = [];
	healthy.each((packet) => {
		if (packet.cmd !== "publish") return;
		assert.is(Buffer.compare(packet.payload as Buffer, big(got.length)), 0);
		got.push((packet.payload as Buffer).readUInt32BE());
		if (qos === 1) healthy.send({ cmd: "puback", messageId: packet.messageId! });
	});
	for (let i = 0; i < count; i++) {
		await until(() => got.length >= i - 3, `message ${i - 3} of ${count} arrives`);
		const id = qos === 1 ? { messageId: 1 + i } : {};
		from.send({ cmd: "publish", topic, payload: big(i), qos, dup: false, retain: false, ...id });
	}
	await until(() => got.length >= count, `${count} messages arrive`);
	healthy.keep();
	return got;
}

/** A subscriber that stops reading after its SUBACK. */
async function stalled(hub: TestHub, id: string, topic: string, qos: 0 | 1, version: Version = 4): Promise<Raw> {
	const raw = await Raw.client(hub.port, id, version);
	await raw.subscribe(topic, qos);
	raw.socket.pause();
	return raw;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test("QoS 0: for a subscriber that does not read, newer messages are dropped and counted; others get all", async () => {
	const hub = await TestHub.start(slowLimits);
	const slow = await stalled(hub, "slow", "flood", 0);
	const healthy = await Raw.client(hub.port, "healthy");
	await healthy.subscribe("flood");
	const from = await Raw.client(hub.port, "from");
	assert.equal(await flood(from, healthy, "flood", 0, 400), numbers(400));
	const broker = hub.broker;
	const drops = broker.sessions.find("slow")!.drops;
	assert.ok(drops > 0);
	assert.is(broker.counters.dropsQueue, drops);
	assert.is(broker.sessions.find("healthy")!.drops, 0);
	// what the slow one's queue holds, and what is on its way to others
	const most = (slowLimits.queueBytes + 8 * slowLimits.packetBytes) / slowLimits.blockBytes;
	assert.ok(broker.pool.freeCountMin >= broker.pool.blockCount - most, `${broker.pool.freeCountMin} blocks`);
	// it reads again: all that was not dropped, in order and whole, and what comes then
	slow.socket.resume();
	await until(() => slow.packets.length >= 400 - drops, "what waited comes");
	await from.publish("flood", "end");
	await until(() => slow.packets.length > 400 - drops, "what comes then comes");
	const got = slow.packets
		.splice(0)
		.map((packet) => (packet.cmd === "publish" ? (packet.payload as Buffer) : undefined));
	assert.is(`${got.pop()}`, "end");
	const order = got.map((payload) => payload!.readUInt32BE());
	assert.equal(
		order,
		[...order].sort((a, b) => a - b),
	);
	assert.is(
		got.every((payload) => payload!.equals(big(payload!.readUInt32BE()))),
		true,
	);
	await Promise.all([slow, healthy, from].map((raw) => raw.leave()));
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

test("QoS 1: a subscriber that does not read is disconnected when its queue is full; others get all", async () => {
	const hub = await TestHub.start(slowLimits);
	const slow = await stalled(hub, "slow", "flood", 1);
	const healthy = await Raw.client(hub.port, "healthy");
	await healthy.subscribe("flood", 1);
	const from = await Raw.client(hub.port, "from");
	from.each(() => {});
	assert.equal(await flood(from, healthy, "flood", 1, 400), numbers(400));
	assert.equal(hub.ended, ["slow slow-receiver"]);
	assert.is(hub.broker.counters.closedByName().get("slow-receiver"), 1);
	assert.ok(hub.broker.counters.dropsQueue > 0);
	slow.socket.resume();
	await slow.end();
	await Promise.all([healthy, from].map((raw) => raw.leave()));
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

test("QoS 1 where the publisher is to be refused: 5.0 hears 0x97, and it passes again when there is room", async () => {
	const hub = await TestHub.start({ ...slowLimits, whenQueueFull: "refuse" });
	const slow = await stalled(hub, "slow", "flood", 1);
	const from = await Raw.client(hub.port, "from", 5);
	const codes: number[] = [];
	for (let i = 0; i < 12; i++) codes.push(await from.publish("flood", big(i), 1));
	const taken = codes.filter((code) => code === 0).length;
	assert.equal(
		codes,
		numbers(12).map((i) => (i < taken ? 0 : 0x97)),
	);
	assert.is(taken, 7); // 512 KB, the topics counted
	assert.is(hub.broker.counters.dropsQueue, 12 - taken);
	assert.equal(hub.ended, []);
	slow.each((packet) => packet.cmd === "publish" && slow.send({ cmd: "puback", messageId: packet.messageId! }));
	slow.socket.resume();
	await until(() => hub.broker.sessions.find("slow")!.outbox.count === 0, "the queue is empty");
	assert.is(await from.publish("flood", "room", 1), 0);
	slow.keep();
	await Promise.all([slow, from].map((raw) => raw.leave()));
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

test("where buffers are few, subscribers that do not read keep none of them from the others", async () => {
	const hub = await TestHub.start({ ...slowLimits, outputBuffers: 1 });
	const slow = [await stalled(hub, "slow-0", "flood", 0), await stalled(hub, "slow-1", "flood", 0)];
	const healthy = await Raw.client(hub.port, "healthy");
	await healthy.subscribe("flood");
	const from = await Raw.client(hub.port, "from");
	assert.equal(await flood(from, healthy, "flood", 0, 200), numbers(200));
	assert.is(hub.broker.sessions.find("healthy")!.drops, 0);
	for (const raw of slow) raw.cut();
	await Promise.all([healthy, from].map((raw) => raw.leave()));
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

test("a peer that takes nothing for longer than the limit is disconnected", async () => {
	const hub = await TestHub.start({ ...slowLimits, stallTimeoutMs: 300 });
	const slow = await stalled(hub, "slow", "flood", 0);
	const idle = await Raw.client(hub.port, "idle");
	const from = await Raw.client(hub.port, "from");
	while ((hub.broker.sessions.find("slow")?.drops ?? 0) === 0) {
		await from.publish("flood", big(1));
		await from.ping();
	}
	await hub.gone("slow");
	assert.equal(hub.ended, ["slow slow-receiver"]);
	slow.cut();
	await Promise.all([idle, from].map((raw) => raw.leave()));
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

test("a connection that the hub ends while its peer does not read never gets another one's bytes", async () => {
	const hub = await TestHub.start({ ...slowLimits, outputBuffers: 4 });
	const slow = await stalled(hub, "slow", "mine", 0);
	const other = await Raw.client(hub.port, "other");
	await other.subscribe("secret");
	const from = await Raw.client(hub.port, "from");
	while ((hub.broker.sessions.find("slow")?.drops ?? 0) === 0) {
		await from.publish("mine", big(0x11111111));
		await from.ping();
	}
	let bytes = 0;
	let foreign = 0;
	slow.socket.on("data", (chunk: Buffer) => {
		bytes += chunk.length;
		if (chunk.includes("secret")) foreign++;
	});
	slow.socket.pause();
	assert.is(hub.broker.disconnect("slow"), true);
	await hub.gone("slow");
	for (let i = 0; i < 4; i++) {
		await from.publish("secret", Buffer.alloc(64 * KB, "secret"));
		await other.take("publish");
	}
	slow.socket.resume();
	await slow.end();
	assert.ok(bytes > 0);
	assert.is(foreign, 0);
	assert.is(slow.broken, undefined);
	await Promise.all([other, from].map((raw) => raw.leave()));
	await hub.close();
});

test.run();
