/** MQTT over TCP on Node: how sockets read, when answers leave, and how connections end. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { generate, type Packet, parser } from "mqtt-packet";
import { limits } from "../../boards/esp32/limits.js";
import { OwnReads } from "../../host-sim/own-reads.js";
import { type NodePlatform, nodePlatform } from "../../host-sim/platform.js";
import { listenTcp, TcpTransport, WRITABLE } from "../../host-sim/tcp.js";
import { Broker } from "../../src/broker/broker.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("TCP on Node");

/** A client that is a raw socket. */
class Client {
	readonly packets: Packet[] = [];
	readonly closed: Promise<unknown>;
	private readonly socket: Socket;
	private heard = (): void => {};

	constructor(port: number) {
		this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
		this.closed = once(this.socket, "end");
		const packets = parser();
		packets.on("packet", (packet) => {
			this.packets.push(packet);
			this.heard();
		});
		this.socket.on("data", (chunk) => packets.parse(chunk as Buffer));
	}

	send(...packets: Packet[]): void {
		this.socket.write(Buffer.concat(packets.map((packet) => generate(packet))));
	}

	/** @returns the packets that have come, once they are `count` */
	async take(count: number): Promise<Packet[]> {
		while (this.packets.length < count)
			await new Promise<void>((resolve) => {
				this.heard = resolve;
			});
		return this.packets.splice(0, count);
	}

	end(): void {
		this.socket.destroy();
	}
}

const connectPacket = (clientId: string): Packet =>
	({ cmd: "connect", clientId, protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 }) as Packet;
const publish = (payload: string | Buffer): Packet => ({
	cmd: "publish",
	topic: "t",
	payload,
	qos: 0,
	dup: false,
	retain: false,
});

/** A broker that listens, for `use`. @param read lays transports over sockets otherwise than `listenTcp` does */
async function withServer(
	use: (port: number, server: Server) => Promise<void>,
	read?: (broker: Broker, socket: Socket) => void,
): Promise<void> {
	const platform = nodePlatform();
	const broker = new Broker({ limits: { ...limits, packetBytes: 8_000, blocks: 400 }, platform });
	platform.attach(broker);
	const listening = read === undefined ? undefined : createServer((socket) => read(broker, socket));
	const server = listening?.listen(0, "127.0.0.1") ?? (await listenTcp(broker, "127.0.0.1", 0));
	if (listening !== undefined) await once(listening, "listening");
	try {
		await use((server.address() as AddressInfo).port, server);
	} finally {
		server.close();
		broker.stop();
		platform.detach();
	}
}

const LAYERS: Record<string, ((broker: Broker, socket: Socket) => void) | undefined> = {
	"into the broker's buffer": undefined,
	"as Node does by itself": (broker, socket) => {
		const transport = new TcpTransport(socket, { count: 0, most: 1 });
		transport.target = broker.accept(transport, WRITABLE);
	},
};

for (const [how, read] of Object.entries(LAYERS))
	test(`what comes in reads of every size, ${how}, goes on whole and in order`, () =>
		withServer(async (port) => {
			const [publisher, receiver] = [new Client(port), new Client(port)];
			for (const client of [publisher, receiver]) {
				client.send(connectPacket(client === publisher ? "p" : "r"));
				await client.take(1);
			}
			receiver.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 0 }] });
			await receiver.take(1);
			const sizes = [0, 1, 100, 1_000, 5_000, 7_900, 3];
			for (const count of [1, 3, 40]) {
				const payloads = Array.from({ length: count }, (_, i) => Buffer.alloc(sizes[i % sizes.length]!, i));
				publisher.send(...payloads.map(publish));
				const got = (await receiver.take(count)).map((packet) => packet.cmd === "publish" && `${packet.payload}`);
				assert.equal(
					got,
					payloads.map((payload) => `${payload}`),
				);
			}
			publisher.end();
			receiver.end();
		}, read));

