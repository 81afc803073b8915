/** What the client sends, and keeps until it is acknowledged: queue, store and outputs, in fixed memory. The rest of
 *  the client knows messages by the number of their entry only. In a browser, where memory need not be fixed, another
 *  file stands for this one and for those that it leads to: browser/outgoing.ts. Spec: sections 3.3, 4.3, 4.4 */
import { putBytes, putVariable } from "../codec/data-types.js";
import { PacketType, PropertyId, PublishFlag, ReasonCode, Version } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { type AckPacket, encodeAck, encodePublishHead, remainingOfPublish } from "../codec/publish.js";
import { Deliveries, DeliveryState } from "../delivery/deliveries.js";
import { Outbox } from "../delivery/outbox.js";
import { Outputs, sendControl } from "../delivery/output.js";
import { ReceivedIds } from "../delivery/received-ids.js";
import { Cause } from "../errors.js";
import { BlockPool } from "../memory/block-pool.js";
import { ByteChains } from "../memory/byte-chains.js";
import { MessageStore } from "../memory/message-store.js";
import { BytesSource, SOURCE_BYTES } from "./bytes-source.js";
import type { Client } from "./client.js";
import { type ClientLayout, type ClientLimits, layOutClient } from "./client-limits.js";
import type { ClientPublishOptions, PayloadSource } from "./client-options.js";
import { pump, Sending } from "./send-publish.js";
import type { Done } from "./subscriptions.js";

/** Blocks that messages leave to control packets. */
const BLOCKS_KEPT = 2;

const NOTHING: Uint8Array = new Uint8Array(0); // tidy: never written

export class Outgoing {
	/** @internal */
	readonly layout: ClientLayout;
	/** all that is bytes @internal */
	readonly memory: Uint8Array;
	/** @internal */
	readonly pool: BlockPool;
	/** @internal */
	readonly store: MessageStore;
	/** @internal */
	readonly deliveries: Deliveries;
	/** @internal */
	readonly outbox: Outbox;
	/** @internal */
	readonly outputs: Outputs;
	/** @internal */
	readonly received: ReceivedIds;
	/** @internal */
	readonly partsOut: Sending = new Sending();
	/** by entry of `deliveries`: who waits for its end */
	private readonly waiters: (Done | undefined)[] = [];
	private readonly sources: Map<number, PayloadSource> = new Map();
	/** the entry of the message that is being published; 0: none is @internal */
	publishing = 0;
	/** the Topic Name that was published to last, and the bytes of its text at memory[layout.topic]: most programs
	 *  publish to few, and its text costs garbage @internal */
	topic = "";
	/** @internal */
	topicBytes = 0;

	constructor(readonly limits: ClientLimits) {
		const layout = layOutClient(limits);
		this.layout = layout;
		this.memory = new Uint8Array(layout.bytes);
		this.pool = new BlockPool(this.memory, layout.blocks, limits.blockBytes, limits.blocks);
		this.store = new MessageStore(this.pool, 2, limits.queueBytes);
		this.deliveries = new Deliveries(limits.queueMessages, this.store, 0, 0);
		for (let i = 0; i <= limits.queueMessages; i++) this.waiters.push(undefined);
		this.outbox = new Outbox(this.deliveries);
		const backlog = new ByteChains(this.pool, 1);
		const { outputBytes, outputBuffers } = limits;
		this.outputs = new Outputs(this.memory, layout.outputs, outputBytes, outputBuffers, backlog);
		this.received = new ReceivedIds(limits.received, 1);
	}

	/** messages that are not sent, or not acknowledged */
	get unacknowledged(): number {
		return this.outbox.count;
	}

	/** QoS 1 and 2 messages that were sent on this connection and are not acknowledged @internal */
	get inFlight(): number {
		return this.outbox.inFlight;
	}

	/** there is something that `pump` might send @internal */
	get hasWaiting(): boolean {
		return this.partsOut.entry !== 0 || this.outbox.waitingFirst !== 0 || this.outbox.resendNext !== 0;
	}

	/** @returns whether a control packet of so many bytes may be put behind all that waits @internal */
	mayWait(bytes: number): boolean {
		return this.pool.freeCount >= 2 + bytes / this.pool.blockBytes;
	}

	/** Sends as much as the transport takes and the window allows. @internal */
	pump(this: Client): void {
		pump(this);
	}

