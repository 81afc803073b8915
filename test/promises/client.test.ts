/** The client with promises on Node: streams in and out, AbortSignal, back pressure, drops, requests, names of
 *  options. */
import { createHash } from "node:crypto";
import { type ClientError, connect, createClient, type Message } from "../../host-sim/client/index.js";
import { readTls, TLS_OPTIONS } from "../../host-sim/client/tls-options.js";
import { text } from "../../host-sim/text.js";
import { type ConnectOptions, readReference, readSettings } from "../../src/promises/settings.js";
import { isBuilt } from "../client/built.js";
import { startHearth } from "../client/servers.js";
import { until, within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("the client with promises");
const server = await startHearth();
/** by WebSocket where the module is the one that browsers load (see scripts/test.mjs) */
const scheme = isBuilt ? "ws" : "mqtt";
const url = server.urls[scheme]!;
const both = async (options: ConnectOptions = {}) =>
	[await connect(url, options), await connect(url, options)] as const;

/** @returns what a promise rejects with */
async function failure(promise: Promise<unknown>): Promise<ClientError> {
	try {
		await within(promise, "it settles");
	} catch (error) {
		return error as ClientError;
	}
	throw new Error("it was fulfilled");
}

/** Bytes that can be told from each other, in chunks. */
async function* chunksOf(total: number, each: number): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < total; at += each)
		yield Uint8Array.from({ length: Math.min(each, total - at) }, (_, i) => (at + i) * 31);
}

for (const qos of [0, 1, 2])
	test(`QoS ${qos}: 3 MB in chunks go out as they come, and come in parts with back pressure`, async () => {
		const [one, two] = await both();
		const total = 3_000_000;
		const hash = createHash("sha256");
		let bytes = 0;
		let busy = 0;
		let most = 0;
		let done: () => void = () => {};
		const whole = new Promise<void>((resolve) => {
			done = resolve;
		});
		await one.subscribe(
			"stream",
			async (part) => {
				assert.is(part.offset, bytes);
				most = Math.max(most, ++busy);
				hash.update(part.copyOfPart());
				bytes += part.payloadEnd - part.payloadStart;
				const { left } = part;
				await new Promise((resolve) => setImmediate(resolve));
				busy--;
				if (left === 0) done();
			},
			{ qos, parts: true },
		);
		const sent = two.publish("stream", chunksOf(total, 70_001), { qos, byteLength: total });
		await within(Promise.all([whole, sent]), "3 MB");
		assert.is(bytes, total);
		assert.is(most, 1, "one part at a time");
		const expected = createHash("sha256");
		for await (const chunk of chunksOf(total, 500_000)) expected.update(chunk);
		assert.is(hash.digest("hex"), expected.digest("hex"));
		await one.end();
		await two.end();
	});

test("a stream that fails or ends too early fails its message and nothing else", async () => {
	const client = await connect(url, { reconnectMinMs: 10 });
	async function* broken(): AsyncGenerator<Uint8Array> {
		yield new Uint8Array(10);
		throw new Error("the file is gone");
	}
	assert.is((await failure(client.publish("a", broken(), { byteLength: 100, qos: 1 }))).message, "the file is gone");
	const short = await failure(client.publish("a", chunksOf(50, 10), { byteLength: 100 }));
	assert.match(short.message, /less than 100 bytes/);
	await until(() => client.isConnected, "it is back");
	const long = await failure(client.publish("a", chunksOf(150, 40), { byteLength: 100, qos: 1 }));
	assert.match(long.message, /more than 100 bytes/);
	await until(() => client.isConnected, "it is back");
	await client.publish("a", "still works", { qos: 1 });
	assert.match((await failure(client.publish("a", chunksOf(5, 5)))).message, /byteLength/);
	await client.end();
});

test("an ended client says so, whatever is asked of it", async () => {
	const client = await connect(url);
	await client.end();
	const asked = [
		client.subscribe("a"),
		client.publish("a", "1", { qos: 1 }),
		client.request("a", "1"),
		client.messages("a").next(),
		client.open(),
	];
	for (const promise of asked) assert.match((await failure(promise)).message, /no connection any more|ended|closed/);
	await client.unsubscribe("a");
	await client.end();
});

