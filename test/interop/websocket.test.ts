/** MQTT over WebSocket: MQTT.js by ws and wss, and a client that makes its frames itself, right or wrong. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { type AddressInfo, connect as connectTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IClientOptions } from "mqtt";
import type { Packet } from "mqtt-packet";
import { makeCertificate } from "../../host-sim/certificate.js";
import { WAITING_BYTES_MAX } from "../../host-sim/tls.js";
import { listenWebSocket, type WebSocketOptions, type WebSocketTransport } from "../../host-sim/websocket.js";
import type { Broker } from "../../src/broker/broker.js";
import { assert, suite } from "../support/test.js";
import { connectPacket, type Version } from "./raw.js";
import { frame, Opcode, RawWebSocket } from "./raw-websocket.js";
import { NOTHING_HELD, TestHub, until, within } from "./support.js";

const test = suite("WebSocket");
const names = { 3: "3.1", 4: "3.1.1", 5: "5.0" };
const folder = mkdtempSync(join(tmpdir(), "hearth-ws-"));
const authority = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const server = makeCertificate({
	commonName: "hub",
	hosts: ["127.0.0.1"],
	days: 9,
	usage: "server",
	issuer: authority,
});
const alice = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: authority });
const tls = { cert: join(folder, "hub.crt"), key: join(folder, "hub.key"), ca: join(folder, "authority.crt") };
writeFileSync(tls.cert, server.cert);
writeFileSync(tls.key, server.key);
writeFileSync(tls.ca, authority.cert);

const hub = await TestHub.start({}, { logLevel: 1 });
const listeners: Server[] = [];

async function listen(options: WebSocketOptions = {}, broker: Broker = hub.broker) {
	const listener = await listenWebSocket(broker, "127.0.0.1", 0, options);
	listeners.push(listener);
	return { listener, port: (listener.address() as AddressInfo).port };
}

const { port } = await listen();
const secure = await listen({ tls });
let ids = 0;

/** A client of MQTT.js that came in, and what it got. */
async function client(version: Version, url: string, options: IClientOptions = {}) {
	const id = options.clientId ?? `ws-${++ids}`;
	const mqtt = connect(url, {
		clientId: id,
		protocolVersion: version,
		protocolId: version === 3 ? "MQIsdp" : "MQTT",
		reconnectPeriod: 0,
		wsOptions: { ca: authority.cert },
		...options,
	});
	const got: Buffer[] = [];
	mqtt.on("message", (_topic, payload) => got.push(payload));
	mqtt.on("error", () => {});
	await within(new Promise((resolve) => mqtt.once("connect", resolve)), `${id} connects`);
	return { id, mqtt, got };
}

for (const [scheme, at] of [
	["ws", port],
	["wss", secure.port],
] as const) {
	const url = `${scheme}://127.0.0.1:${at}/mqtt`;
	for (const version of [3, 4, 5] as const) {
		test(`MQTT.js, ${names[version]}, ${scheme}: a payload of 1 MB arrives byte for byte, at each QoS`, async () => {
			const [one, two] = [await client(version, url), await client(version, url)];
			const topic = `large/${scheme}/${version}`;
			await within(one.mqtt.subscribeAsync(topic, { qos: 2 }), "subscribes");
			const payload = randomBytes(1 << 20);
			for (const qos of [0, 1, 2] as const) await within(two.mqtt.publishAsync(topic, payload, { qos }), "publishes");
			await until(() => one.got.length === 3, "all arrive");
			for (const got of one.got) assert.ok(got.equals(payload));
			await Promise.all([one.mqtt.endAsync(), two.mqtt.endAsync()]);
		});

		test(`MQTT.js, ${names[version]}, ${scheme}: 60 clients talk at once`, async () => {
			const clients = await Promise.all(Array.from({ length: 60 }, () => client(version, url)));
			await Promise.all(clients.map((c) => within(c.mqtt.subscribeAsync("many/#", { qos: 1 }), "subscribes")));
			await Promise.all(clients.map((c) => within(c.mqtt.publishAsync("many/x", c.id, { qos: 1 }), "publishes")));
			await until(() => clients.every((c) => c.got.length === 60), "all have all");
			const expected = clients.map((c) => c.id).sort();
			for (const c of clients) assert.equal(c.got.map(String).sort(), expected);
			await Promise.all(clients.map((c) => c.mqtt.endAsync()));
		});
	}
}

