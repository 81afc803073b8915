/** A virtual board: what is flashed (boards/main.ts) on XS with an ESP32's heaps, its Wi-Fi in the test's hands, and
 *  between it and its clients a network with lwIP's bounds (host-sim/sim/air.ts). */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Plugin } from "esbuild";
import mqtt, { type IClientOptions, type ISubscriptionMap, type MqttClient } from "mqtt";
import { Air } from "../../host-sim/sim/air.js";
import { bundle, startBundles, type XsBundles, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";

const test = suite("a virtual board");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** As boards/esp32/sdkconfig sets them. */
const LWIP = { connections: 24, segmentBytes: 1_436, windowBytes: 2_872 };

/** What an ESP32's manifest names in place of files of the same folder. */
const ESP32_FILES: Plugin = {
	name: "esp32-files",
	setup(esbuild) {
		const files: Record<string, string> = { "./page.js": "page-in-flash.ts", "./entropy.js": "entropy-esp.ts" };
		esbuild.onResolve({ filter: /^\.\/(page|entropy)\.js$/ }, ({ path, kind }) =>
			kind === "entry-point" ? undefined : { path: resolve("boards", files[path]!) },
		);
	},
};

class VirtualBoard {
	readonly air = new Air(LWIP);
	readonly lines: string[] = [];
	readonly clients: MqttClient[] = [];
	port = 0;
	/** what outlives a restart */
	private readonly folder = mkdtempSync(join(tmpdir(), "hearth-board-"));
	private readonly control: Server = createServer();
	private wifi: Socket | undefined;
	private program: XsBundles | undefined;
	private kill = (): void => {};
	private done: Promise<XsResult> | undefined;
	private waiting: { pattern: RegExp; from: number; heard: () => void }[] = [];

	/** @param options further ones of mcconfig's command line */
	static async make(options: Record<string, string | number> = {}): Promise<VirtualBoard> {
		const board = new VirtualBoard();
		board.control.listen(0, "127.0.0.1");
		await once(board.control, "listening");
		board.port = await board.air.listen();
		const air = (board.control.address() as AddressInfo).port;
		const config = { air, ssid: "home", password: "secret", port: 0, anonymous: 1, ...options };
		board.program = await bundle("boards/main.ts", [ESP32_FILES], "esp32", config);
		await board.powerOn();
		return board;
	}

	/** Starts the program; there is no address yet. */
	async powerOn(): Promise<void> {
		const wifi = once(this.control, "connection");
		const from = this.lines.length;
		const options = ["-f", join(this.folder, "preferences"), "-r", "dist/page"];
		const { child, done } = await startBundles(this.program!, { options, onLine: (line) => this.hear(line) });
		this.kill = () => child.kill("SIGKILL");
		this.done = done;
		[this.wifi] = (await wifi) as [Socket];
		this.wifi.on("error", () => {});
		await this.line(/^listening/, from);
		const port = Number(/listening mqtt:\/\/\*:(\d+)/.exec(this.lines.slice(from).join("\n"))![1]);
		this.air.boardAt(port);
	}

	async powerOff(): Promise<void> {
		this.kill();
		await this.done;
		this.air.boardGone();
	}

	/** What goes wrong ends the program. @returns the engine's exit status */
	async fault(what: "throw" | "fill"): Promise<number> {
		this.wifi!.write(`${what}\n`);
		const { status } = await this.done!;
		this.air.boardGone();
		return status;
	}

	/** A client that comes again by itself. It waits half its Keep Alive for an answer: a busy machine needs that. */
	client(id: string, more: IClientOptions = {}): MqttClient {
		const options = { clientId: id, clean: false, keepalive: 3, reconnectPeriod: 100, connectTimeout: 5_000, ...more };
		const made = mqtt.connect(`mqtt://127.0.0.1:${this.port}`, options);
		made.on("error", () => {}); // it tries again
		this.clients.push(made);
		return made;
	}

	/** The access point gave an address; undefined: it is gone. */
	async address(address: string | undefined): Promise<void> {
		const from = this.lines.length;
		this.wifi!.write(`${address ?? "-"}\n`);
		await this.line(address === undefined ? /Wi-Fi is lost/ : new RegExp(`address ${address}`), from);
	}

	/** Waits for a line on the console. */
	line(pattern: RegExp, from = 0): Promise<void> {
		if (this.lines.slice(from).some((line) => pattern.test(line))) return Promise.resolve();
		return new Promise((heard) => this.waiting.push({ pattern, from, heard }));
	}

	async end(): Promise<void> {
		for (const made of this.clients) made.end(true);
		await this.powerOff();
		await this.air.close();
		this.wifi?.destroy();
		this.control.close();
		rmSync(this.folder, { recursive: true });
	}

	private hear(line: string): void {
		this.lines.push(line);
		for (const entry of this.waiting) if (entry.pattern.test(line)) entry.heard();
	}
}

/** A test on a board of its own that has an address. */
function onBoard(name: string, body: (board: VirtualBoard) => Promise<void>): void {
	onXs(name, async () => {
		const board = await VirtualBoard.make();
		try {
			await board.address("10.0.0.2");
			await body(board);
		} finally {
			await board.end();
		}
		assert.not(
			board.lines.some((line) => /^error|internal/.test(line)),
			board.lines.join("\n"),
		);
	});
}

const connected = (made: MqttClient): Promise<unknown> => new Promise((resolve) => made.once("connect", resolve));

/** Subscribes, on the next connection if this one is lost meanwhile. A board that has restarted knows no subscription,
 *  and what is published may overtake a SUBSCRIBE on another connection. */
async function subscribe(made: MqttClient, topic = "all"): Promise<void> {
	for (;;) {
		const again = connected(made);
		// resubscribe: without it MQTT.js asks for nothing that it has asked for before
		const asked = made.subscribeAsync({ [topic]: { qos: 1 }, resubscribe: true } as ISubscriptionMap);
		if (await asked.catch(() => undefined)) return;
		await again;
	}
}

/** Publishes, and waits until each client has the message; they must have subscribed. */
async function reachesAll(from: MqttClient, clients: MqttClient[], text: string): Promise<void> {
	const all = clients.map(
		(made) =>
			new Promise<void>((resolve) => {
				made.on("message", (_topic, payload) => {
					if (`${payload}` === text) resolve();
				});
			}),
	);
	await from.publishAsync("all", text, { qos: 1 });
	await Promise.all(all);
}

async function threeClients(board: VirtualBoard): Promise<MqttClient[]> {
	const clients = ["a", "b", "c"].map((id) => board.client(id));
	await Promise.all(clients.map(connected));
	for (const made of clients) await subscribe(made);
	return clients;
}

onBoard("it gets an address, announces itself, and loses the access point: its clients come back", async (board) => {
	await board.line(/^mDNS _mqtt\._tcp hearth\.local \d+/);
	const clients = await threeClients(board);
	await reachesAll(clients[0]!, clients, "before");
	board.air.lose();
	await board.address(undefined);
	await board.line(/^mDNS close/);
	// their Keep Alive tells them
	await Promise.all(clients.map((made) => new Promise((resolve) => made.once("close", () => resolve(undefined)))));
	const back = clients.map(connected);
	await board.address("10.0.0.3");
	board.air.forgetAll(); // lwIP ends what had the old address
	board.air.find();
	await Promise.all(back);
	await reachesAll(clients[1]!, clients, "after");
});

onBoard("after a short loss nothing is lost, and nobody has to connect again", async (board) => {
	const clients = [board.client("a", { keepalive: 30 }), board.client("b", { keepalive: 30 })];
	await Promise.all(clients.map(connected));
	for (const made of clients) await subscribe(made);
	board.air.lose();
	const passed = reachesAll(clients[0]!, clients, "while nothing passes");
	await new Promise((resolve) => setTimeout(resolve, 300));
	let again = 0;
	for (const made of clients) made.on("connect", () => again++);
	board.air.find();
	await passed;
	assert.is(again, 0);
});

onBoard("a restart: the same clients are there again", async (board) => {
	const clients = await threeClients(board);
	await board.powerOff();
	const back = clients.map(connected);
	await board.powerOn();
	await board.address("10.0.0.2");
	await Promise.all(back);
	for (const made of clients) await subscribe(made);
	await reachesAll(clients[2]!, clients, "after the restart");
});

onBoard("how often it has started, and why it did the last time, is told", async (board) => {
	const told = async (): Promise<string> => {
		const made = board.client("asks", { clean: true });
		const value = new Promise<string>((resolve) => made.on("message", (_topic, payload) => resolve(`${payload}`)));
		await subscribe(made, "$SYS/broker/restarts");
		const text = await value;
		made.end(true);
		return text;
	};
	assert.is(await told(), "1");
	await board.powerOff();
	await board.powerOn();
	assert.is(await told(), "2");
	assert.is(await board.fault("throw"), 15);
	await board.powerOn();
	assert.is(await told(), "3 (unhandled exception)");
	assert.is(await board.fault("fill"), 11);
	await board.powerOn();
	assert.is(await told(), "4 (memory full)");
	await board.powerOff();
	await board.powerOn();
	assert.is(await told(), "5");
	assert.ok(board.lines.some((line) => /^restart: unhandled exception .*in the radio's driver/.test(line)));
});

onBoard("more connections than TCP has: a known client gets in before silent strangers", async (board) => {
	const strangers: Socket[] = [];
	board.air.lose(); // so that all of them come at once
	for (let i = 0; i < 40; i++) {
		const socket = connect(board.port, "127.0.0.1");
		socket.on("error", () => {});
		strangers.push(socket);
	}
	while (board.air.connections < strangers.length) await new Promise(setImmediate);
	board.air.find();
	assert.is(board.air.refused, strangers.length - LWIP.connections);
	const known = board.client("known", { keepalive: 30 });
	await connected(known);
	await subscribe(known);
	await reachesAll(known, [known], "in");
	for (const socket of strangers) socket.destroy();
});

onBoard("a client whose power went is found out by its Keep Alive; its Will Message is published", async (board) => {
	const watcher = board.client("watcher", { keepalive: 30 });
	await connected(watcher);
	await subscribe(watcher, "gone");
	const told = new Promise<string>((resolve) => watcher.once("message", (_topic, payload) => resolve(`${payload}`)));
	const will = { topic: "gone", payload: Buffer.from("lamp"), qos: 1 as const, retain: false };
	const lamp = board.client("lamp", { will, keepalive: 2, reconnectPeriod: 0 });
	await connected(lamp);
	board.air.cut((lamp.stream as Socket).localPort!);
	assert.is(await told, "lamp");
});

onXs("with page=PORT its page is there, announced, and served from flash", async () => {
	const free = createServer().listen(0, "127.0.0.1");
	await once(free, "listening");
	const { port } = free.address() as AddressInfo;
	free.close();
	await once(free, "close");
	const board = await VirtualBoard.make({ page: port });
	try {
		await board.address("10.0.0.2");
		await board.line(new RegExp(`^page http://hearth\\.local:${port}$`));
		await board.line(new RegExp(`^mDNS _http\\._tcp hearth\\.local ${port}$`));
		const answer = await fetch(`http://127.0.0.1:${port}/app.css`);
		assert.is(await answer.text(), readFileSync("dist/page/app.css", "utf8"));
	} finally {
		await board.end();
	}
});

test.run();
