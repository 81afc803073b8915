/** A small HTTP server on a device: two requests at a time, each of a bounded size and in a bounded time, and an answer
 *  that leaves piece by piece, after which the connection ends. RFC 9112 as far as a page's own requests need it. */
import type TCP from "embedded:io/socket/tcp";
import type { TransportTarget } from "../src/platform.js";
import type { DevicePlatform } from "./platform.js";
import { RequestHead } from "./request.js";
import { PortListener, type TcpTransport, takeOver } from "./tcp.js";

/** Bytes that may follow a request's head. */
const BODY_MAX = 512;

/** Connections that are served at a time, and that wait for that, unread: browsers ask for a page's files at once, and
 *  show none of it where one is refused. One more is closed. */
const SERVED_MAX = 2;
const WAITING_MAX = 4;

/** ms until one that waits is closed. */
const WAIT_MS = 20_000;

/** ms that a request may take to come; where others wait, so long until its first byte. */
const REQUEST_MS = 5_000;
const SILENT_MS = 1_000;

/** ms without progress that end an answer, and how long it may take in all. */
const STALL_MS = 5_000;
const ANSWER_MS = 60_000;

/** Bytes of an answer that are written at once: a segment's. */
const PIECE_BYTES = 1_436;

export interface HttpAnswer {
	/** such as "200 OK" */
	status: string;
	/** lines, each with its end */
	fields?: string;
	/** a text, or bytes that stay as they are; absent: none. They are not copied, and may lie in flash */
	body?: string | Uint8Array;
	/** Content-Length where the body is left out. Default: the body's */
	length?: number;
}

export interface HttpServer {
	/** @param body UTF-8; "" without one */
	answer(request: RequestHead, body: string): HttpAnswer;
	/** Takes a connection over whose request asks for another protocol. Absent: none does.
	 *  @param room bytes that it takes now @returns what hears of it from now on; undefined: it gets an answer */
	upgrade?(request: RequestHead, tcp: TcpTransport, room: number): TransportTarget | undefined;
}

/** What the listener asks of a connection. */
interface Connection extends TransportTarget {
	readonly tcp: TcpTransport;
	/** it is no more */
	ended: boolean;
	/** @param isWanted others wait @returns whether its time is over */
	isOver(now: number, isWanted: boolean): boolean;
}

/** A connection that is not read yet. */
class WaitingConnection implements Connection {
	ended = false;
	/** bytes that it takes */
	room = 0;

	constructor(
		readonly tcp: TcpTransport,
		/** when it is over; ms on the platform's clock */
		private readonly due: number,
	) {
		tcp.want(0);
	}

	isOver(now: number): boolean {
		return now >= this.due;
	}

	onReadable(): number {
		return 0;
	}

	onWritable(count: number): void {
		this.room = count;
	}

	onError(): void {
		this.ended = true;
	}
}

/** One request and its answer. */
class HttpConnection implements Connection {
	ended = false;
	private due: number;
	private readonly request: RequestHead;
	private body: Uint8Array | undefined = undefined;
	private bodyCount = 0;
	/** what leaves, how much of that has, and what leaves after that */
	private part: Uint8Array | undefined = undefined;
	private sent = 0;
	private rest: Uint8Array | undefined = undefined;

	/** Begins to read. */
	constructor(
		private readonly listener: HttpListener,
		private readonly platform: DevicePlatform,
		readonly tcp: TcpTransport,
		private room: number,
		/** ms on the platform's clock */
		private readonly begun: number,
	) {
		this.due = begun + REQUEST_MS;
		this.request = new RequestHead(tcp.remoteAddress);
		tcp.target = this;
		tcp.want(platform.receive!.bytes);
	}

	isOver(now: number, isWanted: boolean): boolean {
		return now >= this.due || (isWanted && this.request.isEmpty && now >= this.begun + SILENT_MS);
	}

	onReadable(bytes: Uint8Array, start: number, end: number): number {
		let at = start;
		const { request } = this;
		if (this.part === undefined && !request.isWhole) {
			at = request.take(this.platform.text, bytes, start, end);
			if (request.isWhole) this.takeHead();
		}
		const { body } = this;
		if (body !== undefined) {
			const count = Math.min(end - at, body.length - this.bodyCount);
			body.set(bytes.subarray(at, at + count), this.bodyCount);
			at += count;
			this.bodyCount += count;
			if (this.bodyCount === body.length) return this.serve(body, bytes, at, end);
		}
		return this.settled(this.part === undefined ? this.platform.receive!.bytes : 0);
	}

