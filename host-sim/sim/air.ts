/** The network around a virtual board: TCP between clients on this machine and the board's port, with lwIP's bounds and
 *  what a radio does. Clients come to `port`; each gets a connection of its own to the board. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface AirLimits {
	/** connections that the board's TCP has; more are reset */
	connections: number;
	/** bytes of a segment, and of the window that the board's TCP announces */
	segmentBytes: number;
	windowBytes: number;
}

/** One client's two halves. */
interface Pair {
	client: Socket;
	/** undefined: the board has lost it, or never had it */
	board: Socket | undefined;
	/** the client is gone, and the board was not told */
	untold: boolean;
}

export class Air {
	/** connections that were reset because the board had no more */
	refused = 0;
	private readonly server: Server;
	private readonly pairs: Set<Pair> = new Set();
	private boardPort = 0;
	private silent = false;

	constructor(private readonly limits: AirLimits) {
		this.server = createServer({ pauseOnConnect: true }, (socket) => this.accept(socket));
	}

	/** @returns the port that clients come to */
	async listen(): Promise<number> {
		this.server.listen(0, "127.0.0.1");
		await once(this.server, "listening");
		return (this.server.address() as AddressInfo).port;
	}

	/** connections of clients, whether the board has them or not */
	get connections(): number {
		return this.pairs.size;
	}

	/** A board is there, or has started again: what it had before, it does not know. */
	boardAt(port: number): void {
		this.forgetAll();
		this.boardPort = port;
	}

	/** The board's power is gone; who connects is reset. */
	boardGone(): void {
		this.forgetAll();
		this.boardPort = 0; // another program may get the port
	}

	/** The board's address is another one: what clients send gets no answer any more, and is
	 *  reset once the board is heard again. */
	forgetAll(): void {
		for (const pair of this.pairs) {
			pair.board?.resetAndDestroy();
			pair.board = undefined;
		}
	}

	/** Nothing passes, in either direction; nobody is told. */
	lose(): void {
		this.silent = true;
		for (const { client, board } of this.pairs) {
			client.pause();
			board?.pause();
		}
	}

	/** Everything passes again; who was waiting has waited. */
	find(): void {
		this.silent = false;
		for (const pair of this.pairs) {
			if (pair.board === undefined) this.revive(pair);
			else pair.board.resume();
			pair.client.resume();
		}
	}

	/** The client's power is gone: the board is not told. */
	cut(clientPort: number): void {
		for (const pair of this.pairs)
			if (pair.client.remotePort === clientPort) {
				pair.untold = true;
				pair.client.destroy();
			}
	}

	async close(): Promise<void> {
		for (const { client, board } of this.pairs) {
			client.destroy();
			board?.destroy();
		}
		this.server.close();
		await once(this.server, "close");
	}

	private accept(client: Socket): void {
		const pair: Pair = { client, board: undefined, untold: false };
		client.on("error", () => {});
		client.on("close", () => this.clientClosed(pair));
		client.on("data", (bytes) => this.toBoard(pair, bytes));
		this.pairs.add(pair);
		if (!this.silent) this.open(pair);
	}

	/** A connection that came while nothing passed. */
	private revive(pair: Pair): void {
		if (pair.client.bytesRead === 0) this.open(pair);
	}

	private open(pair: Pair): void {
		let count = 0;
		for (const { board } of this.pairs) if (board !== undefined) count++;
		if (count >= this.limits.connections) this.refused++;
		if (count >= this.limits.connections || this.boardPort === 0) return void pair.client.resetAndDestroy();
		const board = connect({ port: this.boardPort, host: "127.0.0.1", noDelay: true });
		pair.board = board;
		board.on("error", () => {});
		board.on("data", (bytes) => this.toClient(pair, board, bytes));
		board.on("end", () => pair.client.end());
		board.on("close", () => {
			if (pair.board !== board) return;
			pair.client.destroy(); // the board has ended it, and could say so
			this.pairs.delete(pair);
		});
		pair.client.resume();
	}

	/** In segments; a board that does not read closes its window, and then the client is not read either. */
	private toBoard(pair: Pair, bytes: Buffer): void {
		const { board, client } = pair;
		if (board === undefined) return void client.resetAndDestroy(); // the board knows no such connection
		const { segmentBytes, windowBytes } = this.limits;
		for (let at = 0; at < bytes.length; at += segmentBytes) board.write(bytes.subarray(at, at + segmentBytes));
		if (board.writableLength <= windowBytes) return;
		client.pause();
		board.once("drain", () => {
			if (!this.silent) client.resume();
		});
	}

	private toClient(pair: Pair, board: Socket, bytes: Buffer): void {
		if (pair.untold || pair.client.write(bytes)) return;
		board.pause();
		pair.client.once("drain", () => {
			if (!this.silent) board.resume();
		});
	}

	/** The board is told, unless nothing passes or the client's power went. */
	private clientClosed(pair: Pair): void {
		if (this.silent) pair.untold = true;
		if (pair.untold && pair.board !== undefined) return;
		pair.board?.end();
		this.pairs.delete(pair);
	}
}
