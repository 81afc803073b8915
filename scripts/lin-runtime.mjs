/** The hub on the SDK's Linux runtime: a process that is started again and again, as a board is. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import mqtt from "mqtt";
import { ROOT } from "./xs-build.mjs";

/** How long an answer may take, ms: a socket there is looked at each 20 ms, and machines are busy. */
const ANSWER_MS = 120_000;

/** What the engine's ends are for boards/lin/host.c. */
const MEMORY_FULL = 129;
const UNHANDLED_EXCEPTION = 133;

export async function freePort() {
	const server = createServer();
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

/** @returns what the promise gives; rejects when it takes too long */
function within(promise, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${what}: not within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class LinHub {
	output = "";
	#child;

	/** @param host the program of boards/lin/host.c @param library what mcconfig built
	 *  @param ports where it listens: { port, pagePort } */
	constructor(host, library, ports, env) {
		Object.assign(this, { host, library, env, ...ports });
	}

	/** Starts it; resolves when it listens. What it keeps lies beside the program. */
	async start() {
		const stdio = ["ignore", "pipe", "inherit"];
		this.output = "";
		const child = spawn(this.host, [this.library], { cwd: path.dirname(this.host), env: this.env, stdio });
		this.#child = child;
		child.stdout.on("data", (text) => {
			this.output += text;
			child.emit("said");
		});
		child.on("exit", () => child.emit("said"));
		await this.says(/listening mqtt/);
	}

	/** Resolves when its console has such a line. */
	says(pattern) {
		const child = this.#child;
		const heard = async () => {
			while (!pattern.test(this.output)) {
				if (child.exitCode !== null) throw new Error(`the hub ended with ${child.exitCode}`);
				await once(child, "said");
			}
		};
		return within(heard(), `${pattern} on the console`);
	}

	/** @returns {Promise<number>} its exit status, once it has ended */
	async ended() {
		if (this.#child.exitCode === null) await within(once(this.#child, "exit"), "the hub's end");
		return this.#child.exitCode;
	}

	kill() {
		this.#child?.kill("SIGKILL");
	}

	client() {
		return within(mqtt.connectAsync(`mqtt://127.0.0.1:${this.port}`, { reconnectPeriod: 0 }), "a connection");
	}
}

/** Mosquitto's clients and MQTT.js talk through it: test/xs/interop.ts. */
export async function talkThrough(hub) {
	const outfile = path.join(path.dirname(hub.host), "interop.mjs");
	const entry = { entryPoints: [path.join(ROOT, "test", "xs", "interop.ts")], outfile, bundle: true };
	await build({ ...entry, platform: "node", format: "esm", packages: "external", logLevel: "silent" });
	const { talk } = await import(pathToFileURL(outfile).href);
	await hub.start();
	await within(servePage(hub.pagePort), "the page");
	const end = await within(talk(hub.port), "the clients' talk");
	await hub.says(/ended, faults 0/);
	end();
	hub.kill();
}

/** The page's files come out of the image as the build has made them, all at once. Throws what is wrong. */
async function servePage(port) {
	const folder = path.join(ROOT, "dist", "page");
	const names = readdirSync(folder).filter((name) => !name.endsWith(".gz"));
	const get = async (name) => {
		const response = await fetch(`http://127.0.0.1:${port}/${name === "index.html" ? "" : name}`);
		const bytes = Buffer.from(await response.arrayBuffer());
		if (response.headers.get("content-encoding") !== "gzip" || !bytes.equals(readFileSync(path.join(folder, name))))
			throw new Error(`page: ${name}: ${response.status}, ${bytes.length} bytes, not what was built`);
	};
	await Promise.all(names.map(get));
}

/** @returns {Promise<string>} what it tells of its restarts */
async function restarts(hub) {
	const client = await hub.client();
	const told = once(client, "message");
	await client.subscribeAsync("$SYS/broker/restarts");
	const [, payload] = await within(told, "$SYS/broker/restarts");
	client.end(true);
	return `${payload}`;
}

/** It goes wrong. @returns what it tells of its restarts when it has started again. Throws where it ended otherwise */
async function restartsAfter(hub, how, status) {
	const client = await hub.client();
	client.on("error", () => {});
	client.publish("fault", how);
	const found = await hub.ended();
	client.end(true);
	if (found !== status) throw new Error(`"${how}": it ended with ${found}, not ${status}`);
	await hub.start();
	return restarts(hub);
}

/** It ends by an exception, and tells why when it has started again; it ends by full memory, and is there again. Then
 *  the reason cannot be told: the SDK's preferences take JavaScript's memory on Linux, on devices they don't. Throws
 *  what is wrong. */
export async function restart(hub) {
	await hub.start();
	const count = Number.parseInt(await restarts(hub), 10);
	const told = await restartsAfter(hub, "throw", UNHANDLED_EXCEPTION);
	if (told !== `${count + 1} (unhandled exception)`) throw new Error(`it told "${told}" after ${count}`);
	await restartsAfter(hub, "fill", MEMORY_FULL);
}
