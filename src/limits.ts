/** Every budget of a broker: unit, range, default and reason. All that the broker will ever hold is allocated from
 *  these. */

import { HearthError } from "./errors.js";
import { frozen } from "./frozen.js";

export interface Limits {
	/** clients at once, 1 to 60,000 */
	connections: number;
	/** connections beyond these, only to tell a client why it cannot come in; 0 to 1,000 */
	spareConnections: number;
	/** sessions, with and without a connection; ≥ connections */
	sessions: number;
	/** subscriptions of the program itself (`Broker.subscribe`), 0 to 1,000 */
	localSubscriptions: number;
	/** subscriptions of all sessions */
	subscriptions: number;
	/** paths of all Topic Filters: one for a filter without wildcards, one a level from the first wildcard on */
	filterNodes: number;
	/** bytes of all Topic Filters together; one with wildcards counts once for each of its paths */
	filterBytes: number;
	/** Retained Messages, and the bytes of their Topic Names together; 0: RETAIN is not supported */
	retained: number;
	retainedTopicBytes: number;
	/** the message store: blocks and bytes of each, a multiple of 4, ≥ 64 */
	blocks: number;
	blockBytes: number;
	/** messages that wait or are in flight, counted once for each receiver */
	deliveries: number;
	/** a session's queue: bytes and messages */
	queueBytes: number;
	queueMessages: number;
	/** a QoS 1 or 2 message that a queue has no room for: end the receiver's connection, or refuse at the publisher */
	whenQueueFull: "disconnect" | "refuse";
	/** the highest QoS that a client may publish with, and that a subscription gets: Maximum QoS. Spec: 5.0, 3.2.2.3.4 */
	qosMax: 0 | 1 | 2;
	/** what SUBSCRIBE may ask for. Spec: 5.0, 3.2.2.3.11 to 3.2.2.3.13 */
	wildcardSubscriptions: boolean;
	subscriptionIdentifiers: boolean;
	sharedSubscriptions: boolean;
	/** QoS 1 and 2 messages in flight to one client, 1 to 65,535 (a 5.0 client may ask for less) */
	inFlight: number;
	/** QoS 2 messages in flight from one client, 1 to 65,535: Receive Maximum. Spec: 5.0, 3.2.2.3.3 */
	receiveMaximum: number;
	/** QoS 2 messages in flight from all clients */
	received: number;
	/** the largest packet that is taken: Maximum Packet Size. Spec: 5.0, 3.2.2.3.6 */
	packetBytes: number;
	/** a connection's buffer for an incomplete packet, ≥ 16; larger packets go into blocks as they arrive */
	partialBytes: number;
	/** the buffer that a transport reads into; 0: the transport brings its own bytes */
	receiveBytes: number;
	/** buffers for what leaves, ≥ 128 bytes each and not more than an empty transport takes at once; a larger PUBLISH
	 *  leaves in parts */
	outputBuffers: number;
	outputBytes: number;
	/** routes kept, their receivers (≥ subscriptions), and the longest Topic Name that is kept */
	routes: number;
	routeReceivers: number;
	routeTopicBytes: number;
	/** longest Topic Name or Filter, and its most levels */
	topicBytes: number;
	topicLevels: number;
	/** longest Client Identifier, ≥ 23. Spec: [MQTT-3.1.3-5] */
	clientIdBytes: number;
	/** Topic Aliases that a client may give: Topic Alias Maximum, 0 to 65,535. Spec: 5.0, 3.2.2.3.8 */
	topicAliases: number;
	/** Topic Aliases that are given to a client that takes them, 0 to 1,000 */
	topicAliasesGiven: number;
	/** exchanges of Enhanced Authentication at once; 0: there is none. Spec: 5.0, 4.12 */
	authentications: number;
	/** addresses and user names whose failed logins are remembered; 0: none, and guessing is not slowed */
	guesses: number;
	/** the longest Keep Alive of a 5.0 client, seconds; 0: it may have any, or none. Spec: 5.0, 3.2.2.3.14 */
	keepAliveMaxSeconds: number;
	/** ms for CONNECT to come */
	connectTimeoutMs: number;
	/** ms that a client may take nothing of what is there for it, before its connection is ended */
	stallTimeoutMs: number;
	/** the longest that a session outlives its connection, seconds; 0xffffffff: for good */
	sessionExpirySeconds: number;
}

