/** `hearth sub` as it runs: slow readers, lost connections, refusals, interrupts, TLS and WebSocket. What is the same
 *  as Mosquitto's is in test/interop/pubsub. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Packet } from "mqtt-packet";
import { makeCertificate } from "../../../host-sim/certificate.js";
import { crypto } from "../../../host-sim/platform.js";
import { text } from "../../../host-sim/text.js";
import { listenTls } from "../../../host-sim/tls.js";
import { listenWebSocket } from "../../../host-sim/websocket.js";
import { ScramSha256, scramCredentials } from "../../../src/auth/scram.js";
import { HearthError } from "../../../src/errors.js";
import { Raw } from "../../interop/raw.js";
import { TestHub, until } from "../../interop/support.js";
import { assert, suite } from "../../support/test.js";
import { CommandRun, type RunOptions } from "./runs.js";
import { CONNACK, ScriptedBroker } from "./scripted-broker.js";

const test = suite("hearth sub");
const hub = await TestHub.start();
const folder = mkdtempSync(join(tmpdir(), "hearth-sub-"));
const publisher = await Raw.client(hub.port, "publisher");

test.after(async () => {
	publisher.cut();
	await hub.close();
	rmSync(folder, { recursive: true });
});

function sub(args: string[], options: RunOptions = {}, port = hub.port): CommandRun {
	return new CommandRun("sub", ["-h", "127.0.0.1", "-p", `${port}`, ...args], options);
}

/** Answers CONNECT and SUBSCRIBE, and then what the test adds. */
function granting(more: (packet: Packet) => Packet[] = () => []): (packet: Packet) => Packet[] {
	return (packet) => {
		if (packet.cmd === "connect") return [CONNACK];
		if (packet.cmd !== "subscribe") return more(packet);
		const granted = packet.subscriptions.map(({ qos }) => qos as number);
		return [{ cmd: "suback", messageId: packet.messageId!, granted }, ...more(packet)];
	};
}

function message(topic: string, payload: string, qos: 0 | 1 | 2 = 0, messageId = 1): Packet {
	return { cmd: "publish", topic, payload, qos, retain: false, dup: false, messageId };
}

test("a refused subscription is said; when all are refused it ends with 1", async () => {
	const answer =
		(codes: number[]) =>
		(packet: Packet): Packet[] => {
			if (packet.cmd === "connect") return [CONNACK];
			return packet.cmd === "subscribe" ? [{ cmd: "suback", messageId: packet.messageId!, granted: codes }] : [];
		};
	const none = await ScriptedBroker.start(5, answer([0x87, 0x80]));
	const run = sub(["-t", "a", "-t", "b", "-V", "5"], {}, none.port);
	assert.is(await run.code, 1);
	assert.is(
		run.errors,
		"hearth: sub: a: the broker refuses the subscription: not-authorized\n" +
			"hearth: sub: b: the broker refuses the subscription: unspecified-error\n",
	);
	none.close();
	const one = await ScriptedBroker.start(4, answer([0, 0x80]));
	const other = sub(["-t", "a", "-t", "b", "-E"], {}, one.port);
	assert.is(await other.code, 0);
	assert.is(other.errors, "hearth: sub: b: the broker refuses the subscription: unspecified-error\n");
	one.close();
});

test("a lost connection is made again, and the subscriptions with it", async () => {
	let connections = 0;
	const broker = await ScriptedBroker.start(
		4,
		granting((packet) => (packet.cmd === "subscribe" ? [message("a", `after ${++connections}`)] : [])),
	);
	const run = sub(["-t", "a", "-C", "2"], {}, broker.port);
	await run.says(/after 1\n/);
	for (const socket of broker.sockets) socket.destroy();
	assert.is(await run.code, 0);
	assert.is(run.output, "after 1\nafter 2\n");
	assert.match(run.errors, /^hearth: sub: 127\.0\.0\.1:\d+: the connection is lost .*; it is made again\n$/);
	assert.is(broker.got("subscribe").length, 2);
	broker.close();
});

