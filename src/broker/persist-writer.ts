/** Writes what changed as records. After persist.ts, before persist-records.ts. */
import { putUint32 } from "../codec/data-types.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { type ChangeVisitor, Mark } from "../memory/change-list.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import type { Persist } from "./persist.js";
import {
	CLOCK_KEY,
	FORMAT_KEY,
	FORMAT_VERSION,
	putClock,
	putFormat,
	RecordKind,
	recordKey,
	StoredRecord,
} from "./persist-records.js";
import type { StoredReceivedIds } from "./stored-tables.js";

export class RecordWriter implements ChangeVisitor {
	private readonly record: StoredRecord;
	/** what is given up goes first: it makes room */
	private deleting = false;
	/** this version's record is there */
	formatted = false;

	constructor(
		private readonly broker: Broker,
		private readonly persist: Persist,
	) {
		this.record = new StoredRecord(broker.text);
	}

	/** Puts all that changed into the storage's batch. @param clockToo the clock, too
	 *  @returns false: there is no room, and the batch is to be rolled back */
	write(clockToo: boolean): boolean {
		const { changes, medium, clock } = this.persist;
		this.deleting = true;
		if (!changes.each(this)) return false;
		this.deleting = false;
		if (!changes.each(this)) return false;
		const memory = this.broker.memory;
		const at = this.broker.layout.assembly; // no packet needs it between two turns
		if (!this.formatted && !medium.put(FORMAT_KEY, memory, at, putFormat(memory, at, FORMAT_VERSION))) return false;
		if (!clockToo) return true;
		return medium.put(CLOCK_KEY, memory, at, putClock(memory, at, clock.store(this.broker.platform.now()), clock.wall));
	}

	changed(thing: number): boolean {
		const persist = this.persist;
		const first = persist.first;
		const marks = persist.changes.marks[thing]!;
		if (this.deleting === ((marks & Mark.Kept) !== 0)) return true;
		if (this.deleting && (marks & Mark.Stored) === 0) return true;
		let kind = RecordKind.Retained;
		while (thing < first[kind]!) kind--;
		const number = thing - first[kind]!;
		const key = recordKey(kind, number);
		if (this.deleting) return persist.medium.delete(key);
		const at = this.broker.layout.assembly;
		return persist.medium.put(key, this.broker.memory, at, this.encode(kind, number, at));
	}

	/** @returns index after the thing's record at memory[at..] */
	private encode(kind: RecordKind, number: number, at: number): number {
		const broker = this.broker;
		switch (kind) {
			case RecordKind.Session:
				return this.encodeSession(number, at);
			case RecordKind.Received:
				return (broker.received as StoredReceivedIds).write(number, broker.memory, at);
			case RecordKind.Subscription: {
				const record = this.record;
				record.session = broker.table.session[number]!;
				record.options = broker.table.options[number]!;
				record.identifier = broker.table.identifier[number]!;
				record.filter = broker.table.filterOf(number);
				return record.putSubscription(broker.memory, at);
			}
			case RecordKind.Message:
				return this.encodeMessage(number, at);
			case RecordKind.Delivery:
				return this.encodeDelivery(number, at);
			default:
				return putUint32(broker.memory, at, broker.retained.messageAt(number));
		}
	}

	private encodeSession(index: number, at: number): number {
		const { sessions, memory } = this.broker;
		const clock = this.persist.clock;
		const record = this.record;
		const session = sessions.at(index);
		record.clientId = session.clientId;
		record.userName = session.userName;
		record.expirySeconds = session.expirySeconds;
		record.expiresAt = clock.store(sessions.expiries.get(index));
		record.will = session.will;
		record.willDelaySeconds = session.willDelaySeconds;
		record.willAt = clock.store(sessions.wills.get(index));
		return record.putSession(memory, at);
	}

	private encodeMessage(message: number, at: number): number {
		const { store, memory, pool } = this.broker;
		const record = this.record;
		const expires = store.expiresAt(message);
		record.flags = store.flags(message);
		record.topicBytes = store.topicBytes(message);
		record.propertyBytes = store.propertyBytes(message);
		record.expires = (record.flags & MessageFlag.Will) !== 0 ? expires : this.persist.clock.store(expires);
		return pool.read(message, 0, store.bytes(message), memory, record.putMessageHead(memory, at));
	}

	private encodeDelivery(entry: number, at: number): number {
		const { deliveries, memory, pool, table } = this.broker;
		const record = this.record;
		record.session = this.persist.sessionOf[entry]!;
		record.message = deliveries.message[entry]!;
		record.state = deliveries.state[entry]!;
		record.packetId = deliveries.packetId[entry]!;
		record.sequence = this.persist.sequenceOf[entry]!;
		const isShared = (record.state & DeliveryState.Shared) !== 0;
		record.filter = isShared ? table.path(deliveries.group[entry]!) : "";
		const identifiers = deliveries.identifiers[entry]!;
		if (identifiers === 0) return record.putDelivery(memory, at, memory, at, at);
		// put together behind the record's head and then moved to their place
		const from = at + 64;
		const end = pool.read(identifiers, 0, deliveries.identifierBytes[entry]!, memory, from);
		return record.putDelivery(memory, at, memory, from, end);
	}
}
