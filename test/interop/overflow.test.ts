/** The hub with an ESP32's limits, filled up: each refusal is what the specification says, counted, and disturbs
 *  nobody. */
import { boardLimits } from "../../host-sim/boards.js";
import { assert, suite } from "../support/test.js";
import { Raw } from "./raw.js";
import { NOTHING_HELD, TestHub, until } from "./support.js";

const test = suite("limits of an ESP32");
const limits = boardLimits("esp32");
const VERSIONS = [4, 5] as const;
const names = { 4: "3.1.1", 5: "5.0" };

/** A hub with an ESP32's limits, and two clients that must go on talking. */
class Board {
	private constructor(
		readonly hub: TestHub,
		private readonly talker: Raw,
		private readonly listener: Raw,
	) {}

	static async start(): Promise<Board> {
		const hub = await TestHub.start(limits);
		const talker = await Raw.client(hub.port, "talker");
		const listener = await Raw.client(hub.port, "listener", 5);
		await listener.subscribe("talk", 1);
		return new Board(hub, talker, listener);
	}

	get port(): number {
		return this.hub.port;
	}

	get counters() {
		return this.hub.broker.counters;
	}

	/** How many connections ended for the cause. */
	closed(cause: string): number {
		return this.counters.closedByName().get(cause) ?? 0;
	}

	/** The two others talk as before. */
	async talks(): Promise<void> {
		await this.talker.publish("talk", "hello", 1);
		const heard = await this.listener.take("publish");
		assert.is(`${heard.payload}`, "hello");
		this.listener.send({ cmd: "puback", messageId: heard.messageId! });
	}

	/** All leave; nothing stays. */
	async end(...others: Raw[]): Promise<void> {
		for (const raw of [...others, this.talker, this.listener]) if (!raw.closed) await raw.leave();
		await this.hub.empty();
		const broker = this.hub.broker;
		for (const topic of retainedTopics(this.hub)) broker.publish(topic, "", { retain: true });
		assert.equal(this.hub.held(), NOTHING_HELD);
		assert.is(broker.pool.freeCount, broker.pool.blockCount);
		assert.equal(this.hub.log, []);
		await this.hub.close();
	}
}

function retainedTopics(hub: TestHub): string[] {
	const retained = hub.broker.retained;
	return Array.from({ length: retained.placeCount }, (_, i) => retained.topicAt(i + 1)).filter((topic) => topic !== "");
}

/** When the hub has refused: what 5.0 hears before the end, undefined for 3.1.1. */
async function farewell(raw: Raw): Promise<number | undefined> {
	const packets = await raw.end();
	if (packets.length === 0) return undefined;
	const last = packets[0]!;
	assert.is(packets.length, 1);
	assert.is(last.cmd, "disconnect");
	return last.cmd === "disconnect" ? last.reasonCode : undefined;
}

/** What is left of the store beside three messages of 4,000 bytes, but for a kilobyte. */
const REST = limits.blocks * limits.blockBytes - 3 * 4_096 - 1_024;

