/** The interop scenario with a broker on XS: Mosquitto's clients and 14 of MQTT.js talk through it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import mqtt from "mqtt";
import { startOnXs, type XsOptions, type XsResult } from "../../scripts/xs.mjs";
import { assert } from "../support/test.js";

/** Why the scenario cannot be played; undefined: it can. */
export function whyNoMosquitto(): string | undefined {
	return spawnSync("mosquitto_pub", ["--help"]).error === undefined ? undefined : "no mosquitto_pub";
}

/** Runs a command to its end. @returns its exit code and output */
async function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
	const child = spawn(command, args);
	let output = "";
	child.stdout.on("data", (chunk) => {
		output += chunk;
	});
	const [code] = await once(child, "close");
	return { code, output };
}

/** Starts a program that reports "listening" with its port. @returns its port, and how it ended */
async function startHub(program: string, options: XsOptions): Promise<{ port: number; done: Promise<XsResult> }> {
	let listening = (_port: number): void => {};
	const port = new Promise<number>((resolve) => {
		listening = resolve;
	});
	const onLine = (line: string): void => {
		const match = /^\{"name":"listening","port":(\d+)/.exec(line);
		if (match !== null) listening(Number(match[1]));
	};
	const { done } = await startOnXs(program, { ...options, onLine });
	const failed = done.then(({ errors }) => Promise.reject(new Error(`the hub did not listen: ${errors}`)));
	return { port: await Promise.race([port, failed]), done };
}

/** Plays it on a board with at least 16 clients. @param program the hub @returns how it ended */
export async function playInterop(options: XsOptions = {}, program = "test/xs/hub.ts"): Promise<XsResult> {
	const { port, done } = await startHub(program, options);
	const end = await talk(port);
	const result = await done;
	end();
	return result;
}

/** The scenario, with the broker on this port of 127.0.0.1; the last message ends the broker.
 *  @returns what ends its clients */
export async function talk(port: number): Promise<() => void> {
	const clients: mqtt.MqttClient[] = [];
	for (let i = 0; i < 14; i++)
		clients.push(await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: `c${i}`, reconnectPeriod: 0 }));
	const got: string[] = [];
	let all = (): void => {};
	const gotAll = new Promise<void>((resolve) => {
		all = resolve;
	});
	clients[0]!.on("message", (topic, payload) => {
		got.push(`${topic} ${payload}`);
		if (got.length === 22) all();
	});
	await clients[0]!.subscribeAsync("from/#", { qos: 2 });
	const flags = ["-h", "127.0.0.1", "-p", `${port}`];
	for (const version of ["31", "311", "5"])
		for (const qos of ["0", "1", "2"]) {
			const args = [...flags, "-V", version, "-q", qos, "-t", `from/${version}`, "-m", `${qos}`, "-r"];
			assert.is((await run("mosquitto_pub", args)).code, 0);
		}
	// the last value of each version is retained
	const sub = await run("mosquitto_sub", [...flags, "-t", "from/+", "-v", "-C", "3", "-W", "10"]);
	assert.equal(sub.output.trim().split("\n").sort(), ["from/31 2", "from/311 2", "from/5 2"]);
	for (let i = 1; i < 14; i++) await clients[i]!.publishAsync(`from/c${i}`, `${i}`, { qos: (i % 3) as 0 | 1 | 2 });
	await gotAll;
	await clients[1]!.publishAsync("end", "");
	return () => {
		for (const client of clients) client.end(true);
	};
}
