/** The log on flash, and the index of it: writes groups of records, moves what still counts out of the oldest sector,
 *  and finds older values where records are damaged. */

import { HearthError } from "../errors.js";
import type { Flash, RecordVisitor } from "../platform.js";
import { JournalCounters } from "./counters.js";
import { type JournalLimits, padded, RECORD_HEAD, recordSize } from "./journal-limits.js";
import { KeyIndex } from "./key-index.js";
import { LogReader, RecordFlag } from "./log-reader.js";
import { ALL, LogScan } from "./log-scan.js";
import { Pending } from "./pending.js";
import { Sectors } from "./sectors.js";

/** How often a group is written when it reads back differently. */
const ATTEMPTS = 3;

export class Log {
	readonly counters = new JournalCounters();
	readonly sectors: Sectors;
	readonly index: KeyIndex;
	readonly scan: LogScan;
	readonly pending: Pending;
	/** the parts of a value longer than a record have a number in common */
	stamp = 0;
	private readonly reader: LogReader;
	/** the group that is written, and where its first record lies; sector -1: none is written yet */
	private group = 0;
	private groupSector = -1;
	private groupAt = 0;
	/** something of the group did not read back */
	private groupDamaged = false;

	constructor(
		private readonly flash: Flash,
		private readonly limits: JournalLimits,
	) {
		this.reader = new LogReader(flash, limits.recordBytes);
		this.sectors = new Sectors(flash, this.reader, this.counters, limits);
		this.index = new KeyIndex(limits.records, flash.sectors * flash.sectorBytes);
		this.scan = new LogScan(flash, this.sectors, this.reader, this.index, this.counters);
		this.pending = new Pending(limits.pendingBytes);
	}

	/** Finds what is on flash, and goes on behind it. @param salt for a flash that has no journal yet */
	mount(salt: number): void {
		const { sectors, reader, scan, index } = this;
		const holds = new Uint8Array(this.flash.sectors);
		index.clear();
		this.pending.clear();
		scan.live = 0;
		reader.damaged = reader.mended = 0;
		if (!sectors.mount()) reader.salt = salt;
		scan.run(ALL, holds);
		this.counters.damaged += reader.damaged;
		this.counters.mended += reader.mended;
		this.group = scan.group;
		this.stamp = scan.stamp;
		this.endGroup();
		let newest = -1;
		for (let s = sectors.following(0); s >= 0; s = sectors.following(sectors.orderOf(s))) {
			if (holds[s] === 0) sectors.retire(s);
			else newest = s;
		}
		if (newest >= 0) this.goOn(newest);
	}

	/** Goes on in a sector behind its last record. Where a write was cut, nothing is written over what that record would
	 *  have taken: what is missing of it might come to be there by chance, and it would count. */
	private goOn(sector: number): void {
		const { reader, flash, limits } = this;
		const unit = Math.max(4, flash.programBytes);
		reader.open(sector, 0, 0);
		let end = reader.at;
		while (reader.next(false)) end = reader.at + reader.size;
		const start = sector * flash.sectorBytes;
		const good = start + padded(end - start, unit);
		const torn = start + padded(reader.end - 4 + recordSize(limits.recordBytes) - start, unit);
		this.sectors.resume(sector, reader.end <= good ? good : Math.min(torn, start + flash.sectorBytes));
	}

	/** There are records on flash whose group has not ended. */
	get isGroupOpen(): boolean {
		return this.groupSector >= 0;
	}

	/** What was written of the group never gets its last record, or has got it. */
	endGroup(): void {
		this.group = (this.group + 1) & 0xffff;
		this.groupSector = -1;
		this.groupDamaged = false;
	}

	/** Writes the records in pending.bytes[0..end). Throws what the medium throws.
	 *  @param last whether they end the group; then the index knows it */
	write(end: number, last: boolean): void {
		const { pending, sectors, reader } = this;
		pending.seal(end, this.group, reader.salt, last);
		let lastAt = 0;
		let attempts = 0;
		for (let from = 0; from < end; ) {
			const fits = pending.fitting(from, end, sectors.headRoom());
			if (fits === from) {
				sectors.begin();
				continue;
			}
			if (this.groupSector < 0) {
				this.groupSector = sectors.head;
				this.groupAt = sectors.headAt;
			}
			lastAt = sectors.headAt + pending.lastIn(from, fits) - from;
			if (sectors.append(pending.bytes, from, fits)) from = fits;
			else if (++attempts === ATTEMPTS)
				throw new HearthError("HEARTH_ERR_MEDIUM", "flash: what is written reads back differently: it is worn out");
		}
		this.groupDamaged ||= attempts > 0;
		if (!last) return;
		const { head, headAt } = sectors;
		this.scan.apply(this.groupSector, this.groupAt, head, lastAt, headAt, ALL, !this.groupDamaged);
		this.counters.flushes++;
		this.endGroup();
	}

