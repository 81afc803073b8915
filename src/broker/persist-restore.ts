/** Takes up what a storage has: at start, kind by kind, each thing under its own number. What a fault of the medium
 *  made unusable is left out, counted and given up; what these limits have no place for ends the start. */

import { getUint16, getUint32 } from "../codec/data-types.js";
import { sharedFilterAt } from "../codec/topic.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import { Mark } from "../memory/change-list.js";
import { MessageFlag } from "../memory/message-store.js";
import { uintArray } from "../memory/typed-array.js";
import type { RecordVisitor } from "../platform.js";
import type { Broker } from "./broker.js";
import type { Persist } from "./persist.js";
import {
	CLOCK_KEY,
	FORMAT_KEY,
	FORMAT_VERSION,
	getFormat,
	NUMBER_MAX,
	numberOf,
	RecordKind,
	recordKey,
	StoredRecord,
} from "./persist-records.js";
import { EXPIRY_NEVER } from "./session.js";

/** Reads a broker's storage into its tables, which are empty. Throws HearthError when the format is newer, or the
 *  limits are too small. */
export class Restorer implements RecordVisitor {
	/** the format of what is read */
	private version = FORMAT_VERSION;
	private isEmpty = true;
	private kind = RecordKind.Meta;
	/** the numbers of messages are looked at before they are read: each has its first block */
	private claiming = false;
	private lastMessage = 0;
	private readonly record: StoredRecord;
	/** deliveries, in the order of their queues when all are read */
	private readonly order;
	private deliveryCount = 0;

	constructor(
		private readonly broker: Broker,
		private readonly persist: Persist,
	) {
		this.record = new StoredRecord(broker.text);
		this.order = uintArray(broker.limits.deliveries, broker.limits.deliveries + 1);
	}

	/** @returns whether the format's record is there and of this version */
	run(): boolean {
		const broker = this.broker;
		const changes = this.persist.changes;
		this.persist.restoring = true;
		this.persist.medium.each(FORMAT_KEY, CLOCK_KEY, this);
		const known = !this.isEmpty && this.version === FORMAT_VERSION;
		this.claiming = true;
		this.read(RecordKind.Message);
		this.claiming = false;
		broker.pool.claim(changes.marks, this.persist.first[RecordKind.Message]!, Mark.Kept, this.lastMessage);
		this.read(RecordKind.Message);
		this.read(RecordKind.Session);
		this.read(RecordKind.Subscription);
		this.read(RecordKind.Retained);
		this.read(RecordKind.Delivery);
		this.queue();
		this.read(RecordKind.Received);
		this.closeGaps();
		this.persist.restoring = false;
		this.giveUp();
		return known;
	}

	private read(kind: RecordKind): void {
		this.kind = kind;
		this.persist.medium.each(recordKey(kind, 0), recordKey(kind, NUMBER_MAX), this);
	}

	visit(key: number, bytes: Uint8Array, start: number, end: number): void {
		this.isEmpty = false;
		if (this.kind === RecordKind.Meta) return this.readMeta(key, bytes, start, end);
		const number = numberOf(key);
		const marks = this.persist.changes.marks;
		const thing = this.persist.first[this.kind]! + number;
		if (number > this.most()) this.tooMany();
		if (this.claiming) {
			marks[thing] = Mark.Kept | Mark.Stored;
			if (number > this.lastMessage) this.lastMessage = number;
			return;
		}
		marks[thing] = Mark.Stored;
		if (this.take(number, bytes, start, end)) marks[thing] = Mark.Kept | Mark.Stored;
		else {
			this.persist.lost++;
			if (this.kind === RecordKind.Message) this.broker.pool.giveBack(number);
		}
	}

	private readMeta(key: number, bytes: Uint8Array, start: number, end: number): void {
		const record = this.record;
		if (key === CLOCK_KEY) {
			if (record.readClock(bytes, start, end)) this.persist.clock.resume(record.clock, record.wall);
			return;
		}
		this.version = getFormat(bytes, start, end);
		if (this.version > FORMAT_VERSION)
			throw new HearthError(
				"HEARTH_ERR_STORAGE_VERSION",
				`storage: has format ${this.version}, this version knows up to ${FORMAT_VERSION}: start the newer version`,
			);
	}

	/** @returns the highest number that these limits have for the kind */
	private most(): number {
		const limits = this.broker.limits;
		switch (this.kind) {
			case RecordKind.Message:
				return limits.blocks;
			case RecordKind.Session:
			case RecordKind.Received:
				return limits.sessions + limits.localSubscriptions - 1;
			case RecordKind.Subscription:
				return limits.subscriptions + limits.localSubscriptions;
			case RecordKind.Delivery:
				return limits.deliveries;
			default:
				return limits.retained;
		}
	}

