/** Controllers that answer anything at any time, clients that send anything: nothing fails, and nothing is left. */
import type { Packet } from "mqtt-packet";
import { type Answer, type Context, type Controller, Refusal, type Reply } from "../../src/broker/controller.js";
import type { ServerPacket } from "../../src/codec/packets.js";
import { HearthError } from "../../src/errors.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("random controllers");
const RUNS = Number(process.env["HEARTH_CONTROLLER_RUNS"] ?? 60);
const SEED = Number(process.env["HEARTH_CONTROLLER_SEED"] ?? 0);
const STEPS = 80;

class Chance {
	constructor(private readonly fixture: Fixture) {}

	below(count: number): number {
		return this.fixture.random() % count;
	}

	of<T>(list: readonly T[]): T {
		return list[this.below(list.length)]!;
	}
}

const TOPICS = ["a", "a/b", "b"];

function anyPacket(chance: Chance): ServerPacket {
	const packetId = 1 + chance.below(3);
	const reasonCode = chance.of([0, 0, 0x10, 0x80, 0x87, 0x92, 0xff]);
	const type = chance.of(["puback", "pubrec", "pubrel", "pubcomp"] as const);
	return chance.of<ServerPacket>([
		{ type, packetId, reasonCode, properties: { reasonString: "x".repeat(chance.below(200)) } },
		{ type: "publish", topic: chance.of(TOPICS), payload: "x".repeat(chance.below(500)), qos: chance.of([0, 1, 2]) },
		{ type: "suback", packetId, reasonCodes: [0, 1].slice(chance.below(2)) },
		{ type: "unsuback", packetId, reasonCodes: [0] },
		{ type: "pingresp" },
		{ type: "auth", reasonCode: 0x18, properties: { authenticationMethod: "M" } },
		{ type: "disconnect", reasonCode: 0x98 },
	]);
}

/** What waits to be settled. */
type Open = (() => void)[];

function controllerOf(
	chance: Chance,
	open: Open,
	natural: Partial<Record<keyof Controller, ServerPacket>>,
): Controller {
	const answer = (name: keyof Controller): Answer => {
		const what = chance.below(12);
		if (what < 5) return undefined;
		if (what < 8) return natural[name];
		if (what === 8) return null;
		if (what === 9) return anyPacket(chance);
		if (what === 10) throw new Refusal(chance.of([0x80, 0x87, 0x97, 5]), "why");
		throw new Error("a mistake");
	};
	const method =
		(name: keyof Controller) =>
		(context: Context, packet: { copy(): unknown }): Reply => {
			packet.copy();
			const extra = chance.below(12);
			if (extra === 0) context.connection.send(anyPacket(chance));
			else if (extra === 1) context.server.publish(chance.of(TOPICS), "from the program", { qos: chance.below(3) });
			else if (extra === 2) chance.of(context.server.connections)?.close(chance.of([0, 0x8b, 0x98]));
			else if (extra === 3) context.session?.subscribe(chance.of([...TOPICS, "#", "a/#/b"]), chance.below(3));
			if (chance.below(4) > 0) return answer(name);
			return new Promise<Answer>((resolve, reject) => {
				if (chance.below(8) === 0) return; // never
				open.push(() => {
					try {
						resolve(answer(name));
					} catch (error) {
						reject(error);
					}
				});
			});
		};
	const controller: Record<string, unknown> = {};
	const names = ["connect", "disconnect", "ping", "publish", "publishAck", "publishReceived", "publishRelease"];
	for (const name of [...names, "publishComplete", "subscribe", "unsubscribe", "auth"])
		if (chance.below(4) > 0) controller[name] = method(name as keyof Controller);
	return controller as Controller;
}

function anyAction(chance: Chance, client: TestClient): void {
	const messageId = 1 + chance.below(4);
	const topic = chance.of(TOPICS);
	const qos = chance.of([0, 1, 2] as const);
	const payload = "x".repeat(chance.of([0, 5, 300, 3_000]));
	const ack = chance.of(["puback", "pubrec", "pubrel", "pubcomp"] as const);
	const id = qos === 0 ? {} : { messageId };
	const packet = chance.of<Packet>([
		{ cmd: "publish", topic, payload, qos, retain: chance.below(4) === 0, dup: false, ...id } as Packet,
		{ cmd: "publish", topic, payload, qos, retain: false, dup: false, ...id } as Packet,
		{ cmd: ack, messageId } as Packet,
		{ cmd: "subscribe", messageId, subscriptions: [{ topic, qos }] },
		{ cmd: "unsubscribe", messageId, unsubscriptions: [topic] },
		{ cmd: "pingreq" },
		{ cmd: "pingreq" },
		chance.below(4) === 0 ? { cmd: "disconnect" } : { cmd: "pingreq" },
	]);
	client.send(packet);
}

