/** A durable table over a store of names and values (NVS, or an SDK's own flash driver), for boards without raw flash.
 *  Only single changes are atomic there, so a batch of several is written as one value first, and then change by
 *  change: a start that finds it does that again. Wear is the store's affair. */
import { putBytes } from "../codec/data-types.js";
import { HearthError } from "../errors.js";
import type { KeyValue, RecordVisitor, Storage, StorageTarget } from "../platform.js";
import { crc32 } from "./crc.js";
import { KeyIndex } from "./key-index.js";

/** The name that a batch has. */
const BATCH = "batch";
/** Before the names of records. */
const RECORD = "r";
/** A change in the buffer: bytes of data, or this when the key is deleted; then the value: CRC, key, data. */
const DELETED = 0xffffffff;
const CHANGE_HEAD = 12;
const VALUE_HEAD = 8;
const RETRY_MS = 1_000;
/** `step`: nothing to do until something changes. */
export const NOTHING = 0x7fffffff;

export interface KeyValueLimits {
	/** records at most; 7 bytes of memory each */
	records: number;
	/** the buffer that holds a batch, a multiple of 4: no larger one is taken */
	batchBytes: number;
	/** bytes of values that are kept at most; the store must have room for them and for a batch */
	bytesMax: number;
}

export class KeyValueStorage implements Storage {
	readonly valueBytesMax: number;
	readonly bytesMax: number;
	bytesUsed = 0;
	/** records that were found damaged, and left out */
	lost = 0;
	private target: StorageTarget | undefined = undefined;
	private readonly bytes: Uint8Array;
	private readonly view: DataView;
	/** the lengths of values, where a journal has addresses */
	private readonly lengths: KeyIndex;
	/** bytes of the buffer that are used */
	private used = 4;
	private changes = 0;
	/** records and bytes of them when the batch is written, at most */
	private plannedRecords = 0;
	private plannedBytes = 0;
	/** number of the last batch, and the change of it that is written next; 0: none is */
	private batch = 0;
	private next = 0;
	/** the batch lies in the store: it counts */
	private isStored = false;
	private closed = false;

	/** Reads all names and lengths; ends a batch that was begun. Throws HearthError when there are more records than
	 *  the limits allow; what `store` throws passes */
	constructor(
		private readonly store: KeyValue,
		private readonly limits: KeyValueLimits,
	) {
		const { records, batchBytes } = limits;
		if (batchBytes < 64 || batchBytes % 4 !== 0 || batchBytes > store.valueBytesMax)
			throw new HearthError(
				"HEARTH_ERR_LIMITS_RELATION",
				`key-value storage: batchBytes ${batchBytes}: a multiple of 4 from 64 to ${store.valueBytesMax}, please`,
			);
		this.bytesMax = limits.bytesMax;
		this.valueBytesMax = Math.min(batchBytes - 4 - CHANGE_HEAD, 0xffff);
		this.bytes = new Uint8Array(batchBytes);
		this.view = new DataView(this.bytes.buffer);
		this.lengths = new KeyIndex(records, 4 * 0xffff);
		this.finishBatch();
		store.each((name) => this.find(name)); // tidy: at start only
		this.plannedRecords = this.lengths.count;
		this.plannedBytes = this.bytesUsed;
	}

	/** Does what a batch says that was written, but perhaps not done. */
	private finishBatch(): void {
		const length = this.store.read(BATCH, this.bytes, 0);
		if (length < 0) return;
		const whole = length <= this.bytes.length && length % 4 === 0 && length > 4;
		if (whole && crc32(-1, this.view, 4, length) === this.view.getInt32(0, true))
			for (let at = 4; at < length; ) at = this.write(at);
		this.store.delete(BATCH);
	}

	private find(name: string): void {
		const key = Number.parseInt(name.slice(1), 16);
		if (nameOf(key) !== name) return;
		const length = this.store.read(name, this.bytes, 0) - VALUE_HEAD;
		if (length < 0 || length > this.valueBytesMax) return;
		if (!this.lengths.set(key, 0, 4 * length))
			throw new HearthError(
				"HEARTH_ERR_STORAGE_LIMITS",
				`key-value storage: more than ${this.limits.records} records: give it the limits that it had`,
			);
		this.bytesUsed += length;
	}

	open(target: StorageTarget): void {
		this.target = target;
	}

	/** A record that is damaged is left out and counted. */
	each(first: number, last: number, visit: RecordVisitor): void {
		const { lengths, bytes, view } = this;
		for (let i = lengths.from(first, 0); i < lengths.count && lengths.key(i) <= last; i++) {
			const key = lengths.key(i);
			const length = this.load(key, bytes, view);
			if (length >= 0) visit.visit(key, bytes, VALUE_HEAD, length);
			else this.lost++;
		}
	}

	/** Allocates as much as the value has: the buffer may hold a batch. */
	read(key: number, target: Uint8Array): number {
		const entry = this.lengths.find(key, 0);
		if (entry < 0) return -1;
		const bytes = new Uint8Array(VALUE_HEAD + ((this.lengths.address(entry) / 4 + 3) & ~3));
		const length = this.load(key, bytes, new DataView(bytes.buffer)) - VALUE_HEAD;
		if (length < 0 || length > target.length) return -1;
		putBytes(target, 0, bytes, VALUE_HEAD, VALUE_HEAD + length);
		return length;
	}

