/** The load: what it reads, and that it counts each message. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { generate } from "mqtt-packet";
import { Hub } from "../../host-sim/hub.js";
import { hostLimits, type Limits } from "../../src/limits.js";
import { assert, suite } from "../support/test.js";
import { type Carrier, type Endpoint, type Link, openClient } from "./brokers/links.js";
import { FrameStream, frame, PacketStream } from "./brokers/packet-stream.js";
import { pairs } from "./brokers/rows.js";
import { type Load, type Outcome, Traffic } from "./brokers/traffic.js";
import { crowd } from "./brokers/work.js";

const test = suite("the bench's load");

/** Sends what may be under way, once. @param lostAfterMs as short as can be only where something is lost */
async function sendOnce(endpoint: Endpoint, load: Load, lostAfterMs?: number): Promise<Outcome> {
	const traffic = await Traffic.open(endpoint, load);
	traffic.start();
	const outcome = await traffic.finish(lostAfterMs);
	traffic.close();
	return outcome;
}

/** Less memory than a hub has, which takes its time. */
const limits: Limits = {
	...hostLimits,
	connections: 500,
	sessions: 500,
	subscriptions: 10_000,
	filterNodes: 20_000,
	retained: 1_000,
	blocks: 8_192,
	deliveries: 20_000,
	received: 10_000,
	packetBytes: 1 << 20,
	outputBuffers: 256,
	routeReceivers: 20_000,
};

async function withHub(carrier: Carrier, use: (endpoint: Endpoint) => Promise<void>): Promise<void> {
	const hub = new Hub({ limits, listeners: [carrier === "ws" ? { ws: { port: 0 } } : { mqtt: { port: 0 } }] });
	const [address] = await hub.open();
	try {
		await use({ port: Number(/\d+$/.exec(address!)![0]), carrier });
	} finally {
		await hub.close();
	}
}

test("packets are cut wherever a read ends", () => {
	const packets = [
		generate({ cmd: "publish", topic: "a", payload: Buffer.alloc(300), qos: 0, dup: false, retain: false }),
		generate({ cmd: "puback", messageId: 7 }),
		generate({ cmd: "pingresp" }),
	];
	const bytes = Buffer.concat(packets);
	for (let first = 1; first < bytes.length; first++)
		for (const second of [first + 1, bytes.length - 1]) {
			const found: string[] = [];
			const stream = new PacketStream((all, start, _body, end) => found.push(all.toString("hex", start, end)));
			for (const part of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) {
				const own = Buffer.from(part);
				stream.feed(own);
				own.fill(0xff); // the socket reads the next into it
			}
			assert.equal(
				found,
				packets.map((packet) => packet.toString("hex")),
				`${first}, ${second}`,
			);
		}
});

test("bytes that are no packet are said", () => {
	assert.throws(() => new PacketStream(() => {}).feed(Buffer.from([0, 0])), /no MQTT/);
});

test("frames of every length are taken apart wherever a read ends", () => {
	for (const length of [1, 125, 126, 65_535, 65_536]) {
		const payload = Buffer.alloc(length, 3);
		const masked = frame(payload);
		assert.is(masked.length, length + (length < 126 ? 6 : length < 65_536 ? 8 : 14));
		// a server's has no mask
		const header = Buffer.from(masked.subarray(0, masked.length - length - 4));
		header[1]! &= 0x7f;
		const bytes = Buffer.concat([header, payload, Buffer.from([0x89, 0]), header, payload]);
		for (const cut of [1, 2, header.length, header.length + 1, header.length + length + 1]) {
			let got = 0;
			const stream = new FrameStream((chunk) => {
				got += chunk.length;
			});
			stream.feed(bytes.subarray(0, cut));
			stream.feed(bytes.subarray(cut));
			assert.is(got, 2 * length);
		}
	}
});

const base = pairs(2, 3);
const loads: Record<string, Load> = {
	"of QoS 0": base,
	"of QoS 1": { ...base, qos: 1 },
	"of QoS 2": { ...base, qos: 2 },
	"of 5.0": { ...base, version: 5, qos: 1 },
	"of 100 KB": { ...base, payloadBytes: 100_000, inFlight: 3 },
	"to a group": { ...base, filters: Array(4).fill("$share/g/bench/#"), copies: 1, shared: true },
};
for (const [name, load] of Object.entries(loads))
	for (const carrier of ["tcp", "ws"] as const)
		test(`each message ${name} over ${carrier} is counted once`, () =>
			withHub(carrier, async (endpoint) => {
				const { deliveries, lost, repeated, latency } = await sendOnce(endpoint, load);
				assert.equal([deliveries, lost, repeated], [load.topics.length * load.inFlight * load.copies, 0, 0]);
				assert.ok(latency.at(0.5) > 0);
			}));

