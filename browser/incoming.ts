/** What comes on a Network Connection: stands for src/client/incoming.ts, the framer and the parts that it leads to,
 *  where memory need not be fixed. What is not complete, or waits while reading is paused, is kept as it came. */
import type { Client } from "../src/client/client.js";
import { dispatch } from "../src/client/dispatch.js";
import { begin, finish, hand } from "../src/client/handle-publish.js";
import type { Link } from "../src/client/link.js";
import { headNeeded } from "../src/client/publish-parts.js";
import { FLAGS } from "../src/codec/framer.js";
import { PacketType, Version } from "../src/codec/packet-types.js";
import { decodePublish } from "../src/codec/publish.js";
import { Cause } from "../src/errors.js";
import { joined } from "../src/promises/joined.js";

/** Bytes that are kept free for answers when it is decided how much may be read. */
const ANSWER_ROOM = 64;

const NOTHING: Uint8Array = new Uint8Array(0);

/** The link that is made of this. */
type Self = Incoming & Pick<Link, "isOpen" | "pausedBy" | "heardAt" | "output">;

export class Incoming {
	version: Version = Version.V5;
	/** what came and is not handled yet */
	private kept: Uint8Array = NOTHING;
	/** a large PUBLISH: its payload is handed on as it comes */
	private inParts = false;
	/** bytes of it to come */
	private left = 0;
	/** it came before: its parts are passed over */
	private skip = false;
	/** the transport was told to bring nothing */
	private stopped = false;

	constructor(readonly client: Client) {}

	onReadable(this: Self, bytes: Uint8Array, start: number, end: number): number {
		const { client, kept } = this;
		if (!this.isOpen) return 0;
		client.beginTurn();
		this.heardAt = client.now;
		this.take(joined([kept, bytes.subarray(start, end)]));
		if (!this.isOpen) return 0;
		const wanted = this.appetite();
		this.stopped = wanted === 0;
		return wanted;
	}

	private appetite(this: Self): number {
		const mayRead = this.pausedBy === 0 && this.output.free && this.output.room > ANSWER_ROOM;
		return mayRead ? this.client.limits.heldBytes : 0;
	}

	/** Goes on with what was kept while reading was paused, and with reading. At the end of a turn. */
	goOn(this: Self): void {
		if (!this.isOpen || !this.stopped || this.pausedBy !== 0) return;
		this.take(this.kept);
		if (!this.isOpen || this.appetite() === 0) return;
		this.stopped = false;
		this.output.transport?.resume();
	}

	private take(this: Self, bytes: Uint8Array): void {
		const { client } = this;
		const connection = client.connections;
		this.kept = NOTHING;
		let at = 0;
		try {
			for (let next = 0; next >= 0 && this.pausedBy === 0; ) {
				next = this.step(bytes, at);
				if (client.connections !== connection || !this.isOpen) return;
				if (next >= 0) at = next;
			}
			this.kept = bytes.subarray(at);
		} catch (error) {
			client.broken(error);
		}
	}

	/** Takes a packet, or a part of one. @returns index after it; -1: more must come, or the connection is over */
	private step(this: Self, bytes: Uint8Array, at: number): number {
		const { client, version } = this;
		const { limits, message } = client;
		const end = bytes.length;
		if (this.inParts) return this.part(bytes, at, Math.min(end, at + this.left));
		if (at === end) return -1;
		const first = bytes[at]!;
		const flags = FLAGS[first >> 4]!;
		const isAllowed = flags === (first & 15) || flags === -1;
		if (!isAllowed && !(version === Version.V31 && (flags === (first & 7) || flags === 2)))
			return this.fail(flags === -2 ? Cause.PacketTypeReserved : Cause.FixedHeaderFlags);
		let remaining = 0;
		let p = at + 1;
		for (let shift = 0; ; shift += 7) {
			if (shift > 21) return this.fail(Cause.RemainingLengthMalformed);
			if (p === end) return -1;
			const byte = bytes[p++]!;
			remaining |= (byte & 127) << shift;
			if (byte > 127) continue;
			if (byte === 0 && shift > 0 && version === Version.V5) return this.fail(Cause.RemainingLengthMalformed);
			break;
		}
		const after = p + remaining;
		if (after - at > limits.packetBytes) return this.fail(Cause.PacketTooLarge);
		if (after <= end) {
			dispatch(client, first, bytes, p, after);
			return after;
		}
		if (after - at <= limits.partialBytes) return -1;
		if (first >> 4 !== PacketType.Publish || !client.isConnected) return this.fail(Cause.PacketTooLarge);
		const headBytes = headNeeded(bytes, p, end - p, first, version);
		if (headBytes > limits.headBytes) return this.fail(Cause.PacketTooLarge);
		if (headBytes > remaining) return this.fail(Cause.StringPastEnd);
		if (p + headBytes > end) return -1;
		const cause = decodePublish(message, bytes, p, p + headBytes, first & 15, version);
		if (cause !== Cause.None) return this.fail(cause);
		message.offset = 0;
		this.inParts = true;
		this.left = remaining - headBytes;
		this.skip = !begin(client);
		return p + headBytes;
	}

	/** Hands on what is here of a large PUBLISH's payload. */
	private part(this: Self, bytes: Uint8Array, at: number, end: number): number {
		const { client } = this;
		const { message } = client;
		if (at === end && this.left > 0) return -1;
		this.left -= end - at;
		this.inParts = this.left > 0;
		if (this.skip) return end;
		message.bytes = bytes;
		message.payloadStart = at;
		message.payloadEnd = end;
		message.left = this.left;
		hand(client);
		message.offset += end - at;
		if (!this.inParts && this.isOpen) finish(client);
		return end;
	}

	private fail(this: Self, cause: Cause): number {
		this.client.fail(cause);
		return -1;
	}

	/** The connection is over: nothing is left of what came. */
	protected forget(): void {
		this.kept = NOTHING;
		this.inParts = this.stopped = false;
	}
}
