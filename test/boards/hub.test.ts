/** The hub as it is flashed, on XS with an ESP32's heaps; only the SDK's own modules are stand-ins (test/xs/sdk). */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import mqtt from "mqtt";
import WebSocket from "ws";
import { startOnXs, type XsOptions, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { playInterop, whyNoMosquitto } from "../xs/interop.js";
import { whyNoXs } from "../xs/support.js";

const test = suite("boards: the hub");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
const noMosquitto = missing ?? whyNoMosquitto();

interface Listening {
	port: number;
	webSocketPort: number;
	done: Promise<XsResult>;
}

async function start(options: XsOptions = {}): Promise<Listening> {
	let heard = (_line: string): void => {};
	const line = new Promise<string>((resolve) => {
		heard = resolve;
	});
	const onLine = (text: string): void => {
		if (text.startsWith('{"name":"listening"')) heard(text);
	};
	const { done } = await startOnXs("test/xs/board-hub.ts", { ...options, onLine });
	const failed = done.then(({ errors }) => Promise.reject(new Error(`the hub did not listen: ${errors}`)));
	return { ...JSON.parse(await Promise.race([line, failed])), done };
}

function ok(result: XsResult): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.equal(result.results.at(-1), { name: "counted", internalErrors: 0, faults: 0 });
	assert.is(result.statistics!.keys, 0, "no property name was made at run time");
	assert.ok(result.statistics!.stackPeak <= 0.9 * result.statistics!.stackSlots, `${result.statistics!.stackPeak}`);
}

async function end(hub: Listening): Promise<void> {
	const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${hub.port}`, { reconnectPeriod: 0 });
	await client.publishAsync("end", "");
	ok(await hub.done);
	client.end(true);
}

test.if(noMosquitto === undefined, noMosquitto ?? "")(
	"Mosquitto's clients and 14 of MQTT.js talk through the SDK's sockets",
	async () => ok(await playInterop({}, "test/xs/board-hub.ts")),
);

onXs("packets of every length from 1 to 4,096 bytes arrive whole, however they are cut", async () => {
	const hub = await start();
	const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${hub.port}`, { reconnectPeriod: 0 });
	const got: Buffer[] = [];
	client.on("message", (_topic, payload) => got.push(payload));
	await client.subscribeAsync("t", { qos: 1 });
	const sizes = [0, 1, 2, 3, 5, 127, 128, 191, 192, 193, 511, 1_023, 1_459, 1_460, 1_461, 2_048, 3_000, 4_000, 4_080];
	for (const size of sizes) await client.publishAsync("t", Buffer.alloc(size, size & 255), { qos: 1 });
	assert.equal(
		got.map((payload) => payload.length),
		sizes,
	);
	assert.ok(got.every((payload, i) => payload.every((byte) => byte === (sizes[i]! & 255))));
	client.end(true);
	await end(hub);
});

onXs("who is not known stays outside; the user's password is any UTF-8", async () => {
	const hub = await start({ config: { anonymous: 0 } });
	const url = `mqtt://127.0.0.1:${hub.port}`;
	const refused = (options: object) =>
		mqtt.connectAsync(url, { reconnectPeriod: 0, ...options }).then(
			() => "came in",
			(error: Error) => error.message,
		);
	assert.match(await refused({}), /[Nn]ot authorized/);
	assert.match(await refused({ username: "ann", password: "grüßen" }), /user ?name or password/i);
	const client = await mqtt.connectAsync(url, { username: "ann", password: "grüße", reconnectPeriod: 0 });
	await client.publishAsync("end", "");
	ok(await hub.done);
	client.end(true);
});

onXs("who does not read what is for it is not read from; when it reads, all is there", async () => {
	const hub = await start({ options: ["-w", "8192"] });
	const socket = connect(hub.port, "127.0.0.1");
	await once(socket, "connect");
	socket.write(Buffer.from("100d00044d5154540402003c000172", "hex")); // CONNECT of "r"
	await once(socket, "data");
	socket.pause();
	const PINGS = 400_000;
	const sent = new Promise<void>((resolve) => socket.write(Buffer.alloc(2 * PINGS, "c000", "hex"), () => resolve()));
	await new Promise((resolve) => setTimeout(resolve, 300)); // its answers fill all buffers on their way
	let answered = 0;
	const all = new Promise<void>((resolve) => {
		socket.on("data", (chunk) => {
			answered += chunk.length;
			if (answered === 2 * PINGS) resolve();
		});
	});
	socket.resume();
	await sent;
	await all;
	socket.destroy();
	await end(hub);
});

