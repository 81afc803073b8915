/** One transport: bytes in, packets to their handlers, one flush a turn. It owns what belongs to a Network Connection;
 *  what outlives it is the session's. After the transport, before the handlers. */

import { Frame } from "../codec/framer.js";
import { PacketType, Version } from "../codec/packet-types.js";
import { encodeAck } from "../codec/publish.js";
import { Busy, Output } from "../delivery/output.js";
import { Cause } from "../errors.js";
import type { Transport, TransportTarget } from "../platform.js";
import type { Authentication } from "./authentication.js";
import type { Broker } from "./broker.js";
import type { BrokerOptions } from "./broker-options.js";
import { First, forward } from "./forward.js";
import { forwardAlone } from "./forward-alone.js";
import { forwardQos1 } from "./forward-qos1.js";
import { handleAck, handlePubrel } from "./handle-acks.js";
import { handleAuth, refuse } from "./handle-auth.js";
import { handleConnect } from "./handle-connect.js";
import { handleDisconnect, handlePing } from "./handle-disconnect.js";
import { handlePublish } from "./handle-publish.js";
import { handleSubscribe, handleUnsubscribe } from "./handle-subscribe.js";
import type { Listener } from "./listener.js";
import { askNow } from "./login.js";
import { pump } from "./send-publish.js";
import type { Session } from "./session.js";
import { answerPing, answerQos2, complete } from "./short-ways.js";

export const enum ConnectionState {
	/** no transport */
	Free,
	/** CONNECT has not come */
	Opened,
	/** CONNECT waits for the answer to its login (login.ts), or any packet for its controller's; nothing behind it is
	 *  looked at */
	Waiting,
	/** CONNACK with success was sent */
	Connected,
}

/** What a client said of itself. */
export const enum ConnectionOption {
	/** it (of 5.0) wants no Reason Strings but with CONNACK and DISCONNECT. Spec: 5.0, 3.1.2.11.7 [5:MQTT-3.1.2-29] */
	NoProblemInformation = 1,
	/** it takes Topic Aliases. Spec: 5.0, 3.1.2.11.5 */
	TakesAliases = 2,
	/** its session ends with the connection: nothing is ever sent again. Spec: [MQTT-3.1.2-6]; 5.0 3.1.2.11.2 */
	SessionEnds = 4,
}

/** Which ways a connection's packets may go. */
export const enum Way {
	/** the framer keeps an incomplete packet of it: all that comes belongs to that first */
	Incomplete = -1,
	/** all go the long way: before CONNACK, and where somebody wants to see each of them */
	Long = 0,
	/** PUBLISHes of QoS 0 go a short way, and leave at the end of the turn (forward.ts) */
	Forward = 1,
	/** the transports copy what they write: QoS 0 (forward-alone.ts) and PINGREQ that come alone are done with at once */
	Direct = 2,
	/** of QoS 1, too, and what follows of QoS 2: nothing is kept in a storage first (forward-qos1.ts, short-ways.ts) */
	DirectQos1 = 3,
}

/** @returns the ways that packets of a broker's connections may go at most */
export function widestWay(options: BrokerOptions): Way {
	if (options.shortWays === false || options.events?.published !== undefined) return Way.Long;
	if (!options.platform.copiesWrites) return Way.Forward;
	return options.storage === undefined ? Way.DirectQos1 : Way.Direct;
}

/** Bytes that are kept free for answers when it is decided how much may be read. */
const enum Room {
	Answers = 64,
}

export class Connection implements TransportTarget {
	readonly output: Output;
	way: Way = Way.Long;
	version: number = Version.V311;
	/** a packet went a short way: Keep Alive begins anew at the next tick (see tick.ts) */
	heard = false;
	session: Session | undefined = undefined;
	/** ConnectionOption bits */
	options = 0;
	/** what the peer takes. Spec: 5.0, 3.1.2.11.3 and 3.1.2.11.4 */
	receiveMaximum = 0;
	packetBytesMax = 0;
	state: number = ConnectionState.Free;
	/** where it came in; of a free connection, the last one's */
	listener: Listener;
	/** 0: none. Spec: 3.1.2.10 */
	keepAliveMs = 0;
	/** why the connection is to be closed at the end of the turn; None: it is not */
	closing: Cause = Cause.None;
	/** nothing is read, because the peer doesn't take its answers */
	private paused = false;
	/** since when the peer takes nothing; 0: it does. ms on the platform's clock */
	private stalledAt = 0;
	/** a PUBLISH that is sent in parts: its entry in the outbox, what comes next, and where in it */
	sending = 0;
	sendingStage = 0;
	sendingOffset = 0;
	sendingRemaining = 0;
	/** the client chose a method of Enhanced Authentication. Spec: 5.0, 4.12 */
	authentication: Authentication | undefined = undefined;

