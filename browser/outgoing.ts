/** What the client sends, and keeps until it is acknowledged, where memory need not be fixed: stands for
 *  src/client/outgoing.ts and the store, the queues and the sending of parts that it leads to. A message is an object
 *  that keeps its own bytes. Spec: sections 3.3, 4.3, 4.4 */
import { SOURCE_BYTES } from "../src/client/bytes-source.js";
import type { Client } from "../src/client/client.js";
import type { ClientLayout, ClientLimits } from "../src/client/client-limits.js";
import type { ClientPublishOptions, PayloadSource } from "../src/client/client-options.js";
import type { Link } from "../src/client/link.js";
import type { Outgoing as Fixed } from "../src/client/outgoing.js";
import type { Done } from "../src/client/subscriptions.js";
import { putString, putUint16, putVariable } from "../src/codec/data-types.js";
import { PacketType, PropertyId, PublishFlag, ReasonCode, Version } from "../src/codec/packet-types.js";
import { putNumber } from "../src/codec/properties.js";
import { type AckPacket, remainingOfPublish, sizeOfPacket } from "../src/codec/publish.js";
import { Cause } from "../src/errors.js";
import { type Output, Outputs } from "./output.js";
import { ReceivedIds } from "./received-ids.js";

/** Bytes that the transport takes at least when a PUBLISH is begun. */
const PART_ROOM = 32;

/** Bytes of a PUBLISH before its payload at the most, beside topic and properties. */
const HEAD_BYTES = 24;

const NOTHING: Uint8Array = new Uint8Array(0);

interface Entry {
	number: number;
	topic: string;
	properties: Uint8Array;
	payload: Uint8Array | PayloadSource;
	/** of the payload */
	payloadBytes: number;
	/** that it counts for in the queue's bound */
	bytes: number;
	qos: number;
	retain: boolean;
	/** ms on the platform's clock; 0: never */
	expires: number;
	done: Done | undefined;
	/** Packet Identifier; 0: it has none yet */
	id: number;
	/** was sent once: DUP at the next time */
	dup: boolean;
	/** PUBREC came: PUBREL is what is resent */
	released: boolean;
}

/** The client that is made of this. */
type Self = Outgoing &
	Omit<Client, keyof Fixed | "link"> & { readonly link: Omit<Link, "output"> & { output: Output } };

export class Outgoing {
	readonly layout: Pick<ClientLayout, "scratch" | "topic">;
	readonly memory: Uint8Array;
	readonly outputs: Outputs = new Outputs();
	readonly received: ReceivedIds;
	/** the Topic Name that was published to last; its text lies at memory[layout.topic] */
	topic = "";
	topicBytes = 0;
	/** all messages that are not acknowledged, in the order of sending: first those that were sent on this connection,
	 *  then those that were sent on an earlier one, then those that wait */
	private readonly held: Entry[] = [];
	/** how many were sent on this connection */
	inFlight = 0;
	/** the PUBLISH that is being sent: its bytes before the payload, and how many of all are on their way */
	private current: Entry | undefined = undefined;
	private head: Uint8Array = NOTHING;
	private offset = 0;
	/** bytes in the queue */
	private queued = 0;
	private lastNumber = 0;
	private lastId = 0;

	constructor(readonly limits: ClientLimits) {
		const topic = limits.controlBytes;
		this.layout = { scratch: 0, topic };
		this.memory = new Uint8Array(topic + 0xffff);
		this.received = new ReceivedIds(limits.received);
	}

	get unacknowledged(): number {
		return this.held.length;
	}

	get hasWaiting(): boolean {
		return this.current !== undefined || this.held.length > this.inFlight;
	}

	mayWait(): boolean {
		return true;
	}

	sendNow(
		this: Self,
		payload: Uint8Array | string,
		options: ClientPublishOptions | undefined,
		total: number,
		payloadBytes: number,
	): boolean {
		const output = this.link.output;
		if (this.hasWaiting || !output.free || output.room < total) return false;
		this.send(this.entry(payload, options, payloadBytes, undefined, undefined));
		return true;
	}

	private entry(
		this: Self,
		payload: Uint8Array | string,
		options: ClientPublishOptions | undefined,
		payloadBytes: number,
		source: PayloadSource | undefined,
		done: Done | undefined,
	): Entry {
		const isLong = payloadBytes >= SOURCE_BYTES;
		let bytes = payload as Uint8Array;
		if (typeof payload === "string") {
			bytes = new Uint8Array(payloadBytes);
			this.text.encode(payload, bytes, 0);
		} else if (!isLong) bytes = new Uint8Array(payload);
		const properties = options?.properties ?? NOTHING;
		const seconds = options?.expirySeconds;
		const size = this.topicBytes + properties.length + (isLong ? 0 : payloadBytes);
		this.queued += size;
		return {
			number: ++this.lastNumber,
			topic: this.topic,
			properties,
			payload: source ?? bytes,
			payloadBytes: source?.byteLength ?? payloadBytes,
			bytes: size,
			qos: options?.qos ?? 0,
			retain: !!options?.retain,
			expires: seconds === undefined ? 0 : this.now + seconds * 1000,
			done,
			id: 0,
			dup: false,
			released: false,
		};
	}

