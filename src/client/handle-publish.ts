/** PUBLISH from the server, whole or in parts: handed to the handlers of its subscriptions, then acknowledged.
 *  Spec: section 3.3, 4.3 */
import { getUint16, getVariable, putBytes, sizeOfVariable } from "../codec/data-types.js";
import { PacketType, PropertyId, PublishFlag, ReasonCode, Version } from "../codec/packet-types.js";
import { decodePublish } from "../codec/publish.js";
import { checkTopicName } from "../codec/topic.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import { answer } from "./handle-acks.js";
import { PausedBy } from "./link.js";

/** A PUBLISH that comes in parts. */
export class Parts {
	/** the fixed header's first byte; 0: none comes */
	first = 0;
	/** bytes of Topic Name, Packet Identifier and properties that lie in the head buffer; -1: they are complete */
	headBytes = 0;
	/** the message came before: its parts are passed over */
	skip = false;
}

/** A whole PUBLISH. Spec: [MQTT-3.3.4-1] */
export function handlePublish(client: Client, bytes: Uint8Array, start: number, end: number, flags: number): void {
	const message = client.message;
	const cause = decodePublish(message, bytes, start, end, flags, client.version);
	if (cause !== Cause.None) return client.fail(cause);
	if (!begin(client)) return;
	message.offset = 0;
	message.left = 0;
	hand(client);
	finish(client);
}

/** Looks the Topic Name up and judges the Packet Identifier. @returns whether the message is to be handed out */
function begin(client: Client): boolean {
	const message = client.message;
	const topic = client.text.decode(message.bytes, message.topicStart, message.topicEnd);
	let cause = topic === undefined ? Cause.StringIllFormed : checkOnce(client, topic);
	// this client's Topic Alias Maximum is 0. Spec: 5.0, 3.3.2.3.4
	if (client.version === Version.V5 && message.properties.has(PropertyId.TopicAlias)) cause = Cause.TopicAliasInvalid;
	if (cause !== Cause.None) {
		client.fail(cause);
		return false;
	}
	message.topic = topic!;
	message.deferred = false;
	const qos = message.qos;
	message.ticket = client.ackOrder.nextTicket;
	if (qos === 2) {
		if (client.received.has(0, message.packetId)) {
			acknowledge(client, message.packetId, 2);
			return false;
		}
		if (!client.received.add(0, message.packetId)) {
			client.fail(client.version === Version.V5 ? Cause.ReceiveMaximumExceeded : Cause.FullReceived);
			return false;
		}
	}
	client.counters.publishesReceived++;
	return true;
}

/** A name that has a route was good before. */
function checkOnce(client: Client, topic: string): Cause {
	return client.subscriptions.isKnown(topic) ? Cause.None : checkTopicName(topic);
}

/** Hands what is here of the message to the listener and to the handlers. */
function hand(client: Client): void {
	client.listener.publish(client.message);
	client.subscriptions.hand(client.message);
}

/** The last part was handed out. */
function finish(client: Client): void {
	const message = client.message;
	const qos = message.qos;
	if (qos === 0 || !client.link.isOpen) return;
	if (!message.deferred) acknowledge(client, message.packetId, qos);
	else {
		if (client.ackOrder.isFull) return client.fail(Cause.ReceiveMaximumExceeded);
		client.ackOrder.push(message.packetId, qos);
		if (client.ackOrder.isFull) client.link.pausedBy |= PausedBy.Acks;
	}
}

/** PUBACK or PUBREC, behind those of the messages that came before. */
function acknowledge(client: Client, id: number, qos: number): void {
	const order = client.ackOrder;
	if (order.isEmpty) return answer(client, qos === 1 ? PacketType.Puback : PacketType.Pubrec, id, ReasonCode.Success);
	if (order.isFull) return client.fail(Cause.ReceiveMaximumExceeded);
	order.done(order.push(id, qos));
	if (order.isFull) client.link.pausedBy |= PausedBy.Acks;
}

/** Sends the acknowledgements that are next. */
export function sendAcks(client: Client): void {
	const order = client.ackOrder;
	for (let qos = order.readyQos; qos !== 0 && client.link.isOpen; qos = order.readyQos)
		answer(client, qos === 1 ? PacketType.Puback : PacketType.Pubrec, order.shift(), ReasonCode.Success);
	if (!order.isFull && (client.link.pausedBy & PausedBy.Acks) !== 0) {
		client.link.pausedBy &= ~PausedBy.Acks;
		client.touch();
	}
}

/** A packet begins that the buffer cannot hold. */
export function beginParts(client: Client, first: number): void {
	const parts = client.parts;
	if (first >> 4 !== PacketType.Publish || !client.isConnected) return client.fail(Cause.PacketTooLarge);
	parts.first = first;
	parts.headBytes = 0;
	parts.skip = false;
}

/** The next bytes of its body. @param left how many come after them */
export function takePart(client: Client, bytes: Uint8Array, start: number, end: number, left: number): void {
	const parts = client.parts;
	if (parts.headBytes >= 0) {
		start = takeHead(client, bytes, start, end, left);
		if (parts.headBytes >= 0 || !client.link.isOpen) return;
	}
	const message = client.message;
	if (!parts.skip) {
		message.bytes = bytes;
		message.payloadStart = start;
		message.payloadEnd = end;
		message.left = left;
		if (end > start || left === 0) hand(client);
		message.offset += end - start;
	}
	if (left > 0 || !client.link.isOpen) return;
	parts.first = 0;
	if (!parts.skip) finish(client);
}

/** Gathers Topic Name, Packet Identifier and properties. @returns index of the payload's first byte, once they are
 *  complete */
function takeHead(client: Client, bytes: Uint8Array, start: number, end: number, left: number): number {
	const parts = client.parts;
	const memory = client.memory;
	const head = client.layout.head;
	let at = start;
	for (;;) {
		const needed = headNeeded(memory, head, parts.headBytes, parts.first, client.version);
		if (needed === parts.headBytes) break;
		if (needed > client.limits.headBytes) {
			client.fail(Cause.PacketTooLarge);
			return end;
		}
		const count = Math.min(needed - parts.headBytes, end - at);
		if (count === 0) {
			if (left === 0) client.fail(Cause.StringPastEnd);
			return end;
		}
		putBytes(memory, head + parts.headBytes, bytes, at, at + count);
		parts.headBytes += count;
		at += count;
	}
	const message = client.message;
	const cause = decodePublish(message, memory, head, head + parts.headBytes, parts.first & 15, client.version);
	parts.headBytes = -1;
	if (cause !== Cause.None) {
		client.fail(cause);
		return end;
	}
	message.offset = 0;
	parts.skip = !begin(client);
	return at;
}

/** @returns bytes of a PUBLISH's body before its payload, as far as the first `have` bytes tell */
function headNeeded(bytes: Uint8Array, at: number, have: number, first: number, version: number): number {
	if (have < 2) return 2;
	let needed = 2 + getUint16(bytes, at);
	if ((first & PublishFlag.Qos) !== 0) needed += 2;
	if (version !== Version.V5 || have < needed) return needed;
	const length = getVariable(bytes, at + needed, at + have);
	if (length >= 0) return needed + sizeOfVariable(length) + length;
	// the Property Length is cut off; one of five bytes is malformed, which the decoder says
	return have - needed >= 4 ? have : have + 1;
}
