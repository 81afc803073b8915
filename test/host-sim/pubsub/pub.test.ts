/** `hearth pub` as it runs: long inputs, lost connections, refusals, interrupts. What is the same as Mosquitto's is in
 *  test/interop/pubsub. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Packet } from "mqtt-packet";
import { Tap } from "../../interop/pubsub/tap.js";
import { Raw } from "../../interop/raw.js";
import { Running, TestHub, until } from "../../interop/support.js";
import { assert, suite } from "../../support/test.js";
import { CommandRun } from "./runs.js";
import { CONNACK, ScriptedBroker } from "./scripted-broker.js";

const test = suite("hearth pub");
const hub = await TestHub.start();
const folder = mkdtempSync(join(tmpdir(), "hearth-pub-"));
let ids = 0;

test.after(async () => {
	await hub.close();
	rmSync(folder, { recursive: true });
});

function pub(args: string[], options = {}, port = hub.port): CommandRun {
	return new CommandRun("pub", ["-h", "127.0.0.1", "-p", `${port}`, ...args], options);
}

/** A client that keeps what comes to a filter. */
async function watch(filter: string): Promise<{ raw: Raw; payloads: Buffer[] }> {
	const raw = await Raw.client(hub.port, `watch-${++ids}`);
	await raw.subscribe(filter, 0);
	const payloads: Buffer[] = [];
	raw.each((packet) => {
		if (packet.cmd === "publish") payloads.push(Buffer.from(packet.payload));
	});
	return { raw, payloads };
}

/** A broker that acknowledges nothing but the connection. */
function mute(packet: Packet): Packet[] {
	return packet.cmd === "connect" ? [CONNACK] : [];
}

test("a file of 3 MB arrives byte for byte, at each QoS, and a terminal shows how far it is", async () => {
	const path = join(folder, "large");
	const content = Buffer.alloc(3_000_000);
	for (let i = 0; i < content.length; i += 4) content.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, i);
	writeFileSync(path, content);
	const { raw, payloads } = await watch("large");
	for (const qos of ["0", "1", "2"]) {
		const run = pub(["-t", "large", "-f", path, "-q", qos], { terminal: true });
		assert.is(await run.code, 0, run.errors);
		await until(() => payloads.length === 1, "it arrives");
		assert.is(digest(payloads.pop()!), digest(content));
		assert.ok(run.errors === "" || run.errors.endsWith("\r\x1b[K"), "the line is taken away");
	}
	raw.cut();
});

test("standard input as one message, and messages of no bytes", async () => {
	const { raw, payloads } = await watch("input");
	const chunks = [Buffer.alloc(70_000, "a"), Buffer.alloc(70_000, "b")];
	assert.is(await pub(["-t", "input", "-s", "-q", "1"], { input: Readable.from(chunks) }).code, 0);
	assert.is(await pub(["-t", "input", "-m", ""]).code, 0);
	await until(() => payloads.length === 2, "they arrive");
	assert.equal(
		payloads.map((payload) => digest(payload)),
		[digest(Buffer.concat(chunks)), digest(Buffer.alloc(0))],
	);
	raw.cut();
});

test("a file that becomes shorter while it is sent ends with an error, not with another message", async () => {
	const path = join(folder, "shrinks");
	writeFileSync(path, Buffer.alloc(40_000_000));
	const broker = await ScriptedBroker.start(4, (packet, socket) => {
		socket.pause(); // until the file has changed
		return mute(packet);
	});
	const run = pub(["-t", "a", "-f", path], {}, broker.port);
	await until(() => broker.sockets.length > 0 && broker.packets.length > 0, "it connects");
	truncateSync(path, 1000);
	for (const socket of broker.sockets) socket.resume();
	assert.is(await run.code, 1);
	assert.match(run.errors, /^hearth: pub: .*\n$/);
	assert.equal(broker.got("publish"), []);
	broker.close();
});