for (const version of VERSIONS) {
	const v5 = version === 5;
	const check = (name: string, statements: string, run: () => Promise<void>) => {
		const others = v5 ? / \[MQTT-.*?\]/g : / \[5:.*?\]/g;
		test(`${names[version]}: ${name}${` ${statements}`.replace(others, "").trimEnd()}`, run);
	};

	check("the 17th client hears that the server is full", "[MQTT-3.2.2-4] [MQTT-3.2.2-5] [5:MQTT-3.2.2-7]", async () => {
		const board = await Board.start();
		const clients: Raw[] = [];
		for (let i = 2; i < limits.connections; i++) clients.push(await Raw.client(board.port, `c${i}`, version));
		for (let i = 1; i <= 3; i++) {
			const late = await Raw.open(board.port, version);
			const connack = await late.connect("late");
			assert.is(v5 ? connack.reasonCode : connack.returnCode, v5 ? 0x97 : 3);
			assert.is(connack.sessionPresent, false);
			assert.equal(await late.end(), []);
			assert.is(board.closed("full-connections"), i);
		}
		await board.talks();
		// a client that is in may come again
		const again = await Raw.client(board.port, "c5", version);
		await until(() => clients[3]!.closed, "the one before is gone");
		await clients.pop()!.leave();
		await until(() => board.hub.broker.connectedCount < limits.connections, "a place is free");
		clients.push(await Raw.client(board.port, "late", version));
		await board.talks();
		await board.end(...clients, again);
	});

	check(
		"a subscription too many is refused in SUBACK, the others hold",
		"[MQTT-3.9.3-1] [MQTT-3.9.3-2] [5:MQTT-3.9.3-1]",
		async () => {
			const board = await Board.start();
			const one = await Raw.client(board.port, "one", version);
			const filters = Array.from({ length: limits.subscriptions + 5 }, (_, i) => `f/${i}`);
			const failure = v5 ? 0x97 : 0x80;
			const codes = await one.subscribe([...filters, "f/0"], 1);
			// the listener has one
			const granted = limits.subscriptions - 1;
			const expected = filters.map((_, i) => (i < granted ? 1 : failure));
			assert.equal(codes, [...expected, 1]);
			assert.is(board.counters.refusedSubscriptions, filters.length - granted);
			assert.equal(await one.subscribe("a/filter/that/is/+/too/much/#"), [failure]);
			await one.publish(`f/${granted}`, "nobody");
			await one.publish(`f/${granted - 1}`, "me");
			assert.is(`${(await one.take("publish")).payload}`, "me");
			await board.talks();
			// what is given up makes room
			one.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: filters.slice(0, 10) });
			await one.take("unsuback");
			assert.equal(await one.subscribe("again/+/#", 2), [2]);
			await board.end(one);
		},
	);

	check("a Retained Message too many is not kept, and its sender hears it", "", async () => {
		const board = await Board.start();
		const one = await Raw.client(board.port, "one", version);
		for (let i = 0; i < limits.retained; i++) assert.ok((await one.publish(`r/${i}`, `${i}`, 1, true)) < 0x80);
		await one.subscribe("r/more");
		if (v5) {
			assert.is(await one.publish("r/more", "more", 1, true), 0x97);
			assert.is(one.packets.length, 0);
		} else {
			// 3.1.1 cannot say that a message was not kept: no PUBACK, and the end
			one.send({ cmd: "publish", topic: "r/more", payload: "x", qos: 1, messageId: 9, retain: true, dup: false });
			assert.equal(await one.end(), []);
			// at QoS 0 nobody would hear it: those who are there get it, and it is logged
			const other = await Raw.client(board.port, "other", version);
			await other.subscribe("r/more");
			await other.publish("r/more", "y", 0, true);
			assert.is(`${(await other.take("publish")).payload}`, "y");
			assert.equal(board.hub.log.splice(0), ["r/more: not retained: full-retained"]);
			await other.leave();
		}
		assert.is(board.hub.broker.retained.get("r/more"), 0);
		assert.is(board.counters.dropsRetained, v5 ? 1 : 2);
		await board.talks();
		const two = await Raw.client(board.port, "two", version);
		// one that is there may still be replaced, or deleted to make room
		await two.publish("r/0", "other", 1, true);
		await two.publish("r/1", "", 1, true);
		assert.ok((await two.publish("r/more", "more", 1, true)) < 0x80);
		await two.subscribe("r/+", 0);
		await until(() => two.packets.length === limits.retained, "all Retained Messages come");
		const texts = two.packets.splice(0).map((packet) => (packet.cmd === "publish" ? `${packet.payload}` : ""));
		assert.equal(texts.sort(), ["other", "more", ...Array.from({ length: 62 }, (_, i) => `${i + 2}`)].sort());
		await board.end(one, two);
	});

	check("a packet larger than the limit ends the connection", "[5:MQTT-4.13.1-1]", async () => {
		const board = await Board.start();
		const one = await Raw.client(board.port, "one", version);
		const most = limits.packetBytes - 3 - 2 - 3 - (v5 ? 1 : 0);
		await one.subscribe("big");
		await one.publish("big", Buffer.alloc(most, "x"));
		assert.is((await one.take("publish")).payload.length, most);
		one.send({ cmd: "publish", topic: "big", payload: Buffer.alloc(most + 1), qos: 0, dup: false, retain: false });
		assert.is(await farewell(one), v5 ? 0x95 : undefined);
		assert.is(board.closed("packet-too-large"), 1);
		await board.talks();
		await board.end();
	});

	check("a topic longer than the limit ends the connection", "", async () => {
		const board = await Board.start();
		const one = await Raw.client(board.port, "one", version);
		await one.subscribe("#");
		const topic = "t".repeat(limits.topicBytes);
		await one.publish(topic, "as long as may be");
		assert.is((await one.take("publish")).topic, topic);
		one.send({ cmd: "publish", topic: `${topic}t`, payload: "x", qos: 0, dup: false, retain: false });
		assert.is(await farewell(one), v5 ? 0x90 : undefined);
		assert.is(board.closed("topic-too-long"), 1);
		const two = await Raw.client(board.port, "two", version);
		assert.equal(await two.subscribe(topic), [0]);
		assert.equal(await two.subscribe(`${topic}t`), [v5 ? 0x97 : 0x80]);
		assert.equal(await two.subscribe("a/".repeat(limits.topicLevels)), [v5 ? 0x97 : 0x80]);
		assert.is(board.counters.refusedSubscriptions, 2);
		await board.talks();
		await board.end(two);
	});

	check("a Client Identifier longer than the limit is refused", "[MQTT-3.1.3-9] [5:MQTT-3.1.3-8]", async () => {
		const board = await Board.start();
		const longest = await Raw.client(board.port, "i".repeat(limits.clientIdBytes), version);
		const one = await Raw.open(board.port, version);
		const connack = await one.connect("i".repeat(limits.clientIdBytes + 1));
		assert.is(v5 ? connack.reasonCode : connack.returnCode, v5 ? 0x85 : 2);
		assert.equal(await one.end(), []);
		assert.is(board.closed("client-id-rejected"), 1);
		await board.talks();
		await board.end(longest);
	});

	check("what does not fit into the queue of a client that is away is dropped and counted", "", async () => {
		const board = await Board.start();
		const properties = v5 ? { properties: { sessionExpiryInterval: 600 } } : {};
		const session = { clean: false, ...properties };
		const away = await Raw.client(board.port, "away", version, session);
		await away.subscribe("q", 1);
		await away.leave();
		const pub = await Raw.client(board.port, "pub", version);
		const more = 10;
		for (let i = 0; i < limits.queueMessages + more; i++) assert.ok((await pub.publish("q", `${i}`, 1)) < 0x80);
		assert.is(board.counters.dropsQueue, more);
		await board.talks();
		const back = await Raw.client(board.port, "away", version, session);
		const got: string[] = [];
		back.each((packet) => {
			if (packet.cmd !== "publish") return;
			got.push(`${packet.payload}`);
			back.send({ cmd: "puback", messageId: packet.messageId! });
		});
		await until(() => got.length === limits.queueMessages, "what was kept comes");
		back.keep();
		await until(() => board.hub.broker.deliveries.freeCount === limits.deliveries, "all is acknowledged");
		assert.equal(
			got,
			Array.from({ length: limits.queueMessages }, (_, i) => `${i}`),
		);
		assert.is(await pub.publish("q", "and on", 1), 0);
		assert.is(`${(await back.take("publish")).payload}`, "and on");
		await back.leave();
		const clean = await Raw.client(board.port, "away", version);
		await board.end(clean, pub);
	});

	check("sessions that stay fill the table: the next client is refused, not another's session lost", "", async () => {
		const board = await Board.start();
		const properties = v5 ? { properties: { sessionExpiryInterval: 600 } } : {};
		const session = { clean: false, ...properties };
		const stay = limits.sessions - 2;
		for (let i = 0; i < stay; i++) await (await Raw.client(board.port, `s${i}`, version, session)).leave();
		const late = await Raw.open(board.port, version);
		const connack = await late.connect("late");
		assert.is(v5 ? connack.reasonCode : connack.returnCode, v5 ? 0x97 : 3);
		await late.end();
		assert.is(board.closed("full-sessions"), 1);
		await board.talks();
		const back = await Raw.open(board.port, version);
		assert.is((await back.connect("s0", session)).sessionPresent, true);
		await back.leave();
		for (let i = 0; i < stay; i++) await (await Raw.client(board.port, `s${i}`, version)).leave();
		await board.end();
	});

	check("a full message store refuses what must be kept, and takes it when there is room", "", async () => {
		const board = await Board.start();
		const one = await Raw.client(board.port, "one", version);
		const bytes = 4000;
		for (let i = 0; i < 3; i++) assert.ok((await one.publish(`r/${i}`, Buffer.alloc(bytes), 1, true)) < 0x80);
		assert.ok((await one.publish("r/3", Buffer.alloc(REST), 1, true)) < 0x80);
		if (v5) assert.is(await one.publish("r/4", Buffer.alloc(1200), 1, true), 0x97);
		else {
			const payload = Buffer.alloc(1200);
			one.send({ cmd: "publish", topic: "r/4", payload, qos: 1, messageId: 9, retain: true, dup: false });
			assert.equal(await one.end(), []);
			assert.is(board.closed("full-store"), 1);
		}
		assert.is(board.counters.dropsStore, 1);
		await board.talks();
		const two = await Raw.client(board.port, "two", version);
		await two.publish("r/0", "", 1, true);
		assert.ok((await two.publish("r/4", Buffer.alloc(1200), 1, true)) < 0x80);
		await board.end(one, two);
	});
}

