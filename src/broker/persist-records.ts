/** The records of the broker's storage: what their keys and their bytes are. Numbers are big-endian, as MQTT's. A
 *  record's number is the thing's own in the broker: a message's first block, a session's index, and so on; so that a
 *  restart needs no table of who is who. Before platform.ts's Storage. */
import { getUint16, getUint32, putBytes, putString, putUint16, putUint32 } from "../codec/data-types.js";
import type { Text } from "../platform.js";

/** Kinds of records: the key's upper 4 bits. */
export const enum RecordKind {
	/** number 0: the format's version; 1: the clock */
	Meta,
	/** a session, by its index */
	Session,
	/** Packet Identifiers of QoS 2 messages that a session sent and has not released, by its index */
	Received,
	/** a subscription, by its number in the topic table */
	Subscription,
	/** a message, by its number in the message store */
	Message,
	/** a message that waits for, or is in flight to, a session: by its number in `Deliveries` */
	Delivery,
	/** a Retained Message: by its place */
	Retained,
	/** the hub's devices and keys: the broker leaves them as they are */
	HubDevice,
	HubKey,
}

/** The format that is written. 1: sessions without User Names. */
export const FORMAT_VERSION = 2;

/** Bytes before a message's own: those of its record's head. */
export const MESSAGE_HEAD_BYTES = 14;

const KIND_SHIFT = 28;
export const NUMBER_MAX = 0xfffffff;

/** Key of the format's record, and of the clock's. */
export const FORMAT_KEY = 0;
export const CLOCK_KEY = 1;
const MAGIC = 0x48545248; // "HTRH"

/** @returns the key of a record. @param number ≤ NUMBER_MAX */
export function recordKey(kind: RecordKind, number: number): number {
	return ((kind << KIND_SHIFT) | number) >>> 0;
}

export function numberOf(key: number): number {
	return key & NUMBER_MAX;
}

export function kindOf(key: number): RecordKind {
	return key >>> KIND_SHIFT;
}

/** ms up to 2⁵³, so that a clock that counts from 1970 fits; negative ones count as 0. @returns index after 8 bytes */
function putTime(target: Uint8Array, at: number, ms: number): number {
	const whole = ms > 0 ? Math.floor(ms) : 0;
	return putUint32(target, putUint32(target, at, Math.floor(whole / 0x100000000)), whole >>> 0);
}

function getTime(bytes: Uint8Array, at: number): number {
	return getUint32(bytes, at) * 0x100000000 + getUint32(bytes, at + 4);
}

/** @returns index after the version's record */
export function putFormat(target: Uint8Array, at: number, version: number): number {
	return putUint16(target, putUint32(target, at, MAGIC), version);
}

/** @returns the format's version; 0: these are no records of Hearth's */
export function getFormat(bytes: Uint8Array, start: number, end: number): number {
	return end - start >= 6 && getUint32(bytes, start) === MAGIC ? getUint16(bytes, start + 4) : 0;
}

/** The clock that goes on from run to run (persist-clock.ts). @param wall ms since 1970; 0: not known */
export function putClock(target: Uint8Array, at: number, clock: number, wall: number): number {
	return putTime(target, putTime(target, at, clock), wall);
}

/** What a record says, after `read…`. One object serves all; names as in the broker. Reading fails on a record that is
 *  cut short, which is a fault of the medium: it counts as none. */
export class StoredRecord {
	// clock
	clock = 0;
	wall = 0;
	// session
	clientId = "";
	userName: string | undefined = undefined;
	expirySeconds = 0;
	/** on the persistent clock; 0: the client was connected */
	expiresAt = 0;
	will = 0;
	willDelaySeconds = 0;
	/** on the persistent clock; 0: no delay is running */
	willAt = 0;
	// subscription, delivery
	session = 0;
	options = 0;
	identifier = 0;
	filter = "";
	// message: its parts lie at bytes[start..) one after the other
	flags = 0;
	topicBytes = 0;
	propertyBytes = 0;
	payloadBytes = 0;
	expires = 0;
	start = 0;
	// delivery
	message = 0;
	state = 0;
	packetId = 0;
	sequence = 0;
	/** encoded Subscription Identifiers at bytes[start..start + identifierBytes) */
	identifierBytes = 0;

	constructor(private readonly text: Text) {}

	readClock(bytes: Uint8Array, start: number, end: number): boolean {
		if (end - start < 16) return false;
		this.clock = getTime(bytes, start);
		this.wall = getTime(bytes, start + 8);
		return true;
	}

