/** A hub in this process for real clients; and how to wait: for events and output, with a deadline. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { Hub, type HubOptions } from "../../host-sim/hub.js";
import type { BrokerEvents } from "../../src/broker/events.js";
import { hostLimits, type Limits } from "../../src/limits.js";
import { TIME_LIMIT_MS } from "../support/test.js";

/** How long anything may take, ms: less than its test. */
export const DEADLINE_MS = (2 * TIME_LIMIT_MS) / 3;

/** The host's limits, for as many clients as a test has: a small broker begins faster. */
export const testLimits: Limits = {
	...hostLimits,
	connections: 200,
	spareConnections: 10,
	sessions: 400,
	blocks: 65_536,
	packetBytes: 4 * 1024 * 1024,
	outputBuffers: 200,
};

/** Resolves when `condition` holds, looked at every few ms. Rejects with `what` after the deadline. */
export async function until(condition: () => boolean, what: string, deadlineMs = DEADLINE_MS): Promise<void> {
	const end = performance.now() + deadlineMs;
	while (!condition()) {
		if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

/** The promise, or an error with `what` after the deadline. */
export function within<T>(promise: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
	return new Promise((resolve, reject) => {
		const late = () => reject(new Error(`not within ${deadlineMs} ms: ${what}`));
		const timer = setTimeout(late, deadlineMs);
		promise.then(resolve, reject).finally(() => clearTimeout(timer));
	});
}

export class TestHub {
	readonly hub: Hub;
	readonly log: string[] = [];
	port = 0;
	/** "client filter" for each subscription that was made, "client" for each connection that ended */
	readonly subscriptions: string[] = [];
	readonly ended: string[] = [];

	private constructor(limits: Limits, options: Partial<HubOptions>) {
		const events: BrokerEvents = {
			subscribed: (clientId, filter) => this.subscriptions.push(`${clientId} ${filter}`),
			disconnected: (clientId, reason) => this.ended.push(`${clientId} ${reason}`),
		};
		const log = (_level: number, line: string) => this.log.push(line);
		this.hub = new Hub({ limits, allowAnonymous: true, logLevel: 0, log, events, ...options });
	}

	static async start(limits: Partial<Limits> = {}, options: Partial<HubOptions> = {}): Promise<TestHub> {
		const hub = new TestHub({ ...testLimits, ...limits }, options);
		const address = await hub.hub.listen("127.0.0.1", 0);
		hub.port = Number(new URL(address).port);
		return hub;
	}

	get broker() {
		return this.hub.broker;
	}

	/** When the client has subscribed to the filter. */
	subscribed(clientId: string, filter: string): Promise<void> {
		const wanted = `${clientId} ${filter}`;
		return until(() => this.subscriptions.includes(wanted), `${clientId} subscribes to ${filter}`);
	}

	/** When the broker has ended the client's connection. */
	gone(clientId: string): Promise<void> {
		return until(() => this.ended.some((e) => e.startsWith(`${clientId} `)), `${clientId} is gone`);
	}

	/** When no client is connected any more. */
	empty(): Promise<void> {
		return until(() => this.broker.connectedCount === 0, "all clients are gone");
	}

	/** What is still held, by table: all zero once every client is gone, retained messages apart. */
	held(): Record<string, number> {
		const broker = this.broker;
		let retainedBlocks = 0;
		for (let place = 1; place <= broker.retained.placeCount; place++) {
			if (broker.retained.topicAt(place) === "") continue;
			for (let block = broker.retained.messageAt(place); block !== 0; block = broker.pool.next(block)) retainedBlocks++;
		}
		return {
			connected: broker.connectedCount,
			connections: broker.connections.filter((connection) => connection.state !== 0).length,
			sessions: broker.sessions.count,
			subscriptions: broker.table.count,
			filterNodes: broker.table.nodeCount,
			filterBytes: broker.table.filterBytes,
			deliveries: broker.limits.deliveries - broker.deliveries.freeCount,
			received: broker.received.count,
			messages: broker.store.count - broker.retained.count,
			blocks: broker.pool.blockCount - broker.pool.freeCount - retainedBlocks,
			internalErrors: broker.counters.internalErrors,
		};
	}

	close(): Promise<void> {
		return this.hub.close();
	}
}

/** What `held` says when nothing is. */
export const NOTHING_HELD: Readonly<Record<string, number>> = {
	connected: 0,
	connections: 0,
	sessions: 0,
	subscriptions: 0,
	filterNodes: 0,
	filterBytes: 0,
	deliveries: 0,
	received: 0,
	messages: 0,
	blocks: 0,
	internalErrors: 0,
};

export interface Finished {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: Buffer;
	stderr: string;
	/** stdout, line by line */
	lines: string[];
}

/** A program that runs. */
export class Running {
	readonly child: ChildProcess;
	readonly finished: Promise<Finished>;
	private readonly out: Buffer[] = [];
	private err = "";

	/** @param input what it reads; absent: nothing */
	constructor(command: string, args: readonly string[], input?: string | Buffer) {
		const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
		this.child = child;
		child.stdout.on("data", (chunk: Buffer) => this.out.push(chunk));
		child.stderr.on("data", (chunk: Buffer) => {
			this.err += chunk;
		});
		child.stdin.on("error", () => {});
		child.stdin.end(input ?? "");
		const finished = new Promise<Finished>((resolve, reject) => {
			child.once("error", reject);
			child.once("close", (code, signal) => resolve({ ...this.soFar, code, signal }));
		});
		this.finished = within(finished, `${command} ${args.join(" ")}: ends`).finally(() => child.kill("SIGKILL"));
		this.finished.catch(() => {}); // whoever waits hears of it
	}

	private get soFar(): Finished {
		const stdout = Buffer.concat(this.out);
		const text = stdout.toString();
		const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
		return { code: null, signal: null, stdout, stderr: this.err, lines };
	}

	get stdout(): string {
		return this.soFar.stdout.toString();
	}

	get stderr(): string {
		return this.err;
	}

	/** When stdout or stderr matches. */
	async says(pattern: RegExp, from: "stdout" | "stderr" = "stdout"): Promise<RegExpMatchArray> {
		await until(() => pattern.test(this[from]), `${this.child.spawnargs.join(" ")} says ${pattern}; ${this.err}`);
		return pattern.exec(this[from])!;
	}

	kill(signal: NodeJS.Signals): void {
		this.child.kill(signal);
	}
}

/** @returns whether this machine has the program */
export function has(command: string): boolean {
	return spawnSync(command, ["--help"]).error === undefined;
}
