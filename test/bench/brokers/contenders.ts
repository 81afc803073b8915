/** The brokers that are compared, each as its users start it: Hearth's hub, Debian's Mosquitto, npm's Aedes. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import type { Carrier, Endpoint, Link } from "./links.js";

export const MOSQUITTO = "/usr/sbin/mosquitto";

export interface Contender {
	name: string;
	/** Rejects with the reason when it does not start. */
	start(): Promise<Running>;
	/** its code is compiled before it runs: it needs hardly any warming */
	compiled?: boolean;
	/** What is done before anything is measured. @returns clients that stay */
	prepare?: (endpoint: Endpoint) => Promise<Link[]>;
}

export interface Running {
	pid: number;
	endpoint: Endpoint;
	stop(signal?: NodeJS.Signals): Promise<void>;
	/** Collects its garbage; absent where it has none, or cannot be told to. */
	collect?: () => Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), "hearth-bench-"));
const children = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of children) child.kill("SIGKILL");
	rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

let names = 0;

/** @returns a path that nobody else has, in a folder that goes when the bench ends */
export function newPath(name: string): string {
	return join(folder, `${++names}-${name}`);
}

export async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	return port;
}

interface Launched {
	child: ChildProcess;
	stop: Running["stop"];
	/** what it wrote to standard output and error, by lines */
	lines: string[];
}

function launch(command: string, args: string[]): Launched {
	const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
	const lines: string[] = [];
	for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => lines.push(line));
	children.add(child);
	const exited = new Promise<void>((resolve) => {
		child.on("error", () => resolve());
		child.on("exit", () => resolve());
	}).then(() => children.delete(child));
	const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
		child.kill(signal);
		await exited;
	};
	return { child, stop, lines };
}