	/** Encodes a QoS 0 message to `topic` to where it leaves from, if it may pass what waits. @returns whether it did
	 *  @internal */
	sendNow(
		this: Client,
		payload: Uint8Array | string,
		options: ClientPublishOptions | undefined,
		total: number,
		payloadBytes: number,
	): boolean {
		if (!this.outbox.mayPass(this.window)) return false;
		const output = this.link.output;
		const at = output.stage(total);
		if (at < 0) return false;
		const memory = this.memory;
		const from = this.layout.topic;
		const v5 = this.version === Version.V5;
		const properties = options?.properties ?? NOTHING;
		const alias = v5 ? this.aliases.find(this.topic) : 0;
		const named = alias === 0 || this.aliases.isNew;
		const expiry = v5 ? options?.expirySeconds : undefined;
		const propertyBytes = properties.length + (alias === 0 ? 0 : 3) + (expiry === undefined ? 0 : 5);
		const topicBytes = named ? this.topicBytes : 0;
		const remaining = remainingOfPublish(this.version, 0, topicBytes, propertyBytes, payloadBytes);
		const flags = options?.retain ? PublishFlag.Retain : 0;
		let p = encodePublishHead(memory, at, flags, remaining, memory, from, from + topicBytes);
		if (v5) {
			p = putVariable(memory, p, propertyBytes);
			if (alias !== 0) {
				memory[p] = PropertyId.TopicAlias;
				memory[p + 1] = alias >> 8;
				memory[p + 2] = alias;
				p += 3;
			}
			if (expiry !== undefined) p = putNumber(memory, p, PropertyId.MessageExpiryInterval, expiry);
			if (properties.length > 0) p = putBytes(memory, p, properties, 0, properties.length);
		}
		if (typeof payload === "string") p = payloadBytes === 0 ? p : this.text.encode(payload, memory, p);
		else if (payloadBytes > 0) p = putBytes(memory, p, payload, 0, payloadBytes);
		output.staged(p);
		this.touch();
		this.counters.publishesSent++;
		return true;
	}

	/** Puts a message to `topic` into the store and the queue, and sends what can be sent. A long payload stays where it
	 *  is: the program must not change it before the message is acknowledged.
	 *  @returns its entry, or a negated Cause @internal */
	queue(
		this: Client,
		payload: Uint8Array | string,
		options: ClientPublishOptions | undefined,
		payloadBytes: number,
		source: PayloadSource | undefined,
		done: Done | undefined,
	): number {
		const properties = options?.properties ?? NOTHING;
		const topicBytes = this.topicBytes;
		if (source === undefined && payloadBytes >= SOURCE_BYTES) {
			let bytes = payload as Uint8Array;
			if (typeof payload === "string") {
				bytes = new Uint8Array(payloadBytes);
				this.text.encode(payload, bytes, 0);
			}
			source = new BytesSource(bytes);
		}
		const stored = source === undefined ? payloadBytes : 0;
		const refused = this.makeRoom(topicBytes + properties.length + stored);
		if (refused !== Cause.None) return -refused;
		const memory = this.memory;
		const topicAt = this.layout.topic;
		let from: Uint8Array = NOTHING;
		let start = 0;
		if (source !== undefined) {
			// only the topic and the properties are kept
		} else if (typeof payload !== "string") from = payload;
		else if (payloadBytes <= this.limits.controlBytes) {
			from = memory;
			start = this.layout.scratch;
			if (payloadBytes > 0) this.text.encode(payload, memory, start);
		} else {
			from = new Uint8Array(payloadBytes);
			this.text.encode(payload, from, 0);
		}
		const seconds = options?.expirySeconds;
		const message = this.store.add(
			0,
			seconds === undefined ? 0 : this.now + seconds * 1000,
			memory,
			topicAt,
			topicAt + topicBytes,
			properties,
			0,
			properties.length,
			from,
			start,
			start + stored,
		);
		if (message === 0) return -Cause.FullStore;
		const entry = this.outbox.push(message, (options?.qos ?? 0) | (options?.retain ? DeliveryState.Retain : 0));
		this.store.release(message);
		if (source !== undefined) this.sources.set(entry, source);
		this.waiters[entry] = done;
		this.publishing = entry;
		if (this.isConnected) pump(this);
		this.publishing = 0;
		return entry;
	}

