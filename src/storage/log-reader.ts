/** Reads records where they lie on flash. A record, all of it little-endian:
 *
 *  | byte | what |
 *  |---|---|
 *  | 0 | 0xa0, and bits of `RecordFlag` |
 *  | 1 | which part of its value it is |
 *  | 2 | bytes of data, 2 bytes |
 *  | 4 | key, 4 bytes |
 *  | 8 | the group of batches that it is written with, 2 bytes |
 *  | 10 | the same for all parts of a value, 2 bytes |
 *  | 12 | CRC-32 of all other bytes, which begins with the journal's salt: no payload can pass for a record |
 *  | 16 | data, filled up with 0xff to a multiple of 4 */
import type { Flash } from "../platform.js";
import { crc32, turnedBit } from "./crc.js";
import { RECORD_HEAD, recordSize, scratchBytes, sectorHead } from "./journal-limits.js";

/** Bits of a record's first byte. */
export const enum RecordFlag {
	/** the key leads nowhere */
	Delete = 1,
	/** the group ends here: what it holds counts from now on */
	Last = 2,
	/** more parts of the value follow */
	More = 4,
	/** it only ends a group */
	Empty = 8,
}

/** The upper bits of a record's first byte. */
export const RECORD_MARK = 0xa0;

/** The first bit of a record's length, and of its CRC. */
const LENGTH_BIT = 16;
const CRC_BIT = 96;

export class LogReader {
	/** begins every CRC */
	salt = 0;
	/** places without a good record that `next` passed, and records with one bit that had turned over */
	damaged = 0;
	mended = 0;
	/** the bit that `mend` found, from the record's beginning on */
	turned = 0;
	/** the group that was read last; -1: none */
	lastGroup = -1;
	/** what `head` or `next` read: address, bytes with padding, and the fields */
	at = 0;
	size = 0;
	flags = 0;
	part = 0;
	length = 0;
	key = 0;
	group = 0;
	stamp = 0;
	readonly scratch: Uint8Array;
	readonly view: DataView;
	private readonly unit: number;
	private readonly headBytes: number;
	/** of the sector that is read: the address behind it, and behind its last byte that is not 0xff */
	private sectorEnd = 0;
	private dataEnd = 0;

	constructor(
		private readonly flash: Flash,
		private readonly recordBytes: number,
	) {
		this.scratch = new Uint8Array(scratchBytes(flash));
		this.view = new DataView(this.scratch.buffer);
		this.unit = Math.max(4, flash.programBytes);
		this.headBytes = sectorHead(this.unit);
	}

	/** Reads the fields of a record. @param count bytes to read into `scratch`, ≥ 16
	 *  @returns false: they can't be a record's */
	head(at: number, count: number): boolean {
		this.flash.read(at, this.scratch, 0, count);
		return this.parse(at);
	}

	private parse(at: number): boolean {
		const view = this.view;
		const first = view.getUint8(0);
		const length = view.getUint16(2, true);
		if ((first & 0xf0) !== RECORD_MARK || length > this.recordBytes) return false;
		this.at = at;
		this.size = recordSize(length);
		this.flags = first & 15;
		this.part = view.getUint8(1);
		this.length = length;
		this.key = view.getUint32(4, true);
		this.group = view.getUint16(8, true);
		this.stamp = view.getUint16(10, true);
		return true;
	}

	/** @param have bytes of the record that `head` read into `scratch`, a multiple of 4
	 *  @returns whether the record's CRC is right */
	verify(have: number): boolean {
		return this.difference(this.at, this.size, have) === 0;
	}

	/** @param have bytes of the record that are in `scratch` @returns its CRC and the one that it has, exclusive or */
	private difference(at: number, size: number, have: number): number {
		const view = this.view;
		const max = view.byteLength;
		const stored = view.getInt32(12, true);
		let end = have < size ? have : size;
		let crc = crc32(crc32(this.salt, view, 0, 12), view, RECORD_HEAD, end);
		for (let done = end; done < size; done += end) {
			end = size - done < max ? size - done : max;
			this.flash.read(at + done, this.scratch, 0, end);
			crc = crc32(crc, view, 0, end);
		}
		return crc ^ stored;
	}

