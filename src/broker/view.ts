/** A client's packet as a controller sees it: read where it lies, during the call and as long as its promise is open.
 *  `copy()` gives what may be kept. Read later, a view throws: each call has a view of its own, so that none ever shows
 *  another packet's bytes. Between controlled-connection.ts and controller.ts. */
import { type PacketProperties, readProperties } from "../codec/packet-properties.js";
import { Version } from "../codec/packet-types.js";
import type { Properties } from "../codec/properties.js";
import { Cause, HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";

export const NO_PROPERTIES: PacketProperties = frozen({});

/** What all views have. */
export abstract class View {
	/** which packet it is */
	abstract readonly type: string;
	/** the call, or its promise, goes on */
	live = false;
	protected version: number = Version.V311;
	/** the packet, taken apart; the next call's, too, once this one is over */
	protected abstract readonly parts: { readonly properties: Properties };

	constructor(readonly broker: Broker) {}

	/** the Packet Identifier; 0: it has none. This and the next one are the broker's: they may be read at any time */
	get id(): number {
		return 0;
	}

	/** how many Topic Filters there are; 0: it has none of its own */
	get count(): number {
		return 0;
	}

	/** Takes the packet's body at bytes[start..end) apart. @param first the fixed header's first byte
	 *  @returns whether it is good; if not, whoever handles the packet says why */
	begin(connection: Connection, first: number, bytes: Uint8Array, start: number, end: number): boolean {
		this.version = connection.version;
		this.live = this.decode(connection, first, bytes, start, end) === Cause.None;
		return this.live;
	}

	protected abstract decode(
		connection: Connection,
		first: number,
		bytes: Uint8Array,
		start: number,
		end: number,
	): Cause;

	/** Throws HearthError when the call is over. */
	protected check(): void {
		if (this.live) return;
		throw new HearthError("HEARTH_ERR_VIEW", "packet: read after the call that it was for; keep packet.copy() instead");
	}

	/** 5.0's properties, as an object of its own; empty before 5.0 */
	get properties(): PacketProperties {
		this.check();
		return this.version === Version.V5 ? readProperties(this.parts.properties, this.broker.text) : NO_PROPERTIES;
	}

	protected string(bytes: Uint8Array, start: number, end: number): string {
		this.check();
		return this.broker.text.decode(bytes, start, end)!;
	}
}
