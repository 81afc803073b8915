/** The hub's records in a store of names and values, for a device: each record is a value, so that a change is there
 *  whole or not at all, and nothing of them lies in memory. Beside stored-records.ts, after registry.ts; before
 *  platform.ts's KeyValue. */
import type { Saved } from "../broker/own-records.js";
import type { KeyValue } from "../platform.js";
import { crc32 } from "../storage/crc.js";
import { RECORD_BYTES_MAX } from "./device-record.js";
import type { HubRecords } from "./registry.js";

/** The name that the hub's identifier has, and what stands before the numbers of devices. */
const HUB_ID = "id";
const DEVICE = "d";

/** A value: CRC of the words behind it, bytes of the record, the record, filled up to whole words. */
const LENGTH_AT = 4;
const HEAD_BYTES = 8;

/** The most bytes that a value has. */
export const VALUE_BYTES_MAX: number = HEAD_BYTES + ((RECORD_BYTES_MAX + 3) & ~3);

export class KeyValueRecords implements HubRecords {
	/** @param max devices at most @param bytesMax bytes of all values that may be kept: the store has others', too */
	constructor(
		private readonly store: KeyValue,
		private readonly max: number,
		private readonly bytesMax: number,
	) {}

	get hubId(): Uint8Array | undefined {
		return this.value(HUB_ID);
	}

	keepHubId(bytes: Uint8Array, saved: Saved): void {
		saved(this.put(HUB_ID, bytes, bytes.length));
	}

	/** A record that is damaged is none. */
	read(number: number): Uint8Array | undefined {
		return this.value(nameOf(number));
	}

	/** Writes at once, which takes a store in flash some milliseconds. */
	write(number: number, bytes: Uint8Array, end: number, saved: Saved): void {
		const name = nameOf(number);
		const fits = this.bytesBeside(name) + HEAD_BYTES + end <= this.bytesMax;
		saved(fits && this.put(name, bytes, end));
	}

	delete(number: number, saved: Saved): void {
		let gone = true;
		try {
			this.store.delete(nameOf(number));
		} catch {
			gone = false;
		}
		saved(gone);
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
	private bytesBeside(name: string): number {
		const value = new Uint8Array(VALUE_BYTES_MAX);
		let bytes = 0;
		for (let number = 0; number < this.max; number++)
			if (nameOf(number) !== name) bytes += Math.max(0, this.store.read(nameOf(number), value, 0));
		return bytes;
	}
}

function nameOf(number: number): string {
	return DEVICE + number;
}
