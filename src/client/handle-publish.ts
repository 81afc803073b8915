/** PUBLISH from the server: handed to the handlers of its subscriptions, then acknowledged.
 *  Spec: section 3.3, 4.3 */
import { PacketType, PropertyId, ReasonCode, Version } from "../codec/packet-types.js";
import { decodePublish } from "../codec/publish.js";
import { checkTopicName } from "../codec/topic.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";

/** Who has stopped reading: bits. */
export const enum PausedBy {
	/** `Client.pause` */
	Application = 1,
	/** too many messages wait for their acknowledgement */
	Acks = 2,
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
export function begin(client: Client): boolean {
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
export function hand(client: Client): void {
	client.listener.publish(client.message);
	client.subscriptions.hand(client.message);
}

/** The last part was handed out. */
export function finish(client: Client): void {
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
	if (order.isEmpty) return client.answer(qos === 1 ? PacketType.Puback : PacketType.Pubrec, id, ReasonCode.Success);
	if (order.isFull) return client.fail(Cause.ReceiveMaximumExceeded);
	order.done(order.push(id, qos));
	if (order.isFull) client.link.pausedBy |= PausedBy.Acks;
}

/** Sends the acknowledgements that are next. */
export function sendAcks(client: Client): void {
	const order = client.ackOrder;
	for (let qos = order.readyQos; qos !== 0 && client.link.isOpen; qos = order.readyQos)
		client.answer(qos === 1 ? PacketType.Puback : PacketType.Pubrec, order.shift(), ReasonCode.Success);
	if (!order.isFull && (client.link.pausedBy & PausedBy.Acks) !== 0) {
		client.link.pausedBy &= ~PausedBy.Acks;
		client.touch();
	}
}
