/** PUBLISHes that are larger than an output's buffer: they leave from where they lie, which stays as it is until the
 *  transport has let go of it. */
import { generate, type Packet, parser } from "mqtt-packet";
import type { Connection } from "../../src/broker/connection.js";
import type { Transport } from "../../src/platform.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("large PUBLISHes");

/** A client whose transport keeps what it is given, and looks at it only when it is told to. */
class Keeper implements Transport {
	readonly remoteAddress = "test";
	readonly packets: Packet[] = [];
	/** of each write */
	readonly sizes: number[] = [];
	keeps = false;
	private kept: Uint8Array | undefined;
	private readonly connection: Connection;
	private readonly parser = parser();

	constructor(private readonly fixture: Fixture) {
		this.parser.on("packet", (packet) => this.packets.push(packet));
		this.connection = fixture.broker.accept(this, 1_000_000)!;
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		assert.is(this.kept, undefined, "nothing is written before onWritable");
		this.sizes.push(end - start);
		const view = bytes.subarray(start, end);
		if (this.keeps) this.kept = view;
		else this.parser.parse(Buffer.from(view));
		return this.keeps ? -1 : 1_000_000;
	}

	/** Lets go of what was kept. @returns false: nothing was */
	let(): boolean {
		const { kept } = this;
		if (kept === undefined) return false;
		this.parser.parse(Buffer.from(kept));
		this.kept = undefined;
		this.connection.onWritable(1_000_000);
		this.fixture.settle();
		return true;
	}

	send(packet: Packet): void {
		const bytes = generate(packet);
		this.connection.onReadable(bytes, 0, bytes.length);
		this.fixture.settle();
	}

	break(): void {
		this.connection.onError();
		this.fixture.settle();
	}

	resume(): void {}
	close(): void {}
}

function world(): { fixture: Fixture; keeper: Keeper } {
	const limits = { outputBytes: 256, blockBytes: 64, blocks: 400, packetBytes: 4_000, partialBytes: 64 };
	const fixture = new Fixture({ copiesWrites: false, limits: { ...limits, queueBytes: 16_000 } });
	const keeper = new Keeper(fixture);
	const connect = { cmd: "connect", clientId: "keeper", protocolId: "MQTT", protocolVersion: 4, clean: true };
	keeper.send({ ...connect, keepalive: 0 } as Packet);
	keeper.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "large/+", qos: 1 }] });
	keeper.packets.length = keeper.sizes.length = 0;
	keeper.keeps = true;
	return { fixture, keeper };
}

for (const qos of [0, 1] as const)
	test(`what a transport keeps is not overwritten until it lets go, at QoS ${qos}`, () => {
		const { fixture, keeper } = world();
		const publisher = fixture.connect("publisher");
		const other = fixture.connect("other");
		other.subscribe("other");
		const payloads = [3_000, 700, 2, 3_500, 257].map((size, i) => Buffer.alloc(size, i + 1));
		for (const [i, payload] of payloads.entries()) publisher.publish(`large/${i}`, payload, qos);
		const churn = (): void => {
			// large messages of others take whatever is free, and give it back
			for (let i = 0; i < 4; i++) publisher.publish("other", Buffer.alloc(3_900, 0xaa), 1);
		};
		do churn();
		while (keeper.let());
		const got = keeper.packets.map((packet) => packet.cmd === "publish" && [packet.topic, packet.payload]);
		assert.equal(
			got,
			payloads.map((payload, i) => [`large/${i}`, payload]),
		);
		assert.ok(
			keeper.sizes.some((size) => size > 2_000),
			"from where it lies, not by buffers of 256",
		);
		assert.is(fixture.broker.counters.internalErrors, 0);
	});

test("a connection that ends while something is kept gives back all that it had", () => {
	const { fixture, keeper } = world();
	const { pool, deliveries } = fixture.broker;
	const [blocks, entries] = [pool.freeCount, deliveries.freeCount];
	const publisher = fixture.connect("publisher");
	for (let i = 0; i < 2; i++) publisher.publish(`large/${i}`, Buffer.alloc(3_000, 1));
	keeper.let();
	assert.ok(pool.freeCount < blocks);
	keeper.break();
	assert.equal([pool.freeCount, deliveries.freeCount], [blocks, entries]);
	const { fixture: again, keeper: next } = world();
	next.keeps = false;
	again.connect("publisher").publish("large/0", Buffer.alloc(3_000, 7));
	assert.is(next.packets.length, 1);
});

test.run();
