/** Controllers that take time, never answer, misbehave; and views that are read too late. */
import { type Context, Controller, Refusal } from "../../src/broker/controller.js";
import type { ConnectView } from "../../src/broker/view-connect.js";
import type { PublishView } from "../../src/broker/view-publish.js";
import { HearthError } from "../../src/errors.js";
import { fresh, lasting } from "../conformance/wire.js";
import { Fixture, type FixtureOptions } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("controllers that take time");

/** A promise that is settled from outside. */
class Later<T> {
	readonly promise: Promise<T>;
	resolve!: (value: T) => void;
	reject!: (error: unknown) => void;

	constructor() {
		this.promise = new Promise((resolve, reject) => {
			this.resolve = resolve;
			this.reject = reject;
		});
	}
}

async function settle(fixture: Fixture): Promise<void> {
	for (let i = 0; i < 10; i++) await null;
	fixture.settle();
}

/** A controller whose `publish` waits for what `laters` get. */
function waiting(options: Partial<FixtureOptions> = {}) {
	const laters: Later<undefined>[] = [];
	const controller = Object.assign(new Controller(), {
		publish: () => {
			const later = new Later<undefined>();
			laters.push(later);
			return later.promise;
		},
	});
	return { fixture: new Fixture({ controller, ...options }), laters };
}

test("a connection's later packets wait, in their order; others' don't; what is sent to it comes", async () => {
	const { fixture, laters } = waiting();
	const witness = fixture.connect("witness");
	witness.subscribe("#", 1);
	const slow = fixture.connect("slow");
	slow.subscribe("to/slow");
	slow.publish("a", "1", 1).publish("b", "2", 0);
	assert.is(laters.length, 1);
	slow.send({ cmd: "pingreq" });
	const quick = fixture.connect("quick");
	quick.subscribe("a");
	fixture.broker.publish("to/slow", "now");
	fixture.settle();
	assert.equal(slow.messages(), ["to/slow now 0"]);
	assert.equal(witness.messages(), ["to/slow now 0"]);
	laters[0]!.resolve(undefined);
	await settle(fixture);
	assert.equal(slow.messages(), ["puback"], "the next one waits again, and what is behind it");
	assert.equal(quick.messages(), ["a 1 0"]);
	assert.is(laters.length, 2);
	laters[1]!.resolve(undefined);
	await settle(fixture);
	assert.equal(slow.messages(), ["pingresp"]);
	assert.equal(witness.messages(), ["a 1 1", "b 2 0"]);
	assert.is(fixture.broker.server.waitingBytes, 0);
});

test("reading stops while a packet waits, and goes on after", async () => {
	const { fixture, laters } = waiting();
	const client = fixture.connect("c");
	assert.is(client.connection!.onReadable(new Uint8Array([0x30, 3, 0, 1, 0x61]), 0, 5), 0);
	fixture.settle();
	assert.is(client.resumed, 0);
	laters[0]!.resolve(undefined);
	await settle(fixture);
	assert.is(client.resumed, 1);
});

test("a packet cut in pieces behind one that waits is put together", async () => {
	const { fixture, laters } = waiting();
	const witness = fixture.connect("witness");
	witness.subscribe("#");
	const client = fixture.connect("c");
	const large = Buffer.alloc(3_000, "x");
	client.publish("a", "1");
	const packet = [0x30, ...[(3_003 & 127) | 128, 3_003 >> 7], 0, 1, 0x62, ...large];
	for (let at = 0; at < packet.length; at += 700) client.raw(packet.slice(at, at + 700));
	assert.is(laters.length, 1);
	laters[0]!.resolve(undefined);
	await settle(fixture);
	laters[1]!.resolve(undefined);
	await settle(fixture);
	assert.equal(witness.messages(), ["a 1 0", `b ${large} 0`]);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.pool.blockCount);
});

