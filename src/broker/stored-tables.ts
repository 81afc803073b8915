/** The broker's tables as they are where there is a storage: they note what changes (persist.ts). */
import { topicMatches } from "../codec/topic.js";
import { type Deliveries, DeliveryState } from "../delivery/deliveries.js";
import { Outbox } from "../delivery/outbox.js";
import { ReceivedIds } from "../delivery/received-ids.js";
import { MessageFlag, MessageStore } from "../memory/message-store.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Broker } from "./broker.js";
import type { Persist } from "./persist.js";
import { MESSAGE_HEAD_BYTES, RecordKind } from "./persist-records.js";
import { Retained } from "./retained.js";

/** Messages of QoS 1 and 2 are refused while nothing can be written, and when they are larger than a record may be. */
export class StoredMessages extends MessageStore {
	private readonly broker: Broker;

	constructor(broker: Broker, holdersMax: number) {
		super(broker.pool, holdersMax, broker.limits.packetBytes);
		this.broker = broker;
	}

	override add(
		flags: number,
		expires: number,
		source: Uint8Array,
		topicStart: number,
		topicEnd: number,
		propertySource: Uint8Array,
		propertyStart: number,
		propertyEnd: number,
		payloadSource: Uint8Array,
		payloadStart: number,
		payloadEnd: number,
	): number {
		const broker = this.broker;
		const persist = broker.persist!;
		if ((flags & MessageFlag.Qos) !== 0 && broker.publication.refusable) {
			const bytes = topicEnd - topicStart + propertyEnd - propertyStart + payloadEnd - payloadStart;
			if (persist.refuses || bytes + MESSAGE_HEAD_BYTES > persist.medium.valueBytesMax) return 0;
		}
		return super.add(
			flags,
			expires,
			source,
			topicStart,
			topicEnd,
			propertySource,
			propertyStart,
			propertyEnd,
			payloadSource,
			payloadStart,
			payloadEnd,
		);
	}
}

export class StoredRetained extends Retained {
	constructor(
		broker: Broker,
		private readonly persist: Persist,
	) {
		super(broker.store, broker.limits.retained, broker.limits.retainedTopicBytes);
	}

	override set(topic: string, message: number): void {
		const before = this.get(topic);
		super.set(topic, message);
		const persist = this.persist;
		const place = this.placeOf(topic);
		if (persist.keeps(RecordKind.Retained, place)) persist.release(before);
		else if (this.isNeverStored(topic)) return;
		persist.hold(message);
		persist.keep(RecordKind.Retained, place, true);
	}

	override delete(topic: string): boolean {
		const persist = this.persist;
		const place = this.placeOf(topic);
		if (place !== 0 && persist.keeps(RecordKind.Retained, place)) {
			persist.release(this.messageAt(place));
			persist.keep(RecordKind.Retained, place, false);
		}
		return super.delete(topic);
	}

	private isNeverStored(topic: string): boolean {
		const filters = this.persist.neverStore;
		for (let i = 0; i < filters.length; i++) if (topicMatches(filters[i]!, topic)) return true;
		return false;
	}
}

/** Also knows which identifiers each session has, because they are written together. */
export class StoredReceivedIds extends ReceivedIds {
	/** by session: the newest of its identifiers; by identifier: itself, and the one before it */
	private readonly newest: UintArray;
	private readonly ids: Uint16Array;
	private readonly before: UintArray;
	private free = 0;
	private used = 0;

	constructor(
		private readonly broker: Broker,
		private readonly persist: Persist,
		sessions: number,
	) {
		super(broker.limits.received, sessions);
		this.newest = uintArray(this.max, sessions);
		this.ids = new Uint16Array(this.max + 1);
		this.before = uintArray(this.max, this.max + 1);
	}

	override add(session: number, id: number): boolean {
		if (this.has(session, id)) return true;
		if (!super.add(session, id)) return false;
		let node = this.free;
		if (node === 0) node = ++this.used;
		else this.free = this.before[node]!;
		this.ids[node] = id;
		this.before[node] = this.newest[session]!;
		this.newest[session] = node;
		if (this.broker.sessions.at(session).expirySeconds !== 0) this.persist.keep(RecordKind.Received, session, true);
		return true;
	}

	override delete(session: number, id: number): boolean {
		if (!super.delete(session, id)) return false;
		let after = 0;
		let node = this.newest[session]!;
		while (this.ids[node] !== id) {
			after = node;
			node = this.before[node]!;
		}
		if (after === 0) this.newest[session] = this.before[node]!;
		else this.before[after] = this.before[node]!;
		this.before[node] = this.free;
		this.free = node;
		if (this.persist.keeps(RecordKind.Received, session))
			this.persist.keep(RecordKind.Received, session, this.newest[session] !== 0);
		return true;
	}