	/** Reads a value with its head to bytes[0..). @returns its bytes, head included; -1: it is damaged */
	private load(key: number, bytes: Uint8Array, view: DataView): number {
		const length = this.store.read(nameOf(key), bytes, 0);
		const end = (length + 3) & ~3;
		if (length < VALUE_HEAD || end > bytes.length) return -1;
		bytes.fill(0xff, length, end);
		const good = crc32(-1, view, 4, end) === view.getInt32(0, true) && view.getUint32(4, true) === key;
		return good ? length : -1;
	}

	put(key: number, bytes: Uint8Array, start: number, end: number): boolean {
		const length = end - start;
		const size = CHANGE_HEAD + ((length + 3) & ~3);
		if (this.next !== 0 || length > this.valueBytesMax || this.used + size > this.bytes.length) return false;
		const before = this.lengthOf(key);
		const records = this.plannedRecords + (before < 0 ? 1 : 0);
		const planned = this.plannedBytes + length - Math.max(before, 0);
		if (records > this.limits.records || planned > this.bytesMax) return false;
		this.plannedRecords = records;
		this.plannedBytes = planned;
		const at = this.begin(key, length, size);
		if (length > 0) {
			this.bytes.fill(0xff, at + size - 4, at + size);
			putBytes(this.bytes, at + CHANGE_HEAD, bytes, start, end);
		}
		this.view.setInt32(at + 4, crc32(-1, this.view, at + 8, at + size), true);
		return true;
	}

	delete(key: number): boolean {
		const before = this.lengthOf(key);
		if (before < 0) return true;
		if (this.next !== 0 || this.used + CHANGE_HEAD > this.bytes.length) return false;
		this.plannedRecords--;
		this.plannedBytes -= before;
		this.begin(key, DELETED, CHANGE_HEAD);
		return true;
	}

	/** @returns where a new change lies */
	private begin(key: number, length: number, size: number): number {
		const at = this.used;
		this.view.setUint32(at, length, true);
		this.view.setUint32(at + 4, 0, true);
		this.view.setUint32(at + 8, key, true);
		this.used = at + size;
		this.changes++;
		return at;
	}

	/** @returns bytes of a key's value after the changes before; -1: there is none */
	private lengthOf(key: number): number {
		const entry = this.lengths.find(key, 0);
		let length = entry < 0 ? DELETED : this.lengths.address(entry) / 4;
		for (let at = 4; at < this.used; at += this.sizeAt(at))
			if (this.view.getUint32(at + 8, true) === key) length = this.view.getUint32(at, true);
		return length === DELETED ? -1 : length;
	}

	private sizeAt(at: number): number {
		const length = this.view.getUint32(at, true);
		return length === DELETED ? CHANGE_HEAD : CHANGE_HEAD + ((length + 3) & ~3);
	}

	rollback(): void {
		if (this.next === 0) this.clear();
	}

	private clear(): void {
		this.used = 4;
		this.changes = this.next = 0;
		this.isStored = false;
		this.plannedRecords = this.lengths.count;
		this.plannedBytes = this.bytesUsed;
	}

	commit(): number {
		if (this.next === 0) this.next = 4;
		return ++this.batch;
	}

	close(): void {
		this.target = undefined;
		for (let i = 0; this.next !== 0 && i <= this.changes + 1; i++) this.step();
		this.closed = true;
	}

	/** Does one piece of work: one change of the store. Never within a change; after `commit` as soon as may be, else
	 *  when the time is over that it returned. @returns ms until the next piece is due; NOTHING: none is */
	step(): number {
		if (this.next === 0 || this.closed) return NOTHING;
		try {
			this.work();
			return 0;
		} catch (error) {
			// what is stored counts: it is done later
			if (this.isStored) return RETRY_MS;
			this.clear();
			this.target?.onStorageError(this.batch, error);
			return 0;
		}
	}

	private work(): void {
		if (this.changes > 1 && !this.isStored) {
			this.view.setInt32(0, crc32(-1, this.view, 4, this.used), true);
			this.store.write(BATCH, this.bytes, 0, this.used);
			this.isStored = true;
		} else if (this.next < this.used) {
			const at = this.next;
			this.next = this.write(at);
			this.count(at);
		} else {
			if (this.isStored) this.store.delete(BATCH);
			this.clear();
			this.target?.onDurable(this.batch);
		}
	}

	/** Writes one change of the buffer to the store. @returns where the next one lies */
	private write(at: number): number {
		const { view, store } = this;
		const length = view.getUint32(at, true);
		const name = nameOf(view.getUint32(at + 8, true));
		if (length === DELETED) store.delete(name);
		else store.write(name, this.bytes, at + 4, at + CHANGE_HEAD + length);
		return at + this.sizeAt(at);
	}

	/** Enters the change that was written. */
	private count(at: number): void {
		const { lengths, view } = this;
		const key = view.getUint32(at + 8, true);
		const length = view.getUint32(at, true);
		const entry = lengths.find(key, 0);
		if (entry >= 0) this.bytesUsed -= lengths.address(entry) / 4;
		if (length === DELETED) lengths.removeFrom(key, 0);
		else if (lengths.set(key, 0, 4 * length)) this.bytesUsed += length;
	}
}

function nameOf(key: number): string {
	return RECORD + key.toString(16);
}
