/** A client's listener: one method for each packet that comes, and for the client's own events. Everyday use needs
 *  none: override what you want to hear of. Packets are valid only until the method returns. */
import type { ReasonPacket } from "../codec/connect.js";
import type { AckPacket } from "../codec/publish.js";
import type { SubackPacket } from "../codec/subscribe.js";
import type { Cause } from "../errors.js";
import type { IncomingMessage } from "./incoming-message.js";

/** All methods do nothing. An exception in one ends the connection as our own mistake would. */
export class ClientListener {
	/** CONNACK, with any Reason Code. */
	connectAck(_packet: ReasonPacket): void {}

	/** PUBLISH, whole or the next part of one: before the handlers of its subscriptions. */
	publish(_message: IncomingMessage): void {}

	/** PUBACK */
	publishAck(_packet: AckPacket): void {}

	/** PUBREC */
	publishReceived(_packet: AckPacket): void {}

	/** PUBREL */
	publishRelease(_packet: AckPacket): void {}

	/** PUBCOMP */
	publishComplete(_packet: AckPacket): void {}

	subscribeAck(_packet: SubackPacket): void {}

	unsubscribeAck(_packet: SubackPacket): void {}

	/** PINGRESP */
	ping(): void {}

	/** The server's DISCONNECT; `disconnected` follows. */
	disconnect(_packet: ReasonPacket): void {}

	/** AUTH */
	auth(_packet: ReasonPacket): void {}

	/** The Network Connection is over, or could not be made.
	 *  @param cause None: by `disconnect()` @param reason the server's Reason Code, 0: none @param why one line
	 *  @param againMs ms to the next attempt; -1: there is none */
	disconnected(_cause: Cause, _reason: number, _why: string, _againMs: number): void {}

	/** The turn is over: what was staged has gone to the transport. */
	flushed(): void {}

	/** There may be room for more: the transport takes bytes, or the queue has become shorter. */
	writable(): void {}

	/** A message was given up that nobody waits for with a callback. */
	dropped(_cause: Cause, _topic: string): void {}

	/** A subscription was refused when the client subscribed again. @param reason SUBACK's Reason Code */
	subscriptionLost(_filter: string, _reason: number): void {}
}
