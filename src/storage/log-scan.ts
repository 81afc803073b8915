/** Builds the index from the log: all of it at start, and each group of batches when it is durable. What the index says
 *  is a function of what lies on flash, and of nothing else. */
import type { Flash } from "../platform.js";
import type { JournalCounters } from "./counters.js";
import { recordSize } from "./journal-limits.js";
import type { KeyIndex } from "./key-index.js";
import { type LogReader, RecordFlag } from "./log-reader.js";
import type { Sectors } from "./sectors.js";

/** Any key. */
export const ALL = -1;

export class LogScan {
	/** bytes of the records that the index leads to */
	live = 0;
	/** group and stamp that were read last */
	group = 0;
	stamp = 0;

	constructor(
		private readonly flash: Flash,
		private readonly sectors: Sectors,
		private readonly reader: LogReader,
		private readonly index: KeyIndex,
		private readonly counters: JournalCounters,
	) {}

	/** Reads the log from its beginning: a group counts when its last record is good.
	 *  @param only a key, or ALL @param holds sets an element for each sector that has a part of a whole group */
	run(only: number, holds: Uint8Array | undefined): void {
		const { reader, sectors } = this;
		let group = -1;
		reader.lastGroup = -1;
		let first = -1;
		let firstAt = 0;
		for (let s = sectors.following(0); s >= 0; s = sectors.following(sectors.orderOf(s))) {
			reader.open(s, 0, 0);
			const end = reader.end;
			const damaged = reader.damaged + reader.mended;
			while (reader.next(false)) {
				if (reader.group !== group) {
					group = reader.group;
					first = s;
					firstAt = reader.at;
				}
				this.group = group;
				if ((reader.flags & RecordFlag.More) !== 0) this.stamp = reader.stamp;
				if ((reader.flags & RecordFlag.Last) === 0) continue;
				group = -1;
				const { at, size } = reader;
				// where there is damage, what looks like a record need not be one
				this.apply(first, firstAt, s, at, end, only, reader.damaged + reader.mended === damaged && first === s);
				this.mark(first, s, holds);
				reader.open(s, at, end);
				reader.size = size;
			}
		}
	}

	private mark(first: number, last: number, holds: Uint8Array | undefined): void {
		if (holds === undefined) return;
		holds[last] = 1;
		for (let s = first; s !== last; s = this.sectors.following(this.sectors.orderOf(s))) holds[s] = 1;
	}

	/** Enters the records of a group that is whole, from its first record to its last.
	 *  @param end from where on the last record's sector was never written
	 *  @param trust takes what looks like a record for good */
	apply(first: number, firstAt: number, last: number, lastAt: number, end: number, only: number, trust: boolean): void {
		const { reader, sectors } = this;
		const { damaged, mended } = reader;
		for (let s = first; ; s = sectors.following(sectors.orderOf(s))) {
			reader.open(s, s === first ? firstAt : 0, s === last ? end : 0);
			while (reader.next(trust)) {
				if (only === ALL || reader.key === only) this.enter();
				if (s === last && reader.at === lastAt) {
					reader.damaged = damaged;
					reader.mended = mended;
					return;
				}
			}
			if (s === last) return;
		}
	}

	/** Enters the record that was read. */
	private enter(): void {
		const { reader, index } = this;
		const { flags, key, part, at, size } = reader;
		if ((flags & RecordFlag.Empty) !== 0) return;
		if ((flags & RecordFlag.Delete) !== 0) return this.forget(key, 0);
		const old = index.find(key, part);
		if (old >= 0) this.live -= this.sizeAt(index.address(old));
		if (index.set(key, part, at)) this.live += size;
		else this.counters.lost++;
		if ((flags & RecordFlag.More) === 0) this.forget(key, part + 1);
	}

	/** Takes a key's parts from this one on out of the index. */
	forget(key: number, part: number): void {
		const { index } = this;
		for (let i = index.from(key, part); i < index.count && index.key(i) === key; ) {
			this.live -= this.sizeAt(index.address(i));
			index.remove(i);
		}
	}

	/** @returns bytes of the records of a key */
	sizeOf(key: number): number {
		const { index } = this;
		let size = 0;
		for (let i = index.from(key, 0); i < index.count && index.key(i) === key; i++)
			size += this.sizeAt(index.address(i));
		return size;
	}

	/** @returns bytes of the record at an address */
	private sizeAt(at: number): number {
		const { scratch, view } = this.reader;
		this.flash.read(at, scratch, 0, 4);
		return recordSize(view.getUint16(2, true));
	}
}
