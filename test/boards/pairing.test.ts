/** Devices on a board: what is flashed, on XS with an ESP32's heaps, its records on a virtual flash; only the SDK's own
 *  modules are stand-ins. The devices are those of `hearth join`. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchInto, send } from "../../host-sim/cli/devices-move.js";
import { type AsyncClient, connect } from "../../host-sim/client/index.js";
import { startOnXs, type XsOptions, type XsResult } from "../../scripts/xs.mjs";
import { ScramSha256Client } from "../../src/auth/scram-client.js";
import type { DeviceKeys } from "../../src/hub/join.js";
import { wrong } from "../support/discovery.js";
import { nodePairing, pairWith } from "../support/join.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";

const test = suite("boards: devices");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** Two hubs at a time, as the first one is collected only after the second one was made; and a flash. */
const TWICE = ["-c", "250000", "-s", "12000"];

/** A board: each of its starts listens at another port. */
const children: ChildProcess[] = [];

test.after(() => {
	for (const child of children) child.kill();
});

class Board {
	readonly lines: string[] = [];
	port = 0;
	hubId = "";
	done: Promise<XsResult> = Promise.reject(new Error("not started"));
	private readonly waiting: { pattern: RegExp; from: number; heard: (line: string) => void }[] = [];

	static async start(options: XsOptions = {}): Promise<Board> {
		const board = new Board();
		board.done.catch(() => {});
		const { child, done } = await startOnXs("test/xs/board-pairing.ts", {
			timeoutMs: 60_000,
			...options,
			onLine: (line) => board.hear(line),
		});
		children.push(child);
		board.done = done;
		await board.listening(0);
		return board;
	}