test("a large message that is cut off is not printed by half: it comes again, whole", async () => {
	const payload = "x".repeat(200_000);
	let connections = 0;
	const broker = await ScriptedBroker.start(4, granting());
	const run = sub(["-t", "a", "-C", "1", "-N"], {}, broker.port);
	await until(() => broker.got("subscribe").length === 1, "it subscribes");
	const head = Buffer.concat([Buffer.of(0x30, 0xc3, 0x9a, 0x0c, 0, 1, 0x61), Buffer.alloc(100_000, "y")]);
	await new Promise((resolve) => broker.sockets[connections++]!.write(head, resolve));
	broker.sockets[0]!.end();
	await until(() => broker.got("subscribe").length === 2, "it subscribes again");
	broker.sockets[1]!.write(Buffer.concat([Buffer.of(0x30, 0xc3, 0x9a, 0x0c, 0, 1, 0x61), Buffer.from(payload)]));
	assert.is(await run.code, 0, run.errors);
	assert.is(run.output, payload);
	broker.close();
});

test("messages that -C does not want any more are not acknowledged", async () => {
	const broker = await ScriptedBroker.start(
		4,
		granting((packet) => (packet.cmd === "subscribe" ? [1, 2, 3, 4].map((id) => message("a", `${id}`, 1, id)) : [])),
	);
	const run = sub(["-t", "a", "-C", "2", "-q", "1"], {}, broker.port);
	assert.is(await run.code, 0);
	assert.is(run.output, "1\n2\n");
	await until(() => broker.got("disconnect").length === 1, "it leaves properly");
	assert.equal(
		broker.got("puback").map(({ messageId }) => messageId),
		[1, 2],
	);
	broker.close();
});

test("it reads only as fast as what it prints is read", async () => {
	let taken = 0;
	let waiting: (() => void) | undefined;
	let open = false;
	const output = new Writable({
		highWaterMark: 16_384,
		write(chunk: Buffer, _encoding, done) {
			taken += chunk.length;
			if (open) done();
			else waiting = done;
		},
	});
	const COUNT = 300;
	const line = "z".repeat(99_999);
	const run = sub(["-t", "slow", "-C", `${COUNT}`, "-q", "1", "-i", "slow"], { output });
	await hub.subscribed("slow", "slow");
	let sent = 0;
	const send = (async () => {
		for (; sent < COUNT; sent++) await publisher.publish("slow", line, 1);
	})();
	await until(() => waiting !== undefined, "the first is printed");
	const session = () => hub.held().deliveries ?? 0;
	let before = -1;
	await until(() => {
		const same = sent === before && session() > 0;
		before = sent;
		return same || sent === COUNT;
	}, "the hub keeps what is not read");
	assert.ok(taken < 2_000_000, `${taken} bytes were printed ahead`);
	open = true;
	waiting?.();
	await send;
	assert.is(await run.code, 0, run.errors);
	assert.is(taken, COUNT * 100_000);
});

test("it ends with 0 when nobody reads what it prints", async () => {
	const output = new Writable({
		write(_chunk, _encoding, done) {
			done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
		},
	});
	const run = sub(["-t", "pipe", "-i", "pipe"], { output });
	await hub.subscribed("pipe", "pipe");
	await publisher.publish("pipe", "x");
	assert.is(await run.code, 0);
	assert.is(run.errors, "");
	await hub.gone("pipe");
});

test("a full disk is an error", async () => {
	const output = new Writable({
		write(_chunk, _encoding, done) {
			done(Object.assign(new Error("no space"), { code: "ENOSPC" }));
		},
	});
	const run = sub(["-t", "full", "-i", "full"], { output });
	await hub.subscribed("full", "full");
	await publisher.publish("full", "x");
	assert.is(await run.code, 1);
	assert.is(run.errors, "hearth: sub: standard output can't be written (ENOSPC)\n");
});

