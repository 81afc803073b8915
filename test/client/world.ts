/** Clients and Hearth's broker on a virtual clock, and wires between them that split, delay, cut and double
 *  connections, all by a seed. No socket, no timer: the same each time. */
import { text } from "../../host-sim/text.js";
import type { Connection } from "../../src/broker/connection.js";
import { Client } from "../../src/client/client.js";
import { type ClientLimits, deviceClientLimits } from "../../src/client/client-limits.js";
import type { ClientOptions, Connector, ConnectorTarget } from "../../src/client/client-options.js";
import type { Platform, Transport, TransportTarget } from "../../src/platform.js";
import { Fixture, type FixtureOptions } from "../support/fixtures.js";

interface Event {
	at: number;
	/** events of one time happen in their order */
	order: number;
	run(): void;
}

/** What wires do to connections; all chances are of one transfer. */
export interface Weather {
	/** ms that bytes are on their way at most */
	delayMs: number;
	/** chance that bytes come in pieces */
	split: number;
	/** chance that the connection breaks, with what is on its way lost */
	cut: number;
	/** chance that the CONNECT comes to the server once more, by another connection */
	double: number;
}

/** @returns bytes that a client keeps of its messages, in blocks or as in a browser */
export function bytesHeld(client: Client): number {
	if (client.pool === undefined) return (client as unknown as { queued: number }).queued;
	return (client.pool.blockCount - client.pool.freeCount) * client.pool.blockBytes;
}

/** A client's end that is not looked at any more. */
const NOBODY = { onReadable: () => 1, onWritable: () => {}, onError: () => {} } as never;

export const CALM: Weather = { delayMs: 0, split: 0, cut: 0, double: 0 };

export class World {
	readonly fixture: Fixture;
	weather: Weather = CALM;
	cuts = 0;
	doubles = 0;
	readonly wires = new Set<Wire>();
	private events: Event[] = [];
	private order = 0;
	private readonly clients: Client[] = [];
	private readonly woken = new Set<Client>();
	readonly log: string[] = [];
	/** hears of each write of either side; false: its bytes are lost */
	beforeSend: ((wire: Wire) => boolean) | undefined;

	constructor(options: FixtureOptions = {}) {
		this.fixture = new Fixture(options);
		const tick = () => {
			this.fixture.broker.tick();
			for (const client of this.clients) client.tick();
			this.after(250, tick);
		};
		this.after(250, tick);
	}

	get now(): number {
		return this.fixture.now;
	}

	chance(of: number): boolean {
		return of > 0 && this.fixture.random() / 2 ** 32 < of;
	}

	/** Runs something later. */
	after(ms: number, run: () => void): void {
		const event = { at: this.now + ms, order: this.order++, run };
		let at = this.events.length;
		while (at > 0 && this.events[at - 1]!.at > event.at) at--;
		this.events.splice(at, 0, event);
	}

	/** A client on this clock. @param options what differs from a device's */
	client(options: Partial<Omit<ClientOptions, "limits">> & { limits?: Partial<ClientLimits> } = {}): Client {
		const limits = { ...deviceClientLimits, ...options.limits };
		return this.add(({ platform, connector }) => new Client({ platform, connector, ...options, limits }));
	}

	/** A client of any kind on this clock. */
	add<T extends Client>(make: (ports: { platform: Platform; connector: Connector }) => T): T {
		let client: T;
		const platform: Platform = {
			text,
			now: () => this.now,
			random: () => this.fixture.random(),
			wake: () => {
				this.woken.add(client);
			},
			log: (_level, line) => {
				this.log.push(line);
			},
		};
		const connector: Connector = {
			open: (target) => {
				const wire = new Wire(this, target);
				this.after(1, () => wire.open());
			},
			cancel: () => {},
		};
		client = make({ platform, connector });
		this.clients.push(client);
		return client;
	}

	/** The client is no more, as after a loss of power. */
	remove(client: Client): void {
		this.clients.splice(this.clients.indexOf(client), 1);
		this.woken.delete(client);
		for (const wire of this.wires) if (wire.isOf(client)) wire.break(false);
	}

	/** Ends turns until nothing is left to do now. */
	private settle(): void {
		do {
			this.fixture.settle();
			const woken = [...this.woken];
			this.woken.clear();
			for (const client of woken) client.endTurn();
		} while (this.woken.size > 0);
		this.fixture.settle();
	}

	/** Lets time pass until the condition holds. Throws after so many ms of the virtual clock. */
	until(condition: () => boolean, what: string, ms = 600_000): void {
		const end = this.now + ms;
		this.settle();
		while (!condition()) {
			const event = this.events.shift()!;
			this.fixture.now = event.at;
			if (this.now > end) throw new Error(`not within ${ms} ms: ${what}`);
			event.run();
			this.settle();
		}
	}

	advance(ms: number): void {
		const end = this.now + ms;
		this.after(ms, () => {});
		this.until(() => this.now >= end, "time passes", ms + 1);
	}
}

