/** MQTT over WebSocket on Node, with TLS or without: the listener, and the transport of one connection. Spec: 6 */
import {
	createServer,
	type Server as HttpServer,
	type IncomingMessage,
	type RequestListener,
	STATUS_CODES,
} from "node:http";
import { createServer as createSecureServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import type { Broker } from "../src/broker/broker.js";
import type { Listener } from "../src/broker/listener.js";
import type { Transport, TransportTarget } from "../src/platform.js";
import { LINGER_MS, startListening } from "./tcp.js";
import {
	addressOf,
	Credentials,
	Strangers,
	type TlsControl,
	type TlsOptions,
	userNameOf,
	WAITING_BYTES_MAX,
} from "./tls.js";

export interface WebSocketOptions {
	/** what a URL's path may be; absent: /mqtt and / */
	paths?: readonly string[];
	/** the pages whose scripts may connect, such as https://home.example; absent: all. Programs that are no browser name
	 *  none, and are let in. */
	allowedOrigins?: readonly string[];
	/** absent: ws, not wss */
	tls?: TlsOptions;
	/** answers requests for anything but a WebSocket. Default: 426 */
	serve?: RequestListener;
	/** @returns whether a request may become a WebSocket, beside paths and origins. Default: all may */
	mayUpgrade?: (request: IncomingMessage) => boolean;
	/** @returns who is at the other end, as a client certificate would say it; undefined: nobody knows */
	identify?: (request: IncomingMessage) => string | undefined;
}

/** Subprotocols, the preferred one first; the second is what clients of MQTT 3.1 offer. */
const SUBPROTOCOLS = ["mqtt", "mqttv3.1"] as const;

/** A message may hold several packets: it may have so many bytes, however small the largest packet is. */
const MESSAGE_BYTES = 1 << 16;

/** Status codes. Spec: RFC 6455, 7.4.1 */
const NORMAL = 1000;
const NOT_BINARY = 1003;
const TOO_MUCH = 1013;

/** Bytes of messages that are not whole, of all the connections of a listener. They lie outside of the broker's store,
 *  so strangers must not be able to pile up any number. */
interface Unfinished {
	bytes: number;
	readonly most: number;
}

/** One connection. @internal its types are those of ws */
export class WebSocketTransport implements Transport {
	readonly remoteAddress: string;
	/** the Common Name of a client certificate that an authority vouches for */
	readonly certificateUserName: string | undefined;
	target: TransportTarget | undefined;
	/** the broker was told less than WAITING_BYTES_MAX */
	private full = false;
	/** the broker wants nothing now: what came in the same read waits here */
	private paused = false;
	private readonly waiting: Buffer[] = [];
	private resuming = false;
	/** bytes of a message that is not whole, counted in `unfinished` */
	private partial = 0;

	constructor(
		private readonly ws: WebSocket,
		socket: Socket,
		private readonly unfinished: Unfinished,
		identified?: string,
	) {
		this.remoteAddress = addressOf(socket);
		this.certificateUserName = identified ?? (socket instanceof TLSSocket ? userNameOf(socket) : undefined);
		// before ws looks at it
		socket.prependListener("data", (chunk: Buffer) => this.count(this.partial + chunk.length));
		ws.on("message", (data: Buffer, isBinary: boolean) => this.take(data, isBinary));
		ws.on("error", () => this.ended()); // no frames, or too large ones: ws tells the peer
		ws.on("close", () => this.ended());
	}

	private count(partial: number): void {
		this.unfinished.bytes += partial - this.partial;
		this.partial = partial;
		if (this.unfinished.bytes <= this.unfinished.most || this.target === undefined || partial === 0) return;
		this.finish();
		this.ws.close(TOO_MUCH, "too many unfinished messages");
	}

	private take(data: Buffer, isBinary: boolean): void {
		this.count(0);
		if (this.target === undefined) return;
		if (!isBinary) {
			// [MQTT-6.0.0-1]
			this.finish();
			this.ws.close(NOT_BINARY, "MQTT is binary");
		} else if (this.paused) {
			this.waiting.push(data); // ws goes on with what it has read already
		} else if (this.bring(data)) {
			this.paused = true;
			this.ws.pause();
		}
	}

	/** Packets begin and end anywhere in a message: the stream is what counts [MQTT-6.0.0-2].
	 *  @returns whether to bring no more */
	private bring(data: Buffer): boolean {
		return data.length > 0 && this.target?.onReadable(data, 0, data.length) === 0 && this.target !== undefined;
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		if (this.ws.readyState !== this.ws.OPEN) return WAITING_BYTES_MAX; // nobody gets it; the end follows
		this.ws.send(Buffer.from(bytes.subarray(start, end)), this.written);
		return this.room();
	}

	private room(): number {
		const room = Math.max(0, WAITING_BYTES_MAX - this.ws.bufferedAmount);
		this.full = room < WAITING_BYTES_MAX;
		return room;
	}

	private readonly written = (): void => {
		if (this.full) this.target?.onWritable(this.room());
	};

	resume(): void {
		if (!this.paused || this.resuming) return;
		this.resuming = true;
		process.nextTick(this.drain); // not within the broker's turn, as a socket does
	}

	private readonly drain = (): void => {
		this.resuming = false;
		while (this.waiting.length > 0) if (this.bring(this.waiting.shift()!)) return;
		this.paused = false;
		if (this.ws.readyState === this.ws.CLOSED) this.finish();
		else this.ws.resume();
	};

	/** Ends the connection gently; ws breaks it off after LINGER_MS. */
	close(): void {
		this.target = undefined;
		this.waiting.length = 0;
		this.ws.close(NORMAL);
		this.ws.resume(); // to read the peer's answer
	}

	private ended(): void {
		this.count(0);
		// what came before the end is the broker's still, a DISCONNECT perhaps
		if (this.waiting.length > 0) this.target?.onWritable(WAITING_BYTES_MAX);
		else this.finish();
	}

	private finish(): void {
		const target = this.target;
		this.target = undefined;
		this.waiting.length = 0;
		target?.onError();
	}
}

/** Listens for MQTT over WebSocket. A client is the broker's only once it has upgraded.
 *  @param port 0: a free one @param listener of the broker, where clients come in
 *  @returns the server, listening; one with TLS has TlsControl's members. Rejects as `listenTls` does. */
export async function listenWebSocket(
	broker: Broker,
	host: string,
	port: number,
	options: WebSocketOptions = {},
	listener: Listener = broker.listener,
): Promise<(HttpServer | HttpsServer) & Partial<TlsControl>> {
	const credentials = options.tls === undefined ? undefined : new Credentials(broker, options.tls);
	const secure = credentials === undefined ? undefined : createSecureServer(credentials.serverOptions);
	const server = secure ?? createServer();
	const strangers = new Strangers(server, broker);
	if (secure !== undefined) credentials?.control(secure, strangers);
	const { packetBytes, blocks, blockBytes } = broker.limits;
	const maxPayload = Math.max(packetBytes, MESSAGE_BYTES);
	const unfinished: Unfinished = { bytes: 0, most: Math.max(blocks * blockBytes, 4 * maxPayload) };
	const upgrades = {
		noServer: true,
		clientTracking: false,
		perMessageDeflate: false,
		maxPayload,
		closeTimeout: LINGER_MS,
		skipUTF8Validation: true, // text is refused, whatever it says
		handleProtocols: choose,
	};
	const webSockets = new WebSocketServer(upgrades);
	const serve: RequestListener = (_request, response) => {
		response.writeHead(426, { "content-type": "text/plain", upgrade: "websocket", connection: "upgrade, close" });
		response.end("This is an MQTT hub: connect with WebSocket and its subprotocol mqtt.\n");
	};
	server.on("request", options.serve ?? serve);
	server.on("upgrade", (request, stream, head) => {
		const socket = stream as Socket;
		const status = judge(request, options);
		if (status !== 0) return refuse(socket, status);
		webSockets.handleUpgrade(request, socket, head, (ws) => {
			strangers.leave(addressOf(socket));
			const transport = new WebSocketTransport(ws, socket, unfinished, options.identify?.(request));
			const connection = broker.accept(transport, WAITING_BYTES_MAX, listener);
			if (connection === undefined) transport.close();
			else transport.target = connection;
		});
	});
	return startListening(server, broker, host, port);
}

/** [MQTT-6.0.0-4] */
function choose(offered: ReadonlySet<string>): string | false {
	return SUBPROTOCOLS.find((name) => offered.has(name)) ?? false;
}

/** @returns the status that refuses the request; 0: it may become a WebSocket */
function judge(request: IncomingMessage, options: WebSocketOptions): number {
	const { paths = ["/mqtt", "/"], allowedOrigins } = options;
	const { origin } = request.headers;
	if (!paths.includes(request.url?.split("?")[0] ?? "/")) return 404;
	if (allowedOrigins !== undefined && origin !== undefined && !allowedOrigins.includes(origin.toLowerCase()))
		return 403;
	if (options.mayUpgrade?.(request) === false) return 403;
	// a client must offer one [MQTT-6.0.0-3]
	const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
	return choose(new Set(offered)) === false ? 400 : 0;
}

function refuse(socket: Socket, status: number): void {
	const body = status === 400 ? "Offer the subprotocol mqtt.\n" : `${STATUS_CODES[status]}\n`;
	const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n`;
	socket.on("error", () => {}); // "close" follows
	socket.once("finish", () => socket.destroy());
	socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
}
