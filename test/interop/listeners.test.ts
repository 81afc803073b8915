/** Several listeners of one hub: MQTT.js over each of the four, one topic space or several, and how they begin. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { makeCertificate } from "../../host-sim/certificate.js";
import { Hub, type HubOptions } from "../../host-sim/hub.js";
import type { HubListener } from "../../host-sim/listeners.js";
import { Cause, HearthError } from "../../src/errors.js";
import { assert, suite } from "../support/test.js";
import { testLimits, until, within } from "./support.js";

const test = suite("listeners of a hub");
const folder = mkdtempSync(join(tmpdir(), "hearth-listeners-"));
const authority = makeCertificate({ commonName: "authority", days: 9, usage: "authority" });
const server = makeCertificate({ commonName: "hub", hosts: ["127.0.0.1"], days: 9, usage: "server" });
const alice = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: authority });
const cert = join(folder, "hub.crt");
const key = join(folder, "hub.key");
const ca = join(folder, "authority.crt");
writeFileSync(cert, server.cert);
writeFileSync(key, server.key);
writeFileSync(ca, authority.cert);

const hubs: Hub[] = [];
const lines: string[] = [];

function makeHub(listeners: HubListener[], options: Partial<HubOptions> = {}): Hub {
	const hub = new Hub({
		limits: testLimits,
		listeners,
		logLevel: 0,
		log: (_level, line) => lines.push(line),
		...options,
	});
	hubs.push(hub);
	return hub;
}

const clients: MqttClient[] = [];
let ids = 0;

async function client(address: string, options: IClientOptions = {}) {
	const id = options.clientId ?? `c${++ids}`;
	const mqtt = connect(address, { clientId: id, reconnectPeriod: 0, rejectUnauthorized: false, ...options });
	clients.push(mqtt);
	const got: string[] = [];
	mqtt.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
	await within(
		new Promise((resolve, reject) => {
			mqtt.once("connect", resolve);
			mqtt.once("error", reject);
		}),
		`${address}: ${id} connects`,
	);
	return { mqtt, got };
}

test("mqtt, mqtts, ws and wss lead into one topic space, each on a free port", async () => {
	const port = 0;
	const hub = makeHub([
		{ mqtt: { port } },
		{ mqtts: { port, cert, key } },
		{ ws: { port } },
		{ wss: { port, cert, key } },
	]);
	const addresses = await hub.open();
	assert.equal(
		addresses.map((address) => address.replace(/[1-9]\d*$/, "N")),
		["mqtt", "mqtts", "ws", "wss"].map((protocol) => `${protocol}://127.0.0.1:N`),
	);
	assert.is(new Set(addresses).size, 4);
	const all = await Promise.all(addresses.map((address) => client(address)));
	for (const one of all) await one.mqtt.subscribeAsync("from/+", { qos: 1 });
	for (const [i, one] of all.entries()) await one.mqtt.publishAsync(`from/${i}`, `${i}`, { qos: 1 });
	const expected = [0, 1, 2, 3].map((i) => `from/${i} ${i}`);
	await until(() => all.every((one) => one.got.length === 4), "all have all");
	for (const one of all) assert.equal(one.got.sort(), expected);
});

test("each with its own rules and limits; a named space is apart", async () => {
	const port = 0;
	const access = { authenticate: () => Cause.BadUserNameOrPassword };
	const hub = makeHub([
		{ mqtt: { port } },
		{ mqtt: { port, name: "guarded", access } },
		{ mqtts: { port, cert, key, ca, access, certificateUserName: true, limits: { qosMax: 1 } } },
		{ mqtt: { port, space: "lab" } },
		{ ws: { port, space: "lab" } },
	]);
	const [open, guarded, certified, lab, labWs] = (await hub.open()) as [string, string, string, string, string];
	const rejected = await client(guarded).catch((error) => error.code);
	assert.is(rejected, 4);
	const named = await client(certified, { cert: alice.cert, key: alice.key, protocolVersion: 5, clientId: "named" });
	assert.is(hub.broker.sessions.find("named")!.userName, "alice");
	assert.is(await client(certified).catch((error) => error.code), 4);
	const here = await client(open, { clientId: "same" });
	const there = await client(lab, { clientId: "same" });
	const web = await client(labWs);
	for (const one of [named, here, there, web]) await one.mqtt.subscribeAsync("t/#", { qos: 2 });
	await here.mqtt.publishAsync("t/home", "1", { qos: 2 });
	await there.mqtt.publishAsync("t/lab", "2", { qos: 2 });
	await until(() => [named, here, there, web].every((one) => one.got.length === 1), "all have theirs");
	assert.equal([named.got, here.got], [["t/home 1"], ["t/home 1"]]);
	assert.equal([there.got, web.got], [["t/lab 2"], ["t/lab 2"]]);
	assert.ok(hub.space("lab") !== hub.broker && hub.space("lab").connectedCount === 2);
});

test("one that cannot listen: a line with its address and the cause, and the others end", async () => {
	const blocker = createServer().unref();
	await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
	const { port } = blocker.address() as { port: number };
	const failures: [HubListener, RegExp][] = [
		[{ mqtt: { port } }, /^hub: mqtt:\/\/127\.0\.0\.1:\d+: the port is in use; /],
		[{ mqtts: { port, cert, key } }, /^hub: mqtts:\/\/127\.0\.0\.1:\d+: the port is in use; /],
		[{ ws: { port } }, /^hub: ws:\/\/127\.0\.0\.1:\d+: the port is in use; /],
		[{ wss: { port, cert, key } }, /^hub: wss:\/\/127\.0\.0\.1:\d+: the port is in use; /],
		[{ mqtts: { port, cert: join(folder, "none"), key } }, /none: there is no such file; /],
		[
			{ tcp: { port } } as unknown as HubListener,
			/^hub: a listener is \["tcp"\]; give each one of mqtt, mqtts, ws, wss, /,
		],
		[{ mqtt: { port: 0, limits: { connections: 0 } } }, /^listener: limits\.connections: 0: give 1 to 200$/],
	];
	for (const [wrong, message] of failures) {
		const hub = makeHub([{ mqtt: { port: 0 } }, wrong]);
		const error = await hub.open().catch((e) => e);
		assert.instance(error, HearthError);
		assert.match(error.message, message);
	}
	blocker.close();
});

test("certificates are read again by all listeners; who cannot use the new ones keeps the old", async () => {
	const own = { cert: join(folder, "own.crt"), key: join(folder, "own.key") };
	const write = (made: { cert: string; key: string }) => {
		writeFileSync(own.cert, made.cert);
		writeFileSync(own.key, made.key);
	};
	write(server);
	const hub = makeHub([{ mqtt: { port: 0 } }, { mqtts: { port: 0, ...own } }, { wss: { port: 0, ...own } }]);
	const [, mqtts, wss] = (await hub.open()) as [string, string, string];
	const before = await client(mqtts);
	const next = makeCertificate({ commonName: "next", hosts: ["127.0.0.1"], days: 9, usage: "server" });
	write(next);
	assert.ok(hub.reload());
	for (const address of [mqtts, wss]) await client(address, { ca: next.cert, rejectUnauthorized: true });
	assert.ok(before.mqtt.connected);
	write({ cert: next.cert, key: server.key });
	assert.not(hub.reload());
	assert.is(
		lines.filter((line) => /the key does not belong to .*; the certificates of before stay/.test(line)).length,
		2,
	);
	await client(wss, { ca: next.cert, rejectUnauthorized: true });
});

test("anonymous clients come in on loopback addresses, elsewhere not, unless a listener says so", async () => {
	const hub = makeHub([
		{ mqtt: { port: 0, host: "0.0.0.0" } },
		{ mqtt: { port: 0, host: "0.0.0.0", allowAnonymous: true } },
		{ mqtt: { port: 0, allowAnonymous: false } },
	]);
	const ports = (await hub.open()).map((address) => `mqtt://127.0.0.1:${new URL(address).port}`);
	const codes = await Promise.all(
		ports.map((address) =>
			client(address).then(
				() => 0,
				(error) => error.code,
			),
		),
	);
	assert.equal(codes, [5, 0, 5]);
});

test.after(async () => {
	for (const mqtt of clients) mqtt.end(true);
	await Promise.all(hubs.map((hub) => hub.close()));
	rmSync(folder, { recursive: true });
});

test.run();
