/** MQTT over WebSocket for a few connections: between a TCP transport and the broker. Each byte that comes is unmasked
 *  in a loop, at some 40 opcodes; what leaves is not touched. Of a frame just its header, then just its payload are
 *  read, so nothing is ever left over. RFC 6455; MQTT 5.0, section 6 */
import type TCP from "embedded:io/socket/tcp";
import { encodeBase64 } from "../src/auth/base64.js";
import type { Broker } from "../src/broker/broker.js";
import type { Transport, TransportTarget } from "../src/platform.js";
import { digestOf } from "./crypto.js";
import type { DevicePlatform } from "./platform.js";
import { RequestHead } from "./request.js";
import { PortListener, type TcpTransport, takeOver } from "./tcp.js";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** First two bytes, four of the mask; the length may take eight more. */
const HEADER_BYTES = 6;
/** before a frame that leaves */
const SENT_HEADER_BYTES = 4;
const CONTROL_MAX = 125;

const enum Stage {
	Request,
	Header,
	Payload,
	Ended,
}

const enum Opcode {
	Continuation = 0,
	Binary = 2,
	Close = 8,
	Ping = 9,
	Pong = 10,
}

/** Why a connection is closed. RFC 6455, section 7.4.1 */
const enum Status {
	Normal = 1000,
	ProtocolError = 1002,
	NotBinary = 1003,
	TooLarge = 1009,
}

export class WebSocketTransport implements Transport, TransportTarget {
	target: TransportTarget | undefined = undefined;
	private stage: Stage = Stage.Request;
	/** the request that comes; undefined: it is answered */
	private request: RequestHead | undefined = undefined;
	/** of the frame that comes: its header, how many bytes of that are there and are needed */
	private readonly header = new Uint8Array(HEADER_BYTES + 8);
	private headerBytes = 0;
	private headerNeeded = HEADER_BYTES;
	private payloadLeft = 0;
	/** bytes of the payload so far: where in the mask the next one is */
	private payloadAt = 0;
	/** a control frame's payload */
	private control: Uint8Array | undefined = undefined;
	/** how many bytes the broker takes next */
	private wanted: number;
	/** bytes that the socket takes */
	private room = 0;

	constructor(
		private readonly platform: DevicePlatform,
		private readonly tcp: TcpTransport,
		private readonly opened: (transport: WebSocketTransport, room: number) => TransportTarget | undefined,
	) {
		this.wanted = platform.receive!.bytes;
	}

	get remoteAddress(): string {
		return this.tcp.remoteAddress;
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		this.send(Opcode.Binary, bytes, start, end);
		return this.writable();
	}

	resume(): void {
		this.wanted = this.platform.receive!.bytes;
		this.tcp.want(this.needed());
	}

	close(): void {
		this.target = undefined;
		this.end(Status.Normal);
	}

	onReadable(bytes: Uint8Array, start: number, end: number): number {
		let at = start;
		while (at < end) {
			const stage: Stage = this.stage;
			if (stage === Stage.Ended) return 0;
			if (stage === Stage.Request) at = this.takeRequest(bytes, at, end);
			else if (stage === Stage.Header) at = this.takeHeader(bytes, at, end);
			else at = this.takePayload(bytes, at, end);
		}
		return this.needed();
	}

	onWritable(count: number): void {
		this.room = count;
		if (this.stage !== Stage.Request) this.target?.onWritable(this.writable());
	}

	onError(): void {
		const target = this.target;
		this.target = undefined;
		this.stage = Stage.Ended;
		target?.onError();
	}

	/** @returns how many bytes are needed next, and no more */
	private needed(): number {
		if (this.stage === Stage.Request) return this.platform.receive!.bytes;
		if (this.stage === Stage.Header) return this.headerNeeded - this.headerBytes;
		if (this.stage === Stage.Ended) return 0;
		return this.control === undefined ? Math.min(this.payloadLeft, this.wanted) : this.payloadLeft;
	}

	private writable(): number {
		return Math.max(0, this.room - SENT_HEADER_BYTES);
	}

	/** Gathers the request and answers it. A client that sends more before it has the answer is not one. */
	private takeRequest(bytes: Uint8Array, start: number, end: number): number {
		this.request ??= new RequestHead(this.tcp.remoteAddress);
		const request = this.request;
		const at = request.take(this.platform.text, bytes, start, end);
		if (!request.isWhole) return end;
		this.request = undefined;
		if (request.problem !== "" || at !== end) this.refuse(request.problem || "400 Bad Request");
		else if (request.path !== "/" && request.path !== "/mqtt") this.refuse("404 Not Found");
		else this.upgrade(request);
		return end;
	}

