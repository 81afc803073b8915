/** Records that others than the broker keep in its storage: the hub's devices and keys. They go along in the broker's
 *  batches, and whoever wrote one hears whether it is durable. Beside persist.ts. */
import type { RecordVisitor, Storage } from "../platform.js";
import type { Broker } from "./broker.js";
import { NUMBER_MAX, type RecordKind, recordKey } from "./persist-records.js";

/** Says that a change is durable, or that it could not be written and the record is as it was. */
export type Saved = (ok: boolean) => void;

interface Change {
	readonly key: number;
	/** undefined: the record goes */
	readonly bytes: Uint8Array | undefined;
	readonly saved: Saved;
}

export class OwnRecords {
	private waiting: Change[];
	private writing: Change[];

	/** @param wake asks for a batch */
	constructor(
		private readonly medium: Storage,
		private readonly broker: Broker,
		private readonly wake: () => void,
	) {
		this.waiting = [];
		this.writing = [];
	}

	/** Calls for each record of a kind. At start only. */
	each(kind: RecordKind.HubDevice | RecordKind.HubKey, visit: (number: number, bytes: Uint8Array) => void): void {
		const visitor: RecordVisitor = {
			visit: (key, bytes, start, end) => visit(key & NUMBER_MAX, bytes.slice(start, end)),
		};
		this.medium.each(recordKey(kind, 0), recordKey(kind, NUMBER_MAX), visitor);
	}

	/** Writes a record with the next batch. @param bytes undefined: the record goes; otherwise kept until `saved`
	 *  @param saved is called later, between two turns */
	put(
		kind: RecordKind.HubDevice | RecordKind.HubKey,
		number: number,
		bytes: Uint8Array | undefined,
		saved: Saved,
	): void {
		this.waiting.push({ key: recordKey(kind, number), bytes, saved });
		this.wake();
	}

	/** whether a batch has something to write of these */
	get isWaiting(): boolean {
		return this.waiting.length > 0;
	}

	/** Adds what waits to a batch. @returns false: no room */
	write(): boolean {
		for (let i = 0; i < this.waiting.length; i++) {
			const { key, bytes } = this.waiting[i]!;
			const put = bytes === undefined ? this.medium.delete(key) : this.medium.put(key, bytes, 0, bytes.length);
			if (!put) return false;
		}
		return true;
	}

	/** The batch is on its way. */
	started(): void {
		this.writing = this.waiting;
		this.waiting = [];
	}

	/** The batch is durable, or lost. */
	ended(ok: boolean): void {
		const ended = this.writing;
		this.writing = [];
		this.tell(ended, ok);
	}

	/** Nothing can be written now: who waits hears so, and may try again. */
	refuse(): void {
		const refused = this.waiting;
		this.waiting = [];
		this.tell(refused, false);
	}

	private tell(changes: readonly Change[], ok: boolean): void {
		if (changes.length > 0) this.broker.beginTurn();
		for (let i = 0; i < changes.length; i++) this.broker.tell(() => changes[i]!.saved(ok), "", "");
	}
}
