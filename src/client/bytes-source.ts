/** Long payloads, sent from where they lie. */
import type { PayloadSource } from "./client-options.js";

/** Payloads from here on are not copied. */
export const SOURCE_BYTES = 256 * 1024;

/** Bytes of the program, not copied: it must not change them before the message is acknowledged. */
export class BytesSource implements PayloadSource {
	readonly restartable = true;

	constructor(private readonly bytes: Uint8Array) {}

	get byteLength(): number {
		return this.bytes.length;
	}

	read(offset: number, count: number, target: Uint8Array, at: number): number {
		target.set(this.bytes.subarray(offset, offset + count), at);
		return count;
	}
}
