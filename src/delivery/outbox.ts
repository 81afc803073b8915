/** A receiver's queue: what waits for it and what is in flight to it, with the rules of QoS 1 and 2. No I/O.
 *  After message-store.ts, before codec/publish. Spec: sections 4.3, 4.4, 4.6, 4.9 */
import { type Deliveries, DeliveryState } from "./deliveries.js";

export class Outbox {
	/** bytes and number of messages that this queue holds in the store */
	bytes = 0;
	count = 0;
	/** entries not yet sent, in order */
	waitingFirst = 0;
	protected waitingLast = 0;
	/** how many of the waiting are QoS 0 */
	private waitingQos0 = 0;
	/** entries of QoS 1 and 2 that were sent and wait for their acknowledgement, in the order of sending */
	sentFirst = 0;
	protected sentLast = 0;
	/** PUBLISHes of QoS 1 and 2 that were sent on this connection and not yet acknowledged. Spec: [MQTT-4.9.0-1] */
	inFlight = 0;
	/** the next of the sent that is to be resent on this connection; 0: none */
	resendNext = 0;
	protected lastId = 0;

	constructor(protected readonly entries: Deliveries) {}

	/** @returns whether a message of so many bytes fits into a bound of `bytesMax` and `countMax` */
	hasRoom(bytes: number, bytesMax: number, countMax: number): boolean {
		return this.count < countMax && this.bytes + bytes <= bytesMax && this.entries.freeCount > 0;
	}

	/** Queues a message, which the queue holds from then on. The caller asked `hasRoom`.
	 *  @param state DeliveryState.Qos and Retain bits @returns the entry */
	push(message: number, state: number): number {
		const entries = this.entries;
		const entry = entries.take();
		entries.message[entry] = message;
		entries.state[entry] = state;
		if (this.waitingLast === 0) this.waitingFirst = entry;
		else entries.next[this.waitingLast] = entry;
		this.waitingLast = entry;
		if ((state & DeliveryState.Qos) === 0) this.waitingQos0++;
		this.entries.store.hold(message);
		this.bytes += this.entries.store.bytes(message);
		this.count++;
		return entry;
	}

	/** @returns whether a QoS 1 message of at most so many bytes may be sent at once: there is room for it, nothing waits
	 *  or is to be resent before it, and the window is open. An empty queue is ready. `pushSent` follows, if there is a
	 *  free entry */
	isReady(receiveMaximum: number, bytes: number, bounds: { queueBytes: number; queueMessages: number }): boolean {
		if (this.waitingFirst !== 0) return false;
		if (this.resendNext !== 0) return false;
		if (this.inFlight >= receiveMaximum) return false;
		if (this.count >= bounds.queueMessages) return false;
		return this.bytes + bytes <= bounds.queueBytes;
	}

	/** Queues a QoS 1 message that is sent now. The caller asked `isReady`, and for a free entry.
	 *  @param message 0: it is not stored, because it will not be sent again @returns its Packet Identifier */
	pushSent(message: number): number {
		const entries = this.entries;
		const entry = entries.take();
		const id = this.freeId();
		entries.message[entry] = message;
		entries.state[entry] = DeliveryState.SentQos1;
		entries.packetId[entry] = id;
		if (this.sentLast === 0) this.sentFirst = entry;
		else entries.next[this.sentLast] = entry;
		this.sentLast = entry;
		this.inFlight++;
		this.count++;
		if (message === 0) return id;
		entries.store.hold(message);
		this.bytes += entries.store.bytes(message);
		return id;
	}

	/** PUBACK of what was sent first, as receivers answer in order, where nothing waits for its place and it has no
	 *  Subscription Identifiers. @returns false: it is not that, and nothing was done */
	completeFirst(id: number): boolean {
		const entries = this.entries;
		const entry = this.sentFirst;
		if (entry === 0) return false;
		if (this.waitingFirst !== 0) return false;
		if (this.resendNext !== 0) return false;
		if (entries.packetId[entry] !== id) return false;
		if ((entries.state[entry]! & DeliveryState.QosReleased) !== 1) return false;
		if (entries.identifiers[entry] !== 0) return false;
		const message = entries.message[entry]!;
		const next = entries.next[entry]!;
		this.sentFirst = next;
		if (next === 0) this.sentLast = 0;
		this.inFlight--;
		this.count--;
		if (message !== 0) {
			this.bytes -= entries.store.bytes(message);
			entries.store.release(message);
		}
		entries.giveBack(entry);
		return true;
	}

	/** @returns whether a QoS 0 message may be sent at once, past what waits for acknowledgements only */
	mayPass(receiveMaximum: number): boolean {
		return this.waitingFirst === 0 || (this.waitingQos0 === 0 && this.inFlight >= receiveMaximum);
	}

