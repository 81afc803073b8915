/** A pool of fixed blocks and chains of them: all that is stored of unknown length lies here. Blocks that lie one
 *  behind the other are copied at once; a chain that is given back and taken again keeps its order, so that most do.
 *  Block numbers go from 1; 0 means none. "Full" is an answer. */
import { putBytes } from "../codec/data-types.js";
import { type UintArray, uintArray } from "./typed-array.js";

export class BlockPool {
	/** blocks that are free now, and the fewest that ever were */
	freeCount: number;
	freeCountMin: number;
	private readonly nextOf: UintArray;
	private firstFree = 0;
	/** blocks above this one were never used: their memory is not touched before it is needed */
	private used = 0;

	/** @param bytes the array that holds the blocks @param from index of block 1's first byte
	 *  @param blockBytes ≥ 32 @param blockCount blocks, ≥ 1 */
	constructor(
		readonly bytes: Uint8Array,
		readonly from: number,
		readonly blockBytes: number,
		readonly blockCount: number,
	) {
		this.freeCount = blockCount;
		this.freeCountMin = blockCount;
		this.nextOf = uintArray(blockCount + 1, blockCount + 1);
	}

	/** @returns index of a block's first byte in `bytes` */
	at(block: number): number {
		return this.from + (block - 1) * this.blockBytes;
	}

	/** @returns the block after this one in its chain, 0 at the chain's end */
	next(block: number): number {
		return this.nextOf[block]!;
	}

	/** Takes a chain of blocks. @returns its first block; 0: not so many are free */
	take(count: number): number {
		const free = this.freeCount - count;
		if (free < 0) return 0;
		const nextOf = this.nextOf;
		let first = 0;
		let last = 0;
		for (let i = 0; i < count; i++) {
			let block = this.firstFree;
			if (block === 0) block = ++this.used;
			else this.firstFree = nextOf[block]!;
			if (last === 0) first = block;
			else nextOf[last] = block;
			last = block;
		}
		nextOf[last] = 0;
		this.freeCount = free;
		if (free < this.freeCountMin) this.freeCountMin = free;
		return first;
	}

	/** The blocks that taken[from + block] has the bit of are first ones of chains, the others free. At start only.
	 *  @param last the highest that is taken */
	claim(taken: Uint8Array, from: number, bit: number, last: number): void {
		this.used = last;
		this.firstFree = 0;
		this.freeCount = this.blockCount;
		for (let block = last; block > 0; block--) {
			if ((taken[from + block]! & bit) !== 0) {
				this.nextOf[block] = 0;
				this.freeCount--;
				continue;
			}
			this.nextOf[block] = this.firstFree;
			this.firstFree = block;
		}
		this.freeCountMin = this.freeCount;
	}

	/** Adds blocks to a chain of one. @returns false: not so many are free */
	extend(first: number, count: number): boolean {
		if (count === 0) return true;
		this.nextOf[first] = this.take(count);
		return this.nextOf[first] !== 0;
	}

	/** Takes one block. @returns it; 0: none is free */
	takeOne(): number {
		let block = this.firstFree;
		if (block !== 0) this.firstFree = this.nextOf[block]!;
		else {
			if (this.used === this.blockCount) return 0;
			block = ++this.used;
		}
		this.nextOf[block] = 0;
		if (--this.freeCount < this.freeCountMin) this.freeCountMin = this.freeCount;
		return block;
	}

	/** Gives a whole chain back. */
	giveBack(first: number): void {
		const nextOf = this.nextOf;
		if (nextOf[first] === 0) {
			nextOf[first] = this.firstFree;
			this.firstFree = first;
			this.freeCount++;
			return;
		}
		let count = 1;
		let last = first;
		for (let next = nextOf[last]!; next !== 0; next = nextOf[last]!) {
			last = next;
			count++;
		}
		nextOf[last] = this.firstFree;
		this.firstFree = first;
		this.freeCount += count;
	}

	/** Gives the chain's first block back. @returns the block that followed it, 0: none */
	giveBackFirst(first: number): number {
		const next = this.nextOf[first]!;
		this.nextOf[first] = this.firstFree;
		this.firstFree = first;
		this.freeCount++;
		return next;
	}

	/** Adds source[start..end) to a chain that ends in `last`, whose first `used` bytes are taken; the chain grows.
	 *  @returns the chain's last block; 0: full, and nothing was added */
	append(last: number, used: number, source: Uint8Array, start: number, end: number): number {
		const blockBytes = this.blockBytes;
		const rest = end - start - (blockBytes - used);
		let more = 0;
		if (rest > 0) {
			more = this.take(Math.ceil(rest / blockBytes));
			if (more === 0) return 0;
			this.nextOf[last] = more;
		}
		return this.write(last, used, source, start, end);
	}

	/** Writes source[start..end) at `offset` of a chain's block and on; the chain is long enough.
	 *  @returns the block that holds the last byte */
	write(block: number, offset: number, source: Uint8Array, start: number, end: number): number {
		let run = this.blockBytes - offset;
		while (run < end - start) {
			let last = block;
			for (; run < end - start && this.nextOf[last] === last + 1; last++) run += this.blockBytes;
			if (run >= end - start) {
				putBytes(this.bytes, this.at(block) + offset, source, start, end);
				return last;
			}
			if (run > 0) putBytes(this.bytes, this.at(block) + offset, source, start, start + run);
			start += run;
			block = this.nextOf[last]!;
			offset = 0;
			run = this.blockBytes;
		}
		if (start < end) putBytes(this.bytes, this.at(block) + offset, source, start, end);
		return block;
	}

	/** Finds the bytes that begin `offset` bytes into a chain: the first is at `bytes[runStart]`.
	 *  @returns how many of the next `count` lie one behind the other, at least 1 */
	run(block: number, offset: number, count: number): number {
		while (offset >= this.blockBytes) {
			block = this.nextOf[block]!;
			offset -= this.blockBytes;
		}
		this.runStart = this.at(block) + offset;
		let run = this.blockBytes - offset;
		for (; run < count && this.nextOf[block] === block + 1; block++) run += this.blockBytes;
		return run < count ? run : count;
	}
	runStart = 0;

	/** Copies `count` bytes that begin `offset` bytes into a chain to target[at..]. @returns index after the last byte */
	read(block: number, offset: number, count: number, target: Uint8Array, at: number): number {
		while (offset >= this.blockBytes) {
			block = this.nextOf[block]!;
			offset -= this.blockBytes;
		}
		let start = this.at(block) + offset;
		let run = this.blockBytes - offset;
		while (run < count) {
			let last = block;
			for (; run < count && this.nextOf[last] === last + 1; last++) run += this.blockBytes;
			if (run >= count) break;
			at = putBytes(target, at, this.bytes, start, start + run);
			count -= run;
			block = this.nextOf[last]!;
			start = this.at(block);
			run = this.blockBytes;
		}
		return count > 0 ? putBytes(target, at, this.bytes, start, start + count) : at;
	}
}
