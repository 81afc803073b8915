/** Programs for ECMA-419's MQTTClient, with their import changed, over a socket of ECMA-419 to Hearth's broker. */
import { text } from "../../host-sim/text.js";
import type { Connection } from "../../src/broker/connection.js";
import { type FacePlatform, MqttClient, type MqttClientOptions } from "../../src/ecma419/mqtt-client.js";
import { World } from "../client/world.js";
import { assert, suite } from "../support/test.js";

const test = suite("ECMA-419's MQTTClient");

/** A socket as the SDK has it: it throws when more is asked for than there is, or written than there is room for. */
class FakeTcp {
	static world: World;
	/** bytes that may be written at once */
	static room = 1_536;
	static last: FakeTcp;
	private readonly connection: Connection;
	private bytes: number[] = [];
	private room = FakeTcp.room;
	closed = false;

	constructor(
		private readonly options: Record<string, (...args: unknown[]) => void> & { address: string; port: number },
	) {
		assert.is(options.address, "10.0.0.1");
		FakeTcp.last = this;
		const world = FakeTcp.world;
		this.connection = world.fixture.broker.accept(
			{
				remoteAddress: "device",
				write: (bytes, start, end) => {
					this.bytes.push(...bytes.slice(start, end));
					world.after(1, () => this.told());
					return 4_096;
				},
				resume: () => {},
				close: () => world.after(1, () => this.broken()),
			},
			4_096,
		)!;
		world.after(1, () => this.options.onWritable!(this.room));
	}

	private told(): void {
		if (!this.closed && this.bytes.length > 0) this.options.onReadable!(this.bytes.length);
	}

	broken(): void {
		if (!this.closed) this.options.onError!();
	}

	read(target: Uint8Array): number {
		if (target.length > this.bytes.length) throw new Error("invalid");
		target.set(this.bytes.splice(0, target.length));
		return target.length;
	}

	write(bytes: Uint8Array): number {
		if (bytes.length > this.room) throw new Error("would block");
		this.room -= bytes.length;
		const copy = bytes.slice();
		FakeTcp.world.after(2, () => {
			if (this.closed) return;
			this.connection.onReadable(copy, 0, copy.length);
			this.room = FakeTcp.room;
			this.options.onWritable!(this.room);
		});
		return this.room;
	}

	close(): void {
		this.closed = true;
		FakeTcp.world.after(1, () => this.connection.onError());
	}
}

/** A socket over another one as the SDK's TLSSocket is: its records are longer than what it says there is room for
 *  allows, and the bytes of one that does not fit are lost. */
class FakeTls {
	static lost = 0;
	private readonly tcp: FakeTcp;

	constructor(options: never) {
		const { onWritable, ...others } = options as { onWritable(count: number): void };
		const told = (count: number) => count > 96 && onWritable(count - 96);
		this.tcp = new FakeTcp({ ...others, onWritable: told } as never);
	}

	read(target: Uint8Array): number {
		return this.tcp.read(target);
	}

	write(bytes: Uint8Array): number {
		const tcp = this.tcp as unknown as { room: number };
		tcp.room -= 69;
		try {
			return Math.max(0, this.tcp.write(bytes) - 32);
		} catch (error) {
			FakeTls.lost++;
			throw error;
		}
	}

	close(): void {
		this.tcp.close();
	}
}

class FakeDns {
	resolve({ host, onResolved }: { host: string; onResolved(host: string, address: string): void }): void {
		FakeTcp.world.after(1, () => onResolved(host, "10.0.0.1"));
	}
}

/** The face on the world's clock. */
function platform(world: World): FacePlatform & { attached: boolean } {
	let client: { tick(): void; endTurn(): void } | undefined;
	let woken = false;
	const self = {
		attached: false,
		text,
		now: () => world.now,
		random: () => world.fixture.random(),
		wake() {
			if (woken) return;
			woken = true;
			world.after(0, () => {
				woken = false;
				client?.endTurn();
			});
		},
		attach(attached: { tick(): void; endTurn(): void }) {
			client = attached;
			self.attached = true;
			const tick = () => {
				if (client === undefined) return;
				client.tick();
				world.after(250, tick);
			};
			world.after(250, tick);
		},
		detach() {
			client = undefined;
			self.attached = false;
		},
	};
	return self;
}

const bytes = (value: string): ArrayBuffer => new Uint8Array(Buffer.from(value)).buffer;
const string = (buffer: unknown): string => Buffer.from(buffer as ArrayBuffer).toString();

function start(options: Partial<MqttClientOptions>) {
	const world = new World({ limits: { packetBytes: 20_000, blocks: 1_000, queueBytes: 60_000 } });
	FakeTcp.world = world;
	FakeTcp.room = 1_536;
	const ports = platform(world);
	const client = new MqttClient(
		{ host: "hub.local", dns: { io: FakeDns }, socket: { io: FakeTcp as never }, id: "device", ...options } as never,
		ports,
	);
	return { world, client, ports };
}