/** A statement, as the version that makes it has it. */
const of = (version: 4 | 5, statement: string) => (version === 4 ? `[${statement}]` : `[5:${statement}]`);

for (const version of [4, 5] as const) {
	const stream = (raw: RawWebSocket) => {
		const id = `split-${++ids}`;
		const packets: Packet[] = [
			connectPacket(version, id),
			{ cmd: "subscribe", messageId: 7, subscriptions: [{ topic: id, qos: 0 }] },
			{ cmd: "publish", topic: id, payload: "hello", qos: 1, messageId: 8, dup: false, retain: false },
			{ cmd: "pingreq" },
		];
		return packets.map((packet) => raw.encode(packet));
	};
	const answers = (raw: RawWebSocket) => raw.packets.map((packet) => packet.cmd).sort();
	const expected = ["connack", "pingresp", "puback", "publish", "suback"];

	test(`${names[version]}: frames split the stream at every byte ${of(version, "MQTT-6.0.0-2")}`, async () => {
		for (let cut = 0, length = 1; cut <= length; cut++) {
			const raw = await RawWebSocket.open(port, version);
			const all = Buffer.concat(stream(raw));
			length = all.length;
			raw.send(all.subarray(0, cut), all.subarray(cut));
			await raw.count(5);
			assert.equal(answers(raw), expected, `cut at ${cut}`);
			await raw.leave();
		}
	});

	test(`${names[version]}: a frame a byte, all in one, and in fragments ${of(version, "MQTT-6.0.0-2")}`, async () => {
		const ways: ((packets: Buffer[]) => Buffer[])[] = [
			(packets) => [...Buffer.concat(packets)].map((byte) => frame(Opcode.Binary, Buffer.of(byte))),
			(packets) => [frame(Opcode.Binary, Buffer.concat(packets))],
			(packets) => packets.map((packet) => frame(Opcode.Binary, packet)),
			(packets) => {
				const bytes = [...Buffer.concat(packets)].map((byte) => Buffer.of(byte));
				const ping = frame(Opcode.Ping, "there?");
				const parts = bytes.map((byte, i) => frame(i === 0 ? Opcode.Binary : 0, byte, i === bytes.length - 1));
				return parts.flatMap((part, i) => (i % 4 === 1 ? [ping, part] : [part]));
			},
		];
		for (const way of ways) {
			const raw = await RawWebSocket.open(port, version);
			const frames = way(stream(raw));
			raw.socket.write(Buffer.concat(frames));
			await raw.count(5);
			assert.equal(answers(raw), expected);
			await raw.leave();
			assert.is(raw.closeCode, 1000);
		}
		// and the frames themselves come a byte at a time
		const raw = await RawWebSocket.open(port, version);
		for (const byte of frame(Opcode.Binary, Buffer.concat(stream(raw)))) {
			raw.socket.write(Buffer.of(byte));
			await new Promise((resolve) => setImmediate(resolve));
		}
		await raw.count(5);
		assert.equal(answers(raw), expected);
		await raw.leave();
	});

	test(`${names[version]}: a text frame ends the connection with 1003 ${of(version, "MQTT-6.0.0-1")}`, async () => {
		for (const text of ["hello", "", Buffer.of(0xc0, 0xff)]) {
			const raw = await RawWebSocket.open(port, version);
			raw.socket.write(frame(Opcode.Text, text));
			await raw.ended();
			assert.is(raw.closeCode, 1003);
		}
		// after CONNECT too: what comes behind is not looked at, and the Will is published
		const watcher = await client(version, `ws://127.0.0.1:${port}`);
		await watcher.mqtt.subscribeAsync("text/#");
		const will = { topic: "text/will", payload: Buffer.from("will"), qos: 0 as const, retain: false };
		const raw = await RawWebSocket.client(port, `text-${version}`, version, { will });
		const publish: Packet = { cmd: "publish", topic: "text/x", payload: "x", qos: 0, dup: false, retain: false };
		const leave = raw.encode({ cmd: "disconnect" });
		const frames = [frame(Opcode.Text, raw.encode(publish)), frame(Opcode.Binary, leave)];
		raw.socket.write(Buffer.concat(frames));
		await raw.ended();
		assert.is(raw.closeCode, 1003);
		await until(() => watcher.got.length > 0, "the Will arrives");
		assert.equal(watcher.got.map(String), ["will"]);
		await watcher.mqtt.endAsync();
	});

	test(`${names[version]}: the subprotocol is mqtt ${of(version, "MQTT-6.0.0-4")}`, async () => {
		for (const [offered, chosen] of [
			["mqtt", "mqtt"],
			["mqttv3.1, mqtt", "mqtt"],
			["other,mqtt", "mqtt"],
			["mqttv3.1", "mqttv3.1"],
		] as const) {
			const raw = await RawWebSocket.ask(port, { "Sec-WebSocket-Protocol": offered }, "/mqtt", version);
			assert.is(raw.status, 101);
			assert.is(raw.header("Sec-WebSocket-Protocol"), chosen);
			raw.send(raw.encode(connectPacket(version, `offers-${++ids}`)));
			await raw.count(1);
			assert.is(raw.packets[0]!.cmd, "connack");
			await raw.leave();
		}
	});
}

