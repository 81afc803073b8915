/** The only place that builds a broker for a test: a virtual clock, seeded randomness, and clients without sockets
 *  whose
 *  packets are made and read by npm's mqtt-packet, so that the codec under test is not its own judge. */
import { generate, type IConnectPacket, type Packet, parser } from "mqtt-packet";
import { limits as esp32 } from "../../boards/esp32/limits.js";
import { text } from "../../host-sim/text.js";
import { Broker } from "../../src/broker/broker.js";
import type { BrokerOptions } from "../../src/broker/broker-options.js";
import type { Connection } from "../../src/broker/connection.js";
import type { Context, Controller } from "../../src/broker/controller.js";
import type { Listener } from "../../src/broker/listener.js";
import type { PersistOptions } from "../../src/broker/persist.js";
import type { Limits } from "../../src/limits.js";
import type { Platform, Storage, Transport } from "../../src/platform.js";

import { MemoryStorage } from "./memory-storage.js";

export type { Packet };

export interface FixtureOptions extends Omit<BrokerOptions, "limits" | "platform" | "storage"> {
	/** beside `medium` */
	persist?: Omit<PersistOptions, "medium">;
	/** what differs from the ESP32's limits */
	limits?: Partial<Limits>;
	/** what the transport does, see Platform. Default: true */
	copiesWrites?: boolean;
	/** seeds Platform.random */
	seed?: number;
	/** what outlives the broker is kept there; its batches end in `settle` where it is prompt */
	medium?: TestStorage;
	/** ms of the virtual clock at the start, and of the wall clock; default: 1,000,000, and none */
	now?: number;
	wall?: number;
}

/** A storage whose batches end when `finish` is called. */
export interface TestStorage extends Storage {
	readonly isPrompt: boolean;
	/** Goes on with what was committed. @returns whether there was anything to do */
	finish(): boolean;
}

/** On XS every packet goes the long way, on Node the short one where there is one: the same tests prove both. */
const SHORT_WAYS = !("host" in globalThis);
/** `HEARTH_TEST_STORAGE=1`: every broker has a storage, and has to behave as one without. */
const everyBrokerStores = typeof process !== "undefined" && process.env.HEARTH_TEST_STORAGE !== undefined;
/** `HEARTH_TEST_CONTROLLER=1`: every broker asks a controller about each packet, which leaves it to the broker. */
const everyBrokerAsks = typeof process !== "undefined" && process.env.HEARTH_TEST_CONTROLLER !== undefined;

/** Sees all packets and reads them; the broker has to behave as without. */
function watching(): Controller {
	const look = (context: Context, packet: { copy(): unknown }): void => {
		packet.copy();
		if (!context.connection.open) throw new Error("a packet of a connection that has ended");
	};
	return {
		connect: look,
		disconnect: look,
		ping: look,
		publish: look,
		publishAck: look,
		publishReceived: look,
		publishRelease: look,
		publishComplete: look,
		subscribe: look,
		unsubscribe: look,
		auth: look,
	};
}

/** A broker with its clock and its clients. */
export class Fixture {
	readonly broker: Broker;
	readonly log: string[] = [];
	/** ms of the virtual clock */
	now = 1_000_000;
	/** ms since 1970; undefined: this platform doesn't know it */
	wall: number | undefined;
	readonly medium: MemoryStorage | undefined;
	private woken = false;
	private state: number;

	constructor(options: FixtureOptions = {}) {
		this.medium =
			(options.medium as MemoryStorage | undefined) ?? (everyBrokerStores ? new MemoryStorage() : undefined);
		this.now = options.now ?? this.now;
		this.wall = options.wall;
		this.state = options.seed ?? 1;
		const platform: Platform = {
			text,
			copiesWrites: options.copiesWrites ?? true,
			now: () => this.now,
			wallClock: () => this.wall,
			random: () => this.random(),
			wake: () => {
				this.woken = true;
			},
			log: (_level, line) => {
				this.log.push(line);
			},
		};
		const storage = this.medium === undefined ? {} : { storage: { medium: this.medium, ...options.persist } };
		const limits = { ...esp32, ...options.limits };
		if (everyBrokerStores) limits.received = Math.min(limits.received, limits.packetBytes / 2);
		const asks = everyBrokerAsks ? { controller: watching() } : {};
		this.broker = new Broker({ logLevel: 2, shortWays: SHORT_WAYS, ...asks, ...options, ...storage, platform, limits });
	}

	/** xorshift32 */
	random(): number {
		let x = this.state;
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		this.state = x;
		return x >>> 0;
	}

	/** Ends turns until nothing is left to do. */
	settle(): void {
		for (let turns = 0; this.woken || (this.medium?.isPrompt && this.medium.finish()); turns++) {
			if (turns > 1000) throw new Error("the broker asks for turns without end");
			if (!this.woken) continue;
			this.woken = false;
			this.broker.endTurn();
		}
	}

	/** Moves the clock, a tick each 250 ms; of hours, only the last minute is so fine. */
	advance(ms: number): void {
		const end = this.now + ms;
		while (this.now < end) {
			const step = Math.min(end - this.now, end - this.now > 70_000 ? 10_000 : 250);
			this.now += step;
			if (this.wall !== undefined) this.wall += step;
			this.broker.tick();
			this.settle();
		}
	}

	/** A transport without CONNECT. @param listener where it comes in */
	open(version = 4, listener?: Listener): TestClient {
		return new TestClient(this, version, listener);
	}

