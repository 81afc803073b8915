/** The sectors of the flash: erased and ready, in use, or to be erased. They are used in the order in which they were
 *  erased least, so all wear alike.
 *
 *  A sector begins with a mark that it was erased (written when erasing is over, with the number of erases), and two
 *  copies of a mark that it is in use (with its place in the order of writing). Both are overwritten with zeros before
 *  it is erased again: erasing that is cut short leaves anything, but no sector in use. */
import { HearthError } from "../errors.js";
import type { Flash } from "../platform.js";
import type { JournalCounters } from "./counters.js";
import { crc32 } from "./crc.js";
import { type JournalLimits, padded, recordSize, sectorHead, usableBytes } from "./journal-limits.js";
import type { LogReader } from "./log-reader.js";

/** The format's number, in both marks. */
const VERSION = 1;
const MARK_ERASED = 0x4548; // "HE"
const MARK_IN_USE = 0x5548; // "HU"
const MARK_BYTES = 16;

/** `order` of a sector that is not in use; orders begin behind these. */
const enum State {
	Dirty = 0,
	Ready = 1,
	InUse = 2,
}

export class Sectors {
	/** sectors that are erased, and that are to be erased */
	ready = 0;
	dirty = 0;
	/** erases of each sector, as far as known */
	readonly erases: Uint32Array;
	/** where records are written now: sector, -1 none; and address */
	head = -1;
	headAt = 0;
	private readonly order: Uint32Array;
	private nextOrder: number = State.InUse;
	private readonly unit: number;
	private readonly headBytes: number;
	private readonly usable: number;
	private readonly recordMax: number;

	constructor(
		private readonly flash: Flash,
		private readonly reader: LogReader,
		private readonly counters: JournalCounters,
		limits: JournalLimits,
	) {
		this.erases = new Uint32Array(flash.sectors);
		this.order = new Uint32Array(flash.sectors);
		this.unit = Math.max(4, flash.programBytes);
		this.headBytes = sectorHead(this.unit);
		this.usable = usableBytes(flash, limits);
		this.recordMax = padded(recordSize(limits.recordBytes), this.unit);
	}

	/** Finds out what each sector is. @returns whether there is a journal at all.
	 *  Throws HearthError `HEARTH_ERR_DATA_VERSION` when a later version of the program wrote it */
	mount(): boolean {
		let found = false;
		let most = 0;
		this.ready = this.dirty = 0;
		this.head = -1;
		this.nextOrder = State.InUse;
		for (let i = 0, n = this.flash.sectors; i < n; i++) {
			const erases = this.readMark(i, 0, MARK_ERASED);
			const copy = this.readMark(i, padded(MARK_BYTES, this.unit), MARK_IN_USE);
			const order = copy >= 0 ? copy : this.readMark(i, padded(MARK_BYTES, this.unit) + MARK_BYTES, MARK_IN_USE);
			this.erases[i] = erases >= 0 ? erases : 0xffffffff;
			if (erases > most) most = erases;
			this.setOrder(i, order >= 0 ? order : erases >= 0 && this.isBlank(i) ? State.Ready : State.Dirty);
			if (order >= 0 || erases >= 0) found = true;
			if (order >= this.nextOrder) this.nextOrder = order + 1;
		}
		for (let i = 0, n = this.flash.sectors; i < n; i++) if (this.erases[i] === 0xffffffff) this.erases[i] = most;
		return found;
	}

	/** @returns the value of a mark; -1: there is none */
	private readMark(sector: number, offset: number, mark: number): number {
		const { scratch, view } = this.reader;
		this.flash.read(sector * this.flash.sectorBytes + offset, scratch, 0, MARK_BYTES);
		if (view.getUint16(0, true) !== mark || crc32(-1, view, 0, 12) !== view.getInt32(12, true)) return -1;
		const version = view.getUint16(2, true);
		if (version > VERSION)
			throw new HearthError(
				"HEARTH_ERR_DATA_VERSION",
				`flash: its journal has format ${version}, this program knows ${VERSION}: use a later program, or erase it`,
			);
		this.reader.salt = view.getInt32(8, true);
		return view.getUint32(4, true);
	}

	/** @returns whether nothing was written where the marks stand that the sector is in use. What lies behind was erased
	 *  when the other mark was written; what is written there is read back */
	private isBlank(sector: number): boolean {
		const { scratch, view } = this.reader;
		const at = sector * this.flash.sectorBytes + padded(MARK_BYTES, this.unit);
		this.flash.read(at, scratch, 0, 2 * MARK_BYTES);
		for (let i = 0; i < 2 * MARK_BYTES; i += 4) if (view.getInt32(i, true) !== -1) return false;
		return true;
	}

	private setOrder(sector: number, order: number): void {
		this.order[sector] = order;
		if (order === State.Ready) this.ready++;
		else if (order === State.Dirty) this.dirty++;
	}

