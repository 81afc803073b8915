/** The records that are not written yet, as they will lie on flash. A change that a later one makes void is dropped
 *  before it is written. */
import { putBytes } from "../codec/data-types.js";
import { crc32 } from "./crc.js";
import { RECORD_HEAD, recordSize } from "./journal-limits.js";
import { RECORD_MARK, RecordFlag } from "./log-reader.js";

export class Pending {
	readonly bytes: Uint8Array;
	/** bytes that are used, and of these, bytes of committed batches */
	used = 0;
	committed = 0;
	/** what `find` found: parts and bytes that the key's value has */
	parts = 0;
	size = 0;
	private readonly view: DataView;

	constructor(readonly max: number) {
		this.bytes = new Uint8Array(max);
		this.view = new DataView(this.bytes.buffer);
	}

	/** Adds a record with source[start..end); the caller saw that there is room. @param flags bits of RecordFlag */
	add(flags: number, key: number, part: number, stamp: number, source: Uint8Array, start: number, end: number): void {
		const { view, used } = this;
		view.setUint8(used, RECORD_MARK | flags);
		view.setUint8(used + 1, part);
		view.setUint16(used + 2, end - start, true);
		view.setUint32(used + 4, key, true);
		view.setUint16(used + 10, stamp, true);
		const size = recordSize(end - start);
		if (size > RECORD_HEAD) view.setInt32(used + size - 4, -1, true);
		if (end > start) putBytes(this.bytes, used + RECORD_HEAD, source, start, end);
		this.used = used + size;
	}

	/** Keeps a record that was copied to bytes[used..used + size), to be written again.
	 *  @returns false: it is damaged, and is not kept */
	keep(size: number, salt: number): boolean {
		const { view, used } = this;
		if (this.crcAt(used, size, salt) !== view.getInt32(used + 12, true)) return false;
		view.setUint8(used, RECORD_MARK | (view.getUint8(used) & RecordFlag.More));
		this.used = used + size;
		return true;
	}

	private crcAt(at: number, size: number, salt: number): number {
		return crc32(crc32(salt, this.view, at, at + 12), this.view, at + RECORD_HEAD, at + size);
	}

	/** @returns bytes of the record at `at` */
	private sizeAt(at: number): number {
		return recordSize(this.view.getUint16(at + 2, true));
	}

	/** @returns the end of the records from `from` on that fit into so many bytes */
	fitting(from: number, end: number, room: number): number {
		let at = from;
		while (at < end && at - from + this.sizeAt(at) <= room) at += this.sizeAt(at);
		return at;
	}

	/** @returns where the last of the records in bytes[from..end) begins */
	lastIn(from: number, end: number): number {
		let at = from;
		for (let next = at + this.sizeAt(at); next < end; next += this.sizeAt(next)) at = next;
		return at;
	}

	/** Takes out what lies before `end`: it is written. */
	shift(end: number): void {
		this.bytes.copyWithin(0, end, this.used);
		this.used -= end;
		this.committed = this.committed > end ? this.committed - end : 0;
	}

	/** Finds what the records before `end` say of a key: sets `parts` and `size`. @returns false: nothing */
	find(key: number, end: number): boolean {
		const { view } = this;
		let found = false;
		this.parts = this.size = 0;
		for (let at = 0; at < end; ) {
			const size = this.sizeAt(at);
			const flags = view.getUint8(at);
			if (view.getUint32(at + 4, true) === key && (flags & RecordFlag.Empty) === 0) {
				found = true;
				const part = view.getUint8(at + 1);
				const deleted = (flags & RecordFlag.Delete) !== 0;
				this.parts = deleted ? 0 : part + 1;
				this.size = deleted ? 0 : part === 0 ? size : this.size + size;
			}
			at += size;
		}
		return found;
	}

	/** Drops what a later change makes void: of what is committed, or of what is not. */
	coalesce(committed: boolean): void {
		const { view } = this;
		for (let at = committed ? 0 : this.committed; at < (committed ? this.committed : this.used); ) {
			const size = this.sizeAt(at);
			const end = committed ? this.committed : this.used;
			if (!this.isChanged(view.getUint32(at + 4, true), at + size, end)) at += size;
			else {
				this.bytes.copyWithin(at, at + size, this.used);
				if (committed) this.committed -= size;
				this.used -= size;
			}
		}
	}

	/** @returns whether a record in bytes[from..end) begins a change of the key */
	private isChanged(key: number, from: number, end: number): boolean {
		const { view } = this;
		for (let at = from; at < end; at += this.sizeAt(at))
			if (view.getUint32(at + 4, true) === key && view.getUint8(at + 1) === 0) return true;
		return false;
	}

	/** Fills in group and CRC of the records before `end`. @param last whether they end the group */
	seal(end: number, group: number, salt: number, last: boolean): void {
		const { view } = this;
		for (let at = 0; at < end; ) {
			const size = this.sizeAt(at);
			if (last && at + size === end) view.setUint8(at, view.getUint8(at) | RecordFlag.Last);
			view.setUint16(at + 8, group, true);
			view.setInt32(at + 12, this.crcAt(at, size, salt), true);
			at += size;
		}
	}

	clear(): void {
		this.used = this.committed = 0;
	}
}