test("who does not offer the subprotocol is refused", async () => {
	const connections = hub.broker.counters.connectionsOpened;
	for (const headers of [{}, { "Sec-WebSocket-Protocol": "" }, { "Sec-WebSocket-Protocol": "MQTT5, chat" }]) {
		const raw = await RawWebSocket.ask(port, headers);
		assert.is(raw.status, 400);
		await raw.ended();
	}
	assert.is(hub.broker.counters.connectionsOpened, connections);
});

test("compression that is offered is not taken", async () => {
	const offer = { "Sec-WebSocket-Protocol": "mqtt", "Sec-WebSocket-Extensions": "permessage-deflate" };
	const raw = await RawWebSocket.ask(port, offer);
	assert.is(raw.status, 101);
	assert.is(raw.header("Sec-WebSocket-Extensions"), undefined);
	raw.socket.destroy();
});

test("paths and origins", async () => {
	const offer = { "Sec-WebSocket-Protocol": "mqtt" };
	const ask = async (at: number, headers: Record<string, string>, path?: string) => {
		const raw = await RawWebSocket.ask(at, { ...offer, ...headers }, path);
		raw.socket.destroy();
		return raw.status;
	};
	for (const path of ["/mqtt", "/", "/mqtt?token=1"]) assert.is(await ask(port, {}, path), 101, path);
	for (const path of ["/other", "/mqtt/", "//"]) assert.is(await ask(port, {}, path), 404, path);
	assert.is(await ask(port, { Origin: "https://anywhere.example" }), 101);
	const strict = await listen({ paths: ["/hub"], allowedOrigins: ["https://home.example"] });
	assert.is(await ask(strict.port, {}, "/mqtt"), 404);
	assert.is(await ask(strict.port, { Origin: "https://evil.example" }, "/hub"), 403);
	assert.is(await ask(strict.port, { Origin: "null" }, "/hub"), 403);
	assert.is(await ask(strict.port, { Origin: "https://home.example.evil.example" }, "/hub"), 403);
	assert.is(await ask(strict.port, { Origin: "https://HOME.example" }, "/hub"), 101);
	assert.is(await ask(strict.port, {}, "/hub"), 101);
});

test("a plain HTTP request hears that this is no web server", async () => {
	for (const at of [port, secure.port]) {
		const scheme = at === port ? http : https;
		const request = scheme.get({ host: "127.0.0.1", port: at, ca: authority.cert });
		const [response] = (await within(once(request, "response"), "the hub answers")) as [http.IncomingMessage];
		assert.is(response.statusCode, 426);
		assert.is(response.headers.upgrade, "websocket");
		response.resume();
	}
});

