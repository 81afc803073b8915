/** The examples for Moddable, on XS with stand-ins for the SDK's modules: what a newcomer copies must work. */
import { readFileSync } from "node:fs";
import mqtt, { type MqttClient } from "mqtt";
import { startOnXs, type XsOptions } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";

const test = suite("examples for Moddable");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** The examples run until they are ended. */
const MEMORY = ["-s", "9000"];

interface Example {
	port: number;
	end: () => Promise<void>;
}

/** Starts an example, and waits until it listens, where it does. */
async function start(
	name: string,
	config: Record<string, string | number> = {},
	memory: XsOptions = {},
): Promise<Example> {
	let heard = (_port: number): void => {};
	const port = new Promise<number>((resolve) => {
		heard = resolve;
	});
	const onLine = (line: string): void => {
		const match = /^listening mqtt:\/\/\*:(\d+)/.exec(line);
		if (match !== null) heard(Number(match[1]));
	};
	const entry = `examples/moddable/${name}/main.ts`;
	const { child, done } = await startOnXs(entry, {
		options: MEMORY,
		...memory,
		config: { port: 0, ...config },
		onLine,
	});
	const failed = done.then(({ errors }) => Promise.reject(new Error(`${name} ended: ${errors}`)));
	failed.catch(() => {});
	const end = async () => {
		child.kill();
		await done;
	};
	if (name === "sensor") return { port: 0, end };
	return { port: await Promise.race([port, failed]), end };
}

/** Connects, and subscribes. @returns the client, and what gives its next message */
async function listen(port: number, filter: string): Promise<[MqttClient, () => Promise<string>]> {
	const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });
	const messages: string[] = [];
	let wake = (): void => {};
	client.on("message", (topic, payload) => {
		messages.push(`${topic} ${payload}`);
		wake();
	});
	await client.subscribeAsync(filter, { qos: 1 });
	const next = async (): Promise<string> => {
		while (messages.length === 0)
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		return messages.shift()!;
	};
	return [client, next];
}

onXs("broker: clients talk", async () => {
	const broker = await start("broker");
	const [client, next] = await listen(broker.port, "a/#");
	await client.publishAsync("a/b", "hello", { qos: 1 });
	assert.is(await next(), "a/b hello");
	client.end(true);
	await broker.end();
});

onXs("sensor: its values arrive, it hears its interval, and is told offline when it ends", async () => {
	const broker = await start("broker");
	const [client, next] = await listen(broker.port, "s1/#");
	const sensor = await start("sensor", { port: broker.port, name: "s1" });
	assert.is(await next(), "s1/status 1");
	assert.is(await next(), "s1/value 0");
	await client.publishAsync("s1/interval", "0.05", { qos: 1 });
	while ((await next()) !== "s1/value 20"); // each ten seconds that would take too long
	await sensor.end();
	let last = "";
	while (last !== "s1/status 0") last = await next();
	client.end(true);
	await broker.end();
});

onXs("sensor: an ESP8266 has room for it", async () => {
	const broker = await start("broker");
	const [client, next] = await listen(broker.port, "s2/#");
	const { creation } = JSON.parse(readFileSync("examples/moddable/sensor/manifest-esp.json", "utf8"));
	const { static: pool, chunk, heap, stack } = creation;
	const options = ["-S", `${pool}`, "-c", `${chunk.initial}`, "-s", `${heap.initial}`, "-k", `${stack}`];
	const sensor = await start("sensor", { port: broker.port, name: "s2" }, { board: "esp8266", options });
	assert.is(await next(), "s2/status 1");
	await client.publishAsync("s2/interval", "0.02", { qos: 1 });
	while ((await next()) !== "s2/value 100");
	await sensor.end();
	client.end(true);
	await broker.end();
});

onXs("controller: the program answers, and refuses", async () => {
	const broker = await start("controller");
	const [client, next] = await listen(broker.port, "sum");
	await client.publishAsync("add", "19 23", { qos: 1 });
	assert.is(await next(), "sum 42");
	client.end(true);
	await broker.end();
});

onXs("node: what its devices say goes on to the larger broker", async () => {
	const larger = await start("broker");
	const node = await start("node", { serverPort: larger.port });
	const [client, next] = await listen(larger.port, "kitchen/#");
	const device = await mqtt.connectAsync(`mqtt://127.0.0.1:${node.port}`, { reconnectPeriod: 0 });
	await device.publishAsync("up/kitchen/heat", "21", { qos: 1 });
	assert.is(await next(), "kitchen/heat 21");
	device.end(true);
	client.end(true);
	await node.end();
	await larger.end();
});

test.run();