	constructor(
		readonly broker: Broker,
		/** 0 ≤ index < limits.connections */
		readonly index: number,
	) {
		this.listener = broker.listener;
		this.output = new Output(broker.outputs, index);
	}

	/** Takes bytes as they come; an exception in here costs this connection and nothing else. */
	onReadable(bytes: Uint8Array, at: number, end: number): number {
		const output = this.output;
		this.broker.counters.bytesReceived += end - at;
		if (this.way > Way.Long) {
			const first = bytes[at];
			if (first === First.Publish)
				at = this.way < Way.Direct ? forward(this.broker, this, bytes, at, end) : forwardAlone(this, bytes, at, end);
			else if (output.busy === 0) {
				if (first === First.PublishQos1) {
					if (this.way === Way.DirectQos1) at = forwardQos1(this, bytes, at, end);
				} else if (first === First.Puback) {
					if (this.way === Way.DirectQos1) at = complete(this, bytes, at, end);
				} else if (first === First.Pingreq) {
					if (this.way >= Way.Direct) at = answerPing(this, bytes, at, end);
				} else if (this.way === Way.DirectQos1) at = answerQos2(this, bytes, at, end);
			}
			if (at === end) if (output.busy === 0) if (output.writable > Room.Answers) return output.writable - Room.Answers;
		}
		return this.takeLong(bytes, at, end);
	}

	/** What no short way has taken. @returns as `onReadable` */
	private takeLong(bytes: Uint8Array, at: number, end: number): number {
		if (this.state === ConnectionState.Free) return 0;
		this.broker.beginTurn();
		try {
			this.take(bytes, at, end);
		} catch (error) {
			this.broker.failed(this, error);
		}
		if (this.state === ConnectionState.Free) return 0;
		const wanted = this.appetite();
		this.paused = wanted === 0;
		return wanted;
	}

	/** @returns the ways that its packets may go now */
	wayOf(): Way {
		if (this.session === undefined) return Way.Long;
		const way = this.broker.way;
		return way === Way.DirectQos1 && this.listener.limits.qosMax === 0 ? Way.Direct : way;
	}

	/** @returns bytes that may be read now: none from a peer that doesn't take its answers */
	private appetite(): number {
		const output = this.output;
		if (this.state === ConnectionState.Waiting || (output.busy & (Busy.Backlog | Busy.InParts)) !== 0) return 0;
		const room = output.room - Room.Answers;
		return room > 0 ? room : 0;
	}

	protected take(bytes: Uint8Array, start: number, end: number): void {
		const framer = this.broker.framer;
		let at = start;
		let heard = false;
		while (at < end) {
			framer.turnTo(this.index, this.version, this.listener.limits.packetBytes);
			if (this.way === Way.Incomplete) {
				framer.resume();
				this.way = this.wayOf();
			}
			const frame = framer.next(bytes, at, end);
			at = framer.after;
			if (frame !== Frame.More && !heard) {
				// a packet counts for Keep Alive, or a part of a large one; single bytes don't [MQTT-3.1.2-24]
				heard = true;
				if (this.keepAliveMs !== 0) this.broker.deadlines.set(this.index, this.broker.now + this.keepAliveMs);
			}
			if (frame === Frame.Packet) this.dispatch(framer.first, framer.bytes, framer.start, framer.end);
			else if (frame === Frame.More) break;
			else if (frame === Frame.Malformed) return this.refuse(framer.cause);
			else this.takePart(frame);
			if (this.broker.wills.any) this.broker.wills.publish();
			if (this.state !== ConnectionState.Connected) {
				if (this.state === ConnectionState.Free) return;
				if (this.state === ConnectionState.Waiting) return this.hold(bytes, at, end);
			}
			if (this.closing !== Cause.None) return;
			if (frame === Frame.Packet && this.way > Way.Long && at < end && bytes[at] === First.Publish)
				at = forward(this.broker, this, bytes, at, end);
		}
		if (framer.pause()) this.way = Way.Incomplete;
	}