test("an interrupt leaves properly, with 0, after all that came was printed", async () => {
	for (const signal of ["SIGINT", "SIGTERM"]) {
		const id = `interrupted-${signal}`;
		const run = sub(["-t", id, "-v", "-i", id]);
		await hub.subscribed(id, id);
		await publisher.publish(id, "one");
		await run.says(/one/);
		run.signals.emit(signal);
		assert.is(await run.code, 0);
		assert.is(run.output, `${id} one\n`);
		await hub.gone(id);
		assert.ok(
			hub.ended.some((ended) => ended.startsWith(`${id} `) && !/closed/.test(ended)),
			hub.ended.join(),
		);
	}
});

test("an interrupt before there is a connection ends at once", async () => {
	const broker = await ScriptedBroker.start(4, () => []);
	const run = sub(["-t", "a"], {}, broker.port);
	await until(() => broker.packets.length === 1, "CONNECT comes");
	run.signals.emit("SIGINT");
	assert.is(await run.code, 0);
	broker.close();
});

test("Retained Messages are removed, and it ends when the broker has acknowledged that", async () => {
	for (const topic of ["old/a", "old/b"]) await publisher.publish(topic, topic, 1, true);
	const run = sub(["-t", "old/#", "-C", "2", "--remove-retained"]);
	assert.is(await run.code, 0);
	assert.equal(run.output.split("\n").sort(), ["", "old/a", "old/b"]);
	const again = sub(["-t", "old/#", "-W", "1"]);
	assert.is(await again.code, 27);
	assert.is(again.output, "");
	assert.is(again.errors, "hearth: sub: the time of -W is over\n");
});

test("what a session kept comes with the connection, is printed once, and is acknowledged", async () => {
	for (const version of ["311", "5"]) {
		const common = ["-t", `kept/${version}`, "-c", "-i", `kept-${version}`, "-q", "1", "-V", version];
		assert.is(await sub([...common, "-E"]).code, 0);
		for (let i = 0; i < 5; i++) await publisher.publish(`kept/${version}`, `${i}`, 1);
		const first = sub([...common, "-C", "3"]);
		assert.is(await first.code, 0);
		assert.is(first.output, "0\n1\n2\n");
		const second = sub([...common, "-C", "2"]);
		assert.is(await second.code, 0);
		assert.is(second.output, "3\n4\n");
	}
});

test("messages in one segment with CONNACK are printed and acknowledged, before SUBSCRIBE", async () => {
	const broker = await ScriptedBroker.start(4, (packet) => {
		if (packet.cmd !== "connect") return granting()(packet);
		return [{ ...CONNACK, sessionPresent: true } as Packet, message("a", "1", 1, 7), message("a", "2", 1, 8)];
	});
	const run = sub(["-t", "a", "-c", "-i", "me", "-q", "1", "-C", "2"], {}, broker.port);
	assert.is(await run.code, 0);
	assert.is(run.output, "1\n2\n");
	await until(() => broker.got("disconnect").length === 1, "it leaves properly");
	assert.equal(
		broker.got("puback").map(({ messageId }) => messageId),
		[7, 8],
	);
	broker.close();
});

test("--random-filter prints about so many", async () => {
	const COUNT = 2000;
	const broker = await ScriptedBroker.start(
		4,
		granting((packet) => (packet.cmd === "subscribe" ? Array.from({ length: COUNT }, () => message("a", "x")) : [])),
	);
	const run = sub(["-t", "a", "-C", `${COUNT}`, "--random-filter", "25"], {}, broker.port);
	assert.is(await run.code, 0);
	const printed = run.output.length / 2;
	assert.ok(printed > COUNT * 0.15 && printed < COUNT * 0.35, `${printed}`);
	broker.close();
});

const authority = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const server = makeCertificate({
	commonName: "hub",
	hosts: ["localhost"],
	days: 9,
	usage: "server",
	issuer: authority,
});
const alice = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: authority });

function file(name: string, content: string): string {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
}

const ca = file("ca.crt", authority.cert);
const own = { cert: file("hub.crt", server.cert), key: file("hub.key", server.key) };