test("what waits is bounded: a packet beyond is refused, what is behind one ends the connection", async () => {
	const limits = { blocks: 64, blockBytes: 128 }; // 8 KB for all
	const { fixture, laters } = waiting({ limits });
	const clients = ["1", "2", "3"].map((id) => fixture.connect(id, fresh(5)));
	for (const client of clients) client.publish("a", "x".repeat(4_000), 1);
	assert.is(laters.length, 3, "each was asked about");
	assert.is(clients[2]!.take("puback").reasonCode, 0x97);
	clients[0]!.raw(new Uint8Array(200));
	assert.ok(clients[0]!.closed);
	assert.is(fixture.broker.server.waitingBytes, 4_006);
	for (const later of laters) later.resolve(undefined);
	await settle(fixture);
	assert.is(fixture.broker.server.waitingBytes, 0);
	assert.equal(clients[1]!.messages(), ["puback"]);
});

test("the client may go meanwhile; its place is another's, who hears nothing of it", async () => {
	for (const way of ["cut", "close", "taken over"] as const) {
		const { fixture, laters } = waiting({ limits: { connections: 2, spareConnections: 1 } });
		const client = fixture.connect("c");
		client.publish("a", "x", 1);
		if (way === "cut") client.cut();
		else if (way === "close") fixture.broker.server.connection("c")!.close();
		else fixture.connect("c").cut();
		fixture.settle();
		const others = ["d", "e"].map((id) => fixture.connect(id));
		laters[0]!.resolve(undefined);
		await settle(fixture);
		for (const other of others) assert.equal(other.messages(), []);
		assert.is(fixture.broker.counters.publishesReceived, 0, way);
		assert.is(fixture.broker.server.waitingBytes, 0);
	}
});

test("a promise that nobody waits for any more may fail", async () => {
	const controller: Controller = {
		publish: ({ connection }) => {
			connection.close();
			return Promise.reject(new Error("too late"));
		},
	};
	const fixture = new Fixture({ controller });
	assert.ok(fixture.connect("c").publish("a", "x", 1).closed);
	await settle(fixture);
	assert.is(fixture.broker.counters.handlerErrors, 0);
});

test("a promise that is never settled is refused after a time, and a late answer is nothing", async () => {
	const { fixture, laters } = waiting();
	const [v4, v5] = [fixture.connect("v4"), fixture.connect("v5", { ...fresh(5), keepalive: 2 })];
	v4.publish("a", "x", 1);
	v5.publish("a", "x", 1);
	fixture.advance(9_000);
	assert.ok(!v4.closed && !v5.closed, "Keep Alive does not go on meanwhile");
	fixture.advance(1_500);
	assert.ok(v4.closed);
	assert.is(v5.take("puback").reasonCode, 0x80);
	assert.not(v5.closed);
	for (const later of laters) later.resolve(undefined);
	await settle(fixture);
	assert.equal(v5.messages(), []);
	assert.ok(fixture.log.includes("controller: publish of v5: Error: no answer within 10000 ms"));
	fixture.advance(3_250);
	assert.ok(v5.closed, "Keep Alive goes on");
});

test("a login that takes time: nothing behind it is looked at, and who is refused hears why", async () => {
	const laters = new Map<string, Later<undefined>>();
	const controller = Object.assign(new Controller(), {
		async connect(_context: Context, packet: ConnectView) {
			const later = new Later<undefined>();
			laters.set(packet.clientId, later);
			await later.promise;
			if (packet.userName !== "ann") throw new Refusal(0x86);
			if (String(Buffer.from(packet.password!)) !== "secret") throw 0x86;
		},
	});
	const fixture = new Fixture({ controller });
	const open = (clientId: string, username: string, password: string) => {
		const client = fixture.open();
		const login = { username, password: Buffer.from(password) };
		const protocol = { protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 } as const;
		return client.send({ cmd: "connect", clientId, ...protocol, ...login });
	};
	const good = open("good", "ann", "secret");
	const wrong = open("wrong", "ann", "guess");
	const silent = open("silent", "ann", "secret");
	good.send({ cmd: "pingreq" });
	assert.equal([good.packets, wrong.packets], [[], []]);
	for (const id of ["good", "wrong"]) laters.get(id)!.resolve(undefined);
	await settle(fixture);
	assert.equal(good.messages(), ["connack", "pingresp"]);
	assert.is(wrong.take("connack").returnCode, 4);
	assert.ok(wrong.closed);
	fixture.advance(10_500);
	assert.is(silent.take("connack").returnCode, 3);
	assert.ok(silent.closed);
	assert.is(fixture.broker.connectedCount, 1);
});

