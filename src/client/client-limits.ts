/** Every budget of a client: unit, range, default and reason. All that the client will ever hold is allocated from
 *  these. */

import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";

export interface ClientLimits {
	/** the message store: blocks and bytes of each, a multiple of 4, ≥ 64 */
	blocks: number;
	blockBytes: number;
	/** messages that wait or are in flight: bytes and number */
	queueBytes: number;
	queueMessages: number;
	/** QoS 1 and 2 messages in flight to the server, 1 to 65,535 (a 5.0 server may ask for less) */
	inFlight: number;
	/** QoS 1 and 2 messages in flight from the server, 1 to 65,535: Receive Maximum. Spec: 5.0, 3.1.2.11.3 */
	receiveMaximum: number;
	/** the same in fact, ≥ receiveMaximum: servers before 5.0 have bounds of their own (Mosquitto 20, others up to
	 *  1,000), and one that is above this one can never deliver */
	received: number;
	/** the largest packet that is taken, ≥ 128: Maximum Packet Size. Larger than the buffer it comes in parts.
	 *  Spec: 5.0, 3.1.2.11.4 */
	packetBytes: number;
	/** the buffer for an incomplete packet, ≥ 16; of larger ones the payload comes in parts */
	partialBytes: number;
	/** Topic Name and properties of a packet that comes in parts, ≥ 64 */
	headBytes: number;
	/** what came in one read and waits while reading is paused, ≥ the most that the transport brings at once */
	heldBytes: number;
	/** the largest packet that the client makes apart from PUBLISH, ≥ 128: CONNECT with its Will, SUBSCRIBE */
	controlBytes: number;
	/** buffers for what leaves, ≥ 128 bytes each; a larger PUBLISH leaves in parts */
	outputBuffers: number;
	outputBytes: number;
	/** subscriptions with a handler, 1 to 10,000 */
	subscriptions: number;
	/** Topic Names whose subscriptions are remembered */
	routes: number;
	/** Topic Aliases that are given to a server that takes them, 0 to 1,000. Spec: 5.0, 3.2.2.3.8 */
	topicAliases: number;
}

/** For a PC, a Raspberry Pi or a browser. Memory is reserved, and used only as it is needed. */
export const hostClientLimits: ClientLimits = frozen({
	blocks: 32_768,
	blockBytes: 512,
	queueBytes: 12 * 1024 * 1024,
	queueMessages: 20_000,
	inFlight: 1_000,
	receiveMaximum: 1_000,
	received: 16_384,
	packetBytes: 268_435_460,
	partialBytes: 16_384,
	headBytes: 262_144,
	heldBytes: 65_536,
	controlBytes: 524_288,
	outputBuffers: 4,
	outputBytes: 65_536,
	subscriptions: 1_000,
	routes: 1_000,
	topicAliases: 100,
});

/** For an ESP32: beside an application, in a third of each heap. */
export const deviceClientLimits: ClientLimits = /* @__PURE__ */ frozen({
	blocks: 48,
	blockBytes: 128,
	queueBytes: 4_096,
	queueMessages: 24,
	inFlight: 8,
	receiveMaximum: 8,
	received: 64,
	packetBytes: 268_435_460,
	partialBytes: 512,
	headBytes: 256,
	heldBytes: 1_024,
	controlBytes: 512,
	outputBuffers: 1,
	outputBytes: 1_024,
	subscriptions: 8,
	routes: 16,
	topicAliases: 8,
});

/** Least and most of each; none: 0 and what 32 bits hold. */
const RANGES: Readonly<Partial<Record<keyof ClientLimits, readonly [least: number, most?: number]>>> = frozen({
	blocks: [4],
	blockBytes: [64],
	queueMessages: [1],
	inFlight: [1, 65_535],
	receiveMaximum: [1, 65_535],
	packetBytes: [128, 268_435_460],
	partialBytes: [16],
	headBytes: [64],
	controlBytes: [128],
	outputBuffers: [1],
	outputBytes: [128],
	subscriptions: [1, 10_000],
	topicAliases: [0, 1_000],
});

/** Checks each budget's range, and the relations between them. Throws HearthError `HEARTH_ERR_LIMITS_RELATION` with the
 *  one that fails. */
export function checkClientLimits(limits: ClientLimits): void {
	const names = Object.keys(hostClientLimits) as (keyof ClientLimits)[];
	for (let i = 0; i < names.length; i++) {
		const name = names[i]!;
		const range = RANGES[name];
		const least = range?.[0] ?? 0;
		const most = range?.[1] ?? 0xffff_ffff;
		if (!(limits[name] >= least && limits[name] <= most)) throw wrong(`give ${least} to ${most} ${name}`);
	}
	if (limits.received < limits.receiveMaximum) throw wrong("received is at least receiveMaximum");
}

function wrong(what: string): HearthError {
	return new HearthError("HEARTH_ERR_LIMITS_RELATION", `client limits: ${what}`);
}

/** The parts of the client's one byte array: index of each part's first byte. One array, so that bytes move by
 *  `copyWithin`, which allocates nothing on XS. @internal */
export interface ClientLayout {
	/** an incomplete packet */
	partial: number;
	/** Topic Name and properties of a packet that comes in parts */
	head: number;
	/** what came while reading is paused */
	held: number;
	/** packets under construction */
	scratch: number;
	/** the Topic Name that was published to last */
	topic: number;
	outputs: number;
	blocks: number;
	/** bytes of all */
	bytes: number;
}

/** Lays the parts out one after the other. Throws as `checkClientLimits` does. @internal */
export function layOutClient(limits: ClientLimits): ClientLayout {
	if (limits.blockBytes % 4 !== 0) throw wrong("blockBytes is a multiple of 4");
	if (limits.blocks * limits.blockBytes < limits.queueBytes) throw wrong("blocks of blockBytes hold queueBytes");
	const head = limits.partialBytes;
	const held = head + limits.headBytes;
	const scratch = held + limits.heldBytes;
	const topic = scratch + limits.controlBytes;
	const outputs = topic + Math.min(0xffff, limits.controlBytes);
	const blocks = outputs + limits.outputBuffers * limits.outputBytes;
	const bytes = blocks + limits.blocks * limits.blockBytes;
	return { partial: 0, head, held, scratch, topic, outputs, blocks, bytes };
}
