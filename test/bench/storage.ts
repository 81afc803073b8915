/** What Hearth (`--durability acknowledged`) and Mosquitto, set to save at each change, lose at a SIGKILL under a load
 *  of QoS 1. How fast they are says `npm run bench -- durable`. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { generate } from "mqtt-packet";

const PUBLISHERS = 10;
const IN_FLIGHT = 16;

const folder = mkdtempSync(join(tmpdir(), "hearth-bench-storage-"));

interface Rival {
	name: string;
	port: number;
	start(): Promise<ChildProcess>;
	process: ChildProcess;
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	return port;
}

async function listens(child: ChildProcess, port: number): Promise<ChildProcess> {
	child.on("error", () => {});
	for (let i = 0; i < 1_000; i++) {
		const socket = connectTcp(port, "127.0.0.1");
		const open = await once(socket, "connect").then(
			() => true,
			() => false,
		);
		socket.destroy();
		if (open) return child;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error(`${child.spawnargs.join(" ")} does not listen`);
}

async function rivals(): Promise<Rival[]> {
	const [port, other] = [await freePort(), await freePort()];
	const hub = ["bin/hearth.mjs", "hub", "--port", `${port}`, "--no-ws", "--quiet", "--data", join(folder, "hearth")];
	const starts: [string, number, () => Promise<ChildProcess>][] = [
		["hearth", port, () => listens(spawn("node", hub, { stdio: "ignore" }), port)],
	];
	if (existsSync("/usr/sbin/mosquitto")) {
		const data = join(folder, "mosquitto");
		mkdirSync(data, { mode: 0o777 });
		const config = join(folder, "mosquitto.conf");
		const lines = [`listener ${other} 127.0.0.1`, "allow_anonymous true", "user root", "persistence true"];
		lines.push(`persistence_location ${data}/`, "autosave_interval 1", "autosave_on_changes true");
		lines.push("max_queued_messages 0", "max_inflight_messages 0", "log_type error");
		writeFileSync(config, `${lines.join("\n")}\n`);
		const start = () => listens(spawn("/usr/sbin/mosquitto", ["-c", config], { stdio: "ignore" }), other);
		starts.push(["mosquitto", other, start]);
	}
	const all: Rival[] = [];
	for (const [name, at, start] of starts) all.push({ name, port: at, start, process: await start() });
	return all;
}

async function open(port: number, clientId: string): Promise<Socket> {
	const socket = connectTcp(port, "127.0.0.1");
	socket.setNoDelay(true);
	socket.on("error", () => {});
	await once(socket, "connect");
	const connect = {
		cmd: "connect",
		clientId,
		keepalive: 0,
		clean: true,
		protocolVersion: 4,
		protocolId: "MQTT",
	} as const;
	socket.write(generate(connect));
	await once(socket, "data");
	return socket;
}

/** Publishes n = 1, 2, … with 16 under way, until it is told to stop or the connection breaks. */
class Publisher {
	acknowledged = 0;
	private sent = 0;
	private stopping = false;
	private resolve = (): void => {};

	constructor(
		private readonly socket: Socket,
		private readonly index: number,
	) {
		let rest = Buffer.alloc(0);
		socket.on("data", (chunk: Buffer) => {
			const bytes = Buffer.concat([rest, chunk]);
			for (let at = 0; at + 4 <= bytes.length; at += 4) this.acknowledge();
			rest = bytes.subarray(bytes.length - (bytes.length % 4));
		});
		socket.on("close", () => this.resolve());
		for (let i = 0; i < IN_FLIGHT; i++) this.send();
	}

	private send(): void {
		const n = ++this.sent;
		this.socket.write(
			generate({
				cmd: "publish",
				topic: `load/${this.index}`,
				payload: `${n}`.padEnd(64),
				qos: 1,
				messageId: 1 + ((n - 1) % 65_000),
				dup: false,
				retain: true,
			}),
		);
	}

	private acknowledge(): void {
		this.acknowledged++;
		if (!this.stopping) this.send();
		else if (this.acknowledged === this.sent) this.resolve();
	}

	/** When all that was sent is acknowledged, or the connection has broken. */
	stop(): Promise<void> {
		this.stopping = true;
		return new Promise((resolve) => {
			this.resolve = resolve;
			if (this.socket.destroyed) resolve();
		});
	}
}

/** A session of a client that is away, and has nothing in its queue. */
async function subscriberLeaves(port: number): Promise<void> {
	for (const clean of [true, false]) {
		const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: "away", clean, reconnectPeriod: 0 });
		if (!clean) await client.subscribeAsync("load/#", { qos: 1 });
		await client.endAsync();
	}
}

async function load(port: number): Promise<Publisher[]> {
	await subscriberLeaves(port);
	const publishers: Publisher[] = [];
	for (let i = 0; i < PUBLISHERS; i++) publishers.push(new Publisher(await open(port, `publisher-${i}`), i));
	return publishers;
}

/** Kills the broker under load. @returns what was acknowledged, and how much of it is not there any more */
async function kill(rival: Rival): Promise<{ acknowledged: number; lost: number; retainedOld: number }> {
	const publishers = await load(rival.port);
	await new Promise((resolve) => setTimeout(resolve, 1_000));
	const exited = once(rival.process, "exit");
	rival.process.kill("SIGKILL");
	await exited;
	await Promise.all(publishers.map((publisher) => publisher.stop()));
	rival.process = await rival.start();
	const got = publishers.map(() => new Set<number>());
	const retained = new Map<number, number>();
	const url = `mqtt://127.0.0.1:${rival.port}`;
	const reader = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
	reader.on("message", (topic, payload) => retained.set(Number(topic.slice(5)), Number(`${payload}`)));
	await reader.subscribeAsync("load/#");
	const away = mqtt.connect(url, { clientId: "away", clean: false, reconnectPeriod: 0 });
	let last = performance.now();
	away.on("message", (topic, payload) => {
		last = performance.now();
		got[Number(topic.slice(5))]!.add(Number(`${payload}`));
	});
	while (performance.now() - last < 2_000) await new Promise((resolve) => setTimeout(resolve, 50));
	reader.end(true);
	away.end(true);
	let [acknowledged, lost, retainedOld] = [0, 0, 0];
	for (const [i, publisher] of publishers.entries()) {
		acknowledged += publisher.acknowledged;
		for (let n = 1; n <= publisher.acknowledged; n++) if (!got[i]!.has(n)) lost++;
		if ((retained.get(i) ?? 0) < publisher.acknowledged) retainedOld++;
	}
	return { acknowledged, lost, retainedOld };
}

const all = await rivals();
try {
	console.log(
		`${PUBLISHERS} publishers at QoS 1, ${IN_FLIGHT} under way each, retained, and queued for a session that is away`,
	);
	console.log("SIGKILL after a second of that:");
	for (const rival of all) {
		const { acknowledged, lost, retainedOld } = await kill(rival);
		const old = `${retainedOld} of ${PUBLISHERS} Retained Messages too old`;
		console.log(`  ${rival.name.padEnd(10)} ${acknowledged} acknowledged, ${lost} of them lost, ${old}`);
	}
} finally {
	for (const rival of all) rival.process.kill("SIGKILL");
	rmSync(folder, { recursive: true, force: true });
}