test("who guesses passwords that a controller judges is slowed", async () => {
	let asked = 0;
	const controller = Object.assign(new Controller(), {
		connect: (_context: Context, packet: ConnectView) => {
			asked++;
			if (String(Buffer.from(packet.password!)) !== "right") throw new Refusal(0x86);
		},
	});
	const fixture = new Fixture({ controller });
	const guess = (password: string) => {
		const client = fixture.open();
		const protocol = { protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 } as const;
		client.send({ cmd: "connect", clientId: "c", ...protocol, username: "ann", password: Buffer.from(password) });
		return client.send({ cmd: "pingreq" });
	};
	for (let i = 0; i < 3; i++) assert.is(guess("wrong").take("connack").returnCode, 4);
	assert.is(asked, 3);
	const fourth = guess("right");
	assert.is(asked, 3, "it has to wait");
	assert.is(guess("right").take("connack").returnCode, 3, "only one waits");
	fixture.advance(1_000);
	await settle(fixture);
	assert.equal(fourth.messages(), ["connack", "pingresp"]);
	assert.is(asked, 4);
});

test("a controller may throw and answer anything: the broker lives, and what is wrong is logged", async () => {
	const things: unknown[] = [
		1,
		"text",
		true,
		() => {},
		[],
		{},
		{ type: "connect" },
		{ type: 5 },
		Symbol("s"),
		Object.create(null),
	];
	const packets: unknown[] = [
		{ type: "suback" },
		{ type: "puback", packetId: 0 },
		{ type: "puback", packetId: 65_536 },
		{ type: "puback", reasonCode: -1 },
		{ type: "puback", reasonCode: 1.5 },
		{ type: "puback", properties: { reasonString: 5 } },
		{ type: "puback", properties: { contentType: "x" } },
		{ type: "puback", properties: { userProperties: [["a"]] } },
		{ type: "puback", properties: { nonsense: 1 } },
		{ type: "publish", topic: "a/#", payload: "x" },
		{ type: "publish", topic: "a", payload: 5 },
		{ type: "publish", topic: "a", payload: "x", qos: 3 },
		{ type: "publish", topic: "a", payload: "x", properties: { topicAlias: 1 } },
		{ type: "publish", topic: "a", payload: "x", properties: { messageExpiryInterval: -1 } },
		{ type: "publish", topic: "a", payload: "x".repeat(5_000) },
		// biome-ignore lint/suspicious/noThenProperty: that is the point
		{ then: () => 5 },
		{
			// biome-ignore lint/suspicious/noThenProperty: that is the point
			then: () => {
				throw new Error("then");
			},
		},
	];
	for (const thrown of [
		undefined,
		null,
		...things,
		new Error("x"),
		5,
		300,
		Number.NaN,
		new Refusal(5),
		new Refusal(400),
	])
		for (const version of [4, 5] as const) {
			const controller = Object.assign(new Controller(), {
				publish: () => {
					throw thrown;
				},
			});
			const fixture = new Fixture({ controller });
			const client = fixture.connect("c", fresh(version)).publish("t", "x", 1);
			if (version === 5) assert.is(client.take("puback").reasonCode, 0x80);
			assert.is(fixture.broker.counters.internalErrors, 0);
		}
	for (const answer of [...things, ...packets])
		for (const version of [4, 5] as const) {
			const fixture = new Fixture({ controller: Object.assign(new Controller(), { publish: () => answer }) });
			const client = fixture.connect("c", fresh(version)).publish("t", "x", 1);
			fixture.advance(11_000);
			await settle(fixture);
			const what = `${version}: ${typeof answer === "object" ? JSON.stringify(answer) : String(answer)}`;
			assert.is(fixture.broker.counters.internalErrors, 0, what);
			const fine = version === 4 && /"properties":\{"(reason|user|content|nonsense)/.test(what) ? 0 : 1;
			if (fine === 1) assert.is(fixture.broker.counters.handlerErrors, 1, what);
			if (version === 5) assert.is(client.take("puback").reasonCode, 0x80, what);
			assert.is(fixture.broker.server.waitingBytes, 0, what);
			assert.not(fixture.connect("other").closed);
		}
});

test("a view that is read after its call throws; a copy stays", async () => {
	const kept: { view: PublishView; copy: unknown }[] = [];
	const views: ConnectView[] = [];
	const controller = Object.assign(new Controller(), {
		connect: (_context: Context, packet: ConnectView) => {
			views.push(packet);
		},
		publish: (_context: Context, view: PublishView) => {
			kept.push({ view, copy: view.copy() });
			if (view.topic === "later") return Promise.resolve(undefined);
			return undefined;
		},
	});
	const fixture = new Fixture({ controller });
	const client = fixture.connect("c", fresh(5));
	const properties = { userProperties: { a: "b" }, contentType: "text" };
	client.publish("first", "1", 1, { properties });
	client.publish("later", "2");
	await settle(fixture);
	client.publish("last", "3");
	for (const { view } of kept) {
		for (const field of [
			"topic",
			"payload",
			"payloadText",
			"payloadBytes",
			"qos",
			"retain",
			"dup",
			"packetId",
		] as const)
			assert.throws(
				() => view[field],
				(e: unknown) => e instanceof HearthError && /keep packet\.copy\(\)/.test(e.message),
			);
		assert.throws(() => view.properties, /after the call/);
		assert.throws(() => view.copy(), /after the call/);
	}
	for (const field of [
		"clientId",
		"userName",
		"password",
		"will",
		"cleanStart",
		"keepAlive",
		"protocolVersion",
	] as const)
		assert.throws(() => views[0]![field], /after the call/);
	assert.equal(kept[0]!.copy, {
		type: "publish",
		topic: "first",
		payload: new Uint8Array([0x31]),
		qos: 1,
		retain: false,
		dup: false,
		packetId: 1,
		properties: { contentType: "text", userProperties: [["a", "b"]] },
	});
});

test("a packet that came in parts stays whole while the program publishes", () => {
	const controller = Object.assign(new Controller(), {
		publish: (context: Context, packet: PublishView) => {
			context.server.publish("other", "y".repeat(3_000));
			context.connection.send({ type: "publish", topic: "direct", payload: "z".repeat(3_000) });
			assert.is(packet.payloadText, "x".repeat(3_000));
		},
	});
	const fixture = new Fixture({ controller });
	const witness = fixture.connect("witness");
	witness.subscribe("#");
	const client = fixture.connect("c");
	const packet = [0x30, (3_003 & 127) | 128, 3_003 >> 7, 0, 1, 0x62, ...Buffer.alloc(3_000, "x")];
	for (let at = 0; at < packet.length; at += 500) client.raw(packet.slice(at, at + 500));
	assert.equal(witness.messages(), [`other ${"y".repeat(3_000)} 0`, `b ${"x".repeat(3_000)} 0`]);
	assert.equal(client.messages(), [`direct ${"z".repeat(3_000)} 0`]);
});

test("the session outlives the connection in a context that was kept", async () => {
	const contexts: Context[] = [];
	const controller = Object.assign(new Controller(), {
		ping: (context: Context) => {
			contexts.push(context);
		},
	});
	const fixture = new Fixture({ controller });
	const client = fixture.connect("c", lasting(5)).send({ cmd: "pingreq" });
	const [{ connection, session }] = contexts as [Context];
	client.cut();
	assert.equal([connection.open, connection.clientId, connection.address], [false, "", "?"]);
	assert.ok(session!.alive);
	assert.is(session!.subscribe("a", 1), 1);
	fixture.broker.publish("a", "1", { qos: 1 });
	assert.equal([session!.queued, session!.filters], [1, ["a"]]);
	fixture.connect("c", fresh(5));
	assert.is(contexts.length, 1);
	assert.equal(session!.filters, [], "its state is the new session's");
});

test.run();
