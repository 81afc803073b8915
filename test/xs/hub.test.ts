/** A whole broker on the real XS engine, in an ESP32's memory, with real clients. */
import type { ChildProcess } from "node:child_process";
import mqtt, { type MqttClient } from "mqtt";
import { startOnXs, type XsOptions, type XsResult } from "../../scripts/xs.mjs";
import { answerScram, scramOptions } from "../support/scram-client.js";
import { assert, suite, TIME_LIMIT_MS } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("broker on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

const children: ChildProcess[] = [];

test.after(() => {
	for (const child of children) child.kill();
});

/** Starts test/xs/hub.ts. @returns its port, and its end */
async function startHub(options: XsOptions = {}) {
	let listening = (_port: number): void => {};
	const port = new Promise<number>((resolve) => {
		listening = resolve;
	});
	const onLine = (line: string) => {
		if (line.startsWith('{"name":"listening"')) listening(JSON.parse(line).port);
	};
	const { child, done } = await startOnXs("test/xs/hub.ts", { ...options, onLine });
	children.push(child);
	const first = await Promise.race([port, done]);
	if (typeof first !== "number") throw new Error(`ended with ${first.status}: ${first.errors}`);
	return { port: first, done };
}

/** Connects clients, of whom every second speaks 5.0 (or all), and collects what they receive. */
async function connectClients(port: number, count: number, allV5: boolean) {
	const clients: MqttClient[] = [];
	const received: string[][] = [];
	let failed = (_error: Error): void => {};
	const broken = new Promise<never>((_, reject) => {
		failed = reject;
	});
	for (let i = 0; i < count; i++) {
		const protocolVersion = allV5 || i % 2 === 1 ? 5 : 4;
		const options = { protocolVersion, clientId: `Gerät ${i}`, reconnectPeriod: 0 } as const;
		const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options);
		const messages: string[] = [];
		received.push(messages);
		client.on("message", (topic, payload, packet) => {
			const identifier = packet.properties?.subscriptionIdentifier;
			messages.push(`${topic} ${payload}${identifier === undefined ? "" : ` #${identifier}`}`);
		});
		client.on("error", failed);
		clients.push(client);
	}
	return { clients, received, broken };
}

/** Waits until each list has so many entries, shorter than its test may take. */
async function filled(lists: string[][], count: number): Promise<void> {
	const deadline = performance.now() + TIME_LIMIT_MS / 2;
	while (lists.some((list) => list.length < count) && performance.now() < deadline)
		await new Promise((resolve) => setTimeout(resolve, 5));
}

function ok(result: XsResult): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.equal(result.results.at(-1), { name: "counted", internalErrors: 0, drops: 0 });
	assert.is(result.statistics!.aliasesTouched, 0);
	assert.is(result.statistics!.keys, 0);
}

onXs("clients of both versions get what each of them publishes at every QoS, whole", async () => {
	const { port, done } = await startHub();
	const { clients, received, broken } = await connectClients(port, 8, false);
	for (const client of clients) await client.subscribeAsync("Küche/+/°C", { qos: 2 });
	const expected: string[] = [];
	for (let round = 0; round < 9; round++) {
		const publishes = clients.map((client, i) => {
			const topic = `Küche/${(round + i) % 3}/°C`;
			const payload = `${round}.${i} ${"🔥".repeat(i)}`;
			expected.push(`${topic} ${payload}`);
			return client.publishAsync(topic, payload, { qos: (round % 3) as 0 | 1 | 2 });
		});
		await Promise.race([Promise.all(publishes), broken]);
	}
	await Promise.race([filled(received, expected.length), broken]);
	await clients[0]!.publishAsync("end", "");
	const result = await done;
	for (const client of clients) client.end(true);
	expected.sort();
	for (const messages of received) assert.equal(messages.sort(), expected);
	ok(result);
});

onXs("receivers with and without a Subscription Identifier each get their own [5:MQTT-3.3.4-3]", async () => {
	const { port, done } = await startHub();
	const { clients, received, broken } = await connectClients(port, 6, true);
	for (let i = 0; i < clients.length; i++)
		await clients[i]!.subscribeAsync(
			"a/b",
			i % 2 === 0 ? { qos: 1 } : { qos: 1, properties: { subscriptionIdentifier: i } },
		);
	const properties = { userProperties: { room: "Küche" } };
	for (let n = 0; n < 6; n++)
		await Promise.race([clients[0]!.publishAsync("a/b", `${n}`, { qos: (n % 2) as 0 | 1, properties }), broken]);
	await Promise.race([filled(received, 6), broken]);
	await clients[0]!.publishAsync("end", "");
	const result = await done;
	for (const client of clients) client.end(true);
	for (let i = 0; i < received.length; i++)
		assert.equal(
			received[i],
			[0, 1, 2, 3, 4, 5].map((n) => `a/b ${n}${i % 2 === 0 ? "" : ` #${i}`}`),
		);
	ok(result);
});

onXs("a client proves by SCRAM-SHA-256 who it is; wrong passwords are refused and leave nothing", async () => {
	const { port, done } = await startHub();
	const options = { ...scramOptions("alice"), protocolVersion: 5, clientId: "a", reconnectPeriod: 0 } as const;
	const url = `mqtt://127.0.0.1:${port}`;
	// no more than are free: the next one would be told to come later (guesses.ts)
	for (let i = 0; i < 2; i++) {
		const wrong = mqtt.connect(url, options);
		answerScram(wrong, options, "looking-glass");
		const error = await new Promise<Error>((resolve) => wrong.once("error", resolve));
		assert.match(`${error}`, /Not authorized/);
		wrong.end(true);
	}
	const client = mqtt.connect(url, options);
	const signature = answerScram(client, options, "wonderland");
	const connack = await new Promise<mqtt.IConnackPacket>((resolve) => client.once("connect", resolve));
	assert.is(`${connack.properties?.authenticationData}`, signature());
	await client.publishAsync("end", "", { qos: 0 });
	ok(await done);
	client.end(true);
});

test.run();