	private takeHead(): void {
		const { request } = this;
		const length = request.field("content-length") ?? "0";
		if (request.problem !== "") this.send({ status: request.problem });
		else if (request.field("transfer-encoding") !== undefined || !/^\d{1,9}$/.test(length))
			this.send({ status: "411 Length Required" });
		else if (Number(length) > BODY_MAX) this.send({ status: "413 Content Too Large" });
		else this.body = new Uint8Array(Number(length));
	}

	/** All is there. What came after it is the other protocol's, or nobody's. */
	private serve(body: Uint8Array, bytes: Uint8Array, at: number, end: number): number {
		const { request, listener } = this;
		this.body = undefined;
		const target = listener.server.upgrade?.(request, this.tcp, this.room);
		if (target !== undefined) {
			this.ended = true;
			return this.settled(target.onReadable(bytes, at, end));
		}
		const text = this.platform.text.decode(body, 0, body.length);
		this.send(text === undefined ? { status: "400 Bad Request" } : listener.server.answer(request, text));
		return this.settled(0);
	}

	private send({ status, fields = "", body = "", length }: HttpAnswer): void {
		const { text } = this.platform;
		const isText = typeof body === "string";
		const size = isText ? text.size(body) : body.length;
		// nothing was modified, and nothing is said of how long it would be. RFC 9110, section 8.6
		const told = status.startsWith("304") ? "" : `Content-Length: ${length ?? size}\r\n`;
		const head = `HTTP/1.1 ${status}\r\nConnection: close\r\n${told}${fields}\r\n`;
		this.part = new Uint8Array(text.size(head) + (isText ? size : 0));
		const at = text.encode(head, this.part, 0);
		if (isText) text.encode(body, this.part, at);
		else this.rest = body;
		this.flush();
	}

	onWritable(count: number): void {
		this.room = count;
		this.flush();
		this.settled(0);
	}

	private flush(): void {
		if (this.part === undefined || this.ended) return;
		let isProgress = false;
		for (;;) {
			const left = this.part.length - this.sent;
			if (left > 0) {
				if (this.room === 0) break;
				const from = this.sent;
				isProgress = true;
				this.sent += Math.min(left, this.room, PIECE_BYTES);
				this.room = this.tcp.write(this.part, from, this.sent);
			} else if (this.rest !== undefined) {
				this.part = this.rest;
				this.rest = undefined;
				this.sent = 0;
			} else {
				this.ended = true;
				return this.tcp.close();
			}
		}
		if (isProgress) this.due = Math.min(this.platform.now() + STALL_MS, this.begun + ANSWER_MS);
	}

	onError(): void {
		this.ended = true;
		this.settled(0);
	}

	/** Others may have their turn. @returns the bytes that are wanted next */
	private settled(wanted: number): number {
		if (this.ended) this.listener.settle();
		return wanted;
	}
}

export class HttpListener extends PortListener {
	/** those that are served, then those that wait, as they came */
	private connections: Connection[] = [];

	/** @param port 0: a free one. Throws the SDK's error when it can't be had */
	constructor(
		platform: DevicePlatform,
		port: number,
		readonly server: HttpServer,
	) {
		super(platform, port);
	}

	/** It is taken over at once, also where it has to wait: the SDK forgets to notice the end of one that is not. */
	protected override accept(from: TCP): void {
		this.settle();
		if (this.connections.length >= SERVED_MAX + WAITING_MAX) return from.close();
		const tcp = takeOver(this.platform, from);
		if (tcp === undefined) return;
		const connection = new WaitingConnection(tcp, this.platform.now() + WAIT_MS);
		tcp.target = connection;
		this.connections.push(connection);
		this.settle();
	}

	/** Ends what takes too long, and begins with who has waited longest. A second or more often. */
	settle(): void {
		if (this.connections.length === 0) return;
		const now = this.platform.now();
		const isWanted = this.connections.length > SERVED_MAX;
		const left: Connection[] = [];
		for (let i = 0; i < this.connections.length; i++) {
			const connection = this.connections[i]!;
			if (connection.ended) continue;
			if (!connection.isOver(now, isWanted)) left.push(connection);
			else this.end(connection);
		}
		this.connections = left;
		for (let i = 0; i < left.length && i < SERVED_MAX; i++) {
			const waiting = left[i]!;
			if (waiting instanceof WaitingConnection)
				left[i] = new HttpConnection(this, this.platform, waiting.tcp, waiting.room, now);
		}
	}

	private end(connection: Connection): void {
		connection.ended = true;
		connection.tcp.close();
	}

	override close(): void {
		super.close();
		for (let i = 0; i < this.connections.length; i++) this.end(this.connections[i]!);
	}
}
