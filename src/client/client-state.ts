/** What a client is at, and what it has counted. */

export const enum ClientState {
	/** there is no connection, and none is wanted */
	Idle,
	/** the next attempt to connect is waited for */
	Waiting,
	/** the transport is being made */
	Opening,
	/** CONNECT was sent */
	Connecting,
	/** CONNACK with success has come */
	Connected,
}

/** What happened since the client was made. */
export class ClientCounters {
	/** connections that came to CONNACK with success */
	connections = 0;
	packetsReceived = 0;
	publishesReceived = 0;
	publishesSent = 0;
	/** messages that were given up: the queue was full, they expired, or the server does not take them */
	drops = 0;
	/** acknowledgements that nobody waited for */
	unexpectedAcks = 0;
	/** exceptions of handlers, and our own */
	handlerErrors = 0;
	internalErrors = 0;
}