	/** Answers a request that came, by whom ever it was read. */
	upgrade(request: RequestHead): void {
		if (request.method !== "GET") return this.refuse("405 Method Not Allowed\r\nAllow: GET");
		const key = request.field("sec-websocket-key");
		if (key === undefined || request.field("sec-websocket-version") !== "13")
			return this.refuse("426 Upgrade Required\r\nSec-WebSocket-Version: 13");
		// the client must offer it [MQTT-6.0.0-3]
		const offered = (request.field("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
		const protocol = offered.find((name) => name === "mqtt" || name === "mqttv3.1");
		if (protocol === undefined) return this.refuse("400 Bad Request");
		const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
		const accept = encodeBase64(sha1(this.platform, key + GUID));
		this.text(`${head}Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`);
		this.stage = Stage.Header;
		this.target = this.opened(this, this.writable());
		if (this.target === undefined) this.end(Status.Normal);
	}

	private refuse(status: string): void {
		this.text(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
		this.stage = Stage.Ended;
		this.tcp.close();
	}

	private text(text: string): void {
		const bytes = new Uint8Array(this.platform.text.size(text));
		this.platform.text.encode(text, bytes, 0);
		if (bytes.length <= this.room) this.room = this.tcp.write(bytes, 0, bytes.length);
	}

	private takeHeader(bytes: Uint8Array, start: number, end: number): number {
		const header = this.header;
		let at = start;
		while (at < end && this.headerBytes < this.headerNeeded) {
			header[this.headerBytes++] = bytes[at++]!;
			if (this.headerBytes === 2) {
				const length = header[1]! & 127;
				this.headerNeeded = HEADER_BYTES + (length === 127 ? 8 : length === 126 ? 2 : 0);
			}
		}
		if (this.headerBytes === this.headerNeeded) this.beginFrame();
		return at;
	}

	private beginFrame(): void {
		const header = this.header;
		const opcode: Opcode = header[0]! & 15;
		let length = header[1]! & 127;
		if (length >= 126) {
			const end = this.headerNeeded - 4;
			length = 0;
			for (let i = 2; i < end; i++) length = length * 256 + header[i]!;
		}
		const isControl = opcode >= Opcode.Close;
		// a client's frames are masked; nobody asked for extensions
		if (
			(header[1]! & 128) === 0 ||
			(header[0]! & 0x70) !== 0 ||
			(isControl && (length > CONTROL_MAX || header[0]! < 128))
		)
			return this.end(Status.ProtocolError);
		if (length > Number.MAX_SAFE_INTEGER) return this.end(Status.TooLarge);
		if (!isControl && opcode !== Opcode.Binary && opcode !== Opcode.Continuation) return this.end(Status.NotBinary);
		this.control = isControl ? new Uint8Array(length) : undefined;
		this.payloadLeft = length;
		this.payloadAt = 0;
		this.stage = Stage.Payload;
		if (length === 0) this.endFrame();
	}

	private takePayload(bytes: Uint8Array, start: number, end: number): number {
		const header = this.header;
		const mask = this.headerNeeded - 4;
		const last = Math.min(end, start + this.payloadLeft);
		let k = this.payloadAt;
		for (let i = start; i < last; i++, k++) bytes[i]! ^= header[mask + (k & 3)]!;
		if (this.control !== undefined)
			for (let i = start; i < last; i++) this.control[this.payloadAt + i - start] = bytes[i]!;
		this.payloadAt = k;
		this.payloadLeft -= last - start;
		if (this.control === undefined && this.target !== undefined)
			this.wanted = this.target.onReadable(bytes, start, last);
		if (this.payloadLeft === 0 && (this.stage as Stage) === Stage.Payload) this.endFrame();
		return last;
	}

	private endFrame(): void {
		const control = this.control;
		this.control = undefined;
		this.stage = Stage.Header;
		this.headerBytes = 0;
		this.headerNeeded = HEADER_BYTES;
		if (control === undefined) return;
		const opcode: Opcode = this.header[0]! & 15;
		if (opcode === Opcode.Ping) this.send(Opcode.Pong, control, 0, control.length);
		else if (opcode === Opcode.Close) this.end(Status.Normal);
	}

	/** Sends a frame; without room for it, none: what is asked for again is a ping. */
	private send(opcode: Opcode, bytes: Uint8Array, start: number, end: number): void {
		const length = end - start;
		if (length + SENT_HEADER_BYTES > this.room) return;
		const header = new Uint8Array(length < 126 ? 2 : 4);
		header[0] = 128 | opcode;
		header[1] = length < 126 ? length : 126;
		if (length >= 126) {
			header[2] = length >> 8;
			header[3] = length & 255;
		}
		this.tcp.write(header, 0, header.length);
		this.room = this.tcp.write(bytes, start, end);
	}

	/** Says why, and ends the connection. */
	private end(status: Status): void {
		if (this.stage === Stage.Ended) return;
		this.send(Opcode.Close, new Uint8Array([status >> 8, status & 255]), 0, 2);
		this.stage = Stage.Ended;
		this.tcp.close();
		const target = this.target;
		this.target = undefined;
		target?.onError();
	}
}

function sha1(platform: DevicePlatform, text: string): Uint8Array {
	const bytes = new Uint8Array(platform.text.size(text));
	platform.text.encode(text, bytes, 0);
	return digestOf("SHA1", bytes);
}

/** Listens for MQTT over WebSocket. A client is the broker's only once it has upgraded; until then it has the time that
 *  a CONNECT has, and there may be as many as there are places. */
export class WebSocketListener extends PortListener {
	/** connections whose request has not come; each with when it must have */
	private readonly strangers: { tcp: TcpTransport; due: number }[] = [];

	/** @param port 0: a free one. Throws the SDK's error when the port can't be had */
	constructor(
		platform: DevicePlatform,
		private readonly broker: Broker,
		port: number,
		/** strangers at once */
		private readonly most = 2,
	) {
		super(platform, port);
	}

	protected override accept(from: TCP): void {
		const now = this.platform.now();
		const tcp = takeOver(this.platform, from);
		if (tcp === undefined) return;
		while (this.strangers.length >= this.most || (this.strangers[0]?.due ?? now) < now)
			this.strangers.shift()!.tcp.close();
		this.strangers.push({ tcp, due: now + this.broker.limits.connectTimeoutMs });
		tcp.target = new WebSocketTransport(this.platform, tcp, (transport, room) => this.open(transport, tcp, room));
	}

	private open(transport: WebSocketTransport, tcp: TcpTransport, room: number): TransportTarget | undefined {
		const index = this.strangers.findIndex((stranger) => stranger.tcp === tcp);
		if (index >= 0) this.strangers.splice(index, 1);
		return this.broker.accept(transport, room);
	}
}
