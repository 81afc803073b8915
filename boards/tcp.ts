/** MQTT over the SDK's TCP sockets: one object a connection, no closure, and no exception leaves a callback. */
import Listener from "embedded:io/socket/listener";
import TCP, { type Options } from "embedded:io/socket/tcp";
import type { Broker } from "../src/broker/broker.js";
import type { Listener as BrokerListener } from "../src/broker/listener.js";
import type { Source } from "../src/memory/receive-buffer.js";
import type { Transport, TransportTarget } from "../src/platform.js";
import type { DevicePlatform } from "./platform.js";

/** The SDK's class, without the names that the transport has for its own. */
interface Socket {
	read(bytes: Uint8Array): number | undefined;
	write(...bytes: unknown[]): number | undefined;
	close(): void;
}

const SocketClass = TCP as unknown as new (options: Options) => Socket;

/** The SDK looks these up once, at construction, and calls them with the transport as `this`. */
function onReadable(this: unknown, count: number): void {
	(this as TcpTransport).readableEvent(count);
}

function onWritable(this: unknown, count: number): void {
	(this as TcpTransport).writableEvent(count);
}

function onError(this: unknown): void {
	(this as TcpTransport).errorEvent();
}

/** One connection: taken over from the listener's bare socket, or made to a server. */
export class TcpTransport extends SocketClass implements Transport, Source {
	target: TransportTarget | undefined = undefined;
	nextResumed: TcpTransport | undefined = undefined;
	/** bytes that lie in the socket: it tells of them only when more come */
	private readable = 0;
	/** how many bytes the broker takes next; 0: none until `resume` */
	private wanted: number;

	/** @param socket one that a listener gave, or a server's address, which is an IP address
	 *  @param peer for log lines. Throws the SDK's error when the socket is gone already, or there are too many */
	constructor(
		private readonly platform: DevicePlatform,
		socket: { from: TCP } | { address: string; port: number },
		private readonly peer: string,
	) {
		super({ ...socket, nodelay: true, onReadable, onWritable, onError });
		this.wanted = platform.receive!.bytes;
	}

	get remoteAddress(): string {
		return this.peer;
	}

	override write(bytes: Uint8Array, start: number, end: number): number {
		try {
			return super.write(bytes.subarray(start, end)) ?? 0;
		} catch {
			return 0; // the peer has gone while bytes of it are still read: onError follows those
		}
	}

	resume(): void {
		this.want(this.platform.receive!.bytes);
	}

	/** The same, for at most so many bytes; 0: none. */
	want(count: number): void {
		this.wanted = count;
		if (count > 0) this.platform.resumed(this);
	}

	/** What has come is thrown away first: a socket that is closed with unread bytes is reset, and the peer never sees
	 *  the last packet. */
	override close(): void {
		this.target = undefined;
		try {
			const receive = this.platform.receive!;
			for (; this.readable > 0; ) {
				const count = Math.min(this.readable, receive.bytes);
				this.readable -= count;
				receive.fill(this, count);
			}
		} catch {
			// it was told of more than there is
		}
		super.close();
	}

	readInto(bytes: Uint8Array): void {
		super.read(bytes);
	}

	readableEvent(count: number): void {
		this.readable = count;
		this.platform.beginEvent();
		this.bring();
		this.platform.endEvent();
	}

	/** Hands on what has come, as much as is wanted; also when the turn in which the broker asked for more is over. */
	bring(): void {
		try {
			const receive = this.platform.receive!;
			while (this.readable > 0 && this.wanted > 0 && this.target !== undefined) {
				const count = Math.min(this.readable, this.wanted, receive.bytes);
				receive.fill(this, count);
				this.readable -= count;
				this.wanted = this.target.onReadable(receive.memory, receive.start, receive.start + count);
			}
		} catch (error) {
			this.fail(error);
		}
	}

	writableEvent(count: number): void {
		this.platform.beginEvent();
		try {
			this.target?.onWritable(count);
		} catch (error) {
			this.fail(error);
		}
		this.platform.endEvent();
	}

	errorEvent(): void {
		this.platform.beginEvent();
		this.end();
		this.platform.endEvent();
	}

	private end(): void {
		const target = this.target;
		this.readable = 0;
		try {
			this.close();
			target?.onError();
		} catch (error) {
			this.platform.fault(this.peer, error);
		}
	}

	/** An exception costs this connection, and nothing else. */
	private fail(error: unknown): void {
		this.platform.fault(this.peer, error);
		this.end();
	}
}

/** Takes over what a listener gave. Its address is read now: after an error there is no socket to ask.
 *  @returns undefined: it is gone already */
export function takeOver(platform: DevicePlatform, from: TCP): TcpTransport | undefined {
	try {
		return new TcpTransport(platform, { from }, `${from.remoteAddress}:${from.remotePort}`);
	} catch {
		from.close();
		return undefined;
	}
}

/** Listens at a port. */
export abstract class PortListener {
	private readonly listener: Listener;

	/** @param port 0: a free one. Throws the SDK's error when it can't be had */
	constructor(
		protected readonly platform: DevicePlatform,
		port: number,
	) {
		const own = this;
		this.listener = new Listener({
			port,
			onReadable() {
				own.acceptAll(this);
			},
		});
	}

	get port(): number {
		return this.listener.port;
	}

	/** Ends the listener; connections stay. The SDK's types have no `close`. */
	close(): void {
		(this.listener as unknown as { close(): void }).close();
	}

	/** Takes what a peer has opened. */
	protected abstract accept(from: TCP): void;

	private acceptAll(listener: Listener): void {
		const platform = this.platform;
		platform.beginEvent();
		try {
			for (let from = listener.read(); from !== undefined; from = listener.read()) this.accept(from);
		} catch (error) {
			platform.fault("listener", error);
		}
		platform.endEvent();
	}
}

/** Listens for MQTT over TCP. */
export class TcpListener extends PortListener {
	/** @param port 0: a free one @param rules a listener of the broker with its own rules; default: the broker's
	 *  Throws the SDK's error when the port can't be had */
	constructor(
		platform: DevicePlatform,
		private readonly broker: Broker,
		port: number,
		private readonly rules?: BrokerListener,
	) {
		super(platform, port);
	}

	/** A connection that is gone already, or one more than there are places, is closed. */
	protected override accept(from: TCP): void {
		const transport = takeOver(this.platform, from);
		if (transport === undefined) return;
		const connection = this.broker.accept(transport, 0, this.rules);
		if (connection === undefined) transport.close();
		else transport.target = connection;
	}
}
