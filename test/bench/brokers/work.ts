/** What is done to a broker in a round, and what came of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { generate } from "mqtt-packet";
import type { Running } from "./contenders.js";
import { Histogram } from "./histogram.js";
import { connectPacket, type Endpoint, Link, openClient, subscribe } from "./links.js";
import { cpuOf, memoryOf } from "./proc.js";
import { type Load, Traffic } from "./traffic.js";

export type Work =
	| { kind: "traffic"; load: Load }
	| { kind: "churn"; clients: number }
	| { kind: "idle"; connections: number }
	| { kind: "durable" };

/** A broker's figures in one round; times in µs, memory in bytes. */
export interface Figures {
	/** messages a second: delivered, or acknowledged, or connections */
	rate: number;
	/** of the broker, a message */
	cpu: number;
	p50: number;
	p99: number;
	/** the broker's; at "idle" that of a connection */
	memory: number;
	lost: number;
	repeated: number;
	/** the share of the time in which the load's process did not wait, 0 to 1 */
	busy: number;
}

/** Does the work for about so many ms. Rejects when the broker ends connections or refuses. */
export async function work(running: Running, what: Work, ms: number): Promise<Figures> {
	switch (what.kind) {
		case "traffic":
			return traffic(running, what.load, ms);
		case "durable":
			await leaveSession(running.endpoint);
			return traffic(running, DURABLE, 2 * ms);
		case "churn":
			return churn(running, what.clients, 3 * ms); // thousands of connections warm a compiler up
		default:
			return idle(running, what.connections);
	}
}

async function traffic({ endpoint, pid }: Running, load: Load, ms: number): Promise<Figures> {
	const traffic = await Traffic.open(endpoint, load);
	const before = cpuOf(pid);
	traffic.start();
	await sleep(ms);
	const { deliveries, seconds, latency, lost, repeated, busy } = await traffic.finish();
	const cpu = (cpuOf(pid) - before) / deliveries;
	traffic.close();
	const [p50, p99] = [latency.at(0.5), latency.at(0.99)];
	return { rate: deliveries / seconds, cpu, p50, p99, memory: memoryOf(pid), lost, repeated, busy };
}

const DURABLE: Load = {
	topics: Array.from({ length: 10 }, (_, i) => `load/${i}`),
	filters: [],
	copies: 0,
	inFlight: 16,
	qos: 1,
	payloadBytes: 64,
	version: 4,
	retain: true,
};

/** A session of a client that is away, subscribes to all of the durable load, and has nothing in its queue. */
async function leaveSession(endpoint: Endpoint): Promise<void> {
	for (const clean of [true, false]) {
		const link = await Link.open(endpoint);
		await link.ask(connectPacket(endpoint, "away", 4, clean));
		if (!clean) await subscribe(link, ["load/#"], 1, 4);
		link.write(link.wrap(generate({ cmd: "disconnect" })));
		await link.endGently();
	}
}

/** Clients that come, subscribe and go, some at a time. */
async function churn({ endpoint, pid }: Running, clients: number, ms: number): Promise<Figures> {
	const latency = new Histogram();
	const bye = generate({ cmd: "disconnect" });
	const started = performance.now();
	const utilization = performance.eventLoopUtilization();
	const before = cpuOf(pid);
	let count = 0;
	const one = async (name: string): Promise<void> => {
		while (performance.now() - started < ms) {
			const began = performance.now();
			const link = await openClient(endpoint, name);
			await subscribe(link, [`bench/${name}`], 0, 4);
			link.write(link.wrap(bye));
			await link.endGently();
			latency.add(1_000 * (performance.now() - began));
			count++;
		}
	};
	await Promise.all(Array.from({ length: clients }, (_, i) => one(`client-${i}`)));
	const cpu = (cpuOf(pid) - before) / count;
	const rate = (1_000 * count) / (performance.now() - started);
	const busy = performance.eventLoopUtilization(utilization).utilization;
	const [p50, p99] = [latency.at(0.5), latency.at(0.99)];
	return { rate, cpu, p50, p99, memory: memoryOf(pid), lost: 0, repeated: 0, busy };
}

/** How many connect at once. */
const AT_ONCE = 50;

async function openMany(endpoint: Endpoint, count: number, name: string): Promise<Link[]> {
	const links: Link[] = [];
	while (links.length < count) {
		const more = Math.min(AT_ONCE, count - links.length);
		const some = Array.from({ length: more }, (_, i) => openClient(endpoint, `${name}-${links.length + i}`));
		links.push(...(await Promise.all(some)));
	}
	return links;
}

/** @returns a process's memory once it has stopped to change, without garbage if it can be told to collect it */
async function settledMemory({ pid, collect }: Running): Promise<number> {
	let last = 0;
	for (let i = 0; i < 20; i++) {
		await sleep(500);
		await collect?.();
		const now = memoryOf(pid);
		if (Math.abs(now - last) < 0.002 * last) return now;
		last = now;
	}
	return last;
}

/** What the broker's memory grows by. For a process that is fresh: what it once had it does not give back. */
async function idle(running: Running, connections: number): Promise<Figures> {
	const { endpoint, pid } = running;
	// the first ones bring code and buffers, which the others share
	for (const link of await openMany(endpoint, 4 * AT_ONCE, "first")) link.end();
	const before = await settledMemory(running);
	const utilization = performance.eventLoopUtilization();
	const cpuBefore = cpuOf(pid);
	const started = performance.now();
	const links = await openMany(endpoint, connections, "idle");
	const rate = (1_000 * connections) / (performance.now() - started);
	const cpu = (cpuOf(pid) - cpuBefore) / connections;
	const busy = performance.eventLoopUtilization(utilization).utilization;
	const memory = ((await settledMemory(running)) - before) / connections;
	for (const link of links) link.end();
	return { rate, cpu, p50: 0, p99: 0, memory, lost: 0, repeated: 0, busy };
}

const CROWD_CLIENTS = 100;
const FILTERS_AT_ONCE = 500;

/** Subscriptions of clients that stay, and Retained Messages, none of which the load's messages have to do with.
 *  @returns the clients */
export async function crowd(endpoint: Endpoint, subscriptions: number, retained: number): Promise<Link[]> {
	const links: Link[] = [];
	const each = Math.ceil(subscriptions / CROWD_CLIENTS);
	for (let c = 0; c * each < subscriptions; c++) {
		const link = await openClient(endpoint, `crowd-${c}`);
		links.push(link);
		for (let first = 0; first < each; first += FILTERS_AT_ONCE) {
			const count = Math.min(FILTERS_AT_ONCE, each - first);
			const filters = Array.from({ length: count }, (_, i) => crowdFilter(c * each + first + i));
			await subscribe(link, filters, 0, 4);
		}
	}
	if (retained === 0) return links;
	const link = await openClient(endpoint, "crowd-publisher");
	for (let i = 0; i < retained; i++) {
		const topic = `kept/floor${i % 100}/room${i}/value`;
		const packet = { cmd: "publish", topic, payload: Buffer.alloc(64, 7), qos: 0, dup: false, retain: true } as const;
		link.write(link.wrap(generate(packet)));
		// PINGRESP says that all before it has been taken
		if (i % 100 === 99 || i + 1 === retained) await link.ask(generate({ cmd: "pingreq" }));
	}
	links.push(link);
	return links;
}

/** A third is without wildcards; the others have one, at each of four levels. */
function crowdFilter(i: number): string {
	const levels = [`site${i % 50}`, `floor${i % 1_000}`, `room${i}`, "value"];
	if (i % 6 > 1) levels[(i % 6) - 2] = "+";
	return levels.join("/");
}
