/** The options of `limits`, of a hub and of a listener. */
import type { ListenerLimits } from "../../src/broker/listener.js";
import type { Limits } from "../../src/limits.js";
import type { TableFor, Whole } from "./table.js";

const U32 = 0xffffffff;

function whole(min: number, max: number, what: string): Whole {
	return { sort: "number", min, max, what };
}

/** What each is for, and how they hang together: src/limits.ts. */
export const LIMITS: TableFor<Limits> = {
	connections: whole(1, 60_000, "clients at once"),
	spareConnections: whole(0, 1_000, "connections beyond these, to tell a client why it cannot come in"),
	sessions: whole(1, 1_000_000, "sessions, with and without a connection"),
	localSubscriptions: whole(0, 1_000, "subscriptions of the program itself"),
	subscriptions: whole(1, 10_000_000, "subscriptions of all sessions"),
	filterNodes: whole(1, 20_000_000, "paths of all Topic Filters: one for a filter without wildcards"),
	filterBytes: whole(1, U32, "bytes of all Topic Filters together"),
	retained: whole(0, 10_000_000, "Retained Messages; 0: there are none"),
	retainedTopicBytes: whole(0, U32, "bytes of their Topic Names together"),
	blocks: whole(2, 10_000_000, "blocks of the message store"),
	blockBytes: whole(64, 65_536, "bytes of a block, a multiple of 4"),
	deliveries: whole(1, 20_000_000, "messages that wait or are in flight, counted once for each receiver"),
	queueBytes: whole(1, U32, "bytes of a session's queue"),
	queueMessages: whole(1, 10_000_000, "messages of a session's queue"),
	whenQueueFull: {
		sort: "choice",
		choices: ["disconnect", "refuse"],
		what: "a QoS 1 or 2 message that a queue has no room for ends the receiver's connection, or is refused",
	},
	qosMax: whole(0, 2, "the highest QoS"),
	wildcardSubscriptions: { sort: "flag", what: "Topic Filters may have wildcards" },
	subscriptionIdentifiers: { sort: "flag", what: "subscriptions may have identifiers" },
	sharedSubscriptions: { sort: "flag", what: "there are Shared Subscriptions" },
	inFlight: whole(1, 65_535, "QoS 1 and 2 messages in flight to one client"),
	receiveMaximum: whole(1, 65_535, "QoS 2 messages in flight from one client"),
	received: whole(1, 10_000_000, "QoS 2 messages in flight from all clients"),
	packetBytes: whole(128, 268_435_460, "the largest packet that is taken"),
	partialBytes: whole(16, 65_536, "a connection's buffer for an incomplete packet"),
	receiveBytes: whole(0, 65_536, "the buffer that a transport reads into; 0: it brings its own"),
	outputBuffers: whole(1, 65_536, "buffers for what leaves"),
	outputBytes: whole(128, 1_048_576, "bytes of each"),
	routes: whole(1, 1_000_000, "Topic Names whose receivers are kept"),
	routeReceivers: whole(1, 20_000_000, "their receivers"),
	routeTopicBytes: whole(1, 65_535, "the longest Topic Name that is kept so"),
	topicBytes: whole(1, 65_535, "the longest Topic Name or Filter"),
	topicLevels: whole(1, 32_768, "its most levels"),
	clientIdBytes: whole(23, 65_535, "the longest Client Identifier"),
	topicAliases: whole(0, 65_535, "Topic Aliases that a client may give"),
	topicAliasesGiven: whole(0, 1_000, "Topic Aliases that are given to a client"),
	authentications: whole(0, 60_000, "logins that wait for their answer at once"),
	guesses: whole(
		0,
		1_000_000,
		"addresses and user names whose failed logins are remembered; 0: guessing is not slowed",
	),
	keepAliveMaxSeconds: whole(0, 65_535, "the longest Keep Alive of a 5.0 client; 0: any, or none"),
	connectTimeoutMs: whole(1, 600_000, "milliseconds for CONNECT to come"),
	stallTimeoutMs: whole(1, 86_400_000, "milliseconds that a client may take nothing of what is there for it"),
	sessionExpirySeconds: whole(0, U32, `seconds that a session outlives its connection; ${U32}: for good`),
};

export const LISTENER_LIMITS: TableFor<ListenerLimits> = {
	connections: LIMITS.connections,
	packetBytes: LIMITS.packetBytes,
	qosMax: LIMITS.qosMax,
	keepAliveMaxSeconds: LIMITS.keepAliveMaxSeconds,
	sessionExpirySeconds: LIMITS.sessionExpirySeconds,
};
