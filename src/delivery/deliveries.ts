/** The entries of all outboxes: one for each message that waits for, or is in flight to, one receiver.
 *  Entry numbers go from 1; 0 means none. Fixed at construction; "full" is an answer. */
import type { MessageStore } from "../memory/message-store.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";

/** Bits of an entry's `state`. */
export const enum DeliveryState {
	Qos = 3,
	/** RETAIN goes out as 1 */
	Retain = 4,
	/** was sent once: DUP at the next time */
	Sent = 8,
	/** Sent, of QoS 1 */
	SentQos1 = 9,
	/** PUBREC came: PUBREL is what is resent, the message is given up */
	Released = 16,
	/** Qos and Released */
	QosReleased = 19,
	/** came by a Shared Subscription: `group` says by which */
	Shared = 32,
	/** has its Packet Identifier; kept by broker/stored-tables.ts alone */
	InFlight = 64,
}

export class Deliveries {
	freeCount: number;
	freeCountMin: number;
	/** message number in the store; 0 after PUBREC */
	readonly message: UintArray;
	readonly state: Uint8Array;
	readonly packetId: Uint16Array;
	/** first block of a chain of encoded Subscription Identifier properties; 0: none, as of each free entry */
	readonly identifiers: UintArray;
	/** bytes in that chain */
	readonly identifierBytes: UintArray;
	/** a Shared Subscription's group, a node of topic-table.ts; see DeliveryState.Shared */
	readonly group: UintArray;
	/** the entry after this one in its list */
	readonly next: UintArray;
	private firstFree = 0;
	/** entries above this one were never used: their memory is not touched before it is needed */
	private used = 0;

	/** the entry before the one that an outbox's `nextWaiting` returned */
	before = 0;

	/** @param max entries @param identifierBytesMax of all Subscription Identifiers of one message
	 *  @param groupsMax highest number of a group */
	constructor(
		readonly max: number,
		readonly store: MessageStore,
		identifierBytesMax: number,
		groupsMax: number,
	) {
		const blocks = store.pool.blockCount;
		this.freeCount = max;
		this.freeCountMin = max;
		this.message = uintArray(blocks, max + 1);
		this.state = new Uint8Array(max + 1);
		this.packetId = new Uint16Array(max + 1);
		this.identifiers = uintArray(blocks, max + 1);
		this.identifierBytes = uintArray(identifierBytesMax, max + 1);
		this.group = uintArray(groupsMax, max + 1);
		this.next = uintArray(max + 1, max + 1);
	}

	/** @returns an entry with `next` and `identifiers` 0; 0: full */
	take(): number {
		if (this.freeCount === 0) return 0;
		let entry = this.firstFree;
		if (entry === 0) entry = ++this.used;
		else {
			this.firstFree = this.next[entry]!;
			this.next[entry] = 0;
		}
		if (--this.freeCount < this.freeCountMin) this.freeCountMin = this.freeCount;
		return entry;
	}

	/** The next `take` takes this entry. At start only; `closeGaps` follows. */
	claim(entry: number): void {
		this.next[entry] = this.firstFree;
		this.firstFree = entry;
		if (entry > this.used) this.used = entry;
	}

	/** The entries below the last that was claimed are free, where taken[from + entry] has not the bit. */
	closeGaps(taken: Uint8Array, from: number, bit: number): void {
		this.firstFree = 0;
		for (let entry = this.used; entry > 0; entry--) {
			if ((taken[from + entry]! & bit) !== 0) continue;
			this.next[entry] = this.firstFree;
			this.firstFree = entry;
		}
	}

	giveBack(entry: number): void {
		this.next[entry] = this.firstFree;
		this.firstFree = entry;
		this.freeCount++;
	}
}