	private tooMany(): never {
		throw new HearthError(
			"HEARTH_ERR_STORAGE_LIMITS",
			`storage: more ${KIND_NAMES[this.kind]} than these limits: start with those that it had, or export and import`,
		);
	}

	/** @returns false: the record is of no use */
	private take(number: number, bytes: Uint8Array, start: number, end: number): boolean {
		switch (this.kind) {
			case RecordKind.Message:
				return this.takeMessage(number, bytes, start, end);
			case RecordKind.Session:
				return this.takeSession(number, bytes, start, end);
			case RecordKind.Subscription:
				return this.takeSubscription(number, bytes, start, end);
			case RecordKind.Retained:
				return this.takeRetained(number, bytes, start, end);
			case RecordKind.Delivery:
				return this.takeDelivery(number, bytes, start, end);
			default:
				return this.takeReceived(number, bytes, start, end);
		}
	}

	private takeMessage(number: number, bytes: Uint8Array, start: number, end: number): boolean {
		const record = this.record;
		const store = this.broker.store;
		if (!record.readMessage(bytes, start, end)) return false;
		const isWill = (record.flags & MessageFlag.Will) !== 0;
		const expires = isWill ? record.expires : this.persist.clock.recall(record.expires);
		const { flags, topicBytes, propertyBytes, payloadBytes } = record;
		if (!store.restore(number, flags, expires, topicBytes, propertyBytes, payloadBytes, bytes, record.start))
			this.tooMany();
		return true;
	}

	private takeSession(index: number, bytes: Uint8Array, start: number, end: number): boolean {
		const { broker, persist, record } = this;
		const sessions = broker.sessions;
		if (!record.readSession(bytes, start, end, this.version)) return false;
		const session = sessions.restore(index, record.clientId);
		if (session === undefined) return false;
		const now = broker.platform.now();
		session.userName = record.userName;
		sessions.restamp(index);
		session.expirySeconds = record.expirySeconds;
		// a client that was connected has lost its connection now
		if (record.expiresAt !== 0) sessions.expiries.set(index, persist.clock.recall(record.expiresAt));
		else if (session.expirySeconds !== EXPIRY_NEVER)
			sessions.expiries.set(index, now + session.expirySeconds * 1000 || 1);
		session.willDelaySeconds = record.willDelaySeconds;
		if (!this.isThere(record.will)) return true;
		session.will = record.will;
		broker.store.hold(record.will);
		persist.hold(record.will);
		const delay = Math.min(session.willDelaySeconds, session.expirySeconds) * 1000;
		sessions.wills.set(index, record.willAt !== 0 ? persist.clock.recall(record.willAt) : now + delay || 1);
		return true;
	}

	/** @returns whether a message was taken up */
	private isThere(message: number): boolean {
		return message > 0 && message <= this.broker.limits.blocks && this.persist.keeps(RecordKind.Message, message);
	}

	private isSession(index: number): boolean {
		return index < this.broker.sessions.max && this.persist.keeps(RecordKind.Session, index);
	}

	private takeSubscription(number: number, bytes: Uint8Array, start: number, end: number): boolean {
		const record = this.record;
		const table = this.broker.table;
		if (!record.readSubscription(bytes, start, end) || !this.isSession(record.session)) return false;
		const shareAt = sharedFilterAt(record.filter);
		if (number === 0 || shareAt < 0 || table.find(record.session, record.filter) !== 0) return false;
		table.claim(number);
		const filterBytes = this.broker.text.size(record.filter);
		const { session, filter, options, identifier } = record;
		if (table.add(session, filter, shareAt, filterBytes, options, identifier) === 0) this.tooMany();
		return true;
	}

	private takeRetained(place: number, bytes: Uint8Array, start: number, end: number): boolean {
		const { store, pool, memory, layout, text, retained, platform } = this.broker;
		const message = end - start < 4 ? 0 : getUint32(bytes, start);
		if (place === 0 || !this.isThere(message) || store.isExpired(message, platform.now())) return false;
		const topicBytes = store.topicBytes(message);
		const topic = text.decode(memory, layout.assembly, pool.read(message, 0, topicBytes, memory, layout.assembly));
		if (topic === undefined || topic === "" || retained.placeOf(topic) !== 0) return false;
		if (!retained.hasRoom(topic, topicBytes)) this.tooMany();
		retained.claim(place);
		retained.set(topic, message);
		return true;
	}