	/** Keeps what came behind a CONNECT that waits: reading has stopped, so that it is what came in one read. */
	protected hold(bytes: Uint8Array, start: number, end: number): void {
		if (start === end) return;
		const pool = this.broker.pool;
		const exchange = this.authentication!.exchange!;
		exchange.heldFirst = pool.take(Math.ceil((end - start) / pool.blockBytes));
		exchange.heldBytes = end - start;
		if (exchange.heldFirst === 0) this.refuse(Cause.FullStore);
		else pool.write(exchange.heldFirst, 0, bytes, start, end);
	}

	/** Goes on with what was held, and with reading. */
	takeHeld(first: number, bytes: number): void {
		const pool = this.broker.pool;
		for (let block = first, left = bytes; block !== 0; block = pool.next(block), left -= pool.blockBytes) {
			if (this.state === ConnectionState.Free || this.closing !== Cause.None) break;
			const at = pool.at(block);
			this.take(pool.bytes, at, at + Math.min(left, pool.blockBytes));
		}
		if (first !== 0) pool.giveBack(first);
		if (this.state !== ConnectionState.Free) this.serve();
	}

	/** A packet that this buffer cannot hold goes into blocks as it arrives and is looked at when it is whole. */
	private takePart(frame: Frame): void {
		const framer = this.broker.framer;
		const broker = this.broker;
		const parts = broker.parts;
		if (frame === Frame.Large) {
			if (this.session === undefined && !this.mayBegin(framer.type)) return refuse(broker, this, Cause.ConnectMissing);
			if (!parts.add(this.index, framer.bytes, 0, 0)) this.refuse(Cause.FullStore);
			return;
		}
		if (!parts.add(this.index, framer.bytes, framer.start, framer.end)) return this.refuse(Cause.FullStore);
		if (frame !== Frame.LastPart) return;
		const at = broker.layout.assembly;
		const end = parts.take(this.index, parts.bytes(this.index), broker.memory, at);
		parts.drop(this.index);
		this.dispatch(framer.first, broker.memory, at, end);
	}

	/** A whole packet: PUBLISH first, as most are. */
	protected dispatch(first: number, bytes: Uint8Array, start: number, end: number): void {
		const broker = this.broker;
		broker.counters.packetsReceived++;
		const session = this.session;
		const type = first >> 4;
		if (session === undefined) {
			if (!this.mayBegin(type)) refuse(broker, this, Cause.ConnectMissing);
			else if (type === PacketType.Connect) handleConnect(broker, this, bytes, start, end);
			else if (type === PacketType.Auth) handleAuth(broker, this, bytes, start, end);
			else this.refuse(Cause.None);
			return;
		}
		switch (type) {
			case PacketType.Publish:
				return handlePublish(broker, this, session, bytes, start, end, first & 15);
			case PacketType.Puback:
			case PacketType.Pubrec:
			case PacketType.Pubcomp:
				return handleAck(broker, this, session, type, bytes, start, end);
			case PacketType.Pubrel:
				return handlePubrel(broker, this, session, bytes, start, end);
			case PacketType.Pingreq:
				return handlePing(broker, this, start, end);
			case PacketType.Subscribe:
				return handleSubscribe(broker, this, session, bytes, start, end);
			case PacketType.Unsubscribe:
				return handleUnsubscribe(broker, this, session, bytes, start, end);
			case PacketType.Disconnect:
				return handleDisconnect(broker, this, session, bytes, start, end);
			case PacketType.Auth:
				return handleAuth(broker, this, bytes, start, end);
			case PacketType.Connect:
				return this.refuse(Cause.ConnectTwice);
			default:
				return this.refuse(Cause.PacketNotAllowed);
		}
	}