test("PING is answered with its own bytes, before CONNECT and after", async () => {
	const raw = await RawWebSocket.open(port);
	raw.socket.write(frame(Opcode.Ping, "before"));
	raw.send(raw.encode(connectPacket(4, "pings")));
	raw.socket.write(frame(Opcode.Ping, "after"));
	await until(() => raw.pongs.length === 2, "both are answered");
	assert.equal(raw.pongs, ["before", "after"]);
	await raw.leave();
});

test("frames that are none, or not masked, end that connection alone", async () => {
	for (const bytes of [
		Buffer.from([0x82, 0x02, 0xc0, 0x00]), // not masked
		Buffer.from([0xf2, 0x80, 0, 0, 0, 0]), // reserved bits
		Buffer.from([0x83, 0x80, 0, 0, 0, 0]), // an opcode that does not exist
		Buffer.from([0x80, 0x80, 0, 0, 0, 0]), // the continuation of nothing
		Buffer.from([0x09, 0x80, 0, 0, 0, 0]), // a PING in fragments
	]) {
		const raw = await RawWebSocket.client(port, `wrong-${++ids}`);
		raw.socket.write(bytes);
		await raw.ended();
		assert.is(raw.closeCode, 1002, bytes.toString("hex"));
	}
});

test("a message larger than the largest packet ends with 1009, before it has come", async () => {
	const raw = await RawWebSocket.client(port, "large");
	const head = Buffer.alloc(14);
	head[0] = 0x82;
	head[1] = 0xff;
	head.writeBigUInt64BE(BigInt(hub.broker.limits.packetBytes + 1), 2);
	raw.socket.write(head);
	await raw.ended();
	assert.is(raw.closeCode, 1009);
});

test("messages that are never whole are bounded for all connections together", async () => {
	const small = await TestHub.start({ blocks: 1_024, blockBytes: 64, packetBytes: 4_096, queueBytes: 4_096 });
	const { listener, port: at } = await listen({}, small.broker);
	const most = 4 * (1 << 16);
	const raws: RawWebSocket[] = [];
	for (let i = 0; i < 6; i++) raws.push(await RawWebSocket.open(at));
	const part = frame(Opcode.Binary, Buffer.alloc(60_000), false);
	for (const raw of raws) raw.socket.write(part);
	await until(() => raws.some((raw) => raw.closed), "one of them is too much");
	const ended = raws.filter((raw) => raw.closed);
	for (const raw of ended) assert.is(raw.closeCode, 1013);
	assert.ok((raws.length - ended.length) * part.length <= most);
	assert.is(raws.length - ended.length, Math.floor(most / part.length));
	for (const raw of raws) raw.socket.destroy();
	await until(() => small.broker.connections.every((connection) => connection.state === 0), "all are gone");
	// what they held is free again
	const raw = await RawWebSocket.open(at);
	raw.socket.write(part);
	raw.socket.write(frame(Opcode.Ping, "still"));
	await until(() => raw.pongs.length === 1, "it is taken");
	raw.socket.destroy();
	await new Promise((resolve) => listener.close(resolve));
	await small.close();
});

test("who doesn't read holds up nobody, fills no memory, and gets all in the end", async () => {
	const slow = await RawWebSocket.client(port, "slow-ws");
	slow.send(slow.encode({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "slow", qos: 0 }] }));
	await slow.count(2);
	slow.socket.pause();
	const { mqtt } = await client(4, `ws://127.0.0.1:${port}`);
	const bodies = Array.from({ length: 200 }, () => randomBytes(1 << 16));
	for (const body of bodies) await within(mqtt.publishAsync("slow", body, { qos: 1 }), "publishes");
	const transport = hub.broker.sessions.find("slow-ws")!.connection!.output.transport as unknown as {
		ws: { bufferedAmount: number };
	};
	assert.ok(transport.ws.bufferedAmount <= WAITING_BYTES_MAX + (1 << 16), `${transport.ws.bufferedAmount}`);
	assert.ok(slow.packets.length < 100);
	slow.socket.resume();
	await slow.count(202);
	for (const [i, body] of bodies.entries())
		assert.ok(body.equals((slow.packets[i + 2] as Packet & { payload: Buffer }).payload), `message ${i}`);
	await slow.leave();
	await mqtt.endAsync();
});

