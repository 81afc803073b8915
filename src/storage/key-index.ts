/** Where the records lie: a table sorted by key and part, fixed in size. A binary search costs some 300 opcodes on XS;
 *  a Map would take 48 bytes an entry. */
import { type UintArray, uintArray } from "../memory/typed-array.js";

export class KeyIndex {
	/** entries */
	count = 0;
	private readonly keys: Uint32Array;
	private readonly parts: Uint8Array;
	/** addresses / 4 */
	private readonly places: UintArray;

	/** @param max entries at most @param addressMax the largest address, a multiple of 4 */
	constructor(
		readonly max: number,
		addressMax: number,
	) {
		this.keys = new Uint32Array(max);
		this.parts = new Uint8Array(max);
		this.places = uintArray(addressMax >> 2, max);
	}

	/** @returns the first entry of that key and part or behind it; `count` when there is none */
	from(key: number, part: number): number {
		const keys = this.keys;
		const parts = this.parts;
		let low = 0;
		let high = this.count;
		while (low < high) {
			const middle = (low + high) >> 1;
			const other = keys[middle]!;
			if (other < key || (other === key && parts[middle]! < part)) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	/** @returns the entry of a key's part; -1: there is none */
	find(key: number, part: number): number {
		const i = this.from(key, part);
		return i < this.count && this.keys[i] === key && this.parts[i] === part ? i : -1;
	}

	key(entry: number): number {
		return this.keys[entry]!;
	}

	part(entry: number): number {
		return this.parts[entry]!;
	}

	address(entry: number): number {
		return this.places[entry]! * 4;
	}

	move(entry: number, address: number): void {
		this.places[entry] = address >> 2;
	}

	/** @returns how many parts a key has */
	partsOf(key: number): number {
		const first = this.from(key, 0);
		let i = first;
		while (i < this.count && this.keys[i] === key) i++;
		return i - first;
	}

	/** Enters where a key's part lies, in place of where it lay. @returns false: full */
	set(key: number, part: number, address: number): boolean {
		const i = this.from(key, part);
		const count = this.count;
		if (i === count || this.keys[i] !== key || this.parts[i] !== part) {
			if (count === this.max) return false;
			this.keys.copyWithin(i + 1, i, count);
			this.parts.copyWithin(i + 1, i, count);
			this.places.copyWithin(i + 1, i, count);
			this.keys[i] = key;
			this.parts[i] = part;
			this.count = count + 1;
		}
		this.places[i] = address >> 2;
		return true;
	}

	/** Takes one entry out. */
	remove(entry: number): void {
		this.keys.copyWithin(entry, entry + 1, this.count);
		this.parts.copyWithin(entry, entry + 1, this.count);
		this.places.copyWithin(entry, entry + 1, this.count);
		this.count--;
	}

	/** Takes a key's parts from this one on out. */
	removeFrom(key: number, part: number): void {
		const i = this.from(key, part);
		while (i < this.count && this.keys[i] === key) this.remove(i);
	}

	/** @returns the first entry from `entry` on whose address is in [start, end); -1: none */
	within(entry: number, start: number, end: number): number {
		const places = this.places;
		const first = start >> 2;
		const last = end >> 2;
		for (let i = entry, n = this.count; i < n; i++) {
			const place = places[i]!;
			if (place >= first && place < last) return i;
		}
		return -1;
	}

	/** Moves all addresses in [start, end) down. @param by bytes */
	shift(start: number, end: number, by: number): void {
		const places = this.places;
		const first = start >> 2;
		const last = end >> 2;
		const down = by >> 2;
		for (let i = 0, n = this.count; i < n; i++) {
			const place = places[i]!;
			if (place >= first && place < last) places[i] = place - down;
		}
	}

	clear(): void {
		this.count = 0;
	}
}
