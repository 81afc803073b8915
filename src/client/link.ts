/** One Network Connection of a client: bytes in, packets to their handlers, one flush a turn. What outlives it is the
 *  client's. After the transport, before the handlers. */
import { putBytes } from "../codec/data-types.js";
import { Frame, Framer } from "../codec/framer.js";
import { PacketType } from "../codec/packet-types.js";
import { Output } from "../delivery/output.js";
import { Cause } from "../errors.js";
import type { Transport, TransportTarget } from "../platform.js";
import type { Client } from "./client.js";
import type { ConnectorTarget } from "./client-options.js";
import { ClientState } from "./client-state.js";
import { handleAck, handlePubrel } from "./handle-acks.js";
import { handleAuth, handleConnack, handleDisconnect, sendConnect } from "./handle-connack.js";
import { beginParts, handlePublish, takePart } from "./handle-publish.js";
import { handleSuback } from "./handle-suback.js";

/** Who has stopped reading: bits. */
export const enum PausedBy {
	/** `Client.pause` */
	Application = 1,
	/** too many messages wait for their acknowledgement */
	Acks = 2,
}

/** Bytes that are kept free for answers when it is decided how much may be read. */
const ANSWER_ROOM = 64;

export class Link implements TransportTarget, ConnectorTarget {
	readonly framer: Framer;
	readonly output: Output;
	/** a transport is there, or is being made */
	isOpen = false;
	/** PausedBy bits */
	pausedBy = 0;
	/** packets that the last read brought; 0 where they were the last that were waited for */
	packetsRead = 0;
	/** when the server was last heard, or took bytes, and when it was last spoken to; ms on the platform's clock */
	heardAt = 0;
	spokeAt = 0;
	/** the transport was told to bring nothing */
	private stopped = false;
	/** what came behind the packet at which reading was paused: where it lies; "start === end": nothing */
	private heldBytes: Uint8Array;
	private heldStart = 0;
	private heldEnd = 0;

	constructor(private readonly client: Client) {
		const limits = client.limits;
		this.framer = new Framer(client.memory, client.layout.partial, limits.partialBytes, limits.packetBytes);
		this.output = new Output(client.outputs, 0);
		this.heldBytes = client.memory;
	}

	opened(transport: Transport, writable: number): void {
		const client = this.client;
		if (client.state !== ClientState.Opening) return transport.close();
		client.beginTurn();
		this.output.open(transport, writable);
		this.heardAt = this.spokeAt = client.now;
		sendConnect(client);
	}

	failed(why: string): void {
		const client = this.client;
		if (client.state !== ClientState.Opening) return;
		client.beginTurn();
		client.lost(Cause.TransportClosed, 0, why);
	}

	onReadable(bytes: Uint8Array, start: number, end: number): number {
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

	/** @returns bytes that may be read now: none while reading is paused, or the server doesn't take its answers */
	private appetite(): number {
		if (this.pausedBy !== 0 || this.heldStart < this.heldEnd || !this.output.free) return 0;
		const limits = this.client.limits;
		return this.output.room > ANSWER_ROOM ? limits.heldBytes : 0;
	}

	/** An exception in here costs this connection and nothing else. */
	private takeSafely(bytes: Uint8Array, start: number, end: number): void {
		try {
			this.take(bytes, start, end);
		} catch (error) {
			this.client.broken(error);
		}
	}

	private take(bytes: Uint8Array, start: number, end: number): void {
		const framer = this.framer;
		const connection = this.client.connections;
		let at = start;
		while (at < end) {
			const frame = framer.next(bytes, at, end);
			at = framer.after;
			if (frame === Frame.Packet) this.dispatch(framer.first, framer.bytes, framer.start, framer.end);
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
	goOn(): void {
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

	/** A whole packet: PUBLISH first, as most are. */
	private dispatch(first: number, bytes: Uint8Array, start: number, end: number): void {
		const client = this.client;
		client.counters.packetsReceived++;
		const type = first >> 4;
		if (client.state !== ClientState.Connected) {
			if (type === PacketType.Connack) return handleConnack(client, bytes, start, end);
			if (type === PacketType.Auth) return handleAuth(client, bytes, start, end);
			return client.fail(Cause.ConnectMissing);
		}
		switch (type) {
			case PacketType.Publish:
				return handlePublish(client, bytes, start, end, first & 15);
			case PacketType.Puback:
			case PacketType.Pubrec:
			case PacketType.Pubcomp:
				return handleAck(client, type, bytes, start, end);
			case PacketType.Pubrel:
				return handlePubrel(client, bytes, start, end);
			case PacketType.Suback:
			case PacketType.Unsuback:
				return handleSuback(client, type, bytes, start, end);
			case PacketType.Pingresp:
				if (start !== end) return client.fail(Cause.PacketTrailingBytes);
				client.pingedAt = 0;
				return client.listener.ping();
			case PacketType.Disconnect:
				return handleDisconnect(client, bytes, start, end);
			case PacketType.Auth:
				return handleAuth(client, bytes, start, end);
			default:
				return client.fail(Cause.PacketNotAllowed);
		}
	}

	onWritable(count: number): void {
		if (!this.isOpen) return;
		this.client.beginTurn();
		this.client.touch();
		this.heardAt = this.client.now;
		this.output.onWritable(count);
		this.serve();
		this.client.listener.writable();
	}

	/** Sends what waits. */
	serve(): void {
		if (!this.isOpen) return;
		try {
			if (this.client.state === ClientState.Connected) this.client.pump();
			else this.output.drainBacklog();
		} catch (error) {
			this.client.broken(error);
		}
	}

	onError(): void {
		if (!this.isOpen) return;
		this.client.beginTurn();
		this.client.lost(Cause.TransportClosed, 0, "the connection was closed");
	}

	/** Gives back all that the Network Connection held. */
	close(): void {
		const transport = this.output.transport;
		this.isOpen = false;
		this.output.close();
		this.framer.reset();
		this.pausedBy = 0;
		this.stopped = false;
		this.heldBytes = this.client.memory;
		this.heldStart = this.heldEnd = 0;
		transport?.close();
	}
}
