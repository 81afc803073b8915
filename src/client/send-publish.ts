/** Sends what waits: SUBSCRIBEs, then PUBLISHes, resent ones first, whole or in parts. After outbox.ts, before the
 *  link's output. Spec: sections 3.3, 4.3, 4.4 */
import { putVariable } from "../codec/data-types.js";
import { PacketType, PropertyId, PublishFlag, Version } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { encodeAck, encodePublishHead, remainingOfPublish, sizeOfPacket } from "../codec/publish.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";

/** Parts of a PUBLISH that is sent in parts, in their order. */
const enum Part {
	/** fixed header and the Topic Name's length */
	Head,
	Topic,
	/** Packet Identifier, Property Length, the properties that the client makes */
	Middle,
	/** stored properties and payload */
	Stored,
	/** the payload of a PayloadSource */
	Source,
}

/** Bytes that make it worth beginning a PUBLISH in parts; the small parts are never larger. */
const PART_ROOM = 32;

/** Bytes of the property Topic Alias. */
const ALIAS_BYTES = 3;

/** The PUBLISH that is being sent in parts. */
export class Sending {
	/** its entry; 0: none is */
	entry = 0;
	stage = 0;
	offset = 0;
	remaining = 0;
}

/** Sends as much as the transport takes and the window allows. */
export function pump(client: Client): void {
	const outbox = client.outbox;
	const sending = client.partsOut;
	if (sending.entry !== 0) {
		if (!continueSending(client)) return;
		sent(client, sending.entry);
		sending.entry = 0;
		client.link.output.inParts = false;
	}
	client.link.output.drainBacklog();
	client.subscriptions.send();
	if (!resend(client)) return;
	const window = client.window;
	for (let entry = outbox.nextWaiting(window); entry !== 0; entry = outbox.nextWaiting(window)) {
		const cause = unsendable(client, entry);
		if (cause !== Cause.None) {
			const topic = client.topicOf(entry);
			outbox.drop(entry);
			client.giveUp(entry, cause, topic);
			continue;
		}
		if (!hasRoom(client, entry)) return;
		outbox.startSending(entry);
		keepApart(client, entry);
		if (!sendEntry(client, entry)) return;
		sent(client, entry);
	}
}

/** Sends again what was sent on an earlier connection. Spec: [MQTT-4.4.0-1] @returns whether all of it is on its way */
function resend(client: Client): boolean {
	const outbox = client.outbox;
	const entries = client.deliveries;
	while (outbox.resendNext !== 0) {
		const entry = outbox.resendNext;
		const state = entries.state[entry]!;
		if ((state & DeliveryState.Released) !== 0) {
			if (!sendPubrel(client, entries.packetId[entry]!)) return false;
			outbox.inFlight++;
			outbox.resendNext = entries.next[entry]!;
			continue;
		}
		if (outbox.inFlight >= client.window) return false;
		const cause = unsendable(client, entry);
		if (cause === Cause.None && !hasRoom(client, entry)) return false;
		outbox.inFlight++;
		if (cause !== Cause.None) {
			const topic = client.topicOf(entry);
			outbox.complete(entries.packetId[entry]!, state & DeliveryState.Qos, false);
			client.giveUp(entry, cause, topic);
			continue;
		}
		outbox.resendNext = entries.next[entry]!;
		if (!sendEntry(client, entry)) return false;
		sent(client, entry);
	}
	return true;
}

/** A SUBSCRIBE that waits for its acknowledgement may have the Packet Identifier. Spec: [MQTT-2.2.1-3] */
function keepApart(client: Client, entry: number): void {
	if (client.subscriptions.waiting === 0 || (client.deliveries.state[entry]! & DeliveryState.Qos) === 0) return;
	const ids = client.deliveries.packetId;
	while (client.subscriptions.hasId(ids[entry]!)) ids[entry] = client.outbox.takeId();
}

/** The last byte of the entry's packet is on its way: QoS 0 is done. */
function sent(client: Client, entry: number): void {
	const qos = client.deliveries.state[entry]! & DeliveryState.Qos;
	client.outbox.endSending(entry);
	client.counters.publishesSent++;
	if (qos === 0) client.settle(entry, Cause.None, 0);
}

