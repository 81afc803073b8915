/** MQTT over TCP on Node: the listener, and the transport of one connection. */
import { createServer, type Server, type Socket } from "node:net";
import type { Broker } from "../src/broker/broker.js";
import type { Listener } from "../src/broker/listener.js";
import type { Transport, TransportTarget } from "../src/platform.js";
import { OwnReads } from "./own-reads.js";
import type { NodePlatform } from "./platform.js";

/** Bytes that a transport says it takes at once. What the kernel does not take at once stays in the broker's buffer. */
export const WRITABLE = 1 << 20;

/** The share of the broker's buffers that may wait for peers who don't read. Beyond it their bytes are copied, so that
 *  there is always a buffer for who reads. */
const KEPT_SHARE = 4;

/** How many of a broker's buffers are kept by a listener's transports, and how many may be. */
interface KeptBuffers {
	count: number;
	readonly most: number;
}

/** How long a connection that this side has ended is kept to let the peer read the last packet, ms. */
export const LINGER_MS = 1_000;

const NOTHING = Buffer.alloc(0);

/** A socket, and the transport that its listeners are for. They are the same functions for all sockets: four closures
 *  a connection would be a sixth of its memory. */
interface TransportSocket extends Socket {
	transport?: TcpTransport;
}

function onData(this: TransportSocket, chunk: Buffer): void {
	if (this.transport?.bring(chunk, chunk.length) === false) this.pause();
}

function onRead(this: TransportSocket, count: number, bytes: Uint8Array): boolean {
	return this.transport?.bring(bytes, count) ?? false;
}

const OWN_READS = new OwnReads<TransportSocket>(onRead);

function onError(): void {} // "close" follows

function onEnd(this: TransportSocket): void {
	this.transport?.ended();
}

export class TcpTransport implements Transport {
	target: TransportTarget | undefined;
	/** the kernel has not taken all of the last write, */
	private full = false;
	/** whose bytes lie in the broker's buffer */
	private kept = false;

	constructor(
		private readonly socket: TransportSocket,
		private readonly buffers: KeptBuffers,
		/** of a broker's: is told of each read, where it wants to know */
		private readonly platform?: Partial<NodePlatform>,
	) {
		socket.transport = this;
		if (platform === undefined || !OWN_READS.begin(socket)) socket.on("data", onData);
		socket.on("error", onError);
		socket.on("end", onEnd);
		socket.on("close", onEnd);
	}

	/** Where the peer is, as it was when this was asked first: a socket that has ended does not know it any more. */
	get remoteAddress(): string {
		if (this.address === "") this.address = `${this.socket.remoteAddress ?? "?"}:${this.socket.remotePort ?? 0}`;
		return this.address;
	}
	private address = "";

	/** For a socket that reads into a buffer of its owner's (`onread`): bytes[0..count) have come.
	 *  @returns whether to read on */
	bring(bytes: Uint8Array, count: number): boolean {
		if (this.platform?.read === undefined) this.take(bytes, count);
		else this.platform.read(this, bytes, count);
		return !this.stopped;
	}

	/** Hands bytes[0..count) on. */
	take(bytes: Uint8Array, count: number): void {
		this.stopped = this.target?.onReadable(bytes, 0, count) === 0;
	}

	/** Reads on, after `bring`'s caller stopped of its own. */
	readOn(): void {
		if (!this.stopped && !this.socket.destroyed) this.socket.resume();
	}
	private stopped = false;

	write(bytes: Uint8Array, start: number, end: number): number {
		const socket = this.socket;
		const buffers = this.buffers;
		const copies = buffers.count >= buffers.most;
		const view = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
		socket.write(copies ? Buffer.from(view) : view);
		if (socket.writableLength === 0) return WRITABLE;
		this.full = true;
		socket.write(NOTHING, () => this.written());
		if (copies) return 0;
		this.kept = true;
		buffers.count++;
		return -1;
	}

	/** All that had been written has left. */
	private written(): void {
		if (!this.full || this.socket.writableLength > 0) return;
		this.full = false;
		this.giveBack();
		this.target?.onWritable(WRITABLE);
	}

	private giveBack(): void {
		if (this.kept) this.buffers.count--;
		this.kept = false;
	}

	resume(): void {
		this.stopped = false;
		this.socket.resume();
	}

	/** Ends the connection gently: the last packet (such as a 5.0 DISCONNECT) must not be lost to a reset because of
	 *  bytes that nobody reads any more. Of a peer that is done none come. */
	close(peerIsDone = false): void {
		const socket = this.socket;
		this.target = undefined;
		// where bytes lie in the broker's buffer, that goes to others now
		if (this.kept || (peerIsDone && socket.writableLength === 0)) socket.destroy();
		this.giveBack();
		endGently(socket);
	}

	/** The peer has ended its side, or the connection is gone. */
	ended(): void {
		const target = this.target;
		this.target = undefined;
		target?.onError();
		this.giveBack();
		this.socket.destroy();
	}
}

/** Ends a connection once what was written has left; a peer that does not end its side has LINGER_MS. */
export function endGently(socket: Socket): void {
	if (socket.destroyed) return;
	socket.end();
	socket.resume();
	setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Listens for MQTT over TCP. @param port 0: a free one @param listener of the broker, where clients come in
 *  @returns the server, listening. Rejects with the system's error when it cannot. */
export function listenTcp(
	broker: Broker,
	host: string,
	port: number,
	listener: Listener = broker.listener,
): Promise<Server> {
	const buffers: KeptBuffers = { count: 0, most: Math.floor(broker.limits.outputBuffers / KEPT_SHARE) };
	const server = createServer({ noDelay: true }, (socket) => {
		const transport = new TcpTransport(socket, buffers, broker.platform);
		if (broker.logs(1)) transport.remoteAddress; // for the line that says how it ended
		const connection = broker.accept(transport, WRITABLE, listener);
		if (connection === undefined) transport.close();
		else transport.target = connection;
	});
	return startListening(server, broker, host, port);
}

/** Begins to listen. Rejects with the system's error when it cannot; later ones cost a connection and a log line. */
export function startListening<S extends Server>(server: S, broker: Broker, host: string, port: number): Promise<S> {
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		server.listen({ host, port, backlog: 1024 }, () => {
			server.off("error", reject);
			// such as too many open files: this connection is lost, the others go on
			server.on("error", (error) =>
				broker.log(0, `${host}:${port}: a connection cannot be accepted: ${error.message}`),
			);
			resolve(server);
		});
	});
}
