/** A small HTTP server on a device: two requests at a time, each of a bounded size and in a bounded time, and an answer
 *  that leaves piece by piece, after which the connection ends. RFC 9112 as far as a page's own requests need it. */
import type TCP from "embedded:io/socket/tcp";
import type { TransportTarget } from "../src/platform.js";
import type { DevicePlatform } from "./platform.js";
import { PortListener, type TcpTransport, takeOver } from "./tcp.js";

/** Bytes of a request's head, and of what follows it, at most; browsers send some 500. */
const HEAD_MAX = 2_048;
const BODY_MAX = 512;

/** ms that a request may take to come, and its answer to leave. */
const REQUEST_MS = 5_000;

/** Connections at a time: one more takes the place of one whose time is over, or is closed. */
const CONNECTIONS_MAX = 2;

/** Bytes of an answer that are written at once. */
const PIECE_BYTES = 512;

export interface HttpRequest {
	method: string;
	/** without what follows a question mark */
	path: string;
	/** @returns a header field's value; undefined: it has none, or more than one. @param name in small letters */
	field(name: string): string | undefined;
	/** UTF-8; "" without one */
	body: string;
}

export interface HttpAnswer {
	/** such as "200 OK" */
	status: string;
	/** lines, each with its end */
	fields?: string;
	body?: string;
}

export type HttpHandler = (request: HttpRequest) => HttpAnswer;

/** One request and its answer. */
class HttpConnection implements TransportTarget {
	/** what has come; a byte is a character until all of it is there */
	private head = "";
	/** where the body begins; 0: the head is not whole yet */
	private bodyAt = 0;
	private bodyBytes = 0;
	private body: Uint8Array = new Uint8Array(0);
	private bodyCount = 0;
	private answer: Uint8Array | undefined = undefined;
	private sent = 0;
	private room = 0;
	ended = false;

	constructor(
		private readonly platform: DevicePlatform,
		private readonly tcp: TcpTransport,
		private readonly handler: HttpHandler,
		/** when it is over; ms on the platform's clock */
		readonly due: number,
	) {}

	onReadable(bytes: Uint8Array, start: number, end: number): number {
		let at = start;
		if (this.answer !== undefined || this.ended) return 0;
		for (; at < end && this.bodyAt === 0; at++) {
			this.head += String.fromCharCode(bytes[at]!);
			if (this.head.endsWith("\r\n\r\n")) this.takeHead();
			else if (this.head.length >= HEAD_MAX) this.refuse("431 Request Header Fields Too Large");
			if (this.answer !== undefined) return 0;
		}
		for (; at < end && this.bodyCount < this.bodyBytes; at++) this.body[this.bodyCount++] = bytes[at]!;
		if (this.bodyAt > 0 && this.bodyCount === this.bodyBytes) this.serve();
		return this.answer === undefined ? this.platform.receive!.bytes : 0;
	}

	private takeHead(): void {
		this.bodyAt = this.head.length;
		const length = fieldOf(this.head, "content-length") ?? "0";
		if (fieldOf(this.head, "transfer-encoding") !== undefined || !/^\d{1,9}$/.test(length))
			return this.refuse("411 Length Required");
		this.bodyBytes = Number(length);
		if (this.bodyBytes > BODY_MAX) return this.refuse("413 Content Too Large");
		this.body = new Uint8Array(this.bodyBytes);
	}

	private serve(): void {
		const { head, body, platform } = this;
		const found = /^([A-Z]+) (\/[!-~]*) HTTP\/1\.[01]\r\n/.exec(head);
		const text = platform.text.decode(body, 0, body.length);
		if (found === null || text === undefined) return this.refuse("400 Bad Request");
		const request = { method: found[1]!, path: found[2]!.split("?")[0]!, body: text };
		this.send(this.handler({ ...request, field: (name) => fieldOf(head, name) }));
	}

	private refuse(status: string): void {
		this.send({ status });
	}

	private send({ status, fields = "", body = "" }: HttpAnswer): void {
		const { text } = this.platform;
		const length = text.size(body);
		const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${length}\r\n${fields}\r\n`;
		this.answer = new Uint8Array(text.size(head) + length);
		text.encode(body, this.answer, text.encode(head, this.answer, 0));
		this.head = "";
		this.flush();
	}

	onWritable(count: number): void {
		this.room = count;
		this.flush();
	}

	private flush(): void {
		const { answer } = this;
		if (answer === undefined || this.ended) return;
		while (this.sent < answer.length && this.room > 0) {
			const count = Math.min(answer.length - this.sent, this.room, PIECE_BYTES);
			const from = this.sent;
			this.sent += count;
			this.room = this.tcp.write(answer, from, this.sent);
		}
		if (this.sent === answer.length) this.close();
	}

	onError(): void {
		this.ended = true;
	}

	close(): void {
		if (this.ended) return;
		this.ended = true;
		this.tcp.close();
	}
}

/** @returns a header field's value; undefined: there is none, or more than one */
function fieldOf(head: string, name: string): string | undefined {
	const lines = head.split("\r\n");
	let value: string | undefined;
	for (let i = 1; i < lines.length; i++) {
		const colon = lines[i]!.indexOf(":");
		if (colon <= 0 || lines[i]!.slice(0, colon).toLowerCase() !== name) continue;
		if (value !== undefined) return undefined;
		value = lines[i]!.slice(colon + 1).trim();
	}
	return value;
}

export class HttpListener extends PortListener {
	private connections: HttpConnection[] = [];

	/** @param port 0: a free one. Throws the SDK's error when it can't be had */
	constructor(
		platform: DevicePlatform,
		port: number,
		private readonly handler: HttpHandler,
	) {
		super(platform, port);
	}

	protected override accept(from: TCP): void {
		this.tick();
		if (this.connections.length >= CONNECTIONS_MAX) return from.close();
		const tcp = takeOver(this.platform, from);
		if (tcp === undefined) return;
		const due = this.platform.now() + REQUEST_MS;
		const connection = new HttpConnection(this.platform, tcp, this.handler, due);
		tcp.target = connection;
		this.connections.push(connection);
	}

	/** Ends what takes too long. A second or more often. */
	tick(): void {
		const now = this.platform.now();
		for (let i = 0; i < this.connections.length; i++) if (this.connections[i]!.due <= now) this.connections[i]!.close();
		this.connections = this.connections.filter((connection) => !connection.ended);
	}
}