/** One connection, from its client's end to the broker's. */
export class Wire {
	private server: Connection | undefined;
	private closed = false;
	/** what is sent now is lost */
	private breaking = false;
	/** what the client sent first: its CONNECT */
	private first: Uint8Array | undefined;
	/** bytes do not overtake each other */
	private readonly arrival = { up: 0, down: 0 };
	private brought = 0;
	/** bytes that wait because the target wants none */
	private readonly waiting: { up: Uint8Array[]; down: Uint8Array[] } = { up: [], down: [] };
	private readonly wants = { up: true, down: true };

	constructor(
		private readonly world: World,
		private target: ConnectorTarget,
	) {}

	open(): void {
		if (this.closed) return;
		this.world.wires.add(this);
		this.server = this.world.fixture.broker.accept(this.end("down"), 4_096);
		if (this.server === undefined) return this.target.failed("refused");
		this.target.opened(this.end("up"), 4_096);
	}

	/** The transport that sends in one direction. */
	private end(direction: "up" | "down"): Transport {
		return {
			remoteAddress: "wire",
			write: (bytes, start, end) => {
				this.send(direction, bytes.slice(start, end));
				return 4_096;
			},
			resume: () => this.resume(direction === "up" ? "down" : "up"),
			close: () => this.close(direction),
		};
	}

	private to(direction: "up" | "down"): TransportTarget | undefined {
		return direction === "up" ? this.server : (this.target as unknown as TransportTarget);
	}

	private send(direction: "up" | "down", bytes: Uint8Array): void {
		if (this.closed || this.breaking) return;
		const { world } = this;
		if (world.beforeSend?.(this) === false) return;
		const { weather } = world;
		if (direction === "up" && this.first === undefined) this.first = bytes;
		if (world.chance(weather.cut)) return this.cut(direction, bytes);
		if (direction === "up" && world.chance(weather.double)) this.double();
		let at = 0;
		while (at < bytes.length) {
			const left = bytes.length - at;
			const count = world.chance(weather.split) ? 1 + (world.fixture.random() % left) : left;
			this.carry(direction, bytes.subarray(at, at + count));
			at += count;
		}
	}

	private carry(direction: "up" | "down", bytes: Uint8Array): void {
		const { world } = this;
		const delay = world.weather.delayMs === 0 ? 0 : world.fixture.random() % world.weather.delayMs;
		const at = Math.max(world.now + delay, this.arrival[direction]);
		this.arrival[direction] = at;
		world.after(at - world.now, () => {
			if (this.closed) return;
			this.waiting[direction].push(bytes);
			this.bring(direction);
		});
	}

	private bring(direction: "up" | "down"): void {
		const waiting = this.waiting[direction];
		while (waiting.length > 0 && this.wants[direction] && !this.closed) {
			const bytes = waiting.shift()!;
			this.brought += bytes.length;
			this.wants[direction] = this.to(direction)!.onReadable(bytes, 0, bytes.length) !== 0;
		}
	}

	private resume(direction: "up" | "down"): void {
		this.wants[direction] = true;
		this.world.after(0, () => this.bring(direction));
	}

	/** The connection breaks somewhere within these bytes: a part of them may still arrive, and nobody knows which. */
	private cut(direction: "up" | "down", bytes: Uint8Array): void {
		const { world } = this;
		world.cuts++;
		this.breaking = true;
		const part = world.fixture.random() % (bytes.length + 1);
		if (part > 0) this.carry(direction, bytes.subarray(0, part));
		const breaks = () => this.break();
		world.after(world.weather.delayMs === 0 ? 0 : world.fixture.random() % world.weather.delayMs, breaks);
	}

	isOf(client: Client): boolean {
		return (this.target as unknown) === client.link;
	}

	/** Both ends find the connection broken. @param both false: nobody is at the client's end any more */
	break(both = true): void {
		if (this.closed) return;
		this.closed = true;
		this.world.wires.delete(this);
		this.server?.onError();
		if (both) (this.target as unknown as TransportTarget).onError();
	}

	/** The server gets the CONNECT once more, on a connection of its own that nobody reads from, and that ends soon. */
	private double(): void {
		const { world, first } = this;
		if (first === undefined) return;
		world.doubles++;
		const nobody = { remoteAddress: "double", write: () => 4_096, resume: () => {}, close: () => {} };
		const other = world.fixture.broker.accept(nobody, 4_096);
		if (other === undefined) return;
		other.onReadable(first, 0, first.length);
		world.after(20, () => other.onError());
	}

	/** One end closes: what it sent before still arrives. */
	private close(by: "up" | "down"): void {
		if (this.closed) return;
		const { world } = this;
		world.wires.delete(this);
		if (by === "up") this.target = NOBODY;
		world.after(Math.max(0, this.arrival[by] - world.now), () => {
			if (this.closed) return;
			this.closed = true;
			if (by === "up") this.server?.onError();
			else (this.target as unknown as TransportTarget).onError();
		});
	}
}