	/** A client with its CONNACK read; `packets` is empty again. Throws when it was refused. */
	connect(clientId: string, options: Partial<IConnectPacket> = {}, listener?: Listener): TestClient {
		const client = this.open(options.protocolVersion ?? 4, listener);
		const connack = client.connect(clientId, options);
		if ((connack.returnCode ?? connack.reasonCode) !== 0) throw new Error(`refused: ${JSON.stringify(connack)}`);
		return client;
	}
}

/** A client at the other end of a transport that takes `writable` bytes. */
export class TestClient implements Transport {
	readonly remoteAddress = "test";
	/** packets that came and were not taken */
	packets: Packet[] = [];
	private chunks: Uint8Array[] = [];
	/** the broker ended the connection */
	closed = false;
	/** bytes that the transport takes at once */
	writable = 1_000_000;
	sessionPresent = false;
	readonly connection: Connection | undefined;
	private readonly parser;

	constructor(
		readonly fixture: Fixture,
		readonly version: number,
		listener?: Listener,
		/** the Common Name of its certificate */
		readonly certificateUserName?: string,
	) {
		this.parser = parser({ protocolVersion: version });
		this.parser.on("packet", (packet: Packet) => this.packets.push(packet));
		this.parser.on("error", (error: Error) => {
			throw error;
		});
		this.connection = fixture.broker.accept(this, this.writable, listener);
	}

	/** bytes that came since they were set to [] */
	get bytes(): number[] {
		return this.chunks.flatMap((chunk) => [...chunk]);
	}

	set bytes(bytes: number[]) {
		this.chunks = bytes.length === 0 ? [] : [new Uint8Array(bytes)];
	}

	// Transport
	write(bytes: Uint8Array, start: number, end: number): number {
		const copy = Buffer.from(bytes.slice(start, end));
		this.chunks.push(copy);
		this.parser.parse(copy);
		if (this.stalled) this.writable -= end - start;
		return this.writable;
	}

	resume(): void {
		this.resumed++;
	}

	/** how often the broker asked for bytes again */
	resumed = 0;

	close(): void {
		this.closed = true;
	}

	/** the peer takes `writable` bytes and then nothing */
	private stalled = false;

	/** From now on the peer does not read: only so many bytes are taken. */
	stall(bytes = 0): void {
		this.stalled = true;
		this.writable = bytes;
		this.connection?.onWritable(bytes);
		this.fixture.settle();
	}

	/** The peer reads again. */
	drain(bytes = 1_000_000): void {
		this.stalled = bytes < 1_000_000;
		this.writable = bytes;
		this.connection?.onWritable(bytes);
		this.fixture.settle();
	}

	/** Sends bytes as they are. */
	raw(bytes: Uint8Array | number[]): this {
		const copy = new Uint8Array(bytes);
		if (!this.closed) this.connection?.onReadable(copy, 0, copy.length);
		copy.fill(0xee); // the next bytes are read into the same buffer
		this.fixture.settle();
		return this;
	}

	/** Sends a packet, made by mqtt-packet. */
	send(packet: Packet): this {
		return this.raw(generate(packet, { protocolVersion: this.version }));
	}

	/** Sends CONNECT. @returns the CONNACK */
	connect(clientId: string, options: Partial<IConnectPacket> = {}): Packet & { cmd: "connack" } {
		const protocolId = this.version === 3 ? "MQIsdp" : "MQTT";
		this.send({
			cmd: "connect",
			clientId,
			protocolId,
			protocolVersion: this.version as 4,
			clean: true,
			keepalive: 0,
			...options,
		});
		const connack = this.take("connack");
		this.sessionPresent = connack.sessionPresent ?? false;
		return connack;
	}

	/** The connection breaks. */
	cut(): void {
		this.connection?.onError();
		this.fixture.settle();
	}

	/** Takes the next packet. Throws when there is none or it is another. */
	take<C extends Packet["cmd"]>(cmd: C): Packet & { cmd: C } {
		const packet = this.packets.shift();
		if (packet?.cmd !== cmd) throw new Error(`expected ${cmd}, got ${JSON.stringify(packet)}`);
		return packet as Packet & { cmd: C };
	}

	/** Subscribes. @returns the SUBACK's codes */
	subscribe(filter: string | string[], qos: 0 | 1 | 2 = 0, messageId = 1): number[] {
		const topics = typeof filter === "string" ? [filter] : filter;
		this.send({ cmd: "subscribe", messageId, subscriptions: topics.map((topic) => ({ topic, qos })) });
		return this.take("suback").granted as number[];
	}

	/** Publishes, without waiting for an answer. */
	publish(topic: string, payload: string | Buffer, qos: 0 | 1 | 2 = 0, more: object = {}): this {
		const id = qos > 0 ? { messageId: 1 } : {};
		return this.send({ cmd: "publish", topic, payload, qos, dup: false, retain: false, ...id, ...more } as Packet);
	}

	/** Takes all that came as "topic payload qos", with " retain" and " dup". */
	messages(): string[] {
		const packets = this.packets;
		this.packets = [];
		return packets.map((packet) => {
			if (packet.cmd !== "publish") return packet.cmd;
			const flags = `${packet.retain ? " retain" : ""}${packet.dup ? " dup" : ""}`;
			return `${packet.topic} ${packet.payload} ${packet.qos}${flags}`;
		});
	}
}

/** @returns the bytes of "10 0c 00 04 …" */
export function hex(bytes: string): Uint8Array {
	return Uint8Array.from(bytes.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
}
