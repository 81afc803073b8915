/** The hub's records in a store of names and values, for a device: each record is a value, so that a change is there
 *  whole or not at all, and nothing of them lies in memory. Beside stored-records.ts, after registry.ts; before
 *  platform.ts's KeyValue. */
import type { Saved } from "../broker/own-records.js";
import type { KeyValue } from "../platform.js";
import { crc32 } from "../storage/crc.js";
import { RECORD_BYTES_MAX } from "./device-record.js";
import type { HubRecords, TakenRecords } from "./registry.js";

/** The name that the hub's identifier has, and what may stand before the numbers of devices. */
const HUB_ID = "id";
const FIRST = "d";
const SECOND = "e";

/** A value: CRC of the words behind it, bytes of the record, the record, filled up to whole words. */
const LENGTH_AT = 4;
const HEAD_BYTES = 8;

/** The most bytes that a value has. */
export const VALUE_BYTES_MAX: number = HEAD_BYTES + ((RECORD_BYTES_MAX + 3) & ~3);

/** Where records are: names are these, and known before. */
export type Values = Pick<KeyValue, "read" | "write" | "delete">;

export class KeyValueRecords implements HubRecords {
	/** before the numbers of devices: one of two, so that another hub's devices are there before they count */
	private prefix: string;

	/** @param max devices at most @param bytesMax bytes of all values that may be kept: the store has others', too */
	constructor(
		private readonly store: Values,
		private readonly max: number,
		private readonly bytesMax: number,
	) {
		const kept = this.value(HUB_ID);
		this.prefix = kept !== undefined && kept[0] === SECOND.charCodeAt(0) ? SECOND : FIRST;
		this.clear(this.otherPrefix); // the power may have failed while they came, or when they had
	}

	private get otherPrefix(): string {
		return this.prefix === FIRST ? SECOND : FIRST;
	}

	get hubId(): Uint8Array | undefined {
		return this.value(HUB_ID)?.slice(1);
	}

	keepHubId(bytes: Uint8Array, saved: Saved): void {
		saved(this.putHubId(this.prefix, bytes));
	}

	/** The identifier and where the devices are is one value: who the hub is and whom it knows change together. */
	private putHubId(prefix: string, bytes: Uint8Array): boolean {
		const value = new Uint8Array(1 + bytes.length);
		value[0] = prefix.charCodeAt(0);
		value.set(bytes, 1);
		return this.put(HUB_ID, value, value.length);
	}

	/** A record that is damaged is none. */
	read(number: number): Uint8Array | undefined {
		return this.value(this.prefix + number);
	}

	/** Writes at once, which takes a store in flash some milliseconds. */
	write(number: number, bytes: Uint8Array, end: number, saved: Saved): void {
		saved(this.putDevice(this.prefix, number, bytes, end));
	}

	private putDevice(prefix: string, number: number, bytes: Uint8Array, end: number): boolean {
		const fits = this.bytesBeside(prefix, number) + HEAD_BYTES + end <= this.bytesMax;
		return fits && number < this.max && this.put(prefix + number, bytes, end);
	}

	delete(number: number, saved: Saved): void {
		let gone = true;
		try {
			this.store.delete(this.prefix + number);
		} catch {
			gone = false;
		}
		saved(gone);
	}

	take(): TakenRecords {
		const prefix = this.otherPrefix;
		this.clear(prefix);
		return {
			put: (number, bytes) => this.putDevice(prefix, number, bytes, bytes.length),
			commit: (hubId) => {
				if (!this.putHubId(prefix, hubId)) return false;
				this.prefix = prefix;
				this.clear(this.otherPrefix);
				return true;
			},
		};
	}

	/** Takes devices away that don't count. */
	private clear(prefix: string): void {
		const value = new Uint8Array(VALUE_BYTES_MAX);
		try {
			for (let number = 0; number < this.max; number++)
				if (this.store.read(prefix + number, value, 0) >= 0) this.store.delete(prefix + number);
		} catch {
			// they take room, and nothing else; the next start tries again
		}
	}

	/** @returns whether it is written. A store that is full throws, and has what it had */
	private put(name: string, bytes: Uint8Array, end: number): boolean {
		const value = new Uint8Array(HEAD_BYTES + ((end + 3) & ~3));
		const view = new DataView(value.buffer);
		value.set(bytes.subarray(0, end), HEAD_BYTES);
		view.setUint32(LENGTH_AT, end, true);
		view.setInt32(0, crc32(-1, view, LENGTH_AT, value.length), true);
		try {
			this.store.write(name, value, 0, value.length);
			return true;
		} catch {
			return false;
		}
	}

	private value(name: string): Uint8Array | undefined {
		const value = new Uint8Array(VALUE_BYTES_MAX);
		const length = this.store.read(name, value, 0);
		if (length < HEAD_BYTES || length > value.length || length % 4 !== 0) return undefined;
		const view = new DataView(value.buffer);
		const bytes = view.getUint32(LENGTH_AT, true);
		const good = bytes <= length - HEAD_BYTES && crc32(-1, view, LENGTH_AT, length) === view.getInt32(0, true);
		return good ? value.slice(HEAD_BYTES, HEAD_BYTES + bytes) : undefined;
	}

	/** Asks the store each time: a change is seldom, and memory is dear.
	 *  @returns bytes of all devices' values but one */
	private bytesBeside(prefix: string, but: number): number {
		const value = new Uint8Array(VALUE_BYTES_MAX);
		let bytes = 0;
		for (let number = 0; number < this.max; number++)
			if (number !== but) bytes += Math.max(0, this.store.read(prefix + number, value, 0));
		return bytes;
	}
}