test("a signal gives up a connection, a message that waits, a subscription and a loop", async () => {
	const aborted = AbortSignal.abort();
	assert.is((await failure(connect(url, { signal: aborted }))).name, "AbortError");
	const late = new AbortController();
	const nobody = connect(`${scheme}://127.0.0.1:1`, { retry: true, signal: late.signal });
	late.abort(new Error("enough"));
	assert.is((await failure(nobody)).message, "enough");

	const client = createClient(`${scheme}://127.0.0.1:1`, { retry: true });
	void client.open().catch(() => {});
	const controller = new AbortController();
	const waits = client.publish("a", "x", { qos: 1, signal: controller.signal });
	const subscribes = client.subscribe("a", undefined, { signal: controller.signal });
	const loop = (async () => {
		for await (const _ of client.messages("a", { signal: controller.signal }));
		return "over";
	})();
	assert.is(client.core.unacknowledged, 1);
	controller.abort();
	assert.is((await failure(waits)).name, "AbortError");
	assert.is((await failure(subscribes)).name, "AbortError");
	assert.is(await within(loop, "the loop ends"), "over");
	assert.is(client.core.unacknowledged, 0);
	if (!isBuilt) assert.is(client.core.subscriptions.count, 0);
	await client.end({ force: true });
});

test("a slow loop holds the sender back, and loses nothing", async () => {
	const [one, two] = await both({ version: 5 });
	const got: number[] = [];
	let waiting = 0;
	const loop = one.messages("slow", { qos: 0, highWater: 4 });
	await one.publish("ready", "", { qos: 1 }); // the subscription is there
	const reading = (async () => {
		for await (const { text: value } of loop) {
			got.push(Number(value));
			if (!isBuilt) waiting = Math.max(waiting, (loop as unknown as { queue: unknown[] }).queue.length);
			if (got.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
			if (got.length === 2_000) return;
		}
	})();
	for (let i = 0; i < 2_000; i++) void two.publish("slow", String(i));
	await within(reading, "all arrive");
	assert.equal(
		got,
		Array.from({ length: 2_000 }, (_, i) => i),
	);
	assert.ok(waiting <= 4, `${waiting}`);
	await one.end();
	await two.end();
});

test("messages of QoS 1 are acknowledged when the loop has done with them", async () => {
	const two = await connect(url);
	const first = await connect(url, { clientId: "loops", clean: false, version: 5 });
	const loop = first.messages("kept", { qos: 1 });
	await first.publish("ready", "", { qos: 1 });
	for (let i = 0; i < 3; i++) await two.publish("kept", String(i), { qos: 1 });
	assert.is((await loop.next()).value!.text, "0");
	assert.is((await loop.next()).value!.text, "1"); // so 0 is done
	await first.publish("ready", "", { qos: 1 });
	await first.end({ force: true });
	const again = createClient(url, { clientId: "loops", clean: false, version: 5 });
	const got: string[] = [];
	again.on("message", (message: Message) => got.push(message.text));
	await again.open();
	await until(() => got.length >= 2, "what was not acknowledged comes again");
	assert.equal(got, ["1", "2"]);
	await again.unsubscribe("kept");
	await again.end();
	await two.end();
});

test("drops are told, and no promise that nobody waits for ends the process", async () => {
	const client = createClient(`${scheme}://127.0.0.1:1`, { retry: true, queueMessages: 2 });
	void client.open().catch(() => {});
	const drops: string[] = [];
	client.on("drop", (error) => drops.push(`${error.code}: ${error.message}`));
	for (let i = 0; i < 3; i++) void client.publish(`t/${i}`, "x", { qos: 1 });
	void client.publish("a/#", "x");
	assert.equal(drops, [
		"full-queue: publish t/2: the queue is full; wait for the messages before, or raise its limits",
		"topic-wildcard: publish a/#: a Topic Name has no + and no #",
	]);
	await client.end();
	assert.is(drops.length, 4);
	assert.match(drops[3]!, /^transport-closed: publish t\/1: there is no connection any more/);
	await new Promise((resolve) => setImmediate(resolve));
});

test("a handler that throws is told by an event, and the next message comes", async () => {
	const [one, two] = await both();
	const errors: string[] = [];
	const got: string[] = [];
	one.on("error", (error) => errors.push((error as Error).message));
	await one.subscribe("bad", ({ text: value }) => {
		got.push(value);
		if (value === "1") throw new Error("oh");
		if (value === "2") return Promise.reject(new Error("no"));
	});
	for (const value of ["1", "2", "3"]) await two.publish("bad", value, { qos: 1 });
	await until(() => got.length === 3 && errors.length === 2, "all");
	assert.equal(errors, ["handler of bad: Error: oh", "handler of bad: Error: no"]);
	await one.end();
	await two.end();
});

test("requests are answered by their Correlation Data; nobody and no answer in time are clear errors", async () => {
	const [one, two] = await both({ version: 5 });
	assert.is((await failure(one.request("nobody", "x"))).code, "no-matching-subscribers");
	await two.respond("double", async ({ text: value }) => {
		await new Promise((resolve) => setTimeout(resolve, 20 - Number(value)));
		return String(2 * Number(value));
	});
	const answers = await Promise.all([1, 10, 20].map((n) => one.request("double", String(n), { timeoutMs: 5_000 })));
	assert.equal(
		answers.map((answer) => answer.text),
		["2", "20", "40"],
	);
	await two.subscribe("silent");
	assert.is((await failure(one.request("silent", "x", { timeoutMs: 50 }))).code, "request-timeout");
	const old = await connect(url, { version: 4 });
	assert.is((await failure(old.request("double", "1"))).code, "unsupported-protocol-version");
	// nor without a connection: neither the answers' subscription nor the request can be sent
	const away = createClient(`${scheme}://127.0.0.1:1`, { retry: true, version: 5 });
	void away.open().catch(() => {});
	assert.is((await failure(away.request("double", "1", { timeoutMs: 50 }))).code, "request-timeout");
	const controller = new AbortController();
	const given = failure(away.request("double", "1", { signal: controller.signal }));
	controller.abort(new Error("enough"));
	assert.is((await given).message, "enough");
	assert.is((await failure(away.request("double", "1", { signal: AbortSignal.abort() }))).name, "AbortError");
	await away.end({ force: true });
	for (const client of [one, two, old]) await client.end();
});

test("properties go and come by their names", async () => {
	const [one, two] = await both({ version: 5 });
	let got: Message | undefined;
	await one.subscribe("props", (message) => {
		got = message;
	});
	const properties = {
		payloadFormatIndicator: true,
		contentType: "text/plain",
		responseTopic: "there",
		correlationData: new Uint8Array([1, 2]),
		userProperties: { a: ["1", "2"], __proto__x: "y" },
	};
	await two.publish("props", "x", { properties });
	await until(() => got !== undefined, "it arrives");
	const { userProperties, subscriptionIdentifier, correlationData, ...others } = got!.properties!;
	assert.is(others.contentType, "text/plain");
	assert.is(others.payloadFormatIndicator, true);
	assert.equal({ ...userProperties }, properties.userProperties);
	assert.equal([...correlationData!], [1, 2]);
	assert.ok((subscriptionIdentifier as number) > 0);
	assert.throws(() => two.publish("a", "x", { properties: { nothing: 1 } as never }), /no such property/);
	await one.end();
	await two.end();
});

test("every name of an option leads to the same, and an unknown one is an error", () => {
	const client = (options: ConnectOptions) => readSettings("mqtt://h", options, text).client;
	const same: ConnectOptions[][] = [
		[{ clientId: "c" }, { id: "c" }, { id: "d", clientId: "c" }, { clientId: "c", id: "d" }],
		[
			{ clean: false, clientId: "c" },
			{ cleanStart: false, clientId: "c" },
			{ cleanSession: false, clientId: "c" },
		],
		[{ keepAlive: 9 }, { keepalive: 9 }, { pingTimespan: 9 }],
		[{ userName: "u" }, { username: "u" }, { user: "u" }],
		[{ connectTimeoutMs: 4_000 }, { timeout: 4 }, { connectTimeout: 4_000 }],
		[{ version: 4 }, { protocolVersion: 4 }, { protocol: "3.1.1" }, { version: "mqttv311" }],
		[
			{ will: { topic: "w", qos: 1 } },
			{ will: { topic: "w", qosLevel: 1, duplicate: false } },
			{ will: { topic: "w", QoS: 1 } },
		],
	];
	for (const [first, ...others] of same)
		for (const other of others) assert.equal(client(other), client(first!), JSON.stringify(other));
	const tls = (options: ConnectOptions) => readTls(readSettings("mqtts://h", options, text, TLS_OPTIONS).options);
	assert.equal(
		tls({ sslCertFile: "c", sslKeyFile: "k", sslCafile: "a", sslCapath: "p", sslVerifyPeer: false, sslHostName: "n" }),
		tls({ cert: "c", key: "k", ca: "a", capath: "p", verify: false, serverName: "n" }),
	);
	const wrong = (from: string | ConnectOptions, options: ConnectOptions = {}) => {
		try {
			readSettings(from, options, text);
			return "";
		} catch (error) {
			return (error as Error).message;
		}
	};
	assert.is(wrong("mqtt://h", { hots: "x" } as never), "connect: hots: there is no such option");
	assert.is(wrong("http://h"), "connect: http: give a URL that begins with mqtt, mqtts, ws or wss");
	assert.is(wrong("mqtt://u:secret@h:99999999"), "connect: mqtt://u:…@h:99999999: not a URL such as mqtt://host:1883");
	assert.is(wrong({ host: "h", port: 0 }), "connect: port 0: give 1 to 65535");
	assert.is(wrong({ version: 6 }), "connect: version: give 3.1, 3.1.1 or 5");
	assert.is(wrong({ protocolVersion: "constructor" }), "connect: protocolVersion: give 3.1, 3.1.1 or 5");
	assert.is(wrong({ protocol: "http" }), "connect: protocol: give mqtt, mqtts, ws, wss, 3.1, 3.1.1 or 5");
});

test("a value that an option cannot have is an error of one line that names the option and its range", () => {
	const lineOf = (options: unknown) => {
		try {
			readSettings("mqtt://h", options as ConnectOptions, text);
			return "";
		} catch (error) {
			assert.is((error as Error).name, "HearthError");
			return (error as Error).message;
		}
	};
	const long = "x".repeat(65_536);
	const wrong: [options: unknown, line: string][] = [
		[{ keepalive: "60" }, "keepalive: give a whole number, 0 to 65535"],
		[{ keepAlive: 1.5 }, "keepAlive: give a whole number, 0 to 65535"],
		[{ clientId: 5 }, "clientId: give a text of at most 65535 bytes without U+0000"],
		[{ username: long }, "username: give a text of at most 65535 bytes without U+0000"],
		[{ userName: "u", password: 5 }, "password: give a text or a Uint8Array of at most 65535 bytes"],
		[{ timeout: -1 }, "timeout: give a number, 0 to 2147483647"],
		[{ reconnectPeriod: Number.NaN }, "reconnectPeriod: give a number, 0 to 2147483647"],
		[{ sessionExpirySeconds: 2 ** 32 }, "sessionExpirySeconds: give a whole number, 0 to 4294967295"],
		[{ queueMessages: 1e9 }, "queueMessages: give a whole number, 1 to 1000000"],
		[{ packetBytes: 5 }, "packetBytes: give a whole number, 128 to 268435460"],
		[{ clean: "no" }, "clean: give true or false"],
		[{ whenQueueFull: "wait" }, 'whenQueueFull: give "refuse" or "drop-oldest"'],
		[{ will: "gone" }, "will: give an object"],
		[{ will: {} }, "will.topic: give a Topic Name"],
		[{ will: { topic: "w", payload: 5 } }, "will.payload: give a text or a Uint8Array of at most 65535 bytes"],
		[{ will: { topic: "w", message: long } }, "will.message: give a text or a Uint8Array of at most 65535 bytes"],
		[{ will: { topic: "w", qosLevel: 3 } }, "will.qosLevel: give a whole number, 0 to 2"],
		[{ will: { topic: "w", QOS: 1 } }, "will.QOS: there is no such option"],
		[{ limits: { block: 5 } }, "limits.block: there is no such limit"],
		[{ limits: { constructor: 5 } }, "limits.constructor: there is no such limit"],
		[{ authentication: "scram" }, "authentication: give a method of authentication"],
	];
	for (const [options, line] of wrong) assert.is(lineOf(options), `connect: ${line}`);
	const right = { keepAlive: 0, clientId: "x".repeat(65_535), timeout: 0.5, reconnectMinMs: 0, queueMessages: 1 };
	assert.is(lineOf({ ...right, will: { topic: "w", payload: new Uint8Array(65_535) }, limits: { blocks: 64 } }), "");
});

test("URLs and Server References are read whole", () => {
	const address = (from: string | ConnectOptions) => readSettings(from, {}, text).address;
	assert.equal(address("mqtt://h"), { scheme: "mqtt", host: "h", port: 1883, path: "/mqtt" });
	assert.equal(address("mqtts://[::1]:99"), { scheme: "mqtts", host: "::1", port: 99, path: "/mqtt" });
	assert.equal(address("wss://h/way?x=1"), { scheme: "wss", host: "h", port: 443, path: "/way?x=1" });
	assert.equal(address({ host: "h", ssl: true }).scheme, "mqtts");
	assert.is(address({ host: "h", protocol: "WS", path: "way" }).path, "/way", "the slash may be left out");
	assert.is(address("ws://h?x=1").path, "/?x=1");
	const over = readSettings("mqtt://h", { protocol: "ws" }, text);
	assert.is(over.address.scheme, "ws", "an option goes before the URL, as host and port do");
	const versioned = readSettings("wss://h", { protocol: 3.1 }, text);
	assert.equal([versioned.address.scheme, versioned.client.version], ["wss", 3], "imi's protocol is the version");
	const { client } = readSettings("mqtt://a%40b:p%3A@h", {}, text);
	assert.is(client.userName, "a@b");
	assert.is(Buffer.from(client.password!).toString(), "p:");
	const from = address("mqtts://h");
	assert.equal(readReference("other:1999", from), { ...from, host: "other", port: 1999 });
	assert.equal(readReference("[::2]", from), { ...from, host: "::2" });
});

test.after(() => server.close());
test.run();