test("subscribing, small and long messages in pieces, and acknowledgements by the program's own identifiers", () => {
	const told: string[] = [];
	const got = new Map<string, string>();
	let topic = "";
	let remain = 0;
	const { world } = start({
		keepalive: 60_000,
		will: { topic: "program/will", message: bytes("gone"), QoS: 0, retain: 0 },
		onControl({ operation, id, payload }) {
			told.push(`${operation} ${id ?? ""}${payload === undefined ? "" : ` [${payload}]`}`);
			if (operation !== MqttClient.CONNACK) return;
			this.write(null, {
				operation: MqttClient.SUBSCRIBE,
				id: 7,
				items: [{ topic: "program/+", QoS: 2 }, { topic: "other" }],
			});
			this.write(null, { operation: MqttClient.UNSUBSCRIBE, id: 8, items: [{ topic: "never" }, { topic: "other" }] });
			this.write(bytes("be"), { topic: "program/small", byteLength: 5, QoS: 2, id: 99 });
			this.write(bytes("gin"));
			this.write(null, { operation: MqttClient.PINGREQ });
			remain = 16 * 1024;
			this.write(bytes("abc"), { topic: "program/long", byteLength: 3 + remain, QoS: 1, id: 1_234 });
		},
		onReadable(count, options) {
			if (options.topic !== undefined) topic = options.topic;
			got.set(topic, (got.get(topic) ?? "") + string(this.read(count)));
		},
		onWritable(count) {
			const piece = Math.min(count, remain);
			if (piece === 0) return;
			remain -= piece;
			this.write(bytes("x".repeat(piece)));
		},
	});
	world.until(() => told.includes("4 1234") && (got.get("program/long")?.length ?? 0) >= 16_387, "the long message");
	world.advance(500);
	assert.is(got.get("program/small"), "begin");
	assert.is(got.get("program/long"), `abc${"x".repeat(16_384)}`);
	assert.is(told[0], "2 ");
	for (const line of ["9 7 [2,0]", "11 8", "5 99", "7 99", "4 1234", "13 "])
		assert.ok(told.includes(line), `${line}: ${told.join("; ")}`);
});

test("a long message by TLSSocket fits its records", () => {
	let left = 16_384;
	const { world, client } = start({
		socket: { io: FakeTls as never, TCP: { io: FakeTcp } },
		onControl({ operation }) {
			if (operation === MqttClient.CONNACK) this.write(null, { topic: "long", byteLength: left, QoS: 1, id: 5 });
		},
		onWritable(count) {
			const piece = Math.min(count, left);
			left -= piece;
			if (piece > 0) this.write(new Uint8Array(piece));
		},
	});
	let got = 0;
	world.fixture.broker.subscribe("long", ({ payload }) => {
		got += payload.length;
	});
	world.until(() => got > 0, "the message");
	assert.is(got, 16_384);
	assert.is(FakeTls.lost, 0);
	assert.is(client.core.connections, 1);
});

test("a write that fails ends the connection: what was lost is sent again", () => {
	const { world, client } = start({ reconnectMinMs: 500, clean: false });
	const got: string[] = [];
	world.fixture.broker.subscribe("a", (message) => {
		got.push(Buffer.from(message.payload).toString());
	});
	world.until(() => client.core.isConnected, "connects");
	FakeTcp.last.write = () => {
		throw new Error("would block");
	};
	client.write(bytes("once"), { topic: "a", QoS: 1 });
	world.until(() => client.core.connections === 2 && client.core.unacknowledged === 0, "it is sent again");
	assert.equal(got, ["once"]);
});

test("what the program does not read waits, and the connection with it", () => {
	let counts: number[] = [];
	const { world, client } = start({
		onControl({ operation }) {
			if (operation === MqttClient.CONNACK)
				this.write(null, { operation: MqttClient.SUBSCRIBE, items: [{ topic: "a" }] });
		},
		onReadable(count) {
			counts.push(count);
		},
	});
	world.until(() => client.core.isConnected && client.core.subscriptions.waiting === 0, "subscribed");
	world.fixture.broker.publish("a", "0123456789");
	world.fixture.broker.publish("a", "second");
	world.advance(100);
	assert.equal(counts, [10]);
	assert.is(string(client.read(4)), "0123");
	const rest = new Uint8Array(100);
	assert.is(client.read(rest), 6);
	assert.is(string(rest.slice(0, 6).buffer), "456789");
	assert.is(client.read(), undefined);
	counts = [];
	world.advance(100);
	assert.equal(counts, [6]);
	assert.is(string(client.read()), "second");
});

test("more than there is room for is an exception, as is what makes no sense", () => {
	const errors: string[] = [];
	const failing = (run: () => void) => {
		try {
			run();
		} catch (error) {
			errors.push((error as Error).message);
		}
	};
	const { world, client } = start({
		onControl({ operation }) {
			if (operation !== MqttClient.CONNACK) return;
			failing(() => this.write(new Uint8Array(5_000), { topic: "a" }));
			failing(() => this.write(bytes("x")));
			failing(() => this.write(bytes("xyz"), { topic: "a", byteLength: 2 }));
			failing(() => this.write(bytes("x"), { topic: "a/#" }));
		},
	});
	failing(() => client.write(bytes("x"), { topic: "a" }));
	world.until(() => client.core.isConnected, "connects");
	assert.equal(errors, ["not connected", "overflow", "there is no message to go on with", "invalid", "topic-wildcard"]);
	failing(() => {
		client.format = "number";
	});
	assert.is(errors.at(-1), "format");
});

test("the end is told once, and close tells nothing", () => {
	let ends = 0;
	const first = start({ onError: () => ends++ });
	first.world.until(() => first.client.core.isConnected, "connects");
	FakeTcp.last.broken();
	assert.is(ends, 1);
	assert.is(first.ports.attached, false);
	const second = start({ onError: () => ends++ });
	second.world.until(() => second.client.core.isConnected, "connects");
	second.client.close();
	second.world.advance(1_000);
	assert.is(ends, 1);
	assert.ok(FakeTcp.last.closed);
	assert.is(second.ports.attached, false);
});

test("beyond ECMA-419 it comes back by itself, when it is told to", () => {
	let ends = 0;
	const { world, client } = start({ reconnectMinMs: 500, version: 5, onError: () => ends++ });
	world.until(() => client.core.isConnected, "connects");
	FakeTcp.last.broken();
	world.until(() => client.core.isConnected, "connects again");
	assert.is(ends, 0);
	assert.is(client.core.counters.connections, 2);
});

test.run();
