/** The hub's records in the broker's storage; without one, in memory alone. Between registry.ts and own-records.ts. */
import type { Broker } from "../broker/broker.js";
import type { OwnRecords, Saved } from "../broker/own-records.js";
import { RecordKind } from "../broker/persist-records.js";
import type { HubRecords } from "./registry.js";

/** Number of the record that has the hub's identifier. */
const HUB_ID = 0;

export class StoredRecords implements HubRecords {
	private readonly records: Map<number, Uint8Array>;
	private own: OwnRecords | undefined = undefined;
	private idBytes: Uint8Array | undefined = undefined;

	constructor() {
		this.records = new Map();
	}

	/** Reads what the broker's storage has. Before anything is written. */
	attach(broker: Broker): void {
		const own = broker.persist?.own;
		this.own = own;
		own?.each(RecordKind.HubDevice, (number, bytes) => this.records.set(number, bytes));
		own?.each(RecordKind.HubKey, (number, bytes) => {
			if (number === HUB_ID) this.idBytes = bytes;
		});
	}

	get hubId(): Uint8Array | undefined {
		return this.idBytes;
	}

	keepHubId(bytes: Uint8Array, saved: Saved): void {
		this.idBytes = bytes;
		if (this.own === undefined) saved(true);
		else this.own.put(RecordKind.HubKey, HUB_ID, bytes, saved);
	}

	read(number: number): Uint8Array | undefined {
		return this.records.get(number)?.slice();
	}

	write(number: number, bytes: Uint8Array, end: number, saved: Saved): void {
		this.change(number, bytes.slice(0, end), saved);
	}

	delete(number: number, saved: Saved): void {
		this.change(number, undefined, saved);
	}

	/** What is read changes only when it is durable. */
	private change(number: number, bytes: Uint8Array | undefined, saved: Saved): void {
		const done: Saved = (ok) => {
			if (ok && bytes !== undefined) this.records.set(number, bytes);
			else if (ok) this.records.delete(number);
			saved(ok);
		};
		if (this.own === undefined) done(true);
		else this.own.put(RecordKind.HubDevice, number, bytes, done);
	}
}