/** @returns why the server would not take the message; None: it may be sent */
function unsendable(client: Client, entry: number): Cause {
	const state = client.deliveries.state[entry]!;
	const message = client.deliveries.message[entry]!;
	const server = client.server;
	if ((state & DeliveryState.Sent) === 0 && client.store.isExpired(message, client.now)) return Cause.MessageExpired;
	if ((state & DeliveryState.Qos) > server.qosMax) return Cause.QosNotSupported;
	if ((state & DeliveryState.Retain) !== 0 && !server.retain) return Cause.RetainNotSupported;
	return sizeOfPacket(remainingOf(client, entry, 0)) > server.packetBytes ? Cause.PacketTooLarge : Cause.None;
}

function sendPubrel(client: Client, id: number): boolean {
	const at = client.link.output.stage(4);
	if (at < 0) return false;
	const memory = client.memory;
	client.link.output.staged(encodeAck(memory, at, PacketType.Pubrel, id, client.version, 0, memory, 0, 0));
	client.touch();
	return true;
}

/** @returns bytes of the properties that go with a stored message */
function propertyBytes(client: Client, message: number): number {
	const expiry = client.store.expiresAt(message) === 0 ? 0 : 5;
	return expiry + client.store.propertyBytes(message);
}

/** @param alias the Topic Alias that goes along; 0: none */
function remainingOf(client: Client, entry: number, alias: number): number {
	const message = client.deliveries.message[entry]!;
	const store = client.store;
	let properties = client.version === Version.V5 ? propertyBytes(client, message) : 0;
	let topicBytes = store.topicBytes(message);
	if (alias !== 0) {
		properties += ALIAS_BYTES;
		if (!client.aliases.isNew) topicBytes = 0;
	}
	const qos = client.deliveries.state[entry]! & DeliveryState.Qos;
	return remainingOfPublish(client.version, qos, topicBytes, properties, client.payloadBytes(entry));
}

/** @returns whether the entry's PUBLISH can be sent whole now, or begun where it is sent in parts */
function hasRoom(client: Client, entry: number): boolean {
	const total = sizeOfPacket(remainingOf(client, entry, 0)) + ALIAS_BYTES + 2;
	const whole = total <= client.limits.outputBytes && !client.hasSource(entry);
	return client.link.output.stage(whole ? total : PART_ROOM) >= 0;
}

/** Sends the PUBLISH of an entry that has its Packet Identifier; there is room.
 *  @returns false: it is sent in parts, and not all of it is on its way */
function sendEntry(client: Client, entry: number): boolean {
	const output = client.link.output;
	client.touch();
	const plain = sizeOfPacket(remainingOf(client, entry, 0)) + ALIAS_BYTES + 2;
	if (plain > client.limits.outputBytes || client.hasSource(entry)) {
		const sending = client.partsOut;
		sending.entry = entry;
		sending.stage = Part.Head;
		sending.offset = 0;
		sending.remaining = remainingOf(client, entry, 0);
		output.inParts = true;
		if (!continueSending(client)) return false;
		sending.entry = 0;
		output.inParts = false;
		return true;
	}
	// a topic is known as text only while its message is being published
	const named = entry === client.publishing && plain <= client.server.packetBytes;
	const alias = named ? client.aliases.find(client.topic) : 0;
	const memory = client.memory;
	const store = client.store;
	const message = client.deliveries.message[entry]!;
	const at = output.stage(plain);
	let p = encodePublishHead(memory, at, publishFlags(client, entry), remainingOf(client, entry, alias), memory, 0, 0);
	const topicBytes = store.topicBytes(message);
	if (alias === 0 || client.aliases.isNew) {
		memory[p - 2] = topicBytes >> 8;
		memory[p - 1] = topicBytes;
		p = client.pool.read(message, 0, topicBytes, memory, p);
	}
	p = encodeMiddle(client, entry, alias, p);
	const offset = topicBytes + (client.version === Version.V5 ? 0 : store.propertyBytes(message));
	output.staged(client.pool.read(message, offset, store.bytes(message) - offset, memory, p));
	return true;
}

