/** The hub's records on a medium of their own, for a device: they take no memory, and are read when they are asked for.
 *  Beside stored-records.ts, after registry.ts; before platform.ts's Storage. */
import type { Broker } from "../broker/broker.js";
import type { Saved } from "../broker/own-records.js";
import { RecordKind, recordKey } from "../broker/persist-records.js";
import type { Storage, StorageTarget } from "../platform.js";
import { RECORD_BYTES_MAX } from "./device-record.js";
import type { HubRecords } from "./registry.js";

/** Number of the record that has the hub's identifier. */
const HUB_ID = 0;

/** A medium that can be read at any time. */
export type ReadableStorage = Storage & Required<Pick<Storage, "read">>;

export class MediumRecords implements HubRecords, StorageTarget {
	/** batches that are not durable yet, oldest first, and who waits for each */
	private readonly batches: number[];
	private readonly waiting: Saved[];
	private broker: Broker | undefined = undefined;

	/** @param medium for these records alone; its steps are the caller's affair */
	constructor(private readonly medium: ReadableStorage) {
		this.batches = [];
		this.waiting = [];
		medium.open(this);
	}

	attach(broker: Broker): void {
		this.broker = broker;
	}

	get hubId(): Uint8Array | undefined {
		const bytes = new Uint8Array(RECORD_BYTES_MAX);
		const length = this.medium.read(recordKey(RecordKind.HubKey, HUB_ID), bytes);
		return length < 0 ? undefined : bytes.slice(0, length);
	}

	keepHubId(bytes: Uint8Array, saved: Saved): void {
		this.change(this.medium.put(recordKey(RecordKind.HubKey, HUB_ID), bytes, 0, bytes.length), saved);
	}

	read(number: number, target: Uint8Array): number {
		return this.medium.read(recordKey(RecordKind.HubDevice, number), target);
	}

	write(number: number, bytes: Uint8Array, end: number, saved: Saved): void {
		this.change(this.medium.put(recordKey(RecordKind.HubDevice, number), bytes, 0, end), saved);
	}

	delete(number: number, saved: Saved): void {
		this.change(this.medium.delete(recordKey(RecordKind.HubDevice, number)), saved);
	}

	/** Each change is a batch. */
	private change(taken: boolean, saved: Saved): void {
		if (!taken) {
			this.medium.rollback();
			return saved(false);
		}
		this.batches.push(this.medium.commit());
		this.waiting.push(saved);
	}

	onDurable(batch: number): void {
		while (this.batches.length > 0 && this.batches[0]! <= batch) this.ended(true);
	}

	onStorageError(batch: number): void {
		while (this.batches.length > 0 && this.batches[0]! <= batch) this.ended(false);
	}

	/** The oldest batch is durable, or lost; who waits hears so between two turns of the broker. */
	private ended(ok: boolean): void {
		this.batches.shift();
		const saved = this.waiting.shift()!;
		const { broker } = this;
		if (broker === undefined) return saved(ok);
		broker.beginTurn();
		broker.tell(() => saved(ok), "", "");
	}
}
