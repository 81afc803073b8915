/** CPU of a client for a message that it sends or gets, Hearth's and MQTT.js's in turn, with Mosquitto as the broker.
 *  Both are used as their users do: promises here, callbacks there; 64 messages under way. `--quick`: fewer rounds.
 *  Mosquitto holds back neither PUBACKs (Nagle's algorithm: 45 ms for 64 messages, which measures waking up) nor
 *  PUBLISHes (its Receive Maximum of 20, which MQTT.js passes over), so that both clients have the same to do;
 *  `--defaults`: it does. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { connect } from "../../host-sim/client/index.js";
import { median, ratio } from "./rounds.js";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 7;
const defaults = process.argv.includes("--defaults");
const COUNT = quick || defaults ? 20_000 : 60_000;
const UNDER_WAY = 64;
const MOSQUITTO = "/usr/sbin/mosquitto";
const folder = mkdtempSync(join(tmpdir(), "hearth-bench-"));
const LINES = join(folder, "lines");
writeFileSync(LINES, `${"x".repeat(64)}\n`.repeat(COUNT));
const payload = Buffer.alloc(64, "x");

/** A client, as the loads see it. */
interface Rival {
	name: string;
	/** Sends `count` messages. @returns when the last is done */
	send(topic: string, count: number, qos: 0 | 1): Promise<void>;
	/** @returns when the subscription is there: what counts messages, and resolves when all have come */
	receive(topic: string, count: number, qos: 0 | 1): Promise<{ all: Promise<void> }>;
	end(): Promise<void>;
}

async function hearth(url: string, version: 4 | 5): Promise<Rival> {
	const client = await connect(url, { version });
	return {
		name: "hearth-mqtt",
		async send(topic, count, qos) {
			const options = { qos };
			for (let sent = 0; sent < count; sent += UNDER_WAY) {
				const some = [];
				for (let i = 0; i < UNDER_WAY; i++) some.push(client.publish(topic, payload, options));
				await Promise.all(some);
			}
		},
		async receive(topic, count, qos) {
			let got = 0;
			let done: () => void;
			const all = new Promise<void>((resolve) => {
				done = resolve;
			});
			const take = (message: { topic: string; payload: Uint8Array }): void => {
				if (message.payload.length === 64 && ++got === count) done();
			};
			const subscription = await client.subscribe(topic, take, { qos });
			return { all: all.then(() => subscription.unsubscribe()) };
		},
		end: () => client.end(),
	};
}

async function mqttjs(url: string, version: 4 | 5): Promise<Rival> {
	const client = await mqtt.connectAsync(url, { protocolVersion: version });
	return {
		name: "MQTT.js",
		async send(topic, count, qos) {
			const options = { qos };
			for (let sent = 0; sent < count; sent += UNDER_WAY)
				await new Promise<void>((resolve) => {
					let left = UNDER_WAY;
					const done = (): void => {
						if (--left === 0) resolve();
					};
					for (let i = 0; i < UNDER_WAY; i++) client.publish(topic, payload, options, done);
				});
		},
		async receive(topic, count, qos) {
			let got = 0;
			let done: () => void;
			const all = new Promise<void>((resolve) => {
				done = resolve;
			});
			const take = (_topic: string, payload: Buffer): void => {
				if (payload.length === 64 && ++got === count) done();
			};
			client.on("message", take);
			await client.subscribeAsync(topic, { qos });
			return {
				all: all.then(async () => {
					client.off("message", take);
					await client.unsubscribeAsync(topic);
				}),
			};
		},
		end: () => client.endAsync(),
	};
}

async function startMosquitto(): Promise<{ child: ChildProcess; port: number }> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	server.close();
	const config = join(folder, "mosquitto.conf");
	const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "max_queued_messages 0"];
	if (!defaults) lines.push("set_tcp_nodelay true", "max_inflight_messages 0");
	writeFileSync(config, `${lines.join("\n")}\n`);
	const child = spawn(MOSQUITTO, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
	await new Promise<void>((resolve, reject) => {
		child.once("error", reject);
		child.stderr.on("data", (chunk: Buffer) => / running/.test(`${chunk}`) && resolve());
	});
	return { child, port };
}

/** Another process sends, from a file, so that this one has no part in it. */
function feed(port: number, topic: string, qos: number): void {
	const args = ["-p", String(port), "-t", topic, "-q", String(qos), "-l"];
	const lines = openSync(LINES, "r");
	spawn("mosquitto_pub", args, { stdio: [lines, "ignore", "ignore"] });
	closeSync(lines);
}

/** @returns µs of this process's CPU for each of `count` */
async function cpuOf(count: number, work: () => Promise<unknown>): Promise<number> {
	const before = process.cpuUsage();
	await work();
	const { user, system } = process.cpuUsage(before);
	return (user + system) / count;
}

if (!existsSync(MOSQUITTO)) console.log("left out: mosquitto is not installed");
else {
	const { child, port } = await startMosquitto();
	const url = `mqtt://127.0.0.1:${port}`;
	try {
		console.log(
			"µs of CPU a message of 64 bytes".padEnd(36),
			"hearth-mqtt".padStart(12),
			"MQTT.js".padStart(9),
			"  ratio",
		);
		for (const version of [4, 5] as const) {
			const rivals = [await hearth(url, version), await mqttjs(url, version)];
			for (const direction of ["sent", "received"] as const)
				for (const qos of [0, 1] as const) {
					const costs: number[][] = [[], []];
					for (let round = -1; round < ROUNDS; round++)
						for (const [i, rival] of rivals.entries()) {
							const topic = `bench/${direction}/${qos}`;
							let cost: number;
							if (direction === "sent") cost = await cpuOf(COUNT, () => rival.send(topic, COUNT, qos));
							else {
								const { all } = await rival.receive(topic, COUNT, qos);
								feed(port, topic, qos);
								cost = await cpuOf(COUNT, () => all);
							}
							if (round >= 0) costs[i]!.push(cost); // the first one warms
						}
					const [ours, theirs] = costs.map((values) => median(values).toFixed(2));
					const name = `${version === 4 ? "3.1.1" : "5.0"}, ${direction}, QoS ${qos}`;
					console.log(name.padEnd(36), ours!.padStart(12), theirs!.padStart(9), ` ${ratio(costs[1]!, costs[0]!)}`);
				}
			for (const rival of rivals) await rival.end();
		}
	} finally {
		child.kill();
		rmSync(folder, { recursive: true });
	}
}