	/** Looks whether there is a record of which one bit turned over: then sets the fields as they were written, and
	 *  `turned`. @param end an address that it does not pass @param key what its key must be; -1: then its group must
	 *  follow the one that was read last, so that chance makes no record. @returns false: more than one bit is wrong */
	mend(at: number, end: number, key: number): boolean {
		const { view, scratch } = this;
		for (let bit = LENGTH_BIT - 1; bit < LENGTH_BIT + 16; bit++) {
			this.flash.read(at, scratch, 0, RECORD_HEAD);
			// first with the length that it has: then it is another bit
			if (bit >= LENGTH_BIT) scratch[bit >> 3]! ^= 1 << (bit & 7);
			const size = recordSize(view.getUint16(2, true));
			if (size > recordSize(this.recordBytes) || at + size > end) continue;
			const difference = this.difference(at, size, RECORD_HEAD);
			const found = bit >= LENGTH_BIT ? (difference === 0 ? bit : -1) : this.bitOf(difference, size);
			if (found >= 0 && this.takeMended(at, found)) {
				const step = (this.group - this.lastGroup) & 0xffff;
				return key >= 0 ? this.key === key : this.lastGroup < 0 || step <= 1;
			}
		}
		return false;
	}

	/** @returns the bit of a record that makes this difference of CRCs; -1: none, or one of its length */
	private bitOf(difference: number, size: number): number {
		const bit = turnedBit(difference, size - 4);
		if (bit >= 0) return bit >= LENGTH_BIT && bit < LENGTH_BIT + 16 ? -1 : bit < CRC_BIT ? bit : bit + 32;
		// one bit of the CRC itself
		return (difference & (difference - 1)) === 0 ? CRC_BIT + 31 - Math.clz32(difference) : -1;
	}

	private takeMended(at: number, bit: number): boolean {
		this.flash.read(at, this.scratch, 0, RECORD_HEAD);
		if (bit < 8 * RECORD_HEAD) this.scratch[bit >> 3]! ^= 1 << (bit & 7);
		this.turned = bit;
		return this.parse(at);
	}

	/** Begins to read a sector's records.
	 *  @param at a record's address; 0: the first one's
	 *  @param end what `end` is, if it is known; 0: it is looked for */
	open(sector: number, at: number, end: number): void {
		const start = sector * this.flash.sectorBytes;
		this.sectorEnd = start + this.flash.sectorBytes;
		this.at = at === 0 ? start + this.headBytes : at;
		this.size = 0;
		this.dataEnd = end === 0 ? this.endOfData(start) : end;
	}

	/** The address from which on the opened sector was never written. */
	get end(): number {
		return this.dataEnd;
	}

	/** Goes on to the next good record of the opened sector. What is none is passed and counted.
	 *  @param trust takes what looks like a record for good
	 *  @returns false: there is none */
	next(trust: boolean): boolean {
		let at = this.at + this.size;
		let bad = false;
		while (at + RECORD_HEAD <= this.sectorEnd && at < this.dataEnd) {
			const rest = this.sectorEnd - at;
			const count = bad || trust ? RECORD_HEAD : rest < this.scratch.byteLength ? rest : this.scratch.byteLength;
			const looks = this.head(at, count) && at + this.size <= this.sectorEnd;
			if (looks && (trust || this.verify(count))) {
				if (bad) this.damaged++;
				this.lastGroup = this.group;
				return true;
			}
			// what was never written is no damage: the rest of a programmed unit
			if (!bad && !looks && this.view.getInt32(0, true) === -1) at += this.unit - (at % this.unit);
			else if (!bad && !trust && this.mend(at, this.sectorEnd, -1)) {
				this.mended++;
				this.lastGroup = this.group;
				return true;
			} else {
				bad = true;
				at += 4;
			}
		}
		if (bad || at < this.dataEnd) this.damaged++;
		return false;
	}

	/** @returns the address behind the sector's last byte that is not 0xff, rounded up to what is programmed at once */
	private endOfData(start: number): number {
		const view = this.view;
		const step = view.byteLength;
		for (let at = this.sectorEnd; at > start; ) {
			const count = at - start < step ? at - start : step;
			at -= count;
			this.flash.read(at, this.scratch, 0, count);
			for (let i = count - 4; i >= 0; i -= 4)
				if (view.getInt32(i, true) !== -1) return start + Math.ceil((at + i + 4 - start) / this.unit) * this.unit;
		}
		return start;
	}
}
