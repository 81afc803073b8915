/** A client's transport over any socket of ECMA-419: TCP, or the SDK's TLSSocket. */
import type { ConnectorTarget } from "../client/client-options.js";
import type { ReceiveBuffer, Source } from "../memory/receive-buffer.js";
import type { Transport, TransportTarget } from "../platform.js";

/** A socket, as far as it is used. */
export interface Io {
	/** Fills a view; what is asked for must be there. */
	read(bytes: Uint8Array): unknown;
	/** @returns bytes that may be written now */
	write(bytes: Uint8Array): unknown;
	close(): void;
	format?: string;
}

export type IoClass = new (options: Record<string, unknown>) => Io;

type Target = ConnectorTarget & TransportTarget;

/** Bytes less than `write` of a socket over another one, as TLSSocket is, says: its records are longer than it thinks,
 *  and one that does not fit is lost. */
const RECORD_BYTES = 64;

export class IoTransport implements Transport, Source {
	private io: Io | undefined = undefined;
	private opened = false;
	/** bytes that lie in the socket: it tells of them only when more come */
	private readable = 0;
	private wanted: number;
	private resumed = false;
	/** bytes were lost: the connection is of no use any more */
	private broken = false;
	private readonly reserve: number;

	/** Begins to connect. Throws what the socket's constructor does.
	 *  @param options the socket's own: address, host, port, and what it needs more */
	constructor(
		private target: Target | undefined,
		private readonly receive: ReceiveBuffer,
		ioClass: IoClass,
		options: Record<string, unknown>,
		readonly remoteAddress: string,
	) {
		this.wanted = receive.bytes;
		this.reserve = options.TCP === undefined ? 0 : RECORD_BYTES;
		this.io = new ioClass({
			...options,
			onReadable: (count: number) => {
				this.readable = count;
				this.bring();
			},
			onWritable: (count: number) => this.writable(count),
			onError: () => this.end(),
		});
	}

	private writable(count: number): void {
		const target = this.target;
		if (target === undefined) return;
		if (this.opened) return target.onWritable(count);
		this.opened = true;
		target.opened(this, count);
	}

	/** Hands on what has come, as much as is wanted. */
	bring(): void {
		this.resumed = false;
		const receive = this.receive;
		while (this.readable > 0 && this.wanted > 0 && this.target !== undefined) {
			const count = Math.min(this.readable, this.wanted, receive.bytes);
			receive.fill(this, count);
			this.readable -= count;
			this.wanted = this.target.onReadable(receive.memory, receive.start, receive.start + count);
		}
	}

	readInto(bytes: Uint8Array): void {
		this.io?.read(bytes);
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		try {
			const room = this.io?.write(bytes.subarray(start, end));
			return typeof room === "number" ? Math.max(0, room - this.reserve) : 0;
		} catch {
			this.broken = true; // the server has gone, or there was no room after all
			return 0;
		}
	}

	resume(): void {
		this.wanted = this.receive.bytes;
		this.resumed = true;
	}

	/** What came meanwhile is brought, once the client's turn is over. */
	afterTurn(): void {
		if (this.broken) this.end();
		else if (this.resumed) this.bring();
	}

	close(): void {
		const io = this.io;
		this.target = undefined;
		this.io = undefined;
		io?.close();
	}

	private end(): void {
		const target = this.target;
		this.close();
		if (this.opened) target?.onError();
		else target?.failed("the socket cannot connect");
	}
}