	queue(
		this: Self,
		payload: Uint8Array | string,
		options: ClientPublishOptions | undefined,
		payloadBytes: number,
		source: PayloadSource | undefined,
		done: Done | undefined,
	): number {
		const { queueBytes, queueMessages } = this.limits;
		const entry = this.entry(payload, options, payloadBytes, source, done);
		while (this.unacknowledged >= queueMessages || this.queued > queueBytes) {
			const oldest = this.held.find((one) => one.id === 0);
			if (this.options.whenQueueFull === "refuse" || oldest === undefined || entry.bytes > queueBytes) {
				this.letGo(entry);
				return -Cause.FullQueue;
			}
			this.giveUp(oldest, Cause.FullQueue);
		}
		this.held.push(entry);
		if (this.isConnected) this.pump();
		return entry.number;
	}

	cancel(number: number): boolean {
		const entry = this.held.find((one) => one.number === number);
		if (entry?.id === 0) {
			this.remove(entry);
			return true;
		}
		if (entry !== undefined) entry.done = undefined;
		return false;
	}

	private remove(entry: Entry): void {
		const at = this.held.indexOf(entry);
		if (at >= 0) this.held.splice(at, 1);
		if (at >= 0 && at < this.inFlight) this.inFlight--;
		this.letGo(entry);
	}

	/** The entry no longer needs its payload. */
	private letGo(entry: Entry): void {
		this.queued -= entry.bytes;
		entry.bytes = 0;
		entry.payload = NOTHING;
	}

	private settle(this: Self, entry: Entry, cause: Cause, reason: number): void {
		this.remove(entry);
		if (entry.done !== undefined) this.tell(entry.done, cause, reason);
	}

	private giveUp(this: Self, entry: Entry, cause: Cause): void {
		this.counters.drops++;
		if (entry.done === undefined) this.listener.dropped(cause, entry.topic);
		this.settle(entry, cause, 0);
	}

	takeId(this: Self): number {
		do this.lastId = (this.lastId % 65_535) + 1;
		while (this.sentAs(this.lastId) >= 0 || this.subscriptions.hasId(this.lastId));
		return this.lastId;
	}

	/** @returns index of the message that was sent with a Packet Identifier; -1: there is none */
	private sentAs(id: number): number {
		const at = this.held.findIndex((entry) => entry.id === id || entry.id === 0);
		return this.held[at]?.id === id ? at : -1;
	}

	pump(this: Self): void {
		const output = this.link.output;
		if (this.current !== undefined && !this.sendOn(this.current)) return;
		output.drainBacklog();
		this.subscriptions.send();
		for (let entry = this.nextEntry(); entry !== undefined; entry = this.nextEntry()) {
			if (!output.free || output.room < PART_ROOM) return;
			const cause = this.unsendable(entry);
			if (cause !== Cause.None) {
				this.giveUp(entry, cause);
				continue;
			}
			if (entry.qos === 0) this.held.splice(this.held.indexOf(entry), 1);
			else {
				if (entry.id === 0) entry.id = this.takeId();
				this.inFlight++;
			}
			if (entry.released) this.answer(PacketType.Pubrel, entry.id, 0);
			else if (!this.send(entry)) return;
		}
	}

	/** @returns the entry to send next; undefined: none, or the window is closed. QoS 0 passes a closed window */
	private nextEntry(this: Self): Entry | undefined {
		const next = this.held[this.inFlight];
		if (this.inFlight < this.window || next?.released) return next;
		return next?.id === 0 ? this.held.find((entry) => entry.qos === 0) : undefined;
	}

	private unsendable(this: Self, entry: Entry): Cause {
		const server = this.server;
		if (entry.released) return Cause.None;
		if (!entry.dup && entry.expires !== 0 && entry.expires <= this.now) return Cause.MessageExpired;
		if (entry.qos > server.qosMax) return Cause.QosNotSupported;
		if (entry.retain && !server.retain) return Cause.RetainNotSupported;
		const { topic, properties, expires, payloadBytes } = entry;
		const propertyBytes = this.version === Version.V5 ? properties.length + (expires === 0 ? 0 : 5) : 0;
		const remaining = remainingOfPublish(this.version, entry.qos, this.text.size(topic), propertyBytes, payloadBytes);
		return sizeOfPacket(remaining) > server.packetBytes ? Cause.PacketTooLarge : Cause.None;
	}