test("without receivers acknowledgements are counted", () =>
	withHub("tcp", async (endpoint) => {
		const { deliveries, lost } = await sendOnce(endpoint, { ...base, filters: [], copies: 0, qos: 1 });
		assert.equal([deliveries, lost], [2 * base.inFlight, 0]);
	}));

/** Waits until all that came before has been answered. */
function ping(link: Link): Promise<void> {
	return new Promise((resolve) => {
		const { onPacket } = link;
		link.onPacket = (bytes, start, body, end) => {
			if (bytes[start] === 0xd0) resolve();
			else onPacket(bytes, start, body, end);
		};
		link.write(generate({ cmd: "pingreq" }));
	});
}

test("a crowd subscribes and leaves Retained Messages, and gets none of the load's messages", () =>
	withHub("tcp", async (endpoint) => {
		const links = await crowd(endpoint, 1_200, 250);
		let strays = 0;
		for (const link of links)
			link.onPacket = () => {
				strays++;
			};
		assert.is((await sendOnce(endpoint, base)).lost, 0);
		assert.is(strays, 0);
		const watcher = await openClient(endpoint, "watcher");
		let retained = 0;
		watcher.onPacket = (bytes, start) => {
			if (bytes[start] === 0x31) retained++;
		};
		watcher.write(generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "kept/#", qos: 0 }] }));
		const topics = ["site7/floor7/room7/value", "any/floor8/room8/value", "site5/floor5/room5/any"];
		for (const topic of topics)
			watcher.write(generate({ cmd: "publish", topic, payload: "", qos: 0, dup: false, retain: false }));
		for (const link of [watcher, ...links]) await ping(link);
		assert.equal([retained, strays], [250, 3]);
		for (const link of [...links, watcher]) link.end();
	}));

/** A server that makes mistakes: it hands on each PUBLISH as often as it is told. */
async function badServer(times: (count: number) => number): Promise<{ server: Server; endpoint: Endpoint }> {
	let count = 0;
	let receiver: Socket | undefined;
	const server = createServer((socket) => {
		socket.on("error", () => {});
		const packets = new PacketStream((bytes, start, _body, end) => {
			const type = bytes[start]! >> 4;
			if (type === 1) socket.write(generate({ cmd: "connack", returnCode: 0, sessionPresent: false }));
			if (type === 8) {
				receiver = socket;
				socket.write(generate({ cmd: "suback", messageId: 1, granted: [0] }));
			}
			if (type === 3) for (let i = times(count++); i > 0; i--) receiver!.write(Buffer.from(bytes.subarray(start, end)));
		});
		socket.on("data", (chunk: Buffer) => packets.feed(chunk));
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	return { server, endpoint: { port: (server.address() as { port: number }).port, carrier: "tcp" } };
}

test("a message that a broker loses is seen", async () => {
	for (const missing of [0, 30, 63]) {
		const { server, endpoint } = await badServer((count) => (count === missing ? 0 : 1));
		const { deliveries, lost, repeated } = await sendOnce(endpoint, pairs(1), 300);
		assert.equal([deliveries, lost, repeated], [63, 1, 0], `the one of number ${missing}`);
		server.close();
	}
});

test("a message that a broker delivers twice is seen, and does not count", async () => {
	const { server, endpoint } = await badServer((count) => (count === 5 ? 2 : 1));
	const { deliveries, lost, repeated } = await sendOnce(endpoint, pairs(1));
	assert.equal([deliveries, lost, repeated], [64, 0, 1]);
	server.close();
});

test("a client that is refused is an error", async () => {
	const server = createServer((socket) => {
		socket.once("data", () => socket.write(generate({ cmd: "connack", returnCode: 5, sessionPresent: false })));
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const endpoint: Endpoint = { port: (server.address() as { port: number }).port, carrier: "tcp" };
	const refused = await openClient(endpoint, "a").catch((error: Error) => error.message);
	assert.is(refused, "the broker refuses a: 5");
	server.close();
});

test.run();
