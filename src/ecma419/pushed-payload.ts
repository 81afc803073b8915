/** A payload that a program writes piece by piece. */
import type { PayloadSource } from "../client/client-options.js";

export class PushedPayload implements PayloadSource {
	readonly restartable = false;
	private waiting: Uint8Array;
	private given: number;
	private gone = 0;

	constructor(
		readonly byteLength: number,
		first: Uint8Array,
	) {
		this.waiting = first.slice();
		this.given = first.length;
	}

	/** whether the program has given all of it */
	get isComplete(): boolean {
		return this.given === this.byteLength;
	}

	/** The next piece. Throws Error when it is too long. */
	push(bytes: Uint8Array): void {
		if (this.given + bytes.length > this.byteLength) throw new Error("more than byteLength");
		this.given += bytes.length;
		const rest = this.waiting.length - this.gone;
		const next = new Uint8Array(rest + bytes.length);
		next.set(this.waiting.subarray(this.gone));
		next.set(bytes, rest);
		this.waiting = next;
		this.gone = 0;
	}

	read(_offset: number, count: number, target: Uint8Array, at: number): number {
		const taken = Math.min(count, this.waiting.length - this.gone);
		target.set(this.waiting.subarray(this.gone, this.gone + taken), at);
		this.gone += taken;
		return taken;
	}
}
