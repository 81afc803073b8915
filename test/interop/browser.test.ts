/** MQTT.js in a browser: real Chromium, by ws and wss. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type MqttJs from "mqtt";
import type { Browser, Page } from "playwright-core";
import { makeCertificate } from "../../host-sim/certificate.js";
import { listenWebSocket, type WebSocketOptions } from "../../host-sim/websocket.js";
import { assert, suite } from "../support/test.js";
import { hasChromium, serve, startChromium } from "./chromium.js";
import { NOTHING_HELD, TestHub, until, within } from "./support.js";

const test = suite("MQTT.js in Chromium");
const inChromium = test.if(hasChromium, "chromium is not installed");
const names = { 3: "3.1", 4: "3.1.1", 5: "5.0" };
const folder = mkdtempSync(join(tmpdir(), "hearth-browser-"));
const made = makeCertificate({ commonName: "hub", hosts: ["127.0.0.1"], days: 9, usage: "server" });
const tls = { cert: join(folder, "hub.crt"), key: join(folder, "hub.key") };
writeFileSync(tls.cert, made.cert);
writeFileSync(tls.key, made.key);

const hub = await TestHub.start();
const listeners: Server[] = [];
let browser: Browser;
let page: Page;
let pages: Awaited<ReturnType<typeof serve>>;

async function listen(options: WebSocketOptions = {}): Promise<number> {
	const listener = await listenWebSocket(hub.broker, "127.0.0.1", 0, options);
	listeners.push(listener);
	return (listener.address() as AddressInfo).port;
}

const ports = { ws: await listen(), wss: await listen({ tls }) };

test.before(async () => {
	if (!hasChromium) return;
	pages = await serve({
		"/": '<!doctype html><title>MQTT.js</title><script src="/mqtt.js"></script>',
		"/mqtt.js": readFileSync(join(process.cwd(), "node_modules", "mqtt", "dist", "mqtt.min.js")),
	});
	browser = await within(startChromium(), "Chromium begins");
	page = await browser.newPage({ ignoreHTTPSErrors: true }); // the hub's certificate is its own
	await page.goto(pages.origin);
});

/** What the page's script is told. */
interface Task {
	url: string;
	protocolVersion: 3 | 4 | 5;
	clientId: string;
}

/** Runs in the page: publishes all sorts of payloads to itself. @returns what came, as the page has it */
async function talk({ url, protocolVersion, clientId }: Task): Promise<string[]> {
	const { mqtt } = globalThis as unknown as { mqtt: typeof MqttJs };
	const protocolId = protocolVersion === 3 ? "MQIsdp" : "MQTT";
	const client = await mqtt.connectAsync(url, { protocolVersion, protocolId, clientId, reconnectPeriod: 0 });
	const got: string[] = [];
	const all = new Promise<void>((resolve) => {
		client.on("message", (topic, payload, packet) => {
			const sum = payload.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7);
			got.push(`${topic} ${packet.qos} ${packet.retain ? "retained " : ""}${payload.length} ${sum}`);
			if (got.length === 8) resolve();
		});
	});
	const topic = `browser/${clientId}`;
	await client.publishAsync(`${topic}/kept`, "before", { qos: 1, retain: true });
	await client.subscribeAsync(`${topic}/#`, { qos: 2 });
	for (const qos of [0, 1, 2] as const) {
		await client.publishAsync(`${topic}/text`, "grüße 🔥", { qos });
		await client.publishAsync(`${topic}/bytes`, new Uint8Array(200_000).fill(qos) as never, { qos });
	}
	await client.publishAsync(`${topic}/kept`, "", { qos: 1, retain: true });
	await all;
	await client.endAsync();
	return got;
}

/** What the page must find. */
function expected(clientId: string): string[] {
	const line = (topic: string, qos: number, payload: Uint8Array, retained = "") => {
		const sum = payload.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7);
		return `browser/${clientId}/${topic} ${qos} ${retained}${payload.length} ${sum}`;
	};
	const lines = [line("kept", 1, Buffer.from("before"), "retained ")];
	for (const qos of [0, 1, 2])
		lines.push(line("text", qos, Buffer.from("grüße 🔥")), line("bytes", qos, Buffer.alloc(200_000, qos)));
	return [...lines, line("kept", 1, Buffer.alloc(0))];
}

for (const scheme of ["ws", "wss"] as const)
	for (const version of [3, 4, 5] as const)
		inChromium(`MQTT ${names[version]}, ${scheme}: text and bytes at each QoS, and a Retained Message`, async () => {
			const clientId = `page-${scheme}-${version}`;
			const url = `${scheme}://127.0.0.1:${ports[scheme]}/mqtt`;
			const got = await within(page.evaluate(talk, { url, protocolVersion: version, clientId }), "the page talks");
			assert.equal(got.sort(), expected(clientId).sort());
		});

inChromium("a page that goes takes its connection along: its Will is published", async () => {
	const wills: string[] = [];
	const watching = hub.broker.subscribe("page/gone", ({ payload }) => wills.push(Buffer.from(payload).toString()));
	const leaving = await browser.newPage();
	await leaving.goto(pages.origin);
	await leaving.evaluate(async (url) => {
		const { mqtt } = globalThis as unknown as { mqtt: typeof MqttJs };
		const will = { topic: "page/gone", payload: "closed" as never, qos: 1 as const, retain: false };
		await mqtt.connectAsync(url, { clientId: "leaving", will });
	}, `ws://127.0.0.1:${ports.ws}/mqtt`);
	await leaving.close();
	await until(() => wills.length > 0, "the Will is published");
	assert.equal(wills, ["closed"]);
	watching.close();
});

inChromium("a page of another origin is kept out where origins are named", async () => {
	const tryOut = (at: number) =>
		page.evaluate(
			(url) =>
				new Promise<string>((resolve) => {
					const socket = new WebSocket(url, "mqtt");
					socket.onopen = () => resolve("open");
					socket.onclose = () => resolve("closed");
				}),
			`ws://127.0.0.1:${at}/mqtt`,
		);
	assert.is(await tryOut(await listen({ allowedOrigins: [pages.origin] })), "open");
	assert.is(await tryOut(await listen({ allowedOrigins: ["https://home.example"] })), "closed");
});

test("after all this the hub holds nothing", async () => {
	await browser?.close();
	await pages?.stop();
	await hub.empty();
	await until(() => hub.broker.connections.every((connection) => connection.state === 0), "all connections are free");
	assert.equal(hub.held(), NOTHING_HELD);
	const closed = listeners.map((listener) => new Promise((resolve) => listener.close(resolve)));
	await hub.close();
	await within(Promise.all(closed), "the listeners end");
	rmSync(folder, { recursive: true });
});

test.run();