test("a message larger than the broker takes is not sent, and that is said", async () => {
	const broker = await ScriptedBroker.start(5, (packet) =>
		packet.cmd === "connect" ? [{ ...CONNACK, properties: { maximumPacketSize: 1000, maximumQoS: 1 } } as Packet] : [],
	);
	for (const [args, pattern] of [
		[["-m", "x".repeat(1000)], /^hearth: pub: a: a message of 1,000 bytes is not sent: it is larger than/],
		[["-m", "x".repeat(20_000), "-q", "1"], /a message of 20,000 bytes is not sent: it is larger than/],
		[["-m", "x", "-q", "2"], /is not sent: the broker does not take this QoS; give a smaller -q/],
	] as const) {
		const run = pub(["-t", "a", "-V", "5", ...args], {}, broker.port);
		assert.is(await run.code, 1);
		assert.match(run.errors, pattern);
		assert.is(run.errors.split("\n").length, 2, "one line");
	}
	assert.equal(broker.got("publish"), []);
	broker.close();
});

test("a message that the broker refuses is said, with exit code 1; the others are sent", async () => {
	const broker = await ScriptedBroker.start(5, (packet) => {
		if (packet.cmd !== "publish") return mute(packet);
		return [{ cmd: "puback", messageId: packet.messageId!, reasonCode: `${packet.payload}` === "b" ? 0x87 : 0 }];
	});
	const run = pub(
		["-t", "a", "-V", "5", "-q", "1", "-l"],
		{ input: Readable.from([Buffer.from("a\nb\nc\n")]) },
		broker.port,
	);
	assert.is(await run.code, 1);
	assert.is(run.errors, "hearth: pub: a: the broker refuses the message: not-authorized\n");
	assert.is(broker.got("publish").length, 3);
	await until(() => broker.got("disconnect").length === 1, "it leaves properly");
	broker.close();
});

test("lines are read only as fast as the broker takes them, and all of them arrive", async () => {
	let stopped = false;
	const broker = await ScriptedBroker.start(4, (packet, socket) => {
		if (packet.cmd === "publish" && !stopped) {
			stopped = true;
			socket.pause();
		}
		return mute(packet);
	});
	const LINES = 40_000;
	const PART = 100;
	let made = 0;
	const input = new Readable({
		read() {
			let text = "";
			for (let i = 0; i < PART && made < LINES; i++) text += `line ${made++} ${"x".repeat(1000)}\n`;
			this.push(text === "" ? null : Buffer.from(text));
		},
	});
	const run = pub(["-t", "a", "-l"], { input }, broker.port);
	await until(() => stopped, "the broker stops reading");
	let before = -1;
	await until(() => {
		const same = made === before;
		before = made;
		return same && made > 0;
	}, "the input is not read any more");
	assert.ok(made < LINES * 0.75, `${made} of ${LINES} lines were read ahead`);
	for (const socket of broker.sockets) socket.resume();
	assert.is(await run.code, 0, run.errors);
	await until(() => broker.got("disconnect").length === 1, "all has arrived");
	const payloads = broker.got("publish").map(({ payload }) => Number(`${payload}`.split(" ")[1]));
	assert.is(payloads.length, LINES);
	assert.ok(payloads.every((number, i) => number === i));
	broker.close();
});

test("lines of QoS 1 go on over lost connections, and none is lost", async () => {
	const { raw, payloads } = await watch("cut");
	const tap = await Tap.start(hub.port);
	const LINES = 3_000;
	const all = Array.from({ length: LINES }, (_, i) => `${i}`);
	const run = pub(
		["-t", "cut", "-q", "1", "-l"],
		{ input: Readable.from(all.map((line) => Buffer.from(`${line}\n`))) },
		tap.port,
	);
	await until(() => payloads.length > 100, "some have arrived");
	tap.cut();
	assert.is(await run.code, 0, run.errors);
	await until(() => new Set(payloads.map(String)).size === LINES, "all arrive");
	assert.match(run.errors, /^hearth: pub: 127\.0\.0\.1:\d+: the connection is lost .*; it is made again\n$/);
	await tap.close("cut");
	raw.cut();
});