	/** Sends a PUBLISH. @returns false: not all of it is on its way */
	private send(this: Self, entry: Entry): boolean {
		const { topic, properties, qos, expires } = entry;
		const text = this.text;
		const v5 = this.version === Version.V5;
		const alias = v5 && !entry.dup ? this.aliases.find(topic) : 0;
		const name = alias === 0 || this.aliases.isNew ? topic : "";
		const propertyBytes = properties.length + (alias === 0 ? 0 : 3) + (expires === 0 ? 0 : 5);
		const head = new Uint8Array(HEAD_BYTES + text.size(name) + properties.length);
		head[0] =
			(PacketType.Publish << 4) |
			(qos << 1) |
			(entry.dup ? PublishFlag.Dup : 0) |
			(entry.retain ? PublishFlag.Retain : 0);
		const remaining = remainingOfPublish(this.version, qos, text.size(name), propertyBytes, entry.payloadBytes);
		let p = putString(head, putVariable(head, 1, remaining), name, text);
		if (qos > 0) p = putUint16(head, p, entry.id);
		if (v5) {
			p = putVariable(head, p, propertyBytes);
			if (alias !== 0) p = putNumber(head, p, PropertyId.TopicAlias, alias);
			const left = Math.max(0, Math.ceil((expires - this.now) / 1000));
			if (expires !== 0) p = putNumber(head, p, PropertyId.MessageExpiryInterval, left);
			head.set(properties, p);
			p += properties.length;
		}
		this.head = head.subarray(0, p);
		this.current = entry;
		this.link.output.inParts = true;
		this.offset = 0;
		return this.sendOn(entry);
	}

	/** Sends on where the PUBLISH stopped. @returns false: not all of it is on its way */
	private sendOn(this: Self, entry: Entry): boolean {
		const output = this.link.output;
		const { head } = this;
		const { payload } = entry;
		const total = head.length + entry.payloadBytes;
		this.touch();
		while (this.offset < total) {
			const count = Math.min(total - this.offset, this.limits.outputBytes, output.room);
			if (count <= 0) return false;
			const at = this.offset - head.length;
			let part: Uint8Array;
			if (at < 0) part = head.subarray(this.offset, this.offset + count);
			else if (payload instanceof Uint8Array) part = payload.subarray(at, at + count);
			else {
				part = new Uint8Array(count);
				const copied = payload.read(at, count, part, 0);
				if (copied < 0) this.lost(Cause.TransportClosed, 0, "the payload's source failed");
				if (copied <= 0) return false;
				part = part.subarray(0, copied);
			}
			output.add(part);
			this.offset += part.length;
		}
		output.inParts = false;
		this.current = undefined;
		this.counters.publishesSent++;
		entry.dup = true;
		if (entry.qos === 0) this.settle(entry, Cause.None, 0);
		return true;
	}

	answer(this: Self, type: PacketType, id: number, reason: number): void {
		const first = (type << 4) | (type === PacketType.Pubrel ? 2 : 0);
		const body = [id >> 8, id];
		if (reason !== 0 && this.version === Version.V5) body.push(reason);
		this.link.output.send(Uint8Array.from([first, body.length, ...body]));
		this.touch();
	}

	acknowledged(this: Self, type: PacketType.Puback | PacketType.Pubrec | PacketType.Pubcomp, packet: AckPacket): void {
		const id = packet.packetId;
		const isPubrec = type === PacketType.Pubrec;
		const at = this.sentAs(id);
		const entry = this.held[at];
		if (entry === undefined) {
			this.counters.unexpectedAcks++;
			if (isPubrec) this.answer(PacketType.Pubrel, id, ReasonCode.PacketIdentifierNotFound);
			return;
		}
		const isWrong =
			entry.qos !== (type === PacketType.Puback ? 1 : 2) ||
			(!isPubrec && entry.released !== (type === PacketType.Pubcomp));
		if (isWrong || entry === this.current || at >= this.inFlight) return this.fail(Cause.PacketNotAllowed);
		if (isPubrec && packet.reason < ReasonCode.UnspecifiedError) {
			entry.released = true;
			this.letGo(entry);
			return this.answer(PacketType.Pubrel, id, ReasonCode.Success);
		}
		this.settle(entry, Cause.None, type === PacketType.Pubcomp ? ReasonCode.Success : packet.reason);
		if (this.hasWaiting) this.pump();
	}

	sendAgain(this: Self, sessionPresent: boolean): void {
		if (!sessionPresent) {
			this.received.clear();
			for (const entry of [...this.held]) {
				entry.dup = false;
				if (entry.released) this.settle(entry, Cause.None, 0);
			}
		}
		this.inFlight = 0;
	}

	stopSending(this: Self, forGood: boolean): void {
		const { current } = this;
		this.current = undefined;
		if (current?.qos === 0) this.settle(current, Cause.TransportClosed, 0);
		for (const entry of [...this.held]) {
			const isLost = entry.id > 0 && (entry.payload as PayloadSource).restartable === false;
			if (forGood || isLost) this.settle(entry, Cause.TransportClosed, 0);
			else if (entry.qos === 0 && !this.options.queueQos0) this.giveUp(entry, Cause.TransportClosed);
		}
		if (forGood) this.received.clear();
	}
}
