/** A hub that is killed again and again under load: publishers at QoS 1 and 2 that go on where they were, persistent
 *  subscribers, and what must be true of what was acknowledged. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import mqtt, { MqttClient } from "mqtt";

const DEADLINE_MS = 60_000;

/** Begins a program that listens. @returns it, and its port */
async function begin(command: string, args: readonly string[], ready: RegExp): Promise<[ChildProcess, number]> {
	const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
	let said = "";
	for (const stream of [child.stdout, child.stderr])
		stream.on("data", (chunk) => {
			said += chunk;
		});
	const end = performance.now() + DEADLINE_MS;
	while (!ready.test(said)) {
		if (child.exitCode !== null || performance.now() > end) throw new Error(`does not listen: ${said}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
	return [child, Number(ready.exec(said)![1])];
}

export interface CrashOptions {
	/** the hub's data */
	data: string;
	kills: number;
	publishers: number;
	subscribers: number;
	/** seeds the moments of the kills */
	seed: number;
	/** told of each kill */
	tell?: (line: string) => void;
}

/** What came of it. */
export interface CrashResult {
	kills: number;
	/** messages that were acknowledged, of both QoS */
	acknowledged: number;
	/** for each subscriber: acknowledged messages that never came */
	lost: string[];
	/** QoS 2 messages that came twice */
	twice: string[];
	/** Retained Messages that were older than the last acknowledged, after a kill */
	old: string[];
	/** QoS 1 messages that came more than once, which they may */
	repeated: number;
}

/** One who publishes "n" to load/<index>, and as Retained Message to state/<index>, one after the other. */
class Publisher {
	sent = 0;
	readonly acknowledged = new Set<number>();
	retainedSent = 0;
	retainedAcknowledged = 0;
	private stopping = false;
	readonly done: Promise<void>;

	constructor(
		private readonly client: MqttClient,
		readonly index: number,
		readonly qos: 1 | 2,
	) {
		const lines = [this.publish(), this.publish(), this.publish(), this.retain()];
		this.done = Promise.all(lines).then(() => {});
	}

	private async publish(): Promise<void> {
		while (!this.stopping) {
			const n = ++this.sent;
			// MQTT.js gives up what it had not sent when a connection breaks while it sends old ones again
			const taken = this.client.publishAsync(`load/${this.index}`, `${n}`, { qos: this.qos });
			await taken.then(
				() => this.acknowledged.add(n),
				() => {},
			);
			await new Promise((resolve) => setTimeout(resolve, 1));
		}
	}

	private async retain(): Promise<void> {
		while (!this.stopping) {
			const n = ++this.retainedSent;
			const taken = this.client.publishAsync(`state/${this.index}`, `${n}`, { qos: this.qos, retain: true });
			await taken.then(
				() => {
					this.retainedAcknowledged = n;
				},
				() => {},
			);
			await new Promise((resolve) => setTimeout(resolve, 3));
		}
	}

	stop(): Promise<void> {
		this.stopping = true;
		return this.done;
	}
}

/** Counts what came, by topic and number. */
class Subscriber {
	readonly got = new Map<string, number>();

	constructor(readonly client: MqttClient) {
		client.on("message", (topic, payload) => {
			const key = `${topic} ${payload}`;
			this.got.set(key, (this.got.get(key) ?? 0) + 1);
		});
	}
}

/** Kills a hub under load, over and over; then lets all come to rest and looks at it. */
export async function crash(options: CrashOptions): Promise<CrashResult> {
	const { tell } = options;
	const args = ["bin/hearth.mjs", "hub", "--port", "0", "--data", options.data, "--quiet"];
	const start = () => begin(process.execPath, args, /listening mqtt:\/\/\S+:(\d+)/);
	let [hub, port] = await start();
	const open = (clientId: string) => {
		const client = new MqttClient(() => connectTcp(port, "127.0.0.1"), {
			clientId,
			clean: false,
			reconnectPeriod: 25,
			connectTimeout: 20_000,
			keepalive: 0,
		});
		client.on("error", () => {});
		return client;
	};
	const clients: MqttClient[] = [];
	const subscribers: Subscriber[] = [];
	for (let i = 0; i < options.subscribers; i++) {
		const client = open(`subscriber-${i}`);
		clients.push(client);
		subscribers.push(new Subscriber(client));
		await client.subscribeAsync("load/#", { qos: 2 });
	}
	const publishers: Publisher[] = [];
	for (let i = 0; i < options.publishers; i++) {
		const client = open(`publisher-${i}`);
		clients.push(client);
		if (!client.connected) await new Promise<void>((resolve) => client.once("connect", () => resolve()));
		publishers.push(new Publisher(client, i, i % 2 === 0 ? 1 : 2));
	}
	const result: CrashResult = { kills: 0, acknowledged: 0, lost: [], twice: [], old: [], repeated: 0 };
	let random = options.seed;
	for (let kill = 1; kill <= options.kills; kill++) {
		random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
		await new Promise((resolve) => setTimeout(resolve, 50 + ((random >>> 8) % 300)));
		const exited = once(hub, "exit");
		hub.kill("SIGKILL");
		await exited;
		const before = publishers.map(({ retainedAcknowledged }) => retainedAcknowledged);
		[hub, port] = await start();
		result.kills++;
		await lookAtRetained(port, before, kill, result);
		tell?.(`kill ${kill}: ${publishers.reduce((sum, p) => sum + p.acknowledged.size, 0)} acknowledged`);
	}
	await Promise.all(publishers.map((publisher) => publisher.stop()));
	await rest(publishers, subscribers);
	judge(publishers, subscribers, result);
	const before = publishers.map(({ retainedAcknowledged }) => retainedAcknowledged);
	await lookAtRetained(port, before, options.kills + 1, result);
	for (const client of clients) client.end(true);
	const exited = once(hub, "exit");
	hub.kill("SIGTERM");
	await exited;
	return result;
}

/** Retained Messages are at least as new as the last that was acknowledged before the kill. */
async function lookAtRetained(
	port: number,
	least: readonly number[],
	kill: number,
	result: CrashResult,
): Promise<void> {
	const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, connectTimeout: 20_000 });
	const found = new Map<number, number>();
	client.on("message", (topic, payload, { retain }) => {
		const index = Number(topic.slice(6));
		if (retain && !found.has(index)) found.set(index, Number(payload));
	});
	await client.subscribeAsync("state/#", { qos: 0 });
	await client.publishAsync("done", "", { qos: 1 });
	for (const [index, n] of least.entries())
		if (n > 0 && (found.get(index) ?? 0) < n)
			result.old.push(`kill ${kill}: state/${index} ${found.get(index)} < ${n}`);
	client.end(true);
}

/** When nothing has come for a while, and all that was acknowledged has. */
async function rest(publishers: readonly Publisher[], subscribers: readonly Subscriber[]): Promise<void> {
	const total = publishers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
	const end = performance.now() + DEADLINE_MS;
	let before = -1;
	for (;;) {
		const count = subscribers.reduce((sum, { got }) => sum + got.size, 0);
		if (count >= total * subscribers.length && count === before) return;
		if (performance.now() > end) return;
		before = count;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

function judge(publishers: readonly Publisher[], subscribers: readonly Subscriber[], result: CrashResult): void {
	for (const publisher of publishers) {
		result.acknowledged += publisher.acknowledged.size + publisher.retainedAcknowledged;
		for (const [s, { got }] of subscribers.entries())
			for (let n = 1; n <= publisher.sent; n++) {
				const key = `load/${publisher.index} ${n}`;
				const count = got.get(key) ?? 0;
				if (count === 0 && publisher.acknowledged.has(n)) result.lost.push(`subscriber-${s}: ${key}`);
				else if (count > 1 && publisher.qos === 2) result.twice.push(`subscriber-${s}: ${key} ${count} times`);
				else if (count > 1) result.repeated++;
			}
	}
}