test("3.1.1: a retained QoS 0 message that finds no room still discards the one before [MQTT-3.3.1-7]", async () => {
	const board = await Board.start();
	const one = await Raw.client(board.port, "one");
	await one.publish("r/small", "old", 1, true);
	for (let i = 0; i < 3; i++) await one.publish(`r/${i}`, Buffer.alloc(4000), 1, true);
	await one.publish("r/3", Buffer.alloc(REST), 1, true);
	await one.publish("r/small", Buffer.alloc(3000), 0, true);
	await one.ping();
	assert.is(board.counters.dropsStore, 1);
	assert.is(board.hub.broker.retained.get("r/small"), 0);
	await board.talks();
	await board.end(one);
});

test("connections without CONNECT keep nobody out: the one that waited longest makes room", async () => {
	const board = await Board.start();
	const silent: Raw[] = [];
	const slots = limits.connections + limits.spareConnections;
	for (let i = 2; i < slots; i++) silent.push(await Raw.open(board.port));
	await until(() => board.counters.connectionsOpened === slots, "all places are taken");
	const one = await Raw.client(board.port, "one");
	assert.is(board.closed("connect-timeout"), 1);
	await until(() => silent.some((raw) => raw.closed), "one of them is closed");
	await board.talks();
	for (const raw of silent) raw.cut();
	await until(() => board.closed("transport-closed") === silent.length - 1, "the places are free");
	await board.talks();
	await board.end(one);
});

test.run();