/** For a PC or a Raspberry Pi: thousands of connections. Memory is reserved, and used only as it is needed. */
export const hostLimits: Limits = frozen({
	connections: 10_000,
	spareConnections: 100,
	sessions: 20_000,
	localSubscriptions: 100,
	subscriptions: 500_000,
	filterNodes: 750_000,
	filterBytes: 64 * 1024 * 1024,
	retained: 200_000,
	retainedTopicBytes: 32 * 1024 * 1024,
	blocks: 262_144,
	blockBytes: 512,
	deliveries: 1_000_000,
	queueBytes: 32 * 1024 * 1024,
	queueMessages: 200_000,
	whenQueueFull: "disconnect",
	qosMax: 2,
	wildcardSubscriptions: true,
	subscriptionIdentifiers: true,
	sharedSubscriptions: true,
	inFlight: 1_000,
	receiveMaximum: 1_000,
	received: 262_144,
	packetBytes: 16 * 1024 * 1024,
	partialBytes: 2_048,
	receiveBytes: 0,
	outputBuffers: 4_096,
	outputBytes: 16_384,
	routes: 16_384,
	routeReceivers: 1_000_000,
	routeTopicBytes: 1_024,
	topicBytes: 65_535,
	topicLevels: 200,
	clientIdBytes: 1_024,
	topicAliases: 64,
	topicAliasesGiven: 16,
	authentications: 1_000,
	guesses: 10_000,
	keepAliveMaxSeconds: 0,
	connectTimeoutMs: 30_000,
	stallTimeoutMs: 60_000,
	sessionExpirySeconds: 0xffffffff,
});

type Relation = readonly [name: string, holds: (l: Limits) => boolean];

const RELATIONS: readonly Relation[] = frozen([
	["connections ≥ 1", (l) => l.connections >= 1],
	["sessions ≥ connections", (l) => l.sessions >= l.connections],
	["filterNodes ≥ subscriptions", (l) => l.filterNodes >= l.subscriptions],
	[
		"routeReceivers ≥ subscriptions + localSubscriptions",
		(l) => l.routeReceivers >= l.subscriptions + l.localSubscriptions,
	],
	["blocks ≥ 2 and blockBytes ≥ 64", (l) => l.blocks >= 2 && l.blockBytes >= 64],
	["blockBytes is a multiple of 4", (l) => l.blockBytes % 4 === 0],
	["0 ≤ qosMax ≤ 2", (l) => l.qosMax >= 0 && l.qosMax <= 2],
	["1 ≤ inFlight ≤ 65535", (l) => l.inFlight >= 1 && l.inFlight <= 65_535],
	["1 ≤ receiveMaximum ≤ 65535", (l) => l.receiveMaximum >= 1 && l.receiveMaximum <= 65_535],
	["received ≥ 1", (l) => l.received >= 1],
	["partialBytes ≥ 16", (l) => l.partialBytes >= 16],
	["packetBytes ≤ 268435460", (l) => l.packetBytes <= 268_435_460],
	["packetBytes ≥ 128", (l) => l.packetBytes >= 128],
	["the store holds two of the largest packets", (l) => l.blocks * l.blockBytes >= 2 * l.packetBytes],
	["queueBytes ≥ packetBytes", (l) => l.queueBytes >= l.packetBytes],
	["outputBuffers ≥ 1 and outputBytes ≥ 128", (l) => l.outputBuffers >= 1 && l.outputBytes >= 128],
	["topicBytes ≤ 65535", (l) => l.topicBytes <= 65_535],
	["topicAliases ≤ 65535", (l) => l.topicAliases <= 65_535],
	["topicAliasesGiven ≤ 1000", (l) => l.topicAliasesGiven <= 1_000],
	["keepAliveMaxSeconds ≤ 65535", (l) => l.keepAliveMaxSeconds <= 65_535],
	["clientIdBytes ≥ 23", (l) => l.clientIdBytes >= 23],
]);

/** Checks the relations between budgets. Throws HearthError `HEARTH_ERR_LIMITS_RELATION` with the one that fails. */
export function checkLimits(limits: Limits): void {
	for (let i = 0; i < RELATIONS.length; i++) {
		const relation = RELATIONS[i]!;
		if (!relation[1](limits))
			throw new HearthError("HEARTH_ERR_LIMITS_RELATION", `limits: ${relation[0]} does not hold; change one of them`);
	}
}