	private takeDelivery(number: number, bytes: Uint8Array, start: number, end: number): boolean {
		const { record, persist } = this;
		const { deliveries, pool, table } = this.broker;
		if (number === 0 || !record.readDelivery(bytes, start, end) || !this.isSession(record.session)) return false;
		if (!this.isThere(record.message) && (record.message !== 0 || (record.state & DeliveryState.Released) === 0))
			return false;
		deliveries.message[number] = record.message;
		deliveries.state[number] = record.state;
		deliveries.packetId[number] = record.packetId;
		deliveries.identifiers[number] = 0;
		if ((record.state & DeliveryState.Shared) !== 0) {
			const group = table.groupOf(record.filter);
			deliveries.group[number] = group;
			if (group === 0) deliveries.state[number]! &= ~DeliveryState.Shared;
		}
		if (record.identifierBytes > 0) {
			const chain = pool.take(Math.ceil(record.identifierBytes / pool.blockBytes));
			if (chain === 0) this.tooMany();
			pool.write(chain, 0, bytes, record.start, record.start + record.identifierBytes);
			deliveries.identifiers[number] = chain;
			deliveries.identifierBytes[number] = record.identifierBytes;
		}
		if (record.message !== 0) persist.hold(record.message);
		persist.sessionOf[number] = record.session;
		persist.sequenceOf[number] = record.sequence;
		this.order[this.deliveryCount++] = number;
		return true;
	}

	/** Puts the deliveries into their queues. */
	private queue(): void {
		const { deliveries, sessions } = this.broker;
		const { sequenceOf, sessionOf } = this.persist;
		const order = this.order.subarray(0, this.deliveryCount);
		// sequences are cyclic, and never further apart than half of what they count
		order.sort((a, b) => (sequenceOf[a]! - sequenceOf[b]!) | 0);
		for (let i = 0; i < order.length; i++) {
			const entry = order[i]!;
			deliveries.claim(entry);
			deliveries.take();
			let state = deliveries.state[entry]!;
			// it may have been sent: what comes again has DUP [MQTT-3.3.1-1]
			if ((state & DeliveryState.InFlight) !== 0) state |= DeliveryState.Sent;
			const packetId = (state & DeliveryState.InFlight) !== 0 ? deliveries.packetId[entry]! : 0;
			sessions.at(sessionOf[entry]!).outbox.restore(entry, deliveries.message[entry]!, state, packetId);
			this.persist.sequence = sequenceOf[entry]! + 1;
		}
	}

	private takeReceived(index: number, bytes: Uint8Array, start: number, end: number): boolean {
		if (!this.isSession(index)) return false;
		const broker = this.broker;
		for (let at = start; at + 2 <= end; at += 2) {
			const id = getUint16(bytes, at);
			if (id === 0 || !broker.received.add(index, id)) this.tooMany();
			broker.sessions.at(index).receivedCount++;
		}
		return true;
	}

	private closeGaps(): void {
		const { broker, persist } = this;
		const marks = persist.changes.marks;
		const first = persist.first;
		broker.sessions.closeGaps();
		broker.table.closeGaps(marks, first[RecordKind.Subscription]!, Mark.Kept);
		broker.retained.closeGaps();
		broker.deliveries.closeGaps(marks, first[RecordKind.Delivery]!, Mark.Kept);
	}

	/** What was of no use, or is of none any more, is given up with the next batch; so is what an older format had. */
	private giveUp(): void {
		const { broker, persist } = this;
		const marks = persist.changes.marks;
		const firstMessage = persist.first[RecordKind.Message]!;
		for (let m = 1; m <= this.lastMessage; m++) {
			if ((marks[firstMessage + m]! & Mark.Kept) === 0 || !broker.store.isUnheld(m)) continue;
			broker.store.hold(m);
			broker.store.release(m);
			persist.keep(RecordKind.Message, m, false);
		}
		const rewrite = this.version !== FORMAT_VERSION;
		for (let thing = 1; thing < marks.length; thing++) {
			const stored = marks[thing]! & (Mark.Kept | Mark.Stored);
			if (stored === Mark.Stored || (rewrite && stored !== 0)) persist.changes.add(thing);
		}
	}
}

/** What a person calls each kind. */
const KIND_NAMES: readonly string[] = frozen([
	"",
	"sessions",
	"QoS 2 messages in flight",
	"subscriptions",
	"messages",
	"queued messages",
	"Retained Messages",
]);