test("a client that has said DISCONNECT is gone at once, though it does not end its side", () =>
	withServer(async (port, server) => {
		const client = new Client(port);
		client.send(connectPacket("a"), publish("x"), { cmd: "disconnect" } as Packet);
		assert.is((await client.take(1))[0]!.cmd, "connack");
		await client.closed;
		// gone, and not half open until the peer ends it, or the time for that is over
		const open = await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
		client.end();
		assert.is(open, 0);
	}));

test("only after DISCONNECT a transport hears that its peer is done", () => {
	const fixture = new Fixture();
	const [done, refused] = [fixture.connect("done"), fixture.connect("refused")];
	const heard: unknown[] = [];
	for (const client of [done, refused]) client.close = (peerIsDone?: boolean) => void heard.push(peerIsDone);
	done.send({ cmd: "disconnect" } as Packet);
	refused.send({ cmd: "pingresp" });
	assert.equal(heard, [true, false]);
});

test("an accepted socket can read into one buffer; one that cannot is left as it is", async () => {
	const taken: string[] = [];
	let ended = (): void => {};
	const over = new Promise<void>((resolve) => {
		ended = resolve;
	});
	const reads = new OwnReads<Socket>((count, bytes) => {
		taken.push(Buffer.from(bytes.subarray(0, count)).toString());
		if (taken.join("") === "hello") ended();
		return true;
	});
	assert.is(reads.begin(new Socket()), false);
	assert.is(reads.begin({ _handle: { useUserBuffer: () => {} } } as unknown as Socket), false);
	let begun = false;
	const server = createServer((socket) => {
		begun = reads.begin(socket);
		socket.on("data", () => taken.push("as data"));
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
	socket.write("hello");
	await over;
	socket.destroy();
	server.close();
	assert.is(begun, true);
	assert.is(taken.join(""), "hello");
});

/** A platform whose broker does nothing but count its turns' ends. */
function counting(): { platform: NodePlatform; turn: (reads: number) => Promise<number[]> } {
	const platform = nodePlatform();
	let ends = 0;
	platform.attach({ endTurn: () => ends++ } as unknown as Broker);
	const reader = { take: () => platform.wake() };
	/** @returns how often the turn was ended after each of its reads, and when all sockets had been read */
	const turn = async (reads: number): Promise<number[]> => {
		const found: number[] = [];
		const before = ends;
		for (let i = 0; i < reads; i++) {
			platform.read(reader, new Uint8Array(1), 1);
			found.push(ends - before);
		}
		await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
		return [...found, ends - before];
	};
	return { platform, turn };
}

test("answers to reads that come alone leave at once, those of several reads together", async () => {
	const { platform, turn } = counting();
	try {
		for (let i = 0; i < 8; i++) assert.equal(await turn(1), [0, 1], "it is not known yet");
		for (let i = 0; i < 7; i++) assert.equal(await turn(1), [1, 1]);
		assert.equal(await turn(1), [1, 2], "looks for company, and there is none");
		for (let i = 0; i < 6; i++) assert.equal(await turn(1), [1, 1]);
		assert.equal(await turn(3), [1, 2, 2, 3], "there is company, and that is seen soon");
		for (let i = 0; i < 8; i++) assert.equal(await turn(3), [0, 0, 0, 1]);
		for (let i = 0; i < 8; i++) assert.equal(await turn(1), [0, 1]);
		assert.equal(await turn(1), [1, 1]);
	} finally {
		platform.detach();
	}
});

test("a read whose reader throws leaves turns as they were", async () => {
	const { platform, turn } = counting();
	try {
		for (let i = 0; i < 9; i++) await turn(1);
		const broken = {
			take: () => {
				throw new Error("broken");
			},
		};
		assert.throws(() => platform.read(broken, new Uint8Array(1), 1), /broken/);
		const next = turn(0);
		platform.wake();
		await next;
		assert.equal(await turn(1), [1, 1]);
	} finally {
		platform.detach();
	}
});

test.run();