	/** @param version the format's */
	readSession(bytes: Uint8Array, start: number, end: number, version: number): boolean {
		if (end - start < 31) return false;
		const hasUserName = bytes[start] === 1;
		this.expirySeconds = getUint32(bytes, start + 1);
		this.expiresAt = getTime(bytes, start + 5);
		this.will = getUint32(bytes, start + 13);
		this.willDelaySeconds = getUint32(bytes, start + 17);
		this.willAt = getTime(bytes, start + 21);
		const after = this.readText(bytes, start + 29, end);
		this.clientId = this.last;
		this.userName = undefined;
		if (after < 0 || this.clientId === "") return false;
		if (version < 2 || !hasUserName) return true;
		if (this.readText(bytes, after, end) < 0) return false;
		this.userName = this.last;
		return true;
	}

	readSubscription(bytes: Uint8Array, start: number, end: number): boolean {
		if (end - start < 10) return false;
		this.session = getUint16(bytes, start);
		this.options = bytes[start + 2]!;
		this.identifier = getUint32(bytes, start + 3);
		if (this.readText(bytes, start + 7, end) < 0) return false;
		this.filter = this.last;
		return this.filter !== "";
	}

	readMessage(bytes: Uint8Array, start: number, end: number): boolean {
		if (end - start < MESSAGE_HEAD_BYTES) return false;
		this.flags = bytes[start]!;
		this.topicBytes = getUint16(bytes, start + 1);
		this.propertyBytes = (bytes[start + 3]! << 16) | getUint16(bytes, start + 4);
		this.expires = getTime(bytes, start + 6);
		this.start = start + MESSAGE_HEAD_BYTES;
		this.payloadBytes = end - this.start - this.topicBytes - this.propertyBytes;
		return this.topicBytes > 0 && this.payloadBytes >= 0;
	}

	readDelivery(bytes: Uint8Array, start: number, end: number): boolean {
		if (end - start < 17) return false;
		this.session = getUint16(bytes, start);
		this.message = getUint32(bytes, start + 2);
		this.state = bytes[start + 6]!;
		this.packetId = getUint16(bytes, start + 7);
		this.sequence = getUint32(bytes, start + 9);
		this.identifierBytes = getUint16(bytes, start + 13);
		this.start = start + 15;
		if (this.start + this.identifierBytes > end) return false;
		if (this.readText(bytes, this.start + this.identifierBytes, end) < 0) return false;
		this.filter = this.last;
		return true;
	}

	/** the text that was read last */
	private last = "";

	/** @returns index after the text; -1: it is cut short */
	private readText(bytes: Uint8Array, at: number, end: number): number {
		if (at + 2 > end) return -1;
		const after = at + 2 + getUint16(bytes, at);
		if (after > end) return -1;
		this.last = this.text.decode(bytes, at + 2, after) ?? "";
		return after;
	}

	/** Writes what `readSession` reads. @returns index after it */
	putSession(target: Uint8Array, at: number): number {
		target[at] = this.userName === undefined ? 0 : 1;
		let p = putUint32(target, at + 1, this.expirySeconds);
		p = putTime(target, p, this.expiresAt);
		p = putUint32(target, p, this.will);
		p = putUint32(target, p, this.willDelaySeconds);
		p = putTime(target, p, this.willAt);
		p = putString(target, p, this.clientId, this.text);
		return this.userName === undefined ? p : putString(target, p, this.userName, this.text);
	}

	putSubscription(target: Uint8Array, at: number): number {
		putUint16(target, at, this.session);
		target[at + 2] = this.options;
		return putString(target, putUint32(target, at + 3, this.identifier), this.filter, this.text);
	}

	/** Writes a message's head; its parts follow. */
	putMessageHead(target: Uint8Array, at: number): number {
		target[at] = this.flags;
		putUint16(target, at + 1, this.topicBytes);
		target[at + 3] = this.propertyBytes >> 16;
		putUint16(target, at + 4, this.propertyBytes & 0xffff);
		return putTime(target, at + 6, this.expires);
	}

	/** Writes a delivery; its Subscription Identifiers are source[start..end). */
	putDelivery(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
		putUint16(target, at, this.session);
		putUint32(target, at + 2, this.message);
		target[at + 6] = this.state;
		putUint16(target, at + 7, this.packetId);
		putUint32(target, at + 9, this.sequence);
		putUint16(target, at + 13, end - start);
		return putString(target, putBytes(target, at + 15, source, start, end), this.filter, this.text);
	}
}
