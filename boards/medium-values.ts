/** Names and values on a medium that works in steps, for KeyValueRecords: a change is made at once, with all steps that
 *  it takes. Between hub-store-pico.ts and a journal. */
import { RecordKind, recordKey } from "../src/broker/persist-records.js";
import { VALUE_BYTES_MAX, type Values } from "../src/hub/key-value-records.js";
import type { Storage, StorageTarget } from "../src/platform.js";
import { type JournalLimits, journalLimits } from "../src/storage/journal-limits.js";
import type { DeviceMedium } from "./medium-steps.js";

/** Steps that a change may take: each sector may have to be made free, record by record. */
const STEPS_MAX = 512;

/** Numbers of what stands before devices' numbers: "d" and "e" (key-value-records.ts). */
const PREFIX = 0x8000;

/** Longer records take two: few are. */
const RECORD_BYTES = 512;

/** @returns a journal's limits for so many devices: a change is written at once, as it is seldom */
export function hubJournalLimits(devices: number): JournalLimits {
	const records = 2 * (devices + 1);
	const own = { records, recordBytes: RECORD_BYTES, valueBytes: VALUE_BYTES_MAX, intervalMs: 0, bytesPerDay: 0 };
	return { ...journalLimits, ...own };
}

export class MediumValues implements Values, StorageTarget {
	private durable = 0;
	private failure: unknown = undefined;

	/** Makes a new medium ready, so that it can be written to. @param medium for these values alone */
	constructor(private readonly medium: DeviceMedium & Required<Pick<Storage, "read">>) {
		medium.open(this);
		this.settle(0);
	}

	read(name: string, bytes: Uint8Array, start: number): number {
		return this.medium.read(keyOf(name), start === 0 ? bytes : bytes.subarray(start));
	}

	/** Throws an Error when there is no room, or the medium fails: then it has what it had. */
	write(name: string, bytes: Uint8Array, start: number, end: number): void {
		this.change(() => this.medium.put(keyOf(name), bytes, start, end));
	}

	delete(name: string): void {
		this.change(() => this.medium.delete(keyOf(name)));
	}

	onDurable(batch: number): void {
		this.durable = batch;
	}

	onStorageError(_batch: number, error: unknown): void {
		this.failure = error;
	}

	/** Each change is a batch. */
	private change(make: () => boolean): void {
		const { medium } = this;
		this.failure = undefined;
		if (!make()) {
			medium.rollback();
			throw new Error("storage: there is no room");
		}
		const batch = medium.commit();
		this.settle(batch);
		if (this.failure !== undefined) throw this.failure;
		if (this.durable < batch) throw new Error("storage: a change was not written in time");
	}

	/** Goes on until the batch is durable or lost, and there is nothing more to be done. */
	private settle(batch: number): void {
		for (let steps = 0; steps < STEPS_MAX && this.failure === undefined; steps++)
			if (this.medium.step() > 0 && this.durable >= batch) return;
	}
}

function keyOf(name: string): number {
	if (name === "id") return recordKey(RecordKind.HubKey, 0);
	return recordKey(RecordKind.HubDevice, (name.startsWith("e") ? PREFIX : 0) + Number(name.slice(1)));
}
