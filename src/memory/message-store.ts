/** Application Messages, each stored once in a chain of blocks and counted by the queues that still need it.
 *  A message's number is its first block's. In the chain lie Topic Name, encoded properties (5.0) and payload, in
 *  this order.
 *  After route-cache.ts, before outbox.ts. */
import { putBytes } from "../codec/data-types.js";
import type { BlockPool } from "./block-pool.js";
import { type UintArray, uintArray } from "./typed-array.js";

/** Bits of `flags`. */
export const enum MessageFlag {
	Qos = 3,
	Retain = 4,
	/** a Will Message: it has the seconds of its Message Expiry Interval, and one, instead of a time */
	Will = 8,
}

export class MessageStore {
	/** messages that are stored now */
	count = 0;
	private readonly refs: UintArray;
	private readonly topics: UintArray;
	private readonly properties: UintArray;
	private readonly payloads: UintArray;
	private readonly flag: Uint8Array;
	/** ms on the platform's clock; 0: never */
	private readonly expires: Float64Array;

	/** @param holdersMax most queues that can hold one message @param packetBytesMax bounds each part of a message */
	constructor(
		readonly pool: BlockPool,
		holdersMax: number,
		packetBytesMax: number,
	) {
		const count = pool.blockCount + 1;
		this.refs = uintArray(holdersMax, count);
		this.topics = uintArray(Math.min(packetBytesMax, 0xffff), count);
		this.properties = uintArray(packetBytesMax, count);
		this.payloads = uintArray(packetBytesMax, count);
		this.flag = new Uint8Array(count);
		this.expires = new Float64Array(count);
	}

	/** Stores a message with one holder, the caller. The three parts are source[start..end) each.
	 *  @param expires ms on the platform's clock; 0: never
	 *  @returns its number; 0: full */
	add(
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
		const pool = this.pool;
		const blockBytes = pool.blockBytes;
		const topicBytes = topicEnd - topicStart;
		const propertyBytes = propertyEnd - propertyStart;
		const total = topicBytes + propertyBytes + payloadEnd - payloadStart;
		const message = pool.take(total <= blockBytes ? 1 : Math.ceil(total / blockBytes));
		if (message === 0) return 0;
		let block = pool.write(message, 0, source, topicStart, topicEnd);
		let used = topicBytes;
		if (propertyBytes > 0) {
			block = pool.write(block, offsetIn(used, blockBytes), propertySource, propertyStart, propertyEnd);
			used += propertyBytes;
		}
		if (payloadEnd > payloadStart)
			pool.write(block, offsetIn(used, blockBytes), payloadSource, payloadStart, payloadEnd);
		this.refs[message] = 1;
		this.flag[message] = flags;
		this.topics[message] = topicBytes;
		this.properties[message] = propertyBytes;
		this.payloads[message] = payloadEnd - payloadStart;
		this.expires[message] = expires;
		this.count++;
		return message;
	}

	/** Takes a message up as it was before a restart; its first block is claimed, and its parts lie one after the other
	 *  at source[start..). It has no holder yet. @returns false: full */
	restore(
		message: number,
		flags: number,
		expires: number,
		topicBytes: number,
		propertyBytes: number,
		payloadBytes: number,
		source: Uint8Array,
		start: number,
	): boolean {
		const total = topicBytes + propertyBytes + payloadBytes;
		if (!this.pool.extend(message, Math.max(1, Math.ceil(total / this.pool.blockBytes)) - 1)) return false;
		this.pool.write(message, 0, source, start, start + total);
		this.refs[message] = 0;
		this.flag[message] = flags;
		this.topics[message] = topicBytes;
		this.properties[message] = propertyBytes;
		this.payloads[message] = payloadBytes;
		this.expires[message] = expires;
		this.count++;
		return true;
	}

	/** @returns whether nobody holds the message */
	isUnheld(message: number): boolean {
		return this.refs[message] === 0;
	}

	/** Stores a message without properties that fits into one block. It has no holder yet: the caller finds one.
	 *  @returns its number; 0: full, or it doesn't fit */
	addSmall(
		flags: number,
		source: Uint8Array,
		topicStart: number,
		topicEnd: number,
		payloadStart: number,
		payloadEnd: number,
	): number {
		const pool = this.pool;
		const topicBytes = topicEnd - topicStart;
		const payloadBytes = payloadEnd - payloadStart;
		if (topicBytes + payloadBytes > pool.blockBytes) return 0;
		const message = pool.takeOne();
		if (message === 0) return 0;
		const bytes = pool.bytes;
		const at = pool.from + (message - 1) * pool.blockBytes;
		if (source === bytes) {
			bytes.copyWithin(at, topicStart, topicEnd);
			bytes.copyWithin(at + topicBytes, payloadStart, payloadEnd);
		} else {
			putBytes(bytes, at, source, topicStart, topicEnd);
			putBytes(bytes, at + topicBytes, source, payloadStart, payloadEnd);
		}
		this.flag[message] = flags; // `refs` is 0, as of each free block
		this.topics[message] = topicBytes;
		this.properties[message] = 0;
		this.payloads[message] = payloadBytes;
		this.expires[message] = 0;
		this.count++;
		return message;
	}

	/** One more queue needs the message. */
	hold(message: number): void {
		this.refs[message]!++;
	}

	/** One queue less needs the message; the last one gives its blocks back. */
	release(message: number): void {
		const left = this.refs[message]! - 1;
		this.refs[message] = left;
		if (left !== 0) return;
		this.pool.giveBack(message);
		this.count--;
	}

	/** MessageFlag bits */
	flags(message: number): number {
		return this.flag[message]!;
	}

	topicBytes(message: number): number {
		return this.topics[message]!;
	}

	propertyBytes(message: number): number {
		return this.properties[message]!;
	}

	payloadBytes(message: number): number {
		return this.payloads[message]!;
	}

	/** bytes that the message counts for in a queue's bound */
	bytes(message: number): number {
		return this.topics[message]! + this.properties[message]! + this.payloads[message]!;
	}

	/** ms on the platform's clock; 0: never. Spec: 5.0, 3.3.2.3.3 */
	expiresAt(message: number): number {
		return this.expires[message]!;
	}

	isExpired(message: number, now: number): boolean {
		const expires = this.expires[message]!;
		return expires !== 0 && expires <= now;
	}
}

/** Where the next byte goes in the block that holds the last one: a full block's end counts as offset `blockBytes`. */
function offsetIn(used: number, blockBytes: number): number {
	if (used <= blockBytes) return used;
	const offset = used % blockBytes;
	return offset === 0 ? blockBytes : offset;
}
