/** What transports read into. The SDK's `read(view)` fills the whole view or throws, and a view of the right size would
 *  be garbage of 64 bytes each time; so there is one for each power of two, made once, and n bytes are read in as many
 *  pieces as n has bits. */

/** What bytes come from. */
export interface Source {
	/** Fills the array. */
	readInto(bytes: Uint8Array): void;
}

export class ReceiveBuffer {
	/** 1, 2, 4 … bytes at the buffer's end, where they never lie on what was read before them: the largest come first */
	private readonly views: Uint8Array[] = [];

	/** The buffer is memory[start..start + bytes). @param bytes ≥ 1 */
	constructor(
		readonly memory: Uint8Array,
		readonly start: number,
		readonly bytes: number,
	) {
		for (let size = 1; size <= bytes; size *= 2) this.views.push(memory.subarray(start + bytes - size, start + bytes));
	}

	/** Reads `count` bytes to memory[start..start + count); the source has them. @param count ≤ bytes */
	fill(source: Source, count: number): void {
		const memory = this.memory;
		const end = this.start + this.bytes;
		let at = this.start;
		let rest = count;
		for (let i = this.views.length - 1; i >= 0; i--) {
			const size = 1 << i;
			if (rest < size) continue;
			source.readInto(this.views[i]!);
			if (at !== end - size) memory.copyWithin(at, end - size, end);
			at += size;
			rest -= size;
		}
	}
}
