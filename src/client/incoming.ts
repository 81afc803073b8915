/** What comes on a Network Connection, in fixed memory: bytes in, packets to their handlers; reading can stop between
 *  any two packets or parts. In a browser another file stands for this one: browser/incoming.ts. */
import { putBytes } from "../codec/data-types.js";
import { Frame, Framer } from "../codec/framer.js";
import type { Version } from "../codec/packet-types.js";
import type { Client } from "./client.js";
import { dispatch } from "./dispatch.js";
import type { Link } from "./link.js";
import { beginParts, Parts, takePart } from "./publish-parts.js";

/** Bytes that are kept free for answers when it is decided how much may be read. */
const ANSWER_ROOM = 64;

export class Incoming {
	readonly framer: Framer;
	readonly parts: Parts = new Parts();
	/** packets that the last read brought; 0 where they were the last that were waited for */
	packetsRead = 0;
	/** the transport was told to bring nothing */
	private stopped = false;
	/** what came behind the packet at which reading was paused: where it lies; "start === end": nothing */
	private heldBytes: Uint8Array;
	private heldStart = 0;
	private heldEnd = 0;

	constructor(readonly client: Client) {
		const limits = client.limits;
		this.framer = new Framer(client.memory, client.layout.partial, limits.partialBytes, limits.packetBytes);
		this.heldBytes = client.memory;
	}

	/** Protocol Level that the server speaks from now on */
	set version(version: Version) {
		this.framer.version = version;
	}

	onReadable(this: Link, bytes: Uint8Array, start: number, end: number): number {
		const client = this.client;
		if (!this.isOpen) return 0;
		client.beginTurn();
		this.heardAt = client.now;
		const counters = client.counters;
		const packets = counters.packetsReceived;
		const publishes = counters.publishesReceived;
		if (this.heldStart < this.heldEnd) this.hold(bytes, start, end);
		else this.takeSafely(bytes, start, end);
		const mayFollow = client.inFlight > 0 || counters.publishesReceived !== publishes;
		this.packetsRead = mayFollow ? counters.packetsReceived - packets : 0;
		if (!this.isOpen) return 0;
		const wanted = this.appetite();
		this.stopped = wanted === 0;
		return wanted;
	}

	/** messages of QoS 1 and 2 that the server has not answered yet */
	get answersDue(): number {
		return this.client.inFlight;
	}

	/** @returns bytes that may be read now: none while reading is paused, or the server doesn't take its answers */
	private appetite(this: Link): number {
		if (this.pausedBy !== 0 || this.heldStart < this.heldEnd || !this.output.free) return 0;
		const limits = this.client.limits;
		return this.output.room > ANSWER_ROOM ? limits.heldBytes : 0;
	}

	/** An exception in here costs this connection and nothing else. */
	private takeSafely(this: Link, bytes: Uint8Array, start: number, end: number): void {
		try {
			this.take(bytes, start, end);
		} catch (error) {
			this.client.broken(error);
		}
	}

	private take(this: Link, bytes: Uint8Array, start: number, end: number): void {
		const framer = this.framer;
		const connection = this.client.connections;
		let at = start;
		while (at < end) {
			const frame = framer.next(bytes, at, end);
			at = framer.after;
			if (frame === Frame.Packet) dispatch(this.client, framer.first, framer.bytes, framer.start, framer.end);
			else if (frame === Frame.More) return;
			else if (frame === Frame.Malformed) return this.client.fail(framer.cause);
			else if (frame === Frame.Large) beginParts(this.client, framer.first);
			else takePart(this.client, framer.bytes, framer.start, framer.end, framer.left);
			if (this.client.connections !== connection || !this.isOpen) return;
			if (this.pausedBy !== 0) return this.hold(bytes, at, end);
		}
	}

	/** Keeps what came behind the packet at which reading was paused. */
	private hold(bytes: Uint8Array, start: number, end: number): void {
		const client = this.client;
		const count = end - start;
		if (count === 0 || bytes === this.heldBytes) {
			// it lies there already: what is left of it
			this.heldStart = start;
			this.heldEnd = end;
			return;
		}
		const before = this.heldEnd - this.heldStart;
		if (before === 0 && count <= client.limits.heldBytes) {
			const at = client.layout.held;
			putBytes(client.memory, at, bytes, start, end);
			this.heldBytes = client.memory;
			this.heldStart = at;
			this.heldEnd = at + count;
			return;
		}
		// only a transport that brings more than it was told to comes here
		const all = new Uint8Array(before + count);
		all.set(this.heldBytes.subarray(this.heldStart, this.heldEnd));
		all.set(bytes.subarray(start, end), before);
		this.heldBytes = all;
		this.heldStart = 0;
		this.heldEnd = before + count;
	}

	/** Goes on with what was held, and with reading, once nobody pauses. At the end of a turn. */
	goOn(this: Link): void {
		if (!this.isOpen || this.pausedBy !== 0) return;
		if (this.heldStart < this.heldEnd) {
			const start = this.heldStart;
			const bytes = this.heldBytes;
			this.heldStart = this.heldEnd;
			this.takeSafely(bytes, start, this.heldEnd);
			if (!this.isOpen) return;
		}
		if (!this.stopped || this.appetite() === 0) return;
		this.stopped = false;
		this.output.transport?.resume();
	}

	/** The connection is over: nothing is left of what came. */
	protected forget(): void {
		this.framer.reset();
		this.stopped = false;
		this.heldBytes = this.client.memory;
		this.heldStart = this.heldEnd = 0;
	}
}