test("what came in one read with more than the hub wants is not lost, DISCONNECT included", async () => {
	const watcher = await client(4, `ws://127.0.0.1:${port}`);
	await watcher.mqtt.subscribeAsync("burst/#");
	const will = { topic: "burst/will", payload: Buffer.from("will"), qos: 0 as const, retain: false };
	const raw = await RawWebSocket.client(port, "bursts", 4, { will });
	raw.socket.pause(); // its answers stay with the hub, which stops reading
	const pings = Buffer.concat(Array.from({ length: 20_000 }, () => raw.encode({ cmd: "pingreq" })));
	raw.send(pings, pings, pings);
	const last: Packet = { cmd: "publish", topic: "burst/last", payload: "last", qos: 0, dup: false, retain: false };
	raw.send(raw.encode(last), raw.encode({ cmd: "disconnect" }));
	raw.socket.resume();
	await until(() => watcher.got.length > 0, "the last message arrives");
	await raw.ended();
	assert.equal(watcher.got.map(String), ["last"]);
	assert.is(raw.packets.length, 60_001);
	await watcher.mqtt.endAsync();
});

test("the last packet before the hub ends a connection arrives, then the end with 1000", async () => {
	const first = await RawWebSocket.client(port, "twice-ws", 5);
	const second = await RawWebSocket.client(port, "twice-ws", 5);
	await first.ended();
	const last = first.packets.at(-1)!;
	assert.is(last.cmd === "disconnect" && last.reasonCode, 0x8e);
	assert.is(first.closeCode, 1000);
	await second.leave();
});

test("a client that does not answer the end is cut off", async () => {
	const raw = await RawWebSocket.client(port, "does-not-answer");
	raw.answersClose = false;
	raw.send(raw.encode({ cmd: "disconnect" }));
	await raw.ended();
	assert.is(raw.closeCode, 1000);
});

test("wss: a client certificate is a user name; new certificates are for who comes", async () => {
	const asks = await listen({ tls: { ...tls, requireCertificate: true } });
	const url = `wss://127.0.0.1:${asks.port}/mqtt`;
	const wsOptions = { ca: authority.cert, cert: alice.cert, key: alice.key };
	const named = await client(5, url, { wsOptions });
	const transport = hub.broker.sessions.find(named.id)!.connection!.output.transport as WebSocketTransport;
	assert.is(transport.certificateUserName, "alice");
	const refused = connect(url, { reconnectPeriod: 0, wsOptions: { ca: authority.cert } });
	const error = await within(new Promise((resolve) => refused.once("error", resolve)), "without one it is refused");
	assert.match(String(error), /alert|ECONNRESET|socket hang up|EPIPE/);
	assert.is(asks.listener.handshakeFailures, 1);
	assert.ok(asks.listener.reload?.());
	await within(named.mqtt.publishAsync("still", "there", { qos: 1 }), "who is there goes on");
	await (await client(4, url, { wsOptions })).mqtt.endAsync();
	await named.mqtt.endAsync();
});

test("who asks for nothing ends in time and holds no connection meanwhile", async () => {
	const quick = await TestHub.start({ connectTimeoutMs: 600 });
	const { port: at } = await listen({}, quick.broker);
	const silent = connectTcp(at, "127.0.0.1");
	await within(once(silent, "close"), "it is ended");
	assert.is(quick.broker.counters.connectionsOpened, 0);
	const upgraded = await RawWebSocket.open(at); // and no CONNECT
	await upgraded.ended();
	assert.is(quick.broker.counters.connectionsOpened, 1);
	await quick.close();
});

test("after all this the hub holds nothing", async () => {
	await hub.empty();
	await until(() => hub.broker.connections.every((connection) => connection.state === 0), "all connections are free");
	assert.equal(hub.held(), NOTHING_HELD);
	const closed = listeners.map((listener) => new Promise((resolve) => listener.close(resolve)));
	await hub.close();
	await within(Promise.all(closed), "the listeners end");
	rmSync(folder, { recursive: true });
});

test.run();
