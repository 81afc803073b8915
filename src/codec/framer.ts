/** Cuts a byte stream into Control Packets: fixed header, Remaining Length, partial and oversized packets.
 *  After the transport, before the decoders. Spec: 5.0 and 3.1.1, section 2.1 */

import { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import { putBytes } from "./data-types.js";
import { PacketType, Version } from "./packet-types.js";

/** What `next` found. */
export const enum Frame {
	/** All given bytes are used up and no packet is complete. */
	More,
	/** A whole packet: its body is bytes[start..end). */
	Packet,
	/** A packet larger than the buffer begins: `type`, `flags` and `packetBytes` are known, the body comes as `Part`s. */
	Large,
	/** A part of the large packet's body: bytes[start..end). */
	Part,
	/** The last part of the large packet's body. */
	LastPart,
	/** The stream is no MQTT from here on: `cause` says why. */
	Malformed,
}

/** Fixed header flags that each packet type must carry, PUBLISH apart (-1). Spec: 5.0, table 2-2 [MQTT-2.1.3-1] */
export const FLAGS: readonly number[] = frozen([-2, 0, 0, -1, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0]);

/** A Remaining Length below this takes one byte, and the packet is within any limit. */
const SHORT = 127;

/** Numbers that are kept of an incomplete packet: bytes in the buffer, of its body to come, of all; its first byte. */
const KEPT = 4;

/** One direction of one connection, or of several that take turns (`turnTo`).
 *  `buffer[from..from+capacity×streams)` is lent by the caller and holds incomplete packets. */
export class Framer {
	/** Control Packet type and flags of the current packet */
	get type(): number {
		return this.first >> 4;
	}

	get flags(): number {
		return this.first & 15;
	}

	/** the fixed header's first byte: both */
	first = 0;
	/** bytes of the whole packet, fixed header included; known after Large */
	packetBytes = 0;
	/** where the body (or the part of it) lies */
	bytes: Uint8Array;
	start = 0;
	end = 0;
	/** In MQTT 3.1 DUP may mark a resent PUBREL, SUBSCRIBE or UNSUBSCRIBE, and only there any flags of these three may
	 *  come (docs/tolerance.md). A Remaining Length that is longer than it need be is malformed in 5.0; 3.1.1 does not
	 *  say so [MQTT-1.5.5-1]. Until CONNECT has come: 3.1.1 */
	version: Version = Version.V311;
	/** why, after Frame.Malformed */
	cause: Cause = Cause.None;
	/** SHORT while no packet is incomplete, otherwise 0 */
	private short = SHORT;
	/** bytes of the incomplete packet in the buffer */
	private held = 0;
	/** bytes of the large packet's body that are to come after the current part */
	left = 0;
	private stream = 0;
	/** first index of the stream's part of the buffer */
	private from: number;
	private readonly kept: Uint32Array | undefined;

	/** @param base first index of the buffer's part that is this framer's
	 *  @param capacity bytes for each stream, ≥ 16 (a fixed header takes 5)
	 *  @param packetBytesMax a larger packet is Malformed with Cause.PacketTooLarge; ≥ 128 */
	constructor(
		private readonly buffer: Uint8Array,
		private readonly base: number,
		private readonly capacity: number,
		private packetBytesMax: number,
		streams = 1,
		/** not even in MQTT 3.1 any flags */
		private readonly strict = false,
	) {
		this.bytes = buffer;
		this.from = base;
		this.kept = streams > 1 ? new Uint32Array(KEPT * streams) : undefined;
	}

	/** Forgets the incomplete packet: for a new connection. */
	reset(): void {
		this.held = 0;
		this.left = 0;
		this.short = SHORT;
	}

	/** The next bytes are this stream's. What was incomplete of the one before is lost, unless `pause` was called. */
	turnTo(stream: number, version: Version, packetBytesMax: number): void {
		this.version = version;
		this.packetBytesMax = packetBytesMax;
		if (stream === this.stream) return;
		this.reset();
		this.stream = stream;
		this.from = this.base + stream * this.capacity;
	}

	/** Keeps the stream's incomplete packet until `resume`. @returns false: there is none */
	pause(): boolean {
		if (this.held === 0 && this.left === 0) return false;
		const kept = this.kept!;
		const at = KEPT * this.stream;
		kept[at] = this.held;
		kept[at + 1] = this.left;
		kept[at + 2] = this.packetBytes;
		kept[at + 3] = this.first;
		this.reset();
		return true;
	}

	/** Goes on with what `pause` kept of the stream. */
	resume(): void {
		const kept = this.kept!;
		const at = KEPT * this.stream;
		this.held = kept[at]!;
		this.left = kept[at + 1]!;
		this.packetBytes = kept[at + 2]!;
		this.first = kept[at + 3]!;
		this.short = 0;
	}

	/** The stream ended, if it is this one. */
	forget(stream: number): void {
		if (stream === this.stream) this.reset();
	}

	/** Takes the next step in bytes[at..end): look at `frame`'s kind, then call again from the returned index until More.
	 *  Allocates nothing. @returns a Frame; the index to go on from is `this.after` */
	next(bytes: Uint8Array, at: number, end: number): Frame {
		// what comes most: a whole packet of less than 128 bytes. Opcodes count here (test/xs/codec.ts): each `&&` costs
		// three, each local two; past the array's end `length` is undefined, and the comparison false
		const length = bytes[at + 1]!;
		if (length < this.short) {
			this.end = this.after = at + 2 + length;
			if (this.end <= end) {
				const first = bytes[at]!;
				if (first >> 4 === PacketType.Publish) {
					this.first = first;
				} else if (!this.checkFirst(first)) return Frame.Malformed;
				this.bytes = bytes;
				this.start = at + 2;
				return Frame.Packet;
			}
		}
		return this.step(bytes, at, end);
	}

	/** Goes on with what is incomplete, or begins what is long, cut off or malformed. */
	private step(bytes: Uint8Array, at: number, end: number): Frame {
		let frame: Frame;
		if (this.left > 0) frame = this.part(bytes, at, end);
		else if (this.held > 0) frame = this.join(bytes, at, end);
		else frame = this.begin(bytes, at, end);
		this.short = this.left > 0 || this.held > 0 ? 0 : SHORT;
		return frame;
	}

	/** Takes a packet that is long, cut off or malformed, from its first byte on. */
	private begin(bytes: Uint8Array, at: number, end: number): Frame {
		const size = this.header(bytes, at, end);
		if (size < 0) return Frame.Malformed;
		const after = at + this.packetBytes;
		if (size > 0 && after <= end) {
			this.bytes = bytes;
			this.start = at + size;
			this.end = after;
			this.after = after;
			return Frame.Packet;
		}
		if (size > 0 && this.packetBytes > this.capacity) {
			this.left = this.packetBytes - size;
			this.after = at + size;
			return Frame.Large;
		}
		this.held = end - at;
		this.after = end;
		if (at < end) putBytes(this.buffer, this.from, bytes, at, end);
		return Frame.More;
	}
	/** where the caller goes on after `next` */
	after = 0;

	/** Reads the fixed header at bytes[at..end). @returns its bytes; 0: not complete; -1: malformed */
	private header(bytes: Uint8Array, at: number, end: number): number {
		if (at + 2 > end) {
			// the first byte alone tells already of a wrong type or wrong flags
			return at + 1 > end || this.checkFirst(bytes[at]!) ? 0 : -1;
		}
		if (!this.checkFirst(bytes[at]!)) return -1;
		let byte = bytes[at + 1]!;
		if (byte < 128) {
			this.packetBytes = byte + 2;
			return this.packetBytes > this.packetBytesMax ? this.fail(Cause.PacketTooLarge) : 2;
		}
		let value = byte & 127;
		let shift = 7;
		let p = at + 2;
		do {
			if (shift > 21) return this.fail(Cause.RemainingLengthMalformed);
			if (p >= end) return 0;
			byte = bytes[p++]!;
			value |= (byte & 127) << shift;
			shift += 7;
		} while (byte > 127);
		if (byte === 0 && this.version === Version.V5) return this.fail(Cause.RemainingLengthMalformed);
		this.packetBytes = value + p - at;
		return this.packetBytes > this.packetBytesMax ? this.fail(Cause.PacketTooLarge) : p - at;
	}

	private checkFirst(first: number): boolean {
		this.first = first;
		const flags = FLAGS[first >> 4]!;
		if (flags === (first & 15) || flags === -1) return true;
		if (this.version === Version.V31 && (flags === (first & 7) || (flags === 2 && !this.strict))) return true;
		this.fail(flags === -2 ? Cause.PacketTypeReserved : Cause.FixedHeaderFlags);
		return false;
	}

	private fail(cause: Cause): number {
		this.cause = cause;
		return -1;
	}

	/** Adds to the packet that the buffer holds the beginning of. */
	private join(bytes: Uint8Array, at: number, end: number): Frame {
		const buffer = this.buffer;
		const from = this.from;
		let held = this.held;
		let size = this.header(buffer, from, from + held);
		while (size === 0 && at < end) {
			buffer[from + held++] = bytes[at++]!;
			size = this.header(buffer, from, from + held);
		}
		this.held = held;
		this.after = at;
		if (size < 0) return Frame.Malformed;
		if (size === 0) return Frame.More;
		const packetBytes = this.packetBytes;
		if (packetBytes > this.capacity) {
			this.left = packetBytes - size;
			return Frame.Large; // what the buffer holds of the body is the first part
		}
		let stop = at + packetBytes - held;
		if (stop > end) stop = end;
		if (stop > at) held += putBytes(buffer, from + held, bytes, at, stop) - from - held;
		this.after = stop;
		this.held = held;
		if (held < packetBytes) return Frame.More;
		this.held = 0;
		this.bytes = buffer;
		this.start = from + size;
		this.end = from + held;
		return Frame.Packet;
	}

	/** Hands on what has come of a large packet's body. */
	private part(bytes: Uint8Array, at: number, end: number): Frame {
		if (this.held > 0) {
			const size = this.packetBytes - this.left;
			const held = this.held;
			this.held = 0;
			this.after = at;
			if (held > size) return this.announce(this.buffer, this.from + size, this.from + held);
		}
		if (at >= end) {
			this.after = end;
			return Frame.More;
		}
		let stop = at + this.left;
		if (stop > end) stop = end;
		this.after = stop;
		return this.announce(bytes, at, stop);
	}

	private announce(bytes: Uint8Array, start: number, end: number): Frame {
		this.bytes = bytes;
		this.start = start;
		this.end = end;
		this.left -= end - start;
		return this.left > 0 ? Frame.Part : Frame.LastPart;
	}
}