	/** Calls for each record with first ≤ key ≤ last. Allocates the longest value's bytes */
	each(first: number, last: number, visit: RecordVisitor): void {
		const { index, scan } = this;
		let bytes = new Uint8Array(this.limits.recordBytes);
		let replaced = -1;
		for (let i = index.from(first, 0); i < index.count && index.key(i) <= last; ) {
			const key = index.key(i);
			const longest = index.partsOf(key) * this.limits.recordBytes;
			if (longest > bytes.length) bytes = new Uint8Array(longest);
			const length = this.copy(key, bytes);
			if (length >= 0) visit.visit(key, bytes, 0, length);
			else if (replaced !== key) this.replace((replaced = key));
			else {
				// of an older value, too, a part is missing
				if (index.find(key, 0) >= 0) this.counters.recovered--;
				this.counters.lost++;
				scan.forget(key, 0);
			}
			i = index.from(key, length >= 0 ? 255 : 0);
		}
	}

	/** Copies a value to target[0..). @returns its bytes; -1: there is none, it is damaged, or longer than the target */
	read(key: number, target: Uint8Array): number {
		return this.copy(key, target);
	}

	/** Copies a value. @returns its bytes; -1: a part of it is not there, damaged, or longer than the room */
	private copy(key: number, target: Uint8Array): number {
		const { index, reader, flash } = this;
		let at = 0;
		let stamp = 0;
		for (let part = 0; ; part++) {
			const i = index.find(key, part);
			if (i < 0) return -1;
			const count = reader.scratch.byteLength;
			const address = index.address(i);
			const rest = flash.sectors * flash.sectorBytes - address;
			const have = rest < count ? rest : count;
			const good = reader.head(address, have) && reader.verify(have);
			if (!good && !this.mend(address, i)) return -1;
			if (part === 0) stamp = reader.stamp;
			else if (stamp !== reader.stamp) return -1;
			if (at + reader.length > target.length) return -1;
			flash.read(address + RECORD_HEAD, target, at, at + reader.length);
			const turned = reader.turned - 8 * RECORD_HEAD;
			if (!good && turned >= 0 && turned < 8 * reader.length) target[at + (turned >> 3)]! ^= 1 << (turned & 7);
			at += reader.length;
			if ((reader.flags & RecordFlag.More) === 0) return at;
		}
	}

	/** Copies the record that was looked at behind what is in the buffer.
	 *  @returns false: it is damaged, and is not kept */
	private keep(address: number, mended: boolean): boolean {
		const { flash, reader, pending } = this;
		const { used } = pending;
		flash.read(address, pending.bytes, used, used + reader.size);
		if (mended) pending.bytes[used + (reader.turned >> 3)]! ^= 1 << (reader.turned & 7);
		return pending.keep(reader.size, reader.salt);
	}

	/** Looks whether only one bit of an entry's record turned over. */
	private mend(address: number, entry: number): boolean {
		const { flash, index, reader } = this;
		const end = (Math.floor(address / flash.sectorBytes) + 1) * flash.sectorBytes;
		const mended = reader.mend(address, end, index.key(entry)) && reader.part === index.part(entry);
		if (mended) this.counters.mended++;
		return mended;
	}

	/** Looks for what a key led to before its record was damaged, and enters that. Reads the whole log. */
	private replace(key: number): void {
		const { scan, counters } = this;
		const { group, stamp } = scan;
		counters.damaged++;
		scan.forget(key, 0);
		scan.run(key, undefined);
		scan.group = group;
		scan.stamp = stamp;
		if (this.index.find(key, 0) >= 0) counters.recovered++;
		else counters.lost++;
	}

	/** Copies what counts of the oldest sector behind what is in the buffer, as far as there is room; but not what a
	 *  change in the buffer makes void. When nothing of the sector counts any more, gives it up.
	 *  @returns whether there is something to be written now */
	gather(): boolean {
		const { flash, index, reader, pending } = this;
		const sector = this.sectors.following(0);
		const start = sector * flash.sectorBytes;
		const end = start + flash.sectorBytes;
		const before = pending.used;
		let i = index.within(0, start, end);
		if (i < 0) this.sectors.retire(sector);
		while (i >= 0) {
			const address = index.address(i);
			const looks = reader.head(address, RECORD_HEAD);
			if (looks && pending.used + reader.size > pending.max) break;
			const kept = pending.find(index.key(i), before) || (looks && this.keep(address, false));
			if (!kept && this.mend(address, i)) {
				if (pending.used + reader.size > pending.max) break;
				this.keep(address, true);
			} else if (!kept) {
				this.replace(index.key(i));
				i = -1;
			}
			i = index.within(i + 1, start, end);
		}
		pending.committed = pending.used;
		return pending.used > 0;
	}
}
