/** Byte sequences of unknown length that grow at their end and are taken from their beginning, one for each of a fixed
 *  number of holders: what comes in parts, and what waits to go out. They lie in blocks; "full" is an answer. */
import type { BlockPool } from "./block-pool.js";

/** Numbers that are kept for a holder. */
const enum Kept {
	/** first block; 0: the sequence is empty */
	First,
	Last,
	/** bytes that were added, and how many of them were taken */
	Bytes,
	Gone,
	Count,
}

export class ByteChains {
	private readonly kept: Uint32Array;

	constructor(
		readonly pool: BlockPool,
		holders: number,
	) {
		this.kept = new Uint32Array(Kept.Count * holders);
	}

	/** Adds source[start..end), which may be empty: the sequence has a block from then on.
	 *  @returns false: full, and nothing was added */
	add(holder: number, source: Uint8Array, start: number, end: number): boolean {
		const kept = this.kept;
		const pool = this.pool;
		const at = Kept.Count * holder;
		if (kept[at] === 0) {
			kept[at] = kept[at + Kept.Last] = pool.take(1);
			kept[at + Kept.Bytes] = kept[at + Kept.Gone] = 0;
			if (kept[at] === 0) return false;
		}
		const before = kept[at + Kept.Bytes]!;
		const used = before % pool.blockBytes;
		const full = used === 0 && before > 0;
		const last = pool.append(kept[at + Kept.Last]!, full ? pool.blockBytes : used, source, start, end);
		if (last === 0) {
			if (before === 0) this.drop(holder);
			return false;
		}
		kept[at + Kept.Last] = last;
		kept[at + Kept.Bytes] = before + end - start;
		return true;
	}

	/** @returns bytes that were not taken */
	bytes(holder: number): number {
		const at = Kept.Count * holder;
		return this.kept[at + Kept.Bytes]! - this.kept[at + Kept.Gone]!;
	}

	/** Takes `count` bytes, at most those that are there, and puts them at target[at..]. @returns index after them */
	take(holder: number, count: number, target: Uint8Array, at: number): number {
		const kept = this.kept;
		const k = Kept.Count * holder;
		const end = this.pool.read(kept[k]!, kept[k + Kept.Gone]!, count, target, at);
		kept[k + Kept.Gone]! += count;
		return end;
	}

	/** Gives the sequence's blocks back, whatever was taken: it is empty. */
	drop(holder: number): void {
		const kept = this.kept;
		const at = Kept.Count * holder;
		if (kept[at] !== 0) this.pool.giveBack(kept[at]!);
		kept[at] = kept[at + Kept.Bytes] = kept[at + Kept.Gone] = 0;
	}
}