/** Waits until something is so. Rejects with the program's last line when it has ended before, or takes too long. */
async function until({ child, lines }: Launched, ready: () => boolean | Promise<boolean>): Promise<void> {
	for (let i = 0; i < 1_000; i++) {
		if (await ready()) return;
		if (child.exitCode !== null) break;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error(lines.find((line) => /error/i.test(line)) ?? `${child.spawnfile} does not start`);
}

async function accepts(port: number): Promise<boolean> {
	const socket = connect(port, "127.0.0.1");
	const open = await once(socket, "connect").then(
		() => true,
		() => false,
	);
	socket.destroy();
	return open;
}

const SCHEMES: Readonly<Record<Carrier, string>> = { tcp: "mqtt", tls: "mqtts", ws: "ws" };

interface Options {
	name?: string;
	carrier?: Carrier;
	/** further arguments, or lines of a configuration */
	more?: readonly string[];
	user?: Endpoint["user"];
	prepare?: (endpoint: Endpoint) => Promise<Link[]>;
	/** it can be told to collect its garbage */
	collects?: boolean;
}

/** @returns a contender, with what of its options its start does not need */
function contender(name: string, options: Options, start: Contender["start"]): Contender {
	const { prepare } = options;
	return { name: options.name ?? name, start, ...(prepare === undefined ? {} : { prepare }) };
}

function running(launched: Launched, port: number, options: Options): Running {
	const { carrier = "tcp", user } = options;
	const endpoint: Endpoint = { port, carrier, ...(user === undefined ? {} : { user }) };
	return { pid: launched.child.pid!, endpoint, stop: launched.stop };
}

/** Starts a program that prints where it listens, as the hub does. */
async function startHub(args: string[], options: Options): Promise<Running> {
	const launched = launch("node", options.collects ? ["--inspect=127.0.0.1:0", ...args] : args);
	const scheme = SCHEMES[options.carrier ?? "tcp"];
	let port = 0;
	await until(launched, () => {
		const line = launched.lines.find((line) => line.startsWith(`listening ${scheme}:`));
		port = Number(/:(\d+)$/.exec(line ?? "")?.[1] ?? 0);
		return port > 0;
	});
	const inspector = launched.lines.map((line) => /ws:\/\/\S+$/.exec(line)?.[0]).find((url) => url !== undefined);
	const collect = inspector === undefined ? {} : { collect: () => collectGarbage(inspector) };
	return { ...running(launched, port, options), ...collect };
}

/** @param url of a Node process's inspector */
async function collectGarbage(url: string): Promise<void> {
	const socket = new WebSocket(url);
	await once(socket, "open");
	// the first one leaves what only finalizers keep
	for (const id of [1, 2]) {
		socket.send(JSON.stringify({ id, method: "HeapProfiler.collectGarbage" }));
		await once(socket, "message");
	}
	socket.close();
	await once(socket, "close");
}

export function hearth(options: Options = {}): Contender {
	const tls = options.carrier === "tls" ? ["--tls-port", "0", ...certificate()] : [];
	const args = ["bin/hearth.mjs", "hub", "--port", "0", ...tls, ...(options.more ?? [])];
	return contender("hearth", options, () => startHub(args, options));
}

/** A hub with a controller that looks at packets and leaves them. @param methods which, by name */
export function hearthControlled(name: string, methods: readonly string[]): Contender {
	return { name, start: () => startHub(["test/bench/brokers/controlled-hub.mjs", ...methods], {}) };
}

export function mosquitto(options: Options = {}): Contender {
	const start = async () => {
		if (!existsSync(MOSQUITTO)) throw new Error("mosquitto is not installed");
		const port = await freePort();
		const path = newPath("mosquitto.conf");
		const lines = ["user root", `listener ${port} 127.0.0.1`];
		// it ends where it listens for WebSocket only
		if (options.carrier === "ws") lines.push("protocol websockets", `listener ${await freePort()} 127.0.0.1`);
		if (options.carrier === "tls") {
			const [, cert, , key] = certificate();
			lines.push(`certfile ${cert}`, `keyfile ${key}`);
		}
		if (options.user === undefined) lines.push("allow_anonymous true");
		// each line of its log costs it time
		lines.push("log_type error", "log_type warning", ...(options.more ?? []));
		writeFileSync(path, `${lines.join("\n")}\n`);
		const launched = launch(MOSQUITTO, ["-c", path]);
		await until(launched, () => accepts(port));
		return running(launched, port, options);
	};
	return { ...contender("mosquitto", options, start), compiled: true };
}

export function aedes(options: Options = {}): Contender {
	const { carrier = "tcp" } = options;
	const tls = carrier === "tls" ? certificate().filter((word) => !word.startsWith("--")) : [];
	return contender("aedes", options, () =>
		startHub(["test/bench/brokers/aedes.mjs", SCHEMES[carrier], ...tls], options),
	);
}

let made: string[] | undefined;

/** @returns the options for a certificate of its own: --cert FILE --key FILE */
function certificate(): string[] {
	if (made !== undefined) return made;
	const path = newPath("certificate");
	mkdirSync(path);
	execFileSync("node", ["bin/hearth.mjs", "cert", "localhost", "--out", path], { stdio: "pipe" });
	made = ["--cert", join(path, "cert.pem"), "--key", join(path, "key.pem")];
	return made;
}

export const USER = ["ann", "secret of ann"] as const;

/** Users and rights in Mosquitto's format, which both read: 20 rules, of which the last ones are the load's.
 *  @returns the files */
export function userFiles(): { users: string; rights: string } {
	const [users, rights] = [newPath("users"), newPath("rights")];
	const salt = randomBytes(12);
	const key = pbkdf2Sync(USER[1], salt, 101, 64, "sha512");
	writeFileSync(users, `${USER[0]}:$7$101$${salt.toString("base64")}$${key.toString("base64")}\n`);
	const lines = [`user ${USER[0]}`];
	for (let i = 0; i < 9; i++) lines.push(`topic read house/floor${i}/+/value`, `topic write house/floor${i}/set`);
	lines.push("topic readwrite bench/#", "pattern read clients/%c/#");
	writeFileSync(rights, `${lines.join("\n")}\n`);
	return { users, rights };
}

/** @returns the brokers' versions */
export function versions(): Record<string, string> {
	const version = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version as string;
	const { stdout } = spawnSync(MOSQUITTO, ["-h"], { encoding: "utf8" });
	const found = { node: process.version, hearth: version("."), aedes: version("node_modules/aedes") };
	return { ...found, mosquitto: /version (\S+)/.exec(stdout ?? "")?.[1] ?? "not installed" };
}
