/** Where the broker's bytes lie, and what each part costs: the constructors allocate by these same numbers. */
import type { Limits } from "./limits.js";

/** Bytes for what the broker encodes before it knows where it goes: answers, CONNACK's properties and then CONNACK. */
const SCRATCH_MIN = 1_024;

/** Bytes of a SUBACK's first part, with its Reason String; and of one value under $SYS. */
const HEAD_BYTES = 128;

/** Bytes by which the record of a message or session may be longer than the packet that it came in. */
const RECORD_SPARE = 32;

/** The parts of the broker's one byte array: index of each part's first byte. One array, so that bytes move by
 *  `copyWithin`, which allocates nothing on XS. */
export interface Layout {
	/** what a transport reads into */
	receive: number;
	/** a packet that came in parts, put together; between two turns, a record on its way to the storage */
	assembly: number;
	/** incomplete packets, by connection */
	partials: number;
	/** a SUBACK's first bytes, before `scratch` */
	head: number;
	/** answers under construction */
	scratch: number;
	/** a PINGRESP */
	pingresp: number;
	/** the Topic Name that a Topic Alias stands for */
	topic: number;
	outputs: number;
	blocks: number;
	/** bytes of all */
	bytes: number;
}

/** @returns connections that can be open at once, the spare ones included */
export function connectionSlots(limits: Limits): number {
	return limits.connections + limits.spareConnections;
}

/** @returns bytes of the scratch part: SUBACK needs one for each filter, and a filter takes at least 3 bytes */
export function scratchBytes(limits: Limits): number {
	return Math.max(SCRATCH_MIN + 4 * limits.clientIdBytes, Math.ceil(limits.packetBytes / 3));
}

/** Lays the parts out one after the other. */
export function layOut(limits: Limits): Layout {
	const receive = 0;
	const assembly = receive + limits.receiveBytes;
	const partials = assembly + limits.packetBytes + RECORD_SPARE;
	const head = partials + connectionSlots(limits) * limits.partialBytes;
	const scratch = head + HEAD_BYTES;
	const topic = scratch + scratchBytes(limits);
	const pingresp = topic + (limits.topicAliases > 0 ? limits.topicBytes : 0);
	const outputs = pingresp + 4;
	const blocks = outputs + limits.outputBuffers * limits.outputBytes;
	const bytes = blocks + limits.blocks * limits.blockBytes;
	return { receive, assembly, partials, head, scratch, topic, pingresp, outputs, blocks, bytes };
}

/** @returns records that a storage has when all that these limits allow is stored: sessions with their QoS 2
 *  identifiers, subscriptions, messages, who waits for them, what is retained; format and clock */
export function storedRecords(limits: Limits): number {
	const local = limits.localSubscriptions;
	const sessions = 2 * (limits.sessions + local);
	return sessions + limits.subscriptions + local + limits.blocks + limits.deliveries + limits.retained + 2;
}

/** @returns bytes of the longest record that a storage has: a message as large as a packet may be, and what is known of
 *  it */
export function storedBytes(limits: Limits): number {
	return limits.packetBytes + 64;
}
