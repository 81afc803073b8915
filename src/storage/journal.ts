/** A durable table on raw flash: a log of records over the sectors, and an index of where they lie.
 *
 *  Changes gather in a buffer and are written together; a group of them counts when its last record is whole. When
 *  sectors get scarce, what still counts of the oldest one is written again, and it is erased: so all sectors wear
 *  alike. All work on flash is done by `step`, a bounded piece each, except that a change that finds the buffer full
 *  writes it. docs/storage.md says what it guarantees. */
import { HearthError } from "../errors.js";
import type { Flash, RecordVisitor, Storage, StorageTarget } from "../platform.js";
import type { JournalCounters } from "./counters.js";
import {
	capacityBytes,
	checkJournalLimits,
	type JournalLimits,
	padded,
	RECORD_HEAD,
	recordSize,
	spareSectors,
	usableBytes,
} from "./journal-limits.js";
import { JournalWear } from "./journal-wear.js";
import { Log } from "./log.js";
import { RecordFlag } from "./log-reader.js";
import { WriteBudget } from "./write-budget.js";

/** ms without a change after which sectors are erased before they are needed. */
const IDLE_MS = 200;
/** ms until the medium is tried again after it failed. */
const RETRY_MS = 1_000;
/** `step`: nothing to do until something changes. */
export const NOTHING = 0x7fffffff;

export interface JournalOptions {
	flash: Flash;
	limits: JournalLimits;
	/** ms that only grow */
	now(): number;
	/** 0 ≤ n < 2³²; asked once, when the flash has no journal yet */
	random(): number;
}

export class Journal implements Storage {
	readonly counters: JournalCounters;
	readonly wear: JournalWear;
	readonly valueBytesMax: number;
	readonly bytesMax: number;
	private readonly log: Log;
	private readonly budget: WriteBudget;
	private readonly unit: number;
	private readonly usable: number;
	private readonly spare: number;
	private target: StorageTarget | undefined = undefined;
	/** records and bytes of records when all that is in the buffer is written, at most; and when only what is committed
	 *  is */
	private plannedRecords = 0;
	private plannedBytes = 0;
	private committedRecords = 0;
	private committedBytes = 0;
	/** number of the last batch that was committed, that is durable, and that the target heard of */
	private batch = 0;
	private durable = 0;
	private told = 0;
	/** there are changes since the last commit */
	private changing = false;
	/** what is in the buffer was moved, and makes room */
	private moving = false;
	/** bytes of the open batch, and of one that found no room */
	private batchBytes = 0;
	private wanted = 0;
	/** ms: the first commit that is not written yet, and the last change */
	private since = 0;
	private changed: number;
	/** why the medium cannot be used; undefined: it can */
	private failure: unknown = undefined;
	private retryAt = 0;

	/** Reads the log; whatever the power did to it, the table is there. Takes some 10 ms for each 4 KB on an ESP32, and
	 *  allocates all that it will ever hold. Throws HearthError for limits that do not hold, and
	 *  `HEARTH_ERR_DATA_VERSION`; what `flash` throws passes */
	constructor(private readonly options: JournalOptions) {
		const { flash, limits } = options;
		checkJournalLimits(limits, flash);
		this.unit = Math.max(4, flash.programBytes);
		this.usable = usableBytes(flash, limits);
		this.spare = spareSectors(flash);
		this.valueBytesMax = limits.valueBytes;
		this.bytesMax = capacityBytes(flash, limits);
		this.log = new Log(flash, limits);
		this.counters = this.log.counters;
		this.changed = options.now();
		this.wear = new JournalWear(options, this.counters, this.log.sectors.erases);
		this.budget = new WriteBudget(limits.bytesPerDay, this.changed);
		this.mount();
	}

	private mount(): void {
		this.log.mount(this.options.random() | 0);
		this.settle();
	}

	/** Nothing is between the index and the flash. */
	private settle(): void {
		this.plannedRecords = this.committedRecords = this.log.index.count;
		this.plannedBytes = this.committedBytes = this.log.scan.live;
	}

	/** bytes of records that lead to values, their heads included */
	get bytesUsed(): number {
		return this.log.scan.live;
	}

	get lagMs(): number {
		const { bytesPerDay, intervalMs, intervalMaxMs } = this.options.limits;
		return bytesPerDay === 0 ? intervalMs : intervalMaxMs;
	}

	open(target: StorageTarget): void {
		this.target = target;
	}

	/** A record that turns out to be damaged leads to an older one of its key, if that is still there, or is left out,
	 *  and is counted. Allocates the longest value's bytes */
	each(first: number, last: number, visit: RecordVisitor): void {
		this.log.each(first, last, visit);
		this.settle();
	}

	read(key: number, target: Uint8Array): number {
		return this.log.read(key, target);
	}