	/** @returns the entry to send next; 0: none, or the window is closed. QoS 0 passes a closed window.
	 *  Spec: [MQTT-4.9.0-2] [MQTT-4.9.0-3] */
	nextWaiting(receiveMaximum: number): number {
		const entries = this.entries;
		this.entries.before = 0;
		let entry = this.waitingFirst;
		if (entry === 0 || this.inFlight < receiveMaximum) return entry;
		if (this.waitingQos0 === 0) return 0;
		while ((entries.state[entry]! & DeliveryState.Qos) !== 0) {
			this.entries.before = entry;
			entry = entries.next[entry]!;
		}
		return entry;
	}

	/** The entry that `nextWaiting` returned leaves the waiting ones. QoS 1 and 2 get a Packet Identifier and are in
	 *  flight from now on. Spec: [MQTT-2.3.1-4], 5.0 [MQTT-2.2.1-4] */
	startSending(entry: number): void {
		const entries = this.entries;
		const next = entries.next[entry]!;
		if (this.entries.before === 0) this.waitingFirst = next;
		else entries.next[this.entries.before] = next;
		if (next === 0) this.waitingLast = this.entries.before;
		entries.next[entry] = 0;
		if ((entries.state[entry]! & DeliveryState.Qos) === 0) {
			this.waitingQos0--;
			return;
		}
		entries.packetId[entry] = this.freeId();
		if (this.sentLast === 0) this.sentFirst = entry;
		else entries.next[this.sentLast] = entry;
		this.sentLast = entry;
		this.inFlight++;
	}

	/** The last byte of the entry's packet is on its way: QoS 0 is done. */
	endSending(entry: number): void {
		const state = this.entries.state[entry]!;
		if ((state & DeliveryState.Qos) === 0) this.free(entry);
		else this.entries.state[entry] = state | DeliveryState.Sent;
	}

	/** A waiting entry that `nextWaiting` returned is given up: it is expired or too large for this receiver. */
	drop(entry: number): void {
		if ((this.entries.state[entry]! & DeliveryState.Qos) === 0) this.waitingQos0--;
		this.removeWaiting(entry, this.entries.before);
	}

	/** Frees a waiting entry. @param before the one before it; 0: it is the first */
	private removeWaiting(entry: number, before: number): void {
		const entries = this.entries;
		const next = entries.next[entry]!;
		if (before === 0) this.waitingFirst = next;
		else entries.next[before] = next;
		if (next === 0) this.waitingLast = before;
		this.free(entry);
	}

	/** Frees a sent entry. */
	private removeSent(entry: number, before: number): void {
		const entries = this.entries;
		const next = entries.next[entry]!;
		if (before === 0) this.sentFirst = next;
		else entries.next[before] = next;
		if (next === 0) this.sentLast = before;
		if (this.resendNext === entry) this.resendNext = next;
		if (this.inFlight > 0) this.inFlight--;
		this.free(entry);
	}

	/** The identifiers in flight stand in ascending cyclic order, so only the oldest ones can be in the way. */
	private freeId(): number {
		let id = this.lastId === 65_535 ? 1 : this.lastId + 1;
		let entry = this.sentFirst;
		if (entry !== 0) {
			const entries = this.entries;
			for (; entry !== 0 && entries.packetId[entry] === id; entry = entries.next[entry]!)
				id = id === 65_535 ? 1 : id + 1;
		}
		this.lastId = id;
		return id;
	}

	/** The Packet Identifier that is tried next. */
	get nextId(): number {
		return this.lastId === 65_535 ? 1 : this.lastId + 1;
	}

	/** Takes the next Packet Identifier for something else, as a SUBSCRIBE; it must not be in flight here. */
	takeId(): number {
		return this.freeId();
	}

	/** @returns the entry that was sent with the Packet Identifier; 0: none */
	findSent(id: number): number {
		const entries = this.entries;
		let entry = this.sentFirst;
		while (entry !== 0 && entries.packetId[entry] !== id) entry = entries.next[entry]!;
		return entry;
	}

	/** PUBACK, or a PUBREC that refuses, or PUBCOMP: the entry is done. @param qos 1 or 2 @param released PUBCOMP
	 *  @returns false: no such Packet Identifier is in flight in this state. Spec: [MQTT-4.3.2-1] [MQTT-4.3.3-1] */
	complete(id: number, qos: number, released: boolean): boolean {
		const entries = this.entries;
		let before = 0;
		let entry = this.sentFirst;
		while (entry !== 0 && entries.packetId[entry] !== id) {
			before = entry;
			entry = entries.next[entry]!;
		}
		if (entry === 0) return false;
		const state = entries.state[entry]!;
		if ((state & DeliveryState.Qos) !== qos || ((state & DeliveryState.Released) !== 0) !== released) return false;
		this.removeSent(entry, before);
		return true;
	}

