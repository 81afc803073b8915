/** A client on a virtual clock whose server is the test: packets are made and read by npm's mqtt-packet, so that the
 *  codec under test is not its own judge. */
import { generate, type Packet, parser } from "mqtt-packet";
import { text } from "../../host-sim/text.js";
import { Client } from "../../src/client/client.js";
import { type ClientLimits, deviceClientLimits } from "../../src/client/client-limits.js";
import type { ClientOptions, ConnectorTarget } from "../../src/client/client-options.js";
import type { Transport, TransportTarget } from "../../src/platform.js";

export type ScriptedOptions = Partial<Omit<ClientOptions, "limits">> & { limits?: Partial<ClientLimits> };

/** One connection of the client, as its server sees it. */
export class ServerEnd implements Transport {
	readonly remoteAddress = "test";
	/** packets that came and were not taken */
	readonly packets: (Packet & { version?: number })[] = [];
	/** every byte that came */
	bytes: number[] = [];
	/** the client ended it */
	closed = false;
	version = 4;
	private readonly parser;

	constructor(
		private readonly owner: ScriptedServer,
		private readonly target: ConnectorTarget & TransportTarget,
		protocolVersion: number,
	) {
		this.parser = parser({ protocolVersion });
		this.version = protocolVersion;
		this.parser.on("packet", (packet: Packet) => this.packets.push(packet));
		this.parser.on("error", (error: Error) => {
			throw error;
		});
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		const copy = Buffer.from(bytes.slice(start, end));
		this.bytes.push(...copy);
		this.parser.parse(copy);
		return 4_096;
	}

	resume(): void {}

	close(): void {
		this.closed = true;
	}

	/** Sends bytes as they are. */
	raw(bytes: Uint8Array | number[]): void {
		const copy = new Uint8Array(bytes);
		if (!this.closed) (this.target as TransportTarget).onReadable(copy, 0, copy.length);
		this.owner.settle();
	}

	send(packet: object): void {
		this.raw(generate(packet as Packet, { protocolVersion: this.version }));
	}

	/** Takes the next packet. Throws when there is none or it is another. */
	take<C extends Packet["cmd"]>(cmd: C): Packet & { cmd: C } {
		const packet = this.packets.shift();
		if (packet?.cmd !== cmd) throw new Error(`expected ${cmd}, got ${JSON.stringify(packet)}`);
		return packet as Packet & { cmd: C };
	}

	/** The kinds of all packets that came, which are taken. */
	kinds(): string[] {
		return this.packets.splice(0).map((packet) => packet.cmd);
	}

	/** The connection breaks. */
	cut(): void {
		this.closed = true;
		this.target.onError();
		this.owner.settle();
	}
}

export class ScriptedServer {
	readonly client: Client;
	/** the connections so far, the newest last */
	readonly ends: ServerEnd[] = [];
	now = 1_000_000;
	private woken = false;
	private seed = 1;
	private readonly version: number;

	constructor(options: ScriptedOptions = {}) {
		this.version = options.version ?? 4;
		const platform = {
			text,
			now: () => this.now,
			random: () => (this.seed = (this.seed * 1_664_525 + 1_013_904_223) >>> 0),
			wake: () => {
				this.woken = true;
			},
		};
		const connector = {
			open: (target: ConnectorTarget) => {
				this.opening = target;
			},
			cancel: () => {
				this.opening = undefined;
			},
		};
		const limits = { ...deviceClientLimits, ...options.limits };
		this.client = new Client({ clientId: "me", version: 4, platform, connector, ...options, limits });
	}

	private opening: ConnectorTarget | undefined;

	/** Ends turns, and connects what wants to be connected. */
	settle(): void {
		for (let turns = 0; this.woken || this.opening !== undefined; turns++) {
			if (turns > 1_000) throw new Error("the client asks for turns without end");
			const target = this.opening;
			this.opening = undefined;
			if (target !== undefined) {
				const end = new ServerEnd(this, target as ConnectorTarget & TransportTarget, this.version);
				this.ends.push(end);
				target.opened(end, 4_096);
			}
			if (!this.woken) continue;
			this.woken = false;
			this.client.endTurn();
		}
	}

	/** the newest connection */
	get end(): ServerEnd {
		return this.ends.at(-1)!;
	}

	advance(ms: number): void {
		for (const until = this.now + ms; this.now < until; ) {
			this.now = Math.min(until, this.now + 250);
			this.client.tick();
			this.settle();
		}
	}

	/** Lets the client connect. @param connack what the server says beside success @returns the CONNECT that came */
	connect(connack: object = {}): Packet & { cmd: "connect" } {
		this.client.connect();
		this.settle();
		return this.accept(connack);
	}

	/** Accepts the connection that the client has opened. @returns its CONNECT */
	accept(connack: object = {}): Packet & { cmd: "connect" } {
		const connect = this.end.take("connect");
		const code = this.version === 5 ? { reasonCode: 0 } : { returnCode: 0 };
		this.end.send({ cmd: "connack", sessionPresent: false, ...code, ...connack });
		return connect;
	}

	/** The connection breaks, and the client comes again. @returns its CONNECT */
	again(connack: object = {}): Packet & { cmd: "connect" } {
		const before = this.ends.length;
		this.end.cut();
		while (this.ends.length === before) this.advance(250);
		return this.accept(connack);
	}

	publish(topic: string, payload: string, qos = 0, more: object = {}): number {
		const entry = this.client.publish(topic, payload, { qos, ...more });
		this.settle();
		return entry;
	}

	subscribe(...args: Parameters<Client["subscribe"]>) {
		const subscription = this.client.subscribe(...args);
		this.settle();
		return subscription;
	}
}