	/** @returns Cause.None when there is room for a message of so many bytes in queue and store, where the oldest
	 *  messages may have been given up for it */
	private makeRoom(this: Client, bytes: number): Cause {
		const limits = this.limits;
		const outbox = this.outbox;
		const blocks = Math.max(1, Math.ceil(bytes / limits.blockBytes)) + BLOCKS_KEPT;
		for (;;) {
			const queued = outbox.hasRoom(bytes, limits.queueBytes, limits.queueMessages);
			if (queued && blocks <= this.pool.freeCount) return Cause.None;
			if (this.options.whenQueueFull !== "drop-oldest" || outbox.waitingFirst === 0 || bytes > limits.queueBytes)
				return queued ? Cause.FullStore : Cause.FullQueue;
			const oldest = outbox.nextWaiting(0xffff);
			const topic = this.topicOf(oldest);
			outbox.drop(oldest);
			this.giveUp(oldest, Cause.FullQueue, topic);
		}
	}

	/** Gives up a message that was not sent yet.
	 *  @returns false: it is on its way, and its end is not heard of any more */
	cancel(entry: number): boolean {
		this.waiters[entry] = undefined;
		const deliveries = this.deliveries;
		let before = 0;
		for (let at = this.outbox.waitingFirst; at !== 0; at = deliveries.next[at]!) {
			if (at === entry) {
				deliveries.before = before;
				this.outbox.drop(entry);
				this.forgetSource(entry);
				return true;
			}
			before = at;
		}
		return false;
	}

	/** Sends an acknowledgement. Spec: [MQTT-2.3.1-6] @internal */
	answer(this: Client, type: PacketType, id: number, reason: number): void {
		const memory = this.memory;
		const output = this.link.output;
		const at = output.stage(5);
		if (at >= 0) {
			output.staged(encodeAck(memory, at, type, id, this.version, reason, memory, 0, 0));
			this.touch();
			return;
		}
		const scratch = this.layout.scratch;
		const end = encodeAck(memory, scratch, type, id, this.version, reason, memory, 0, 0);
		if (sendControl(output, memory, scratch, end)) this.touch();
		else this.fail(Cause.FullStore);
	}

	/** PUBACK, PUBREC or PUBCOMP has come. One that nobody waits for is counted and changes nothing; one that contradicts
	 *  what is in flight ends the connection. @internal */
	acknowledged(
		this: Client,
		type: PacketType.Puback | PacketType.Pubrec | PacketType.Pubcomp,
		packet: AckPacket,
	): void {
		const id = packet.packetId;
		const outbox = this.outbox;
		const entry = outbox.findSent(id);
		if (entry === 0) {
			this.counters.unexpectedAcks++;
			if (type === PacketType.Pubrec) this.answer(PacketType.Pubrel, id, ReasonCode.PacketIdentifierNotFound);
			return;
		}
		// acknowledged before it was sent whole, on this connection
		if (entry === this.partsOut.entry || this.isToBeResent(entry)) return this.fail(Cause.PacketNotAllowed);
		const state = this.deliveries.state[entry]!;
		const qos = state & DeliveryState.Qos;
		const released = (state & DeliveryState.Released) !== 0;
		if (qos !== (type === PacketType.Puback ? 1 : 2) || (type === PacketType.Pubcomp) !== released) {
			if (type !== PacketType.Pubrec || !released) return this.fail(Cause.PacketNotAllowed);
		}
		if (type === PacketType.Pubrec && packet.reason < ReasonCode.UnspecifiedError) {
			outbox.receive(id);
			this.forgetSource(entry);
			return this.answer(PacketType.Pubrel, id, ReasonCode.Success);
		}
		outbox.complete(id, qos, released);
		// a PUBCOMP that does not know the identifier ends the exchange as well: the message was received
		this.settle(entry, Cause.None, type === PacketType.Pubcomp ? ReasonCode.Success : packet.reason);
		if (outbox.waitingFirst !== 0 || outbox.resendNext !== 0) pump(this);
	}

	/** @returns whether the entry was sent on an earlier connection only */
	private isToBeResent(entry: number): boolean {
		const next = this.deliveries.next;
		for (let at = this.outbox.resendNext; at !== 0; at = next[at]!) if (at === entry) return true;
		return false;
	}

