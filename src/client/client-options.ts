/** What a client is told at its making, and the ports that it needs beside the platform's. */
import type { ClientAuthentication } from "../auth/authentication-method.js";
import type { Platform, Transport } from "../platform.js";
import type { ClientLimits } from "./client-limits.js";
import type { ClientListener } from "./client-listener.js";

/** What a connector calls: the client's Network Connection. */
export interface ConnectorTarget {
	/** The transport is there; its bytes go to the client. @param writable bytes that it takes at once */
	opened(transport: Transport, writable: number): void;
	/** There will be no transport. @param why one line for a person, such as "ECONNREFUSED 127.0.0.1:1883" */
	failed(why: string): void;
}

/** Makes transports to one server. */
export interface Connector {
	/** Begins a connection; the target hears of it later, not within this call.
	 *  @param reference "" : the server that the connector was made for; otherwise a Server Reference, the first one of
	 *  its list. Spec: 5.0, 4.13 */
	open(target: ConnectorTarget, reference: string): void;
	/** The connection that was begun and not yet opened is not wanted any more. */
	cancel(): void;
}

export interface ClientWill {
	topic: string;
	payload: Uint8Array;
	/** 0, 1 or 2 */
	qos: number;
	retain: boolean;
	/** encoded Will Properties of 5.0 (`EncodedProperties`) */
	properties?: Uint8Array | undefined;
}

export interface ClientOptions {
	limits: ClientLimits;
	platform: Platform;
	connector: Connector;
	/** hears of each packet. Default: none */
	listener?: ClientListener;
	/** Protocol Level: 3, 4, 5; 0: 5.0, and 3.1.1 when the server does not speak it. Default: 0 */
	version?: number;
	/** "": the server chooses one. Default: "" */
	clientId?: string;
	/** whether the session begins anew at the first connection; see `sessionExpirySeconds` for the next ones. With 3.1
	 *  and 3.1.1 at each connection: Clean Session. Default: true. Spec: 5.0, 3.1.2.4 */
	cleanStart?: boolean;
	/** seconds that the session outlives a connection, 0xffffffff: for good. Default: 300, so that a cut costs nothing;
	 *  0 when the client does not reconnect; for good when `cleanStart` is false. Spec: 5.0, 3.1.2.11.2 */
	sessionExpirySeconds?: number;
	/** seconds, 0 to 65,535; 0: none. Default: 60. Spec: 3.1.2.10 */
	keepAlive?: number;
	userName?: string | undefined;
	password?: Uint8Array | undefined;
	will?: ClientWill | undefined;
	/** encoded properties of CONNECT beside those that the client makes itself, such as User Properties */
	properties?: Uint8Array | undefined;
	/** ms from the beginning of a connection to CONNACK. Default: 30,000 */
	connectTimeoutMs?: number;
	/** ms that the server may be silent after PINGREQ. Default: half of Keep Alive, 5,000 to 30,000 */
	pingTimeoutMs?: number;
	/** ms before the first attempt to connect again, and the most: the time doubles, and a random half of it is taken
	 *  off. 0: the client does not reconnect. Defaults: 1,000 and 60,000 */
	reconnectMinMs?: number;
	reconnectMaxMs?: number;
	/** subscribe again when the server has lost the session. Default: true */
	resubscribe?: boolean;
	/** QoS 0 messages wait for a connection, too. Default: true */
	queueQos0?: boolean;
	/** a message that the queue has no room for is refused, or takes the place of the oldest that was not sent yet.
	 *  Default: "refuse" */
	whenQueueFull?: "refuse" | "drop-oldest";
	/** a method of Enhanced Authentication. Spec: 5.0, 4.12 */
	authentication?: ClientAuthentication | undefined;
	/** go where Server Reference says. Default: true. Spec: 5.0, 4.13 */
	followRedirects?: boolean;
}

/** The payload of a message that is larger than the store, or is not there yet. The client takes it as it sends. */
export interface PayloadSource {
	/** bytes in all */
	readonly byteLength: number;
	/** it can be read again from its beginning: after a cut the message is sent again, otherwise it fails */
	readonly restartable: boolean;
	/** Copies up to `count` bytes from `offset` on to target[at..]. `offset` only grows, but for a restart at 0.
	 *  @returns bytes copied; 0: none now, and `Client.serve()` is called when there are; -1: there will be none, which
	 *  ends the connection, because a PUBLISH cannot be taken back */
	read(offset: number, count: number, target: Uint8Array, at: number): number;
}

export interface ClientPublishOptions {
	/** 0, 1 or 2. Default: 0 */
	qos?: number;
	retain?: boolean;
	/** encoded properties of 5.0 without Topic Alias and Message Expiry Interval; left out before */
	properties?: Uint8Array | undefined;
	/** seconds; the message is given up when it waits for longer. Spec: 5.0, 3.3.2.3.3 */
	expirySeconds?: number | undefined;
}

export interface ClientSubscribeOptions {
	/** the highest QoS that messages come with: 0, 1 or 2. Default: 0 */
	qos?: number;
	/** of 5.0. Spec: 3.8.3.1 */
	noLocal?: boolean;
	retainAsPublished?: boolean;
	/** 0: send Retained Messages, 1: only if the subscription is new, 2: don't. Default: 0 */
	retainHandling?: number;
	/** encoded User Properties of SUBSCRIBE */
	properties?: Uint8Array | undefined;
}