const NATURAL: Partial<Record<keyof Controller, ServerPacket>> = {
	connect: { type: "connack" },
	ping: { type: "pingresp" },
	publish: { type: "puback" },
	publishReceived: { type: "pubrel" },
	publishRelease: { type: "pubcomp" },
	subscribe: { type: "suback", reasonCodes: [0] },
	unsubscribe: { type: "unsuback", reasonCodes: [0] },
};

async function play(seed: number): Promise<void> {
	const fixture = new Fixture({ seed, limits: { guesses: 0 } });
	const chance = new Chance(fixture);
	const open: Open = [];
	const listeners = [true, false].map((routing) =>
		fixture.broker.addListener({ routing, controller: controllerOf(chance, open, NATURAL) }),
	);
	const clients: TestClient[] = [];
	const settle = async (): Promise<void> => {
		for (let i = 0; i < 6; i++) await null;
		fixture.settle();
	};
	for (let step = 0; step < STEPS; step++) {
		const slot = chance.below(4);
		const client = clients[slot];
		if (client === undefined || client.closed || chance.below(20) === 0) {
			if (client !== undefined && !client.closed) {
				client.cut();
				client.closed = true;
			}
			const version = chance.of([4, 5] as const);
			const fresh = fixture.open(version, chance.of([...listeners, fixture.broker.listener]));
			clients[slot] = fresh;
			const will = { topic: "a", payload: Buffer.from("w"), qos: chance.of([0, 1, 2] as const), retain: false };
			const protocol = { protocolId: "MQTT", protocolVersion: version, clean: true, keepalive: 0 } as const;
			fresh.send({ cmd: "connect", clientId: `c${slot}`, ...protocol, ...(chance.below(2) === 0 ? { will } : {}) });
		} else anyAction(chance, client);
		if (chance.below(3) === 0) open.splice(chance.below(open.length + 1), 1)[0]?.();
		if (chance.below(10) === 0)
			try {
				fixture.broker.server.sendAll(anyPacket(chance));
			} catch (error) {
				assert.instance(error, HearthError); // a Reason Code that the packet may not have
			}
		if (chance.below(10) === 0) fixture.advance(1_000);
		await settle();
	}
	for (const settleOne of open) settleOne();
	await settle();
	fixture.advance(25_000); // what is never settled is refused
	await settle();
	for (const client of clients) if (client !== undefined && !client.closed) client.cut();
	fixture.advance(1_000);
	const { broker } = fixture;
	const retained = TOPICS.filter((topic) => broker.retained.get(topic) !== 0);
	for (const topic of retained) broker.publish(topic, "", { retain: true });
	fixture.settle();
	const held = {
		internalErrors: broker.counters.internalErrors,
		connected: broker.connectedCount,
		sessions: broker.sessions.count,
		subscriptions: broker.table.count,
		waiting: broker.server.waitingBytes,
		received: broker.received.count,
		authenticating: broker.authenticating,
		messages: broker.store.count,
		blocks: broker.pool.blockCount - broker.pool.freeCount,
		deliveries: broker.limits.deliveries - broker.deliveries.freeCount,
		open: [...listeners, broker.listener].flatMap((listener) => [listener.openCount, listener.connectedCount]),
	};
	const none = { internalErrors: 0, connected: 0, sessions: 0, subscriptions: 0, waiting: 0, received: 0 };
	const nothing = { ...none, authenticating: 0, messages: 0, blocks: 0, deliveries: 0, open: [0, 0, 0, 0, 0, 0] };
	assert.equal(
		held,
		nothing,
		`HEARTH_CONTROLLER_SEED=${seed}: ${fixture.log.filter((l) => /Error/.test(l)).slice(-3)}`,
	);
}

test("whatever a controller answers and a client sends, nothing fails, and nothing is left", async () => {
	if (SEED > 0) return play(SEED);
	for (let run = 1; run <= RUNS; run++) await play(run * 7_919);
});

test.run();