	/** PUBREC: the message is with the receiver; what remains is PUBREL. @returns false: no such Packet Identifier */
	receive(id: number): boolean {
		const entries = this.entries;
		let entry = this.sentFirst;
		while (entry !== 0 && entries.packetId[entry] !== id) entry = entries.next[entry]!;
		if (entry === 0 || (entries.state[entry]! & DeliveryState.Qos) !== 2) return false;
		this.letGo(entry);
		entries.state[entry] = entries.state[entry]! | DeliveryState.Released;
		return true;
	}

	/** A new connection: all that was sent is to be resent, in its order. Spec: [MQTT-4.4.0-1] [MQTT-4.6.0-1] */
	reconnect(): void {
		this.inFlight = 0;
		this.resendNext = this.sentFirst;
	}

	/** The connection ended: QoS 0 messages have no one to go to. @returns how many were given up */
	disconnect(): number {
		const entries = this.entries;
		let given = 0;
		let before = 0;
		let entry = this.waitingQos0 === 0 ? 0 : this.waitingFirst;
		while (entry !== 0) {
			const next = entries.next[entry]!;
			if ((entries.state[entry]! & DeliveryState.Qos) === 0) {
				this.removeWaiting(entry, before);
				given++;
			} else before = entry;
			entry = next;
		}
		this.waitingQos0 = 0;
		return given;
	}

	/** The receiver is gone: what came by Shared Subscriptions and may go to others is offered to them, in its order:
	 *  what waits at QoS 1 or 2, and at QoS 1 what was sent. At QoS 2 what was sent is this receiver's alone.
	 *  Spec: [5:MQTT-4.8.2-4] [5:MQTT-4.8.2-5] */
	handOn(others: { take(entry: number): boolean }): void {
		const entries = this.entries;
		let before = 0;
		for (let entry = this.sentFirst; entry !== 0; ) {
			const next = entries.next[entry]!;
			const state = entries.state[entry]!;
			const shared = (state & (DeliveryState.Shared | DeliveryState.Qos)) === (DeliveryState.Shared | 1);
			if (shared && others.take(entry)) this.removeSent(entry, before);
			else before = entry;
			entry = next;
		}
		before = 0;
		for (let entry = this.waitingFirst; entry !== 0; ) {
			const next = entries.next[entry]!;
			const state = entries.state[entry]!;
			const shared = (state & DeliveryState.Shared) !== 0 && (state & DeliveryState.Qos) !== 0;
			if (shared && others.take(entry)) this.removeWaiting(entry, before);
			else before = entry;
			entry = next;
		}
	}

	/** The receiver leaves a group: what it has of it, it keeps. */
	keepOwn(group: number): void {
		const entries = this.entries;
		for (let list = 0; list < 2; list++)
			for (let entry = list === 0 ? this.sentFirst : this.waitingFirst; entry !== 0; entry = entries.next[entry]!)
				if (entries.group[entry] === group) entries.state[entry]! &= ~DeliveryState.Shared;
	}

	/** Takes an entry up as it was before a restart, behind those that were taken up before.
	 *  @param message 0: PUBREC came @param packetId 0: it was not sent yet */
	restore(entry: number, message: number, state: number, packetId: number): void {
		const entries = this.entries;
		entries.message[entry] = message;
		entries.state[entry] = state;
		entries.packetId[entry] = packetId;
		this.count++;
		if (message !== 0) {
			entries.store.hold(message);
			this.bytes += entries.store.bytes(message);
		}
		if (packetId === 0) {
			if (this.waitingLast === 0) this.waitingFirst = entry;
			else entries.next[this.waitingLast] = entry;
			this.waitingLast = entry;
			return;
		}
		if (this.sentLast === 0) this.sentFirst = entry;
		else entries.next[this.sentLast] = entry;
		this.sentLast = entry;
		this.lastId = packetId;
	}

	/** Gives everything back: the session ends. */
	clear(): void {
		const entries = this.entries;
		for (let entry = this.waitingFirst; entry !== 0; ) {
			const next = entries.next[entry]!;
			this.free(entry);
			entry = next;
		}
		for (let entry = this.sentFirst; entry !== 0; ) {
			const next = entries.next[entry]!;
			this.free(entry);
			entry = next;
		}
		this.waitingFirst = this.waitingLast = this.waitingQos0 = 0;
		this.sentFirst = this.sentLast = this.resendNext = 0;
		this.inFlight = this.lastId = 0;
	}

	/** The entry no longer needs its message. */
	protected letGo(entry: number): void {
		const entries = this.entries;
		const message = entries.message[entry]!;
		if (message === 0) return;
		entries.message[entry] = 0;
		this.bytes -= this.entries.store.bytes(message);
		this.entries.store.release(message);
		const identifiers = entries.identifiers[entry]!;
		if (identifiers !== 0) {
			entries.identifiers[entry] = 0;
			this.entries.store.pool.giveBack(identifiers);
		}
	}

	protected free(entry: number): void {
		this.letGo(entry);
		this.entries.giveBack(entry);
		this.count--;
	}
}