	/** @returns the sector in use that was begun first after the one with that place; -1: none. @param after 0: any */
	following(after: number): number {
		let best = -1;
		for (let i = 0, n = this.flash.sectors; i < n; i++) {
			const order = this.order[i]!;
			if (order > after && order >= State.InUse && (best < 0 || order < this.order[best]!)) best = i;
		}
		return best;
	}

	/** @returns the place of a sector in the order of writing */
	orderOf(sector: number): number {
		return this.order[sector]!;
	}

	/** @returns bytes of records that can be written before a sector must be erased */
	free(): number {
		const rest = this.headRoom() - this.recordMax;
		return (rest > 0 ? rest : 0) + this.ready * this.usable;
	}

	/** @returns bytes that are left where records are written */
	headRoom(): number {
		return this.head < 0 ? 0 : (this.head + 1) * this.flash.sectorBytes - this.headAt;
	}

	/** Writes on in this sector, from an address on. */
	resume(sector: number, at: number): void {
		this.head = sector;
		this.headAt = at;
	}

	/** Takes the next ready sector into use. Throws when there is none. */
	begin(): void {
		const n = this.flash.sectors;
		let best = -1;
		for (let k = 1; k <= n; k++) {
			const i = (this.head + k + n) % n;
			if (this.order[i] === State.Ready && (best < 0 || this.erases[i]! < this.erases[best]!)) best = i;
		}
		if (best < 0) throw new HearthError("HEARTH_ERR_INVARIANT", "journal: no sector is ready");
		const order = this.nextOrder++;
		const { scratch, view } = this.reader;
		const length = padded(2 * MARK_BYTES, this.unit);
		scratch.fill(0xff, 0, length);
		this.encodeMark(0, MARK_IN_USE, order);
		scratch.copyWithin(MARK_BYTES, 0, MARK_BYTES);
		this.ready--;
		this.order[best] = order;
		this.head = best;
		this.headAt = best * this.flash.sectorBytes + this.headBytes;
		this.program(this.headAt - length, scratch, 0, length);
		view.setUint32(0, 0);
	}

	private encodeMark(at: number, mark: number, value: number): void {
		const view = this.reader.view;
		view.setUint16(at, mark, true);
		view.setUint16(at + 2, VERSION, true);
		view.setUint32(at + 4, value, true);
		view.setInt32(at + 8, this.reader.salt, true);
		view.setInt32(at + 12, crc32(-1, view, at, at + 12), true);
	}

	/** Writes whole records where the head is; the caller saw that there is room.
	 *  @returns false: they read back otherwise; what is left of the sector is given up */
	append(bytes: Uint8Array, start: number, end: number): boolean {
		const { unit } = this;
		const at = this.headAt;
		const whole = start + Math.floor((end - start) / unit) * unit;
		if (whole > start) this.program(at, bytes, start, whole);
		if (whole < end) {
			const { scratch } = this.reader;
			scratch.fill(0xff, 0, unit);
			scratch.set(bytes.subarray(whole, end));
			this.program(at + whole - start, scratch, 0, unit);
		}
		this.headAt = at + padded(end - start, unit);
		if (this.readsBack(at, bytes, start, end)) return true;
		this.headAt = (this.head + 1) * this.flash.sectorBytes;
		return false;
	}

	private program(at: number, bytes: Uint8Array, start: number, end: number): void {
		this.counters.bytesWritten += end - start;
		this.flash.program(at, bytes, start, end);
	}

	private readsBack(at: number, bytes: Uint8Array, start: number, end: number): boolean {
		const { scratch } = this.reader;
		const max = scratch.byteLength;
		while (start < end) {
			const count = end - start < max ? end - start : max;
			this.flash.read(at, scratch, 0, count);
			for (let i = 0; i < count; i++) if (scratch[i] !== bytes[start + i]) return false;
			at += count;
			start += count;
		}
		return true;
	}

	/** Gives up a sector that nothing leads to any more. */
	retire(sector: number): void {
		const length = this.headBytes;
		const { scratch } = this.reader;
		const step = padded(MARK_BYTES, this.unit);
		scratch.fill(0, 0, scratch.byteLength);
		const at = sector * this.flash.sectorBytes;
		// the mark that it is in use first: a sector without the other is never taken for a ready one
		this.program(at + step, scratch, 0, length - step);
		this.program(at, scratch, 0, step);
		this.setOrder(sector, State.Dirty);
		if (this.head === sector) this.head = -1;
	}

	/** Erases the sector that comes next in turn; there is one. */
	erase(): void {
		let best = -1;
		for (let i = 0, n = this.flash.sectors; i < n; i++)
			if (this.order[i] === State.Dirty && (best < 0 || this.erases[i]! < this.erases[best]!)) best = i;
		const erases = this.erases[best]! + 1;
		this.flash.erase(best);
		this.erases[best] = erases;
		this.counters.erases++;
		const { scratch } = this.reader;
		const length = padded(MARK_BYTES, this.unit);
		scratch.fill(0xff, 0, length);
		this.encodeMark(0, MARK_ERASED, erases);
		this.program(best * this.flash.sectorBytes, scratch, 0, length);
		this.dirty--;
		this.setOrder(best, State.Ready);
	}
}