	put(key: number, bytes: Uint8Array, start: number, end: number): boolean {
		const { limits } = this.options;
		const { pending } = this.log;
		const max = limits.recordBytes;
		const length = end - start;
		const parts = length <= max ? 1 : Math.ceil(length / max);
		const size = (parts - 1) * recordSize(max) + recordSize(length - (parts - 1) * max);
		if (this.failure !== undefined || length > limits.valueBytes) return this.refuse(0);
		const known = this.find(key);
		// what was written of this batch is not looked at: it may count twice, never too little
		const certain = known || !this.log.isGroupOpen;
		const records = this.plannedRecords + parts - (certain ? pending.parts : Math.min(parts, pending.parts));
		const planned = this.plannedBytes + size - (certain ? pending.size : Math.min(size, pending.size));
		if (records > limits.records || planned > this.bytesMax) return this.refuse(0);
		if (!this.hasRoom(size, 1.5)) return this.refuse(size);
		this.plannedRecords = records;
		this.plannedBytes = planned;
		this.batchBytes += size;
		if (parts > 1) this.log.stamp = (this.log.stamp + 1) & 0xffff;
		for (let part = 0; part < parts; part++) {
			const from = start + part * max;
			const last = part === parts - 1;
			const to = last ? end : from + max;
			if (!this.makeRoom(recordSize(to - from))) return false;
			pending.add(last ? 0 : RecordFlag.More, key, part, this.log.stamp, bytes, from, to);
		}
		return true;
	}

	delete(key: number): boolean {
		const { pending } = this.log;
		if (this.failure !== undefined) return this.refuse(0);
		const known = this.find(key);
		if (pending.parts === 0 && (known || !this.log.isGroupOpen)) return true;
		if (!this.hasRoom(RECORD_HEAD, 1.25)) return this.refuse(RECORD_HEAD);
		if (known || !this.log.isGroupOpen) {
			this.plannedRecords -= pending.parts;
			this.plannedBytes -= pending.size;
		}
		if (!this.makeRoom(RECORD_HEAD)) return false;
		pending.add(RecordFlag.Delete, key, 0, 0, pending.bytes, 0, 0);
		return true;
	}

	/** Finds out how many parts and bytes a key's value has, after the changes in the buffer: in `pending.parts` and
	 *  `pending.size`. @returns whether there are such changes */
	private find(key: number): boolean {
		const { pending } = this.log;
		if (pending.find(key, pending.used)) return true;
		pending.parts = this.log.index.partsOf(key);
		pending.size = pending.parts === 0 ? 0 : this.log.scan.sizeOf(key);
		return false;
	}

	/** @param size bytes that there was no room for now; 0: there never will be */
	private refuse(size: number): boolean {
		this.counters.refused++;
		// what else the batch has is not known: as much again
		if (size > 0) this.wanted = Math.max(this.wanted, 2 * (this.batchBytes + size));
		return false;
	}

	/** @param reserve sectors that stay free, for what is moved out of the oldest one
	 *  @returns whether so many bytes more can be written before a sector is erased */
	private hasRoom(size: number, reserve: number): boolean {
		const { unit, usable } = this;
		const { sectors, pending } = this.log;
		return sectors.free() - padded(pending.used, unit) - padded(size, unit) >= usable * reserve;
	}

	/** Makes room in the buffer: drops what is void, then writes what is committed, then what is not.
	 *  @returns false: that failed, and the batch is lost */
	private makeRoom(size: number): boolean {
		const { pending } = this.log;
		this.changed = this.options.now();
		this.changing = true;
		if (pending.used + size > pending.max) pending.coalesce(true);
		if (pending.used + size > pending.max && pending.committed > 0 && !this.flush(true)) return false;
		if (pending.used + size > pending.max) pending.coalesce(false);
		return pending.used + size <= pending.max || this.flush(false);
	}

	rollback(): void {
		if (!this.changing) return;
		const { pending } = this.log;
		pending.used = pending.committed;
		// what was written of the batch never gets its last record
		if (pending.committed === 0 && this.log.isGroupOpen) this.log.endGroup();
		this.plannedRecords = this.committedRecords;
		this.plannedBytes = this.committedBytes;
		this.batchBytes = 0;
		this.changing = false;
	}

	commit(): number {
		const { pending } = this.log;
		if (this.changing && this.failure === undefined) {
			if (pending.used === 0) pending.add(RecordFlag.Empty, 0, 0, 0, pending.bytes, 0, 0);
			pending.committed = pending.used;
		}
		this.committedRecords = this.plannedRecords;
		this.committedBytes = this.plannedBytes;
		this.batchBytes = this.wanted = 0;
		this.changing = false;
		if (this.told === this.batch) this.since = this.changed;
		return ++this.batch;
	}

	close(): void {
		this.target = undefined;
		this.rollback();
		if (this.failure === undefined && this.log.pending.committed > 0) this.flush(true);
		this.failure ??= new HearthError("HEARTH_ERR_CLOSED", "journal: it is closed");
		this.retryAt = Number.POSITIVE_INFINITY;
	}