test("TLS: a certificate that is not believed, or another host's, is refused with the remedy", async () => {
	const listener = await listenTls(hub.broker, "127.0.0.1", 0, own);
	const port = `${(listener.address() as AddressInfo).port}`;
	const at = (host: string, ...args: string[]) =>
		new CommandRun("sub", ["-h", host, "-p", port, "-t", "a", "-E", ...args]);
	assert.is(await at("localhost", "--cafile", ca).code, 0);
	assert.is(await at("localhost", "--capath", folder).code, 0);
	assert.is(await at("127.0.0.1", "--cafile", ca, "--insecure").code, 0);
	assert.is(await new CommandRun("sub", ["-L", `mqtts://localhost:${port}/a`, "--cafile", ca, "-E"]).code, 0);
	for (const [run, pattern] of [
		[at("127.0.0.1", "--cafile", ca), /127\.0\.0\.1:\d+: .*(altnames|IP)/i],
		[at("localhost", "--tls-use-os-certs"), /localhost:\d+: .*certificate/],
		[at("localhost"), /localhost:\d+: the connection was closed|localhost:\d+: /],
	] as const) {
		assert.is(await run.code, 1);
		assert.match(run.errors, pattern);
		assert.is(run.errors.split("\n").length, 2, run.errors);
	}
	listener.close();
});

test("TLS: a client certificate is shown; files that cannot be used are refused at the start", async () => {
	const listener = await listenTls(hub.broker, "127.0.0.1", 0, { ...own, ca, requireCertificate: true });
	const port = `${(listener.address() as AddressInfo).port}`;
	const files = ["--cert", file("alice.crt", alice.cert), "--key", file("alice.key", alice.key)];
	const common = ["-h", "localhost", "-p", port, "-t", "a", "-E", "--cafile", ca];
	assert.is(await new CommandRun("sub", [...common, ...files]).code, 0);
	assert.is(await new CommandRun("sub", common).code, 1);
	const wrong: [string[], RegExp][] = [
		[["--cafile", join(folder, "missing")], /^sub: --cafile .*missing: can't be read \(ENOENT\)/],
		[["--cafile", ca, "--cert", ca, "--key", own.key], /^sub: --cafile .*--cert .*--key .*can't be used/],
		[["--capath", join(folder, "missing")], /^sub: --capath .*missing: can't be read/],
		[["--cafile", ca, "--ciphers", "nonsense"], /--ciphers nonsense: can't be used/],
	];
	for (const [args, pattern] of wrong) {
		const error = await new CommandRun("sub", ["-t", "a", ...args]).code.catch((error: unknown) => error);
		assert.instance(error, HearthError);
		assert.match((error as Error).message, pattern);
	}
	listener.close();
});

test("WebSocket: -L ws:// is another way in", async () => {
	const listener = await listenWebSocket(hub.broker, "127.0.0.1", 0);
	const { port } = listener.address() as AddressInfo;
	const run = new CommandRun("sub", ["-L", `ws://127.0.0.1:${port}/web/#`, "-v", "-C", "1", "-i", "web"]);
	await hub.subscribed("web", "web/#");
	assert.is(await new CommandRun("pub", ["-L", `ws://127.0.0.1:${port}/web/a`, "-m", "hello", "-q", "1"]).code, 0);
	assert.is(await run.code, 0);
	assert.is(run.output, "web/a hello\n");
	listener.close();
});

test("SCRAM-SHA-256: the password is proved and not sent", async () => {
	const users = new Map([["ann", scramCredentials(crypto, text, "her password", Buffer.from("salt of hers"))]]);
	const scram = await TestHub.start(
		{},
		{ authentication: (platform) => [new ScramSha256(platform, { credentials: (name) => users.get(name) })] },
	);
	const common = ["-t", "a", "-E", "-D", "connect", "authentication-method", "SCRAM-SHA-256", "-u", "ann"];
	assert.is(await sub([...common, "-P", "her password"], {}, scram.port).code, 0);
	const wrong = sub([...common, "-P", "another"], {}, scram.port);
	assert.is(await wrong.code, 0x87);
	assert.match(wrong.errors, /^hearth: sub: .*the broker refuses the connection: not-authorized; give -u and -P/);
	await scram.close();
});

test.run();