test("one message whose connection is lost before the acknowledgement ends with 1", async () => {
	const broker = await ScriptedBroker.start(4, (packet, socket) => {
		if (packet.cmd === "publish") socket.destroy();
		return mute(packet);
	});
	const run = pub(["-t", "a", "-m", "x", "-q", "1"], {}, broker.port);
	assert.is(await run.code, 1);
	assert.match(run.errors, /^hearth: pub: 127\.0\.0\.1:\d+: the connection is lost \(.*\)\n$/);
	broker.close();
});

test("an interrupt leaves properly, with 130 and 143; with 5.0 the broker is asked for the Will", async () => {
	for (const [signal, code] of [
		["SIGINT", 130],
		["SIGTERM", 143],
	] as const) {
		const broker = await ScriptedBroker.start(5, mute);
		const input = new Readable({ read() {} });
		const run = pub(["-t", "a", "-V", "5", "-l"], { input }, broker.port);
		input.push("one\n");
		await until(() => broker.got("publish").length === 1, "a line arrives");
		run.signals.emit(signal);
		assert.is(await run.code, code);
		assert.ok(input.destroyed);
		await until(() => broker.got("disconnect").length === 1, "it leaves properly");
		assert.is(broker.got("disconnect")[0]!.reasonCode, 0x04);
		broker.close();
	}
});

test("an interrupt ends a large message at once, though the broker does not read", async () => {
	const path = join(folder, "endless");
	writeFileSync(path, Buffer.alloc(60_000_000));
	const broker = await ScriptedBroker.start(4, (packet, socket) => {
		socket.pause();
		return mute(packet);
	});
	const run = pub(["-t", "a", "-f", path, "-d"], {}, broker.port);
	await run.says(/sending PUBLISH/, "errors");
	run.signals.emit("SIGINT");
	assert.is(await run.code, 130);
	broker.close();
});

test("what answers but speaks another protocol is said to be no broker", async () => {
	const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
	await once(server, "listening");
	const run = pub(["-t", "a", "-m", "x"], {}, (server.address() as AddressInfo).port);
	assert.is(await run.code, 1);
	assert.match(run.errors, /^hearth: pub: 127\.0\.0\.1:\d+: what answers is no MQTT broker \([a-z-]+\); give another/);
	server.close();
});

test("--quiet says nothing of what fails", async () => {
	const run = new CommandRun("pub", ["-h", "127.0.0.1", "-p", "1", "-t", "a", "-m", "x", "--quiet"]);
	assert.is(await run.code, 1);
	assert.is(run.errors, "");
});

test("-d says on standard error what is sent and received", async () => {
	const run = pub(["-t", "a", "-m", "x", "-q", "2", "-d", "-i", "me"]);
	assert.is(await run.code, 0);
	assert.is(run.output, "");
	for (const line of [
		"sending CONNECT",
		"received CONNACK (0)",
		"sending PUBLISH",
		"received PUBREC",
		"received PUBCOMP",
	])
		assert.ok(run.errors.includes(`Client me ${line}`), run.errors);
});

test("as a process: bytes that are no UTF-8 arrive, and the process ends", async () => {
	const { raw, payloads } = await watch("bytes");
	const script = `exec "$0" "$1" pub -p "$2" -h 127.0.0.1 -t bytes -m "$(printf 'a\\377\\200b')"`;
	const bin = join(process.cwd(), "bin", "hearth.mjs");
	const running = new Running("sh", ["-c", script, process.execPath, bin, `${hub.port}`]);
	const finished = await running.finished;
	assert.is(finished.code, 0, finished.stderr);
	await until(() => payloads.length === 1, "it arrives");
	if (process.platform === "linux") assert.equal(payloads[0], Buffer.of(0x61, 0xff, 0x80, 0x62));
	raw.cut();
});

function digest(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

test.run();