	/** A new connection: what was sent is sent again, in its order. Without its session the server has forgotten what it
	 *  had received, and takes the rest as if for the first time. Spec: [MQTT-4.4.0-1] @internal */
	sendAgain(this: Client, sessionPresent: boolean): void {
		if (!sessionPresent) this.received.clear(0);
		this.outbox.reconnect();
		for (let entry = this.outbox.sentFirst; entry !== 0 && !sessionPresent; ) {
			const next = this.deliveries.next[entry]!;
			const released = (this.deliveries.state[entry]! & DeliveryState.Released) !== 0;
			this.deliveries.state[entry]! &= ~DeliveryState.Sent;
			if (released && this.outbox.complete(this.deliveries.packetId[entry]!, 2, true))
				this.settle(entry, Cause.None, 0);
			entry = next;
		}
	}

	/** The connection is over: what was being sent, or cannot be sent again, fails. @param forGood nothing is sent any
	 *  more, and all that waits fails @internal */
	stopSending(this: Client, forGood: boolean): void {
		const outbox = this.outbox;
		const deliveries = this.deliveries;
		const entry = this.partsOut.entry;
		this.partsOut.entry = 0;
		if (entry !== 0 && (deliveries.state[entry]! & DeliveryState.Qos) === 0) {
			outbox.endSending(entry);
			this.settle(entry, Cause.TransportClosed, 0);
		}
		for (let at = outbox.sentFirst; at !== 0; ) {
			const next = deliveries.next[at]!;
			const source = this.sourceOf(at);
			if (source !== undefined && !source.restartable) {
				outbox.complete(deliveries.packetId[at]!, deliveries.state[at]! & DeliveryState.Qos, false);
				this.settle(at, Cause.TransportClosed, 0);
			}
			at = next;
		}
		if (forGood) {
			for (let at = outbox.sentFirst; at !== 0; at = deliveries.next[at]!) this.settle(at, Cause.TransportClosed, 0);
			for (let at = outbox.waitingFirst; at !== 0; at = deliveries.next[at]!) this.settle(at, Cause.TransportClosed, 0);
			outbox.clear();
			this.received.clear(0);
		} else if (!this.options.queueQos0) {
			for (let at = outbox.waitingFirst; at !== 0; at = deliveries.next[at]!)
				if ((deliveries.state[at]! & DeliveryState.Qos) === 0) this.giveUp(at, Cause.TransportClosed, this.topicOf(at));
			outbox.disconnect();
		}
	}

	/** @returns a Packet Identifier that nothing has, as for a SUBSCRIBE. Spec: [MQTT-2.2.1-3] @internal */
	takeId(this: Client): number {
		let id = this.outbox.takeId();
		while (this.subscriptions.hasId(id)) id = this.outbox.takeId();
		return id;
	}

	/** The entry is done, its place is free already: who waits for it is told. @internal */
	settle(this: Client, entry: number, cause: Cause, reason: number): void {
		const done = this.waiters[entry];
		this.waiters[entry] = undefined;
		this.forgetSource(entry);
		if (done !== undefined) this.tell(done, cause, reason);
	}

	/** The message was given up before it was sent. @internal */
	giveUp(this: Client, entry: number, cause: Cause, topic: string): void {
		this.counters.drops++;
		if (this.waiters[entry] === undefined) this.listener.dropped(cause, topic);
		this.settle(entry, cause, 0);
	}

	/** @returns the Topic Name of an entry, for what is told of one that is given up. Allocates it. @internal */
	topicOf(this: Client, entry: number): string {
		const message = this.deliveries.message[entry]!;
		const bytes = new Uint8Array(this.store.topicBytes(message));
		this.pool.read(message, 0, bytes.length, bytes, 0);
		return this.text.decode(bytes, 0, bytes.length) ?? "";
	}

	/** @returns payload bytes of an entry's message @internal */
	payloadBytes(entry: number): number {
		return this.sourceOf(entry)?.byteLength ?? this.store.payloadBytes(this.deliveries.message[entry]!);
	}

	/** @internal */
	hasSource(entry: number): boolean {
		return this.sources.size > 0 && this.sources.has(entry);
	}

	/** @internal */
	sourceOf(entry: number): PayloadSource | undefined {
		return this.sources.size === 0 ? undefined : this.sources.get(entry);
	}

	/** @internal */
	forgetSource(entry: number): void {
		if (this.sources.size > 0) this.sources.delete(entry);
	}
}