	/** Does one piece of work: writes what is due, or makes room, or erases one sector. It keeps the flash busy for the
	 *  time that `pendingBytes` take to be read and written, or one sector to be erased.
	 *  Never within a change; after `commit` as soon as may be, else when the time is over that it returned.
	 *  @returns ms until the next piece is due, if nothing changes; NOTHING: none is */
	step(): number {
		const now = this.options.now();
		if (this.failure !== undefined) return this.retry(now);
		if (this.changing) return IDLE_MS;
		let wait = NOTHING;
		if (this.log.pending.committed > 0) {
			wait = this.delay(now);
			if (wait === 0 && !this.flush(true)) return this.retry(now);
		} else this.durable = this.batch;
		if (this.tell(now) || wait === 0) return 0;
		if (this.told < this.durable) wait = Math.min(wait, this.wait(0, now));
		return Math.min(wait, this.clean(now));
	}

	/** Tells what became durable, when the bytes a day allow more. @returns whether there was anything to tell */
	private tell(now: number): boolean {
		if (this.told === this.durable) return false;
		if (this.wait(0, now) > 0) return false;
		this.told = this.durable;
		this.target?.onDurable(this.durable);
		return true;
	}

	/** @returns ms that what is committed may still wait */
	private delay(now: number): number {
		if (this.log.isGroupOpen || this.moving || this.wanted > 0) return 0;
		const interval = this.options.limits.intervalMs - (now - this.since);
		return Math.max(0, Math.ceil(interval), this.wait(this.log.pending.used, now));
	}

	/** @returns ms until the bytes a day allow so many bytes; those of the last commit don't wait for too long */
	private wait(bytes: number, now: number): number {
		const delay = this.budget.delay(bytes, now);
		const left = this.options.limits.intervalMaxMs - (now - this.since);
		return delay < left ? delay : left > 0 ? left : 0;
	}

	/** Writes what is in the buffer: of what is committed a group that ends, else a part of one.
	 *  @returns false: the medium failed, and what is not durable is lost */
	private flush(last: boolean): boolean {
		const { pending, counters } = this.log;
		const now = this.options.now();
		const before = counters.bytesWritten;
		pending.coalesce(last);
		const end = last ? pending.committed : pending.used;
		if (last && !this.moving && this.budget.delay(end, now) > 0) counters.overBudget++;
		try {
			this.log.write(end, last);
		} catch (error) {
			this.fail(error);
			return false;
		} finally {
			this.budget.spend(counters.bytesWritten - before, now);
			if (this.moving) counters.bytesMoved += counters.bytesWritten - before;
		}
		pending.shift(end);
		if (!last) return true;
		this.moving = false;
		this.durable = this.batch;
		const records = this.plannedRecords - this.committedRecords;
		const bytes = this.plannedBytes - this.committedBytes;
		this.settle();
		this.plannedRecords += records;
		this.plannedBytes += bytes;
		return true;
	}

	private fail(error: unknown): void {
		this.failure = error;
		this.retryAt = 0;
		this.log.pending.clear();
		this.moving = false;
	}

	/** Tells what is lost, once; then tries from time to time whether the medium works again. */
	private retry(now: number): number {
		if (this.told < this.durable) {
			this.told = this.durable;
			this.target?.onDurable(this.durable);
		}
		while (this.told < this.batch) {
			this.told = this.durable = this.told + 1;
			this.target?.onStorageError(this.told, this.failure);
		}
		if (now < this.retryAt) return this.retryAt - now;
		try {
			this.mount();
			this.failure = undefined;
			return 0;
		} catch (error) {
			this.failure = error;
			this.retryAt = now + RETRY_MS;
			return RETRY_MS;
		}
	}

	/** Keeps sectors ready: erases one, or moves some of what counts out of the oldest one. */
	private clean(now: number): number {
		const { sectors } = this.log;
		const idle = this.changed + IDLE_MS - now;
		try {
			if (sectors.dirty > 0 && (sectors.ready < 2 || this.wanted > 0 || idle <= 0)) {
				sectors.erase();
				return 0;
			}
			if (sectors.ready + sectors.dirty < this.spare || this.isWorthMoving()) {
				this.moving = this.log.gather();
				return 0;
			}
		} catch (error) {
			this.fail(error);
			return 0;
		}
		return sectors.dirty > 0 ? idle : NOTHING;
	}

	/** @returns whether the batch that found no room will find it when more is moved together */
	private isWorthMoving(): boolean {
		if (this.wanted === 0) return false;
		const { sectors, scan } = this.log;
		const possible = (sectors.erases.length - 1) * this.usable - scan.live;
		return sectors.free() < Math.min(this.wanted + 2 * this.usable, 0.75 * possible);
	}
}
