/** Reads of accepted sockets into one buffer. By itself Node makes a new one of 64 KB for each read, which costs more
 *  than what the broker does with a message. Its `onread` is for sockets that connect; an accepted one has the same
 *  machinery below, and where a later Node has it no more, sockets read as usual. */
import type { Socket } from "node:net";

/** Takes bytes[0..count). @returns false: nothing more is read until `resume` */
export type Take<S extends Socket> = (this: S, count: number, bytes: Uint8Array) => boolean;

interface Handle {
	useUserBuffer?: (buffer: Uint8Array) => void;
}

/** Four times what Node reads at once by itself: most PUBLISHes of 64 KB come whole. */
const READ_BYTES = 262_144;

export class OwnReads<S extends Socket> {
	private readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
	/** under what a socket keeps its buffer, and who takes what came */
	private keys: { buffer: symbol; take: symbol } | undefined;

	/** @param take is called with the socket as `this`; done with the bytes when it returns */
	constructor(private readonly take: Take<S>) {}

	/** Begins to read into the buffer. @returns false: this Node cannot */
	begin(socket: S): boolean {
		const handle = (socket as { _handle?: Handle | null })._handle;
		if (typeof handle?.useUserBuffer !== "function") return false;
		this.keys ??= keysOf(socket);
		if (this.keys === undefined) return false;
		const fields = socket as unknown as Record<symbol, unknown>;
		fields[this.keys.buffer] = this.buffer;
		fields[this.keys.take] = this.take;
		handle.useUserBuffer(this.buffer);
		socket.resume();
		return true;
	}
}

function keysOf(socket: Socket): { buffer: symbol; take: symbol } | undefined {
	const symbols = Object.getOwnPropertySymbols(socket);
	const buffer = symbols.find(({ description }) => description === "kBuffer");
	const take = symbols.find(({ description }) => description === "kBufferCb");
	return buffer === undefined || take === undefined ? undefined : { buffer, take };
}
