/** A client over WebSocket that makes its frames itself, right or wrong; what they carry is npm's mqtt-packet's. */
import { randomBytes } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { generate, type Packet, parser } from "mqtt-packet";
import { assert } from "../support/test.js";
import { connectPacket, type Version } from "./raw.js";
import { until } from "./support.js";

export const enum Opcode {
	Continuation = 0,
	Text = 1,
	Binary = 2,
	Close = 8,
	Ping = 9,
	Pong = 10,
}

/** One frame, masked as a client's is. Spec: RFC 6455, 5.2 */
export function frame(opcode: Opcode, payload: Uint8Array | string, last = true): Buffer {
	const body = Buffer.from(payload);
	const mask = randomBytes(4);
	const { length } = body;
	const size = length < 126 ? [0x80 | length] : length < 65_536 ? [0xfe, length >> 8, length & 255] : [0xff];
	const more = Buffer.alloc(length < 65_536 ? 0 : 8);
	if (more.length > 0) more.writeBigUInt64BE(BigInt(length));
	for (let i = 0; i < length; i++) body[i]! ^= mask[i & 3]!;
	return Buffer.concat([Buffer.of((last ? 0x80 : 0) | opcode, ...size), more, mask, body]);
}

/** A client that makes its frames itself. */
export class RawWebSocket {
	readonly packets: Packet[] = [];
	readonly pongs: string[] = [];
	closeCode = 0;
	answersClose = true;
	closed = false;
	/** how many bytes came in binary frames */
	bytes = 0;
	status = 0;
	head = "";
	private rest = Buffer.alloc(0);
	private readonly parser;

	private constructor(
		readonly socket: Socket,
		readonly version: Version,
	) {
		this.parser = parser({ protocolVersion: version });
		this.parser.on("packet", (packet: Packet) => this.packets.push(packet));
		socket.setNoDelay(true);
		socket.on("error", () => {});
		socket.on("close", () => {
			this.closed = true;
		});
		socket.on("data", (chunk: Buffer) => this.read(chunk));
	}

	/** Asks for a WebSocket. @returns what has an answer: `status` 101 when it became one */
	static async ask(at: number, headers: Record<string, string> = {}, path = "/mqtt", version: Version = 4) {
		const raw = new RawWebSocket(connectTcp(at, "127.0.0.1"), version);
		const all = {
			Host: "127.0.0.1",
			Connection: "Upgrade",
			Upgrade: "websocket",
			"Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": randomBytes(16).toString("base64"),
			...headers,
		};
		const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
		raw.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
		await until(() => raw.status !== 0, "the hub answers");
		return raw;
	}

	static async open(at: number, version: Version = 4): Promise<RawWebSocket> {
		const raw = await RawWebSocket.ask(at, { "Sec-WebSocket-Protocol": "mqtt" }, "/mqtt", version);
		assert.is(raw.status, 101);
		return raw;
	}

	/** A client that came in. */
	static async client(at: number, clientId: string, version: Version = 4, more = {}): Promise<RawWebSocket> {
		const raw = await RawWebSocket.open(at, version);
		raw.send(raw.encode(connectPacket(version, clientId, more)));
		await raw.count(1);
		return raw;
	}

	private read(chunk: Buffer): void {
		this.rest = Buffer.concat([this.rest, chunk]);
		if (this.status === 0) {
			const end = this.rest.indexOf("\r\n\r\n");
			if (end < 0) return;
			this.head = this.rest.subarray(0, end).toString();
			this.status = Number(this.head.split(" ")[1]);
			this.rest = this.rest.subarray(end + 4);
		}
		if (this.status === 101) while (this.frame());
	}

	private frame(): boolean {
		const rest = this.rest;
		if (rest.length < 2) return false;
		const short = rest[1]!;
		const at = short < 126 ? 2 : short === 126 ? 4 : 10;
		if (rest.length < at) return false;
		const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
		if (rest.length < at + length) return false;
		const body = rest.subarray(at, at + length);
		this.rest = rest.subarray(at + length);
		const opcode = rest[0]! & 15;
		if (opcode === Opcode.Close) this.take(body);
		else if (opcode === Opcode.Pong) this.pongs.push(body.toString());
		else {
			assert.is(rest[0], 0x80 | Opcode.Binary); // nothing else, and not compressed
			this.bytes += body.length;
			this.parser.parse(body);
		}
		return true;
	}

	/** The hub ends: a client says so too. Spec: RFC 6455, 5.5.1 */
	private take(body: Buffer): void {
		this.closeCode = body.length > 1 ? body.readUInt16BE(0) : 1005;
		if (this.answersClose) this.socket.write(frame(Opcode.Close, body.subarray(0, 2)));
	}

	header(name: string): string | undefined {
		return new RegExp(`^${name}: (.*)$`, "im").exec(this.head)?.[1]?.trim();
	}

	encode(packet: Packet): Buffer {
		return generate(packet, { protocolVersion: this.version });
	}

	/** Each in a message of its own. */
	send(...messages: Uint8Array[]): void {
		this.socket.write(Buffer.concat(messages.map((message) => frame(Opcode.Binary, message))));
	}

	count(packets: number): Promise<void> {
		return until(() => this.packets.length >= packets, `${packets} packets come, ${this.packets.length} did`);
	}

	/** When the hub has ended it. */
	ended(): Promise<void> {
		this.socket.resume();
		return until(() => this.closed, "the hub ends the connection");
	}

	/** DISCONNECT; the hub ends the connection. */
	async leave(): Promise<void> {
		this.send(this.encode({ cmd: "disconnect" }));
		await this.ended();
	}
}