	async listening(from: number): Promise<void> {
		const ended = this.done.then(({ errors }) => Promise.reject(new Error(`the hub did not listen: ${errors}`)));
		const line = await Promise.race([this.line(/^\{"name":"listening"/, from), ended]);
		({ port: this.port, hubId: this.hubId } = JSON.parse(line));
	}

	line(pattern: RegExp, from = 0): Promise<string> {
		const found = this.lines.slice(from).find((line) => pattern.test(line));
		if (found !== undefined) return Promise.resolve(found);
		return new Promise((heard) => this.waiting.push({ pattern, from, heard }));
	}

	/** Opens a window as the admin. @returns its code, as the console shows it */
	async open(given: object = {}): Promise<string> {
		const from = this.lines.length;
		const admin = await connect({ port: this.port, username: "ann", password: "secret" });
		const answer = await admin.request("$HEARTH/do/open-window", JSON.stringify(given));
		assert.equal(answer.json(), { ok: true });
		await admin.end();
		return /code (\d{8})/.exec(await this.line(/^(pairing|moving): open, by topic/, from))![1]!;
	}

	async restart(): Promise<void> {
		const from = this.lines.length;
		await this.publishEnd("again");
		await this.listening(from);
	}

	async end(): Promise<void> {
		await this.publishEnd("");
		const result = await this.done;
		assert.is(result.errors, "");
		assert.is(result.status, 0);
		for (const counted of result.results.filter((r) => r.name === "counted"))
			assert.equal(counted, { name: "counted", internalErrors: 0, faults: 0 });
		assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
		assert.is(result.statistics!.keys, 0, "no property name was made at run time");
		const { stackPeak, stackSlots } = result.statistics!;
		assert.ok(stackPeak <= 0.9 * stackSlots, `${stackPeak} of ${stackSlots} slots of stack`);
	}

	private async publishEnd(payload: string): Promise<void> {
		const admin = await connect({ port: this.port, username: "ann", password: "secret" });
		await admin.publish("end", payload);
		await admin.end();
	}

	private hear(line: string): void {
		this.lines.push(line);
		for (const entry of this.waiting.splice(0))
			if (entry.pattern.test(line)) entry.heard(line);
			else this.waiting.push(entry);
	}
}

/** @returns a client that logs in with a device's keys */
function logIn(board: Board, id: string, keys: DeviceKeys): Promise<AsyncClient> {
	const authentication = new ScramSha256Client(nodePairing, id, keys);
	return connect({ port: board.port, clientId: id, version: 5, authentication });
}

for (const [store, options] of [
	["names and values", { options: TWICE }],
	["a journal, as a Pico has one", { options: TWICE, config: { store: "journal" } }],
] as const)
	onXs(
		`a device pairs with a board that keeps ${store}, and logs in with its secret after the board's restart`,
		async () => {
			const board = await Board.start(options);
			assert.match(board.hubId, /^[A-Z2-7]{8}$/);
			const keys = await pairWith(board.port, "sensor-1", await board.open({ name: "Fridge" }));
			assert.is(keys.hubId, board.hubId);
			await board.line(/^pairing: sensor-1: paired$/);
			const hubId = board.hubId;
			await board.restart();
			assert.is(board.hubId, hubId, "who the hub is outlives a restart");
			const client = await logIn(board, "sensor-1", keys);
			await client.publish("devices/sensor-1/temperature", "4", { qos: 1 });
			const refused = await client.publish("devices/other/temperature", "4", { qos: 1 }).then(
				() => "taken",
				(error: Error) => error.message,
			);
			assert.match(refused, /not-authorized/);
			await client.end();
			await board.end();
		},
	);

onXs("a wrong code pairs nobody; another's secret and a password let nobody in", async () => {
	const board = await Board.start();
	const code = await board.open();
	const wrong = code === "00000000" ? "00000001" : "00000000";
	const failure = await pairWith(board.port, "sensor-1", wrong).catch((error: Error) => error.message);
	assert.is(failure, "wrong-code");
	await board.line(/^pairing: sensor-1 from .*: wrong code$/);
	await new Promise((resolve) => setTimeout(resolve, 1_100)); // what each wrong try costs
	const keys = await pairWith(board.port, "sensor-1", code);
	const other = await pairWith(board.port, "sensor-2", await board.open());
	for (const attempt of [
		() => logIn(board, "sensor-1", other),
		() => connect({ port: board.port, clientId: "sensor-1", username: "sensor-1", password: "guess" }),
	])
		assert.match(
			`${await attempt().catch((error: Error) => error.message)}`,
			/authentication-failed|bad-user-name-or-password/,
		);
	await (await logIn(board, "sensor-1", keys)).end();
	await board.end();
});

onXs("a board's devices go into an encrypted file, and come from it onto a new board, with their secrets", async () => {
	const folder = mkdtempSync(join(tmpdir(), "hearth-move-"));
	const [file, passphrase] = [join(folder, "hub.age"), join(folder, "passphrase")];
	writeFileSync(passphrase, "twelve characters");
	const address = (board: Board) => ({ board: `mqtt://127.0.0.1:${board.port}`, "passphrase-file": passphrase });
	const old = await Board.start();
	const keys = await pairWith(old.port, "sensor-1", await old.open({ name: "Fridge" }));
	await fetchInto(file, { ...address(old), code: await old.open({ move: true }) }, 2);
	assert.not(readFileSync(file).includes("Fridge"));
	await old.end();

	const board = await Board.start({ options: TWICE });
	assert.is.not(board.hubId, old.hubId);
	const wrong = await send(file, { ...address(board), code: "00000000" }).catch((error: Error) => error.message);
	assert.match(`${wrong}`, /nothing is changed: .*pairing-closed/i);
	assert.is(await send(file, { ...address(board), code: await board.open({ move: true }) }), 0);
	await board.line(new RegExp(`^moving: now hub ${old.hubId}$`));
	await (await logIn(board, "sensor-1", keys)).end();
	await board.restart();
	assert.is(board.hubId, old.hubId);
	await (await logIn(board, "sensor-1", keys)).end();
	const again = await send(file, { ...address(board), code: await board.open({ move: true }) }).catch(
		(error: Error) => error.message,
	);
	assert.match(`${again}`, /it has devices of its own/);
	await board.end();
	rmSync(folder, { recursive: true });
});

onXs("the board's button opens a window, once, and everybody sees that it did", async () => {
	const board = await Board.start({ config: { button: 0 } });
	const admin = await connect({ port: board.port, username: "ann", password: "secret" });
	const windows: { open: boolean; openedBy?: string }[] = [];
	await admin.subscribe("$HEARTH/window", (message) => windows.push(message.json() as { open: boolean }));
	const code = /code (\d{8})/.exec(await board.line(/^pairing: open, by button/))![1]!;
	await board.line(/"pressed","times":2/); // before the window ends
	await pairWith(board.port, "sensor-1", code);
	assert.ok(windows.some((window) => window.open && window.openedBy === "button"));
	await admin.end();
	await board.end();
	assert.is(board.lines.filter((line) => line.startsWith("pairing: open")).length, 1, "one window for two presses");
});

onXs("a board puts itself into Home Assistant's discovery, with values that it tells", async () => {
	const board = await Board.start({ config: { homeassistant: "1" } });
	const assistant = await connect({ port: board.port, username: "ann", password: "secret" });
	const retained = new Map<string, string>();
	const topic = `homeassistant/device/${board.hubId}/config`;
	let all = () => {};
	const told = new Promise<void>((resolve) => {
		all = resolve;
	});
	for (const filter of [topic, `devices/${board.hubId}/+`])
		await assistant.subscribe(filter, (message) => {
			retained.set(message.topic, message.text);
			if (retained.size === 5) all();
		});
	await told;
	const config = retained.get(topic)!;
	assert.equal(wrong(topic, config), []);
	const { avty_t: availability, cmps } = JSON.parse(config);
	assert.is(retained.get(availability), "online");
	for (const [id, component] of Object.entries<Record<string, string>>(cmps))
		assert.match(retained.get(component["stat_t"]!)!, /^\d+$/, id);
	await assistant.end();
	await board.end();
});

onXs("a board that is reset is another hub, and lets nobody in who belonged to it, also after a restart", async () => {
	const board = await Board.start({ options: TWICE });
	const keys = await pairWith(board.port, "sensor-1", await board.open());
	const client = await logIn(board, "sensor-1", keys);
	await client.publish("devices/sensor-1/state", "on", { qos: 1, retain: true });
	const gone = new Promise((resolve) => client.on("disconnect", resolve));
	const admin = await connect({ port: board.port, username: "ann", password: "secret" });
	await admin.publish("end", "reset");
	await gone;
	const retained: string[] = [];
	await admin.subscribe("devices/#", ({ topic }) => retained.push(topic));
	await admin.subscribe("$SYS/broker/uptime");
	assert.equal(retained, [], "what it told is gone, too");
	await admin.end();
	const before = board.hubId;
	for (let starts = 0; starts < 2; starts++) {
		assert.match(
			`${await logIn(board, "sensor-1", keys).catch((error: Error) => error.message)}`,
			/authentication-failed/,
		);
		if (starts === 0) await board.restart();
	}
	assert.match(board.hubId, /^[A-Z2-7]{8}$/);
	assert.is.not(board.hubId, before);
	await client.end({ force: true });
	await board.end();
});

onXs("a board without random numbers that can be trusted pairs nobody, and says so", async () => {
	const board = await Board.start({ config: { entropy: "none" } });
	await board.line(/^error: pairing: this board has no random numbers/);
	assert.is(board.hubId, undefined as unknown as string);
	const failure = await pairWith(board.port, "sensor-1", "12345678").catch((error: Error) => error.message);
	assert.match(failure as string, /method/i);
	await board.end();
});

test.run();
