/** One suite for three brokers, by each version and transport that they have. */
import type { AsyncClient, ConnectOptions } from "../../host-sim/client/index.js";
import { ClientError, connect } from "../../host-sim/client/index.js";
import { until, within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";
import { hasMosquitto, type Scheme, startAedes, startHearth, startMosquitto, type TestServer } from "./servers.js";

const test = suite("the client with Hearth, Mosquitto and Aedes");
const servers: TestServer[] = [await startHearth(), await startAedes()];
if (hasMosquitto) servers.push(await startMosquitto());

const names = { 3: "3.1", 4: "3.1.1", 5: "5.0" };
const open: AsyncClient[] = [];

async function client(server: TestServer, scheme: Scheme, version: number, options: ConnectOptions = {}) {
	const url = server.urls[scheme]!;
	const made = await within(connect(url, { version, ca: server.ca, ...options }), `connects to ${url}`);
	open.push(made);
	return made;
}

/** payloads of all sizes at which something changes: varints, buffers, sources */
const SIZES = [0, 1, 100, 127, 128, 16_383, 16_384, 70_000, 300_000];

for (const name of ["Hearth", "Mosquitto", "Aedes"]) {
	for (const scheme of ["mqtt", "mqtts", "ws", "wss"] as const) {
		for (const version of [3, 4, 5] as const) {
			if (name === "Aedes" && version === 5) continue; // it speaks 3.1 and 3.1.1
			if (name !== "Hearth" && scheme === "wss") continue;
			if (version === 3 && scheme !== "mqtt") continue;
			const server = servers.find((one) => one.name === name);
			const run = test.if(server !== undefined, `needs ${name}`);
			run(
				`${name}, ${scheme}, ${names[version]}: messages of each QoS and size arrive whole and in order`,
				async () => {
					const one = await client(server!, scheme, version);
					const two = await client(server!, scheme, version);
					const got: string[] = [];
					const topic = `suite/${scheme}/${version}`;
					const subscription = await one.subscribe(
						`${topic}/+`,
						(message) => got.push(`${message.qos} ${message.payload.length} ${message.payload.at(-1)}`),
						{ qos: 2 },
					);
					assert.is(subscription.qos, 2);
					const expected: string[] = [];
					// Mosquitto's WebSocket takes 4 KB each 100 ms
					const sizes = name === "Mosquitto" && scheme === "ws" ? SIZES.slice(0, 5) : SIZES;
					const sent = [];
					for (const qos of [0, 1, 2]) {
						for (const size of sizes) {
							const payload = new Uint8Array(size).fill(size & 255);
							sent.push(within(two.publish(`${topic}/x`, payload, { qos }), `${qos}, ${size} bytes`));
							expected.push(`${qos} ${size} ${payload.at(-1)}`);
						}
					}
					for (const { reason } of await Promise.all(sent)) assert.is(reason, 0);
					await until(() => got.length >= expected.length, `all arrive; ${got.length}`);
					// the order holds for each QoS of its own
					const ordered = (all: string[]) => [0, 1, 2].map((qos) => all.filter((one) => one.startsWith(`${qos} `)));
					assert.equal(ordered(got), ordered(expected));
					await subscription.unsubscribe();
					await two.publish(`${topic}/x`, "nobody", { qos: 1 });
					await two.publish(`${topic}/x`, "nobody", { qos: 0 });
					await one.end();
					await two.end();
					assert.is(got.length, expected.length);
				},
			);
		}
	}
}

for (const server of servers) {
	for (const version of [4, 5] as const) {
		if (server.name === "Aedes" && version === 5) continue;
		const label = `${server.name}, ${names[version]}`;

		test(`${label}: a session that is kept brings what came meanwhile, once`, async () => {
			const options = { clientId: `keeps-${version}`, clean: false, sessionExpirySeconds: 100 };
			const first = await client(server, "mqtt", version, options);
			await first.subscribe("kept/#", undefined, { qos: 2 });
			await first.end();
			const two = await client(server, "mqtt", version);
			for (let i = 0; i < 20; i++) await two.publish("kept/x", String(i), { qos: 1 + (i % 2) });
			const got: string[] = [];
			const { createClient } = await import("../../host-sim/client/index.js");
			const again = createClient(server.urls.mqtt!, { version, ...options });
			open.push(again);
			again.on("message", (message) => got.push(message.text));
			let present = false;
			again.on("connect", ({ sessionPresent }) => {
				present = sessionPresent;
			});
			await within(again.open(), "connects again");
			assert.ok(present);
			await until(() => got.length >= 20, `what came meanwhile; ${got}`);
			assert.equal(
				got.sort((a, b) => Number(a) - Number(b)),
				Array.from({ length: 20 }, (_, i) => String(i)),
			);
			await again.unsubscribe("kept/#");
			await again.end();
			await two.end();
		});

		test(`${label}: the Will Message is published when the connection breaks, not when it ends`, async () => {
			const watcher = await client(server, "mqtt", version);
			const got: string[] = [];
			await watcher.subscribe("will/#", (message) => got.push(`${message.topic} ${message.text} ${message.retain}`));
			const will = { topic: "will/a", payload: "gone", qosLevel: 1, retain: false };
			const one = await client(server, "mqtt", version, { will, reconnect: false });
			await one.end();
			const two = await client(server, "mqtt", version, { will: { ...will, topic: "will/b" }, reconnect: false });
			two.core.link.output.transport!.close();
			await until(() => got.length > 0, "the Will Message");
			assert.equal(got, ["will/b gone false"]);
			await watcher.end();
			await two.end({ force: true });
		});

		test(`${label}: retained messages come with RETAIN, and a loop takes them with back pressure`, async () => {
			const two = await client(server, "mqtt", version);
			for (let i = 0; i < 40; i++) await two.publish(`retained/${version}/${i}`, String(i), { qos: 1, retain: true });
			const one = await client(server, "mqtt", version);
			const got = new Set<string>();
			for await (const message of one.messages(`retained/${version}/+`, { qos: 1, highWater: 4 })) {
				assert.ok(message.retain);
				got.add(message.text);
				// an acknowledgement is waited for while the queue is full
				await one.publish("echo", message.text, { qos: 1 });
				if (got.size === 40) break;
			}
			for (let i = 0; i < 40; i++) await two.publish(`retained/${version}/${i}`, "", { qos: 1, retain: true });
			await one.end();
			await two.end();
		});

		test(`${label}: nobody listens, and an unknown host: one clear line`, async () => {
			const refused = await connect("mqtt://127.0.0.1:1", { version }).then(
				() => undefined,
				(error: unknown) => error,
			);
			assert.instance(refused, ClientError);
			assert.match((refused as ClientError).message, /^mqtt:\/\/127\.0\.0\.1:1: connection refused: nobody listens/);
		});
	}
}

test("all that was opened is closed", async () => {
	for (const client of open) await client.end({ force: true });
	for (const server of servers) await server.close();
});

test.run();