/** @returns the status line of what answers a request */
async function request(port: number, text: string): Promise<string> {
	const socket: Socket = connect(port, "127.0.0.1");
	socket.on("error", () => {});
	await once(socket, "connect");
	socket.write(text);
	const [answer] = (await once(socket, "data")) as [Buffer];
	socket.destroy();
	return `${answer}`.split("\r\n")[0]!;
}

onXs("MQTT over WebSocket: MQTT.js, pings, frames cut anywhere, and what is not MQTT", async () => {
	const hub = await start({ config: { ws: 1 } });
	const url = `ws://127.0.0.1:${hub.webSocketPort}`;
	const client = await mqtt.connectAsync(`${url}/mqtt`, { reconnectPeriod: 0 });
	const got: number[] = [];
	client.on("message", (_topic, payload) => got.push(payload.length));
	await client.subscribeAsync("w", { qos: 1 });
	for (const size of [0, 1, 100, 125, 126, 1_000, 4_000]) await client.publishAsync("w", "x".repeat(size), { qos: 1 });
	assert.equal(got, [0, 1, 100, 125, 126, 1_000, 4_000]);
	const raw = new WebSocket(url, "mqtt");
	await once(raw, "open");
	raw.ping("are you there");
	assert.is(`${((await once(raw, "pong")) as [Buffer])[0]}`, "are you there");
	const connack = once(raw, "message");
	const packet = Buffer.from("100d00044d5154540402003c000177", "hex"); // CONNECT of "w"
	for (let i = 0; i < packet.length; i++)
		raw.send(packet.subarray(i, i + 1), { fin: i === packet.length - 1, binary: true });
	assert.equal([...((await connack) as [Buffer])[0]], [0x20, 2, 0, 0]);
	raw.send("text");
	assert.is(((await once(raw, "close")) as [number])[0], 1003);
	assert.match(await request(hub.webSocketPort, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), /426/);
	assert.match(await request(hub.webSocketPort, "GET /x HTTP/1.1\r\n\r\n"), /404/);
	assert.match(await request(hub.webSocketPort, `GET / ${"x".repeat(3_000)}`), /431/);
	const upgrade = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
	assert.match(await request(hub.webSocketPort, `GET / HTTP/1.1\r\n${upgrade}\r\n`), /400/);
	client.end(true);
	await end(hub);
});

onXs("a hundred connections in a second, silent ones and garbage: who is known comes in, the hub lives", async () => {
	const hub = await start();
	const url = `mqtt://127.0.0.1:${hub.port}`;
	const strangers: Socket[] = [];
	for (let i = 0; i < 100; i++) {
		const socket = connect(hub.port, "127.0.0.1");
		socket.on("error", () => {});
		if (i % 3 === 0) socket.write(Buffer.alloc(300, i));
		strangers.push(socket);
	}
	const client = mqtt.connect(url, { reconnectPeriod: 50 }); // it tries again, as devices do
	client.on("error", () => {});
	await new Promise((resolve) => client.once("connect", resolve));
	await client.publishAsync("alive", "yes", { qos: 1 });
	for (const socket of strangers) socket.destroy();
	client.end(true);
	await end(hub);
});

onXs("what is retained outlives a restart on flash; without a usable one the hub goes on, and says so", async () => {
	const options = ["-c", "250000", "-s", "12000"];
	const result = await (await startOnXs("test/xs/board-storage.ts", { options })).done;
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	const [written, kept, without] = result.results;
	assert.ok(written.bytes > 100);
	assert.is(written.faults, 0);
	assert.equal(kept, { name: "kept", payload: "what was kept" });
	assert.equal(without, { name: "without", storage: false, faults: 1 });
});

test.run();
