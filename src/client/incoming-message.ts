/** A PUBLISH as handlers see it: where it lies, whole or a part of it. One object serves all. */
import { PublishPacket } from "../codec/publish.js";

export class IncomingMessage extends PublishPacket {
	/** the Topic Name */
	topic = "";
	/** payload bytes before those at bytes[payloadStart..payloadEnd) */
	offset = 0;
	/** payload bytes that come after them, in further calls; 0: these are the last */
	left = 0;
	/** set by a handler: it calls `Client.acknowledge(ticket)` when it has done with the message (QoS 1 and 2) */
	deferred = false;
	/** names the message to `Client.acknowledge`; the same for all parts */
	ticket = 0;

	/** bytes of the whole payload */
	get byteLength(): number {
		return this.offset + this.payloadEnd - this.payloadStart + this.left;
	}

	/** @returns the bytes that are here as text; undefined: they are no UTF-8. Allocates it. */
	textOfPart(): string | undefined {
		return this.text.decode(this.bytes, this.payloadStart, this.payloadEnd);
	}

	/** @returns a copy of the bytes that are here */
	copyOfPart(): Uint8Array {
		// not slice(): of a Buffer that is a view
		return new Uint8Array(this.bytes.subarray(this.payloadStart, this.payloadEnd));
	}
}