	/** @returns whether the packet may come before CONNACK. Spec: [MQTT-3.1.0-1]; 5.0 [MQTT-3.1.2-30] */
	private mayBegin(type: number): boolean {
		if (this.authentication === undefined) return type === PacketType.Connect;
		return type === PacketType.Auth || type === PacketType.Disconnect;
	}

	/** The peer broke the protocol or a budget: the connection ends, with the reason where 5.0 can tell it. */
	refuse(cause: Cause): void {
		this.broker.close(this, cause);
	}

	/** Sends an acknowledgement. Spec: [MQTT-2.3.1-6] */
	answer(type: PacketType, id: number, reason: number): void {
		const broker = this.broker;
		const memory = broker.memory;
		const output = this.output;
		const at = output.stage(5);
		if (at >= 0) {
			output.staged(encodeAck(memory, at, type, id, this.version, reason, memory, 0, 0));
			broker.touch(output);
			return;
		}
		const scratch = broker.layout.scratch;
		broker.send(this, scratch, encodeAck(memory, scratch, type, id, this.version, reason, memory, 0, 0));
	}

	/** Sends an answer that lies at memory[start..end). @returns false: it leaves later, what promises are kept first */
	sendAnswer(start: number, end: number): boolean {
		this.broker.send(this, start, end);
		return true;
	}

	onWritable(count: number): void {
		if (this.state === ConnectionState.Free) return;
		this.broker.beginTurn();
		this.stalledAt = 0;
		this.output.onWritable(count);
		this.serve();
	}

	/** Sends what waits, and reads again where reading had stopped. */
	serve(): void {
		const broker = this.broker;
		try {
			if (this.session !== undefined) pump(broker, this, this.session);
			else this.output.drainBacklog();
		} catch (error) {
			broker.failed(this, error);
		}
		broker.touch(this.output);
		if (this.paused && this.appetite() > 0) {
			this.paused = false;
			this.output.transport?.resume();
		}
	}

	/** Once a tick: what found no buffer is sent, and a peer that takes nothing for too long is given up. */
	check(): void {
		if (this.state === ConnectionState.Free) return;
		const exchange = this.authentication?.exchange;
		if (exchange !== undefined && exchange.until !== 0 && this.broker.now >= exchange.until) {
			if (exchange.steps !== undefined) return refuse(this.broker, this, Cause.AuthenticationFailed);
			this.askNow();
		}
		if (this.state === ConnectionState.Waiting && this.session === undefined) return;
		if (this.sending === 0 && !this.output.stalled && !this.paused && this.session?.outbox.waitingFirst === 0) return;
		this.serve();
		if (!this.output.stalled) this.stalledAt = 0;
		else if (this.stalledAt === 0) this.stalledAt = this.broker.now;
		else if (this.broker.now - this.stalledAt > this.broker.limits.stallTimeoutMs) this.refuse(Cause.SlowReceiver);
	}

	private askNow(): void {
		try {
			askNow(this.broker, this);
		} catch (error) {
			this.broker.failed(this, error);
		}
	}

	/** where the peer is */
	get address(): string {
		return this.output.transport?.remoteAddress ?? "?";
	}

	onError(): void {
		if (this.state === ConnectionState.Free) return;
		this.broker.beginTurn();
		this.broker.close(this, Cause.TransportClosed);
	}

	/** Begins a Network Connection. @param writable bytes that the transport takes at once */
	open(transport: Transport, writable: number, listener: Listener): void {
		this.listener = listener;
		this.state = ConnectionState.Opened;
		this.closing = Cause.None;
		this.version = Version.V311;
		this.keepAliveMs = 0;
		this.packetBytesMax = 0xffffffff;
		this.options = 0;
		this.paused = false;
		this.stalledAt = 0;
		this.output.open(transport, writable);
	}

	/** Gives back all that the Network Connection held. */
	reset(): void {
		this.broker.parts.drop(this.index);
		this.broker.framer.forget(this.index);
		this.output.close();
		this.session = undefined;
		this.way = Way.Long;
		this.heard = false;
		this.authentication = undefined;
		this.state = ConnectionState.Free;
		this.closing = Cause.None;
		this.sending = 0;
	}
}