	override clear(session: number): number {
		for (let node = this.newest[session]!; node !== 0; ) {
			const before = this.before[node]!;
			this.before[node] = this.free;
			this.free = node;
			node = before;
		}
		this.newest[session] = 0;
		if (this.persist.keeps(RecordKind.Received, session)) this.persist.keep(RecordKind.Received, session, false);
		return super.clear(session);
	}

	/** Writes the session's identifiers, two bytes each. @returns index after them */
	write(session: number, target: Uint8Array, at: number): number {
		for (let node = this.newest[session]!; node !== 0; node = this.before[node]!) {
			target[at++] = this.ids[node]! >> 8;
			target[at++] = this.ids[node]!;
		}
		return at;
	}
}

/** What a session has of QoS 1 and 2 is stored when the session outlives its connection. */
export class StoredOutbox extends Outbox {
	constructor(
		entries: Deliveries,
		private readonly broker: Broker,
		private readonly session: number,
	) {
		super(entries);
	}

	override push(message: number, state: number): number {
		const entry = super.push(message, state);
		if ((state & DeliveryState.Qos) === 0) return entry;
		const broker = this.broker;
		const persist = broker.persist!;
		if (broker.sessions.at(this.session).expirySeconds === 0) return entry;
		persist.sessionOf[entry] = this.session;
		persist.sequenceOf[entry] = persist.sequence++;
		persist.hold(message);
		persist.keep(RecordKind.Delivery, entry, true);
		return entry;
	}

	override startSending(entry: number): void {
		super.startSending(entry);
		if (this.isKept(entry)) {
			this.entries.state[entry]! |= DeliveryState.InFlight;
			this.broker.persist!.touch(RecordKind.Delivery, entry);
		}
	}

	override keepOwn(group: number): void {
		super.keepOwn(group);
		for (let list = 0; list < 2; list++)
			for (let e = list === 0 ? this.sentFirst : this.waitingFirst; e !== 0; e = this.entries.next[e]!)
				if (this.entries.group[e] === group && this.isKept(e)) this.broker.persist!.touch(RecordKind.Delivery, e);
	}

	protected override letGo(entry: number): void {
		const message = this.entries.message[entry]!;
		if (message !== 0 && this.isKept(entry)) {
			this.broker.persist!.release(message);
			this.broker.persist!.touch(RecordKind.Delivery, entry);
		}
		super.letGo(entry);
	}

	protected override free(entry: number): void {
		const kept = this.isKept(entry);
		super.free(entry);
		if (kept) this.broker.persist!.keep(RecordKind.Delivery, entry, false);
	}

	private isKept(entry: number): boolean {
		return this.broker.persist!.keeps(RecordKind.Delivery, entry);
	}

	/** A QoS 2 message, and what is behind it at QoS 1, gets its Packet Identifier with the next batch. */
	override nextWaiting(receiveMaximum: number): number {
		return super.nextWaiting(this.inFlight < receiveMaximum && this.defers ? 0 : receiveMaximum);
	}

	override mayPass(receiveMaximum: number): boolean {
		return super.mayPass(this.defers ? 0 : receiveMaximum);
	}

	/** whether what waits is to be durable before it is sent */
	private get defers(): boolean {
		const first = this.waitingFirst;
		const persist = this.broker.persist!;
		if (first === 0 || (this.entries.state[first]! & DeliveryState.Qos) !== 2 || !persist.acknowledges) return false;
		if (!this.isKept(first)) return false;
		persist.defer(this.session);
		return true;
	}

	/** Gives Packet Identifiers to what waits, as far as the window allows; it is sent by `sendStarted`. */
	start(receiveMaximum: number): void {
		const broker = this.broker;
		const entries = this.entries;
		let started = 0;
		for (;;) {
			const entry = super.nextWaiting(receiveMaximum);
			if (entry === 0 || (entries.state[entry]! & DeliveryState.Qos) === 0) break;
			if (broker.store.isExpired(entries.message[entry]!, broker.now)) {
				broker.counters.dropsExpired++;
				this.drop(entry);
				continue;
			}
			this.startSending(entry);
			started++;
		}
		this.inFlight -= started; // they count when they are sent
	}

	/** What `start` gave Packet Identifiers to is durable: it is sent next. */
	sendStarted(): void {
		if (this.resendNext !== 0) return;
		const entries = this.entries;
		let entry = this.sentFirst;
		const gone = DeliveryState.Sent | DeliveryState.Released;
		while (entry !== 0 && (entries.state[entry]! & gone) !== 0) entry = entries.next[entry]!;
		this.resendNext = entry;
	}

	/** The session does not outlive its connection any more. */
	forget(): void {
		const persist = this.broker.persist!;
		for (let list = 0; list < 2; list++)
			for (let e = list === 0 ? this.sentFirst : this.waitingFirst; e !== 0; e = this.entries.next[e]!) {
				if (!this.isKept(e)) continue;
				if (this.entries.message[e] !== 0) persist.release(this.entries.message[e]!);
				persist.keep(RecordKind.Delivery, e, false);
			}
	}
}