/** DUP only on what was sent before. Spec: [MQTT-3.3.1-1] [MQTT-3.3.1-3] */
function publishFlags(client: Client, entry: number): number {
	const state = client.deliveries.state[entry]!;
	const dup = (state & DeliveryState.Sent) !== 0 ? PublishFlag.Dup : 0;
	return ((state & DeliveryState.Qos) << 1) | dup | ((state & DeliveryState.Retain) !== 0 ? PublishFlag.Retain : 0);
}

/** Writes Packet Identifier, Property Length, Topic Alias and Message Expiry Interval, as far as they are there. */
function encodeMiddle(client: Client, entry: number, alias: number, at: number): number {
	const memory = client.memory;
	if ((client.deliveries.state[entry]! & DeliveryState.Qos) !== 0) {
		const id = client.deliveries.packetId[entry]!;
		memory[at] = id >> 8;
		memory[at + 1] = id;
		at += 2;
	}
	if (client.version !== Version.V5) return at;
	const message = client.deliveries.message[entry]!;
	at = putVariable(memory, at, propertyBytes(client, message) + (alias === 0 ? 0 : ALIAS_BYTES));
	if (alias !== 0) at = putNumber(memory, at, PropertyId.TopicAlias, alias);
	const expires = client.store.expiresAt(message);
	if (expires === 0) return at;
	const left = Math.max(0, Math.ceil((expires - client.now) / 1000));
	return putNumber(memory, at, PropertyId.MessageExpiryInterval, left);
}

/** Sends on where the PUBLISH stopped. @returns whether its last byte is staged */
function continueSending(client: Client): boolean {
	const sending = client.partsOut;
	const entry = sending.entry;
	const store = client.store;
	const output = client.link.output;
	const memory = client.memory;
	const message = client.deliveries.message[entry]!;
	client.touch();
	for (; sending.stage <= Part.Source; sending.stage++) {
		switch (sending.stage) {
			case Part.Head: {
				const at = output.stagePart(PART_ROOM);
				if (at < 0) return false;
				const topicBytes = store.topicBytes(message);
				const p = encodePublishHead(memory, at, publishFlags(client, entry), sending.remaining, memory, 0, 0);
				memory[p - 2] = topicBytes >> 8;
				memory[p - 1] = topicBytes;
				output.staged(p);
				break;
			}
			case Part.Topic:
				if (!sendStored(client, message, store.topicBytes(message))) return false;
				break;
			case Part.Middle: {
				const at = output.stagePart(PART_ROOM);
				if (at < 0) return false;
				output.staged(encodeMiddle(client, entry, 0, at));
				if (client.version !== Version.V5) sending.offset += store.propertyBytes(message);
				break;
			}
			case Part.Stored:
				if (!sendStored(client, message, store.bytes(message))) return false;
				sending.offset = 0;
				break;
			default:
				if (client.hasSource(entry) && !sendSource(client, entry)) return false;
		}
	}
	return true;
}

/** Stages stored bytes from `offset` on. @returns whether all up to `end` are staged */
function sendStored(client: Client, chain: number, end: number): boolean {
	const sending = client.partsOut;
	const output = client.link.output;
	while (sending.offset < end) {
		const count = Math.min(end - sending.offset, client.limits.outputBytes, output.room);
		const at = count > 0 ? output.stagePart(count) : -1;
		if (at < 0) return false;
		output.staged(client.pool.read(chain, sending.offset, count, client.memory, at));
		sending.offset += count;
	}
	return true;
}

/** Stages what the source has. @returns whether all of the payload is staged */
function sendSource(client: Client, entry: number): boolean {
	const sending = client.partsOut;
	const output = client.link.output;
	const source = client.sourceOf(entry)!;
	while (sending.offset < source.byteLength) {
		const count = Math.min(source.byteLength - sending.offset, client.limits.outputBytes, output.room);
		const at = count > 0 ? output.stagePart(count) : -1;
		if (at < 0) return false;
		const copied = source.read(sending.offset, count, client.memory, at);
		if (copied < 0) {
			client.lost(Cause.TransportClosed, 0, "the payload's source failed");
			return false;
		}
		output.staged(at + copied);
		if (copied === 0) return false;
		sending.offset += copied;
	}
	return true;
}
