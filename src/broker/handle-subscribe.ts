/** SUBSCRIBE and UNSUBSCRIBE. After codec/subscribe, before topic-table.ts and retained.ts. Spec: sections 3.8 to
 *  3.11 */
import { PacketType, PropertyId, ReasonCode, SubscribeOption, Version } from "../codec/packet-types.js";
import { encodeSubackHead, type SubscribePacket } from "../codec/subscribe.js";
import { checkTopicFilter, hasWildcard, sharedFilterAt, tooDeep, topicMatches } from "../codec/topic.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { Cause, causeReason } from "../errors.js";
import type { Limits } from "../limits.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { queueStored } from "./deliver.js";
import { putReasonString } from "./reason-string.js";
import { pump } from "./send-publish.js";
import type { Session } from "./session.js";
import { isSysFilter } from "./sys-topics.js";

export function handleSubscribe(
	broker: Broker,
	connection: Connection,
	session: Session,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.subscribePacket;
	const version = connection.version;
	const cause = packet.decode(bytes, start, end, PacketType.Subscribe, version, broker.text);
	if (cause !== Cause.None) return connection.refuse(cause);
	const wrong = checkFilters(broker, packet, version);
	if (wrong !== Cause.None) return connection.refuse(wrong);
	packet.rewind();
	const identifier = packet.properties.number(PropertyId.SubscriptionIdentifier, 0);
	const codes = broker.layout.scratch;
	let refused = Cause.None;
	for (let i = 0; i < packet.filterCount; i++) {
		packet.next();
		const granted = subscribeOne(broker, session, packet, identifier);
		if (granted < 0) refused = -granted;
		// [MQTT-3.9.3-2]
		broker.memory[codes + i] = granted >= 0 ? granted : version === Version.V5 ? causeReason(-granted) : 0x80;
	}
	const left = sendSuback(broker, connection, PacketType.Suback, packet, codes, refused);
	if (left && connection.sending === 0) pump(broker, connection, session); // Retained Messages follow the SUBACK
}

/** The packet's current Topic Filter. @returns as `subscribe` */
function subscribeOne(broker: Broker, session: Session, packet: SubscribePacket, identifier: number): number {
	const filter = broker.text.decode(packet.bytes, packet.filterStart, packet.filterEnd)!;
	const cause = checkSupported(broker.limits, filter);
	if (cause !== Cause.None) return refuse(broker, cause);
	const bytes = packet.filterEnd - packet.filterStart;
	const options = packet.options & ~SubscribeOption.RetainHandling;
	const retainHandling = (packet.options & SubscribeOption.RetainHandling) >> 4;
	return subscribe(broker, session, filter, bytes, options, retainHandling, identifier);
}

/** What CONNACK said is not there. Spec: 5.0, 3.2.2.3.11 to 3.2.2.3.13; [MQTT-3.8.3-2] */
function checkSupported(limits: Limits, filter: string): Cause {
	if (!limits.sharedSubscriptions && sharedFilterAt(filter) > 0) return Cause.SharedNotSupported;
	return limits.wildcardSubscriptions || !hasWildcard(filter) ? Cause.None : Cause.WildcardsNotSupported;
}

/** A filter that is not well-formed ends the connection; one that this broker does not take is refused alone. 5.0
 *  clients were told what is not supported: for them it is a protocol error.
 *  Spec: [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.8.0-1]; 5.0 [MQTT-3.8.3-4] [MQTT-4.8.2-1] [MQTT-4.8.2-2] */
function checkFilters(broker: Broker, packet: SubscribePacket, version: Version): Cause {
	const limits = broker.limits;
	if (!limits.subscriptionIdentifiers && packet.properties.has(PropertyId.SubscriptionIdentifier))
		return Cause.IdentifiersNotSupported;
	packet.rewind();
	for (let i = 0; i < packet.filterCount; i++) {
		packet.next();
		const filter = broker.text.decode(packet.bytes, packet.filterStart, packet.filterEnd)!;
		if (isTooLong(broker, filter, packet.filterEnd - packet.filterStart)) continue;
		const shareAt = sharedFilterAt(filter);
		if (shareAt < 0 || checkTopicFilter(filter.slice(shareAt)) !== Cause.None) return Cause.FilterInvalid;
		if (version !== Version.V5) continue;
		if (shareAt > 0 && (packet.options & SubscribeOption.NoLocal) !== 0) return Cause.NoLocalShared;
		const unsupported = checkSupported(limits, filter);
		if (unsupported !== Cause.None) return unsupported;
	}
	return Cause.None;
}

/** Whether a filter is beyond the limits. It is asked before a filter is taken to levels, which takes memory for
 *  each. */
function isTooLong(broker: Broker, filter: string, bytes: number): boolean {
	const limits = broker.limits;
	return bytes > limits.topicBytes || tooDeep(filter, limits.topicLevels + 2); // "$share/name/" has two of its own
}

/** Adds or replaces one subscription and queues its Retained Messages.
 *  @param options QoS, No Local and Retain As Published @param retainHandling 0, 1 or 2
 *  @returns the granted QoS; or why it is refused, a Cause, negated. Spec: [MQTT-3.8.4-3]; 5.0 [MQTT-3.8.4-7] */
export function subscribe(
	broker: Broker,
	session: Session,
	filter: string,
	bytes: number,
	options: number,
	retainHandling: number,
	identifier: number,
): number {
	const limits = broker.limits;
	if (isTooLong(broker, filter, bytes)) return refuse(broker, Cause.FilterTooLong);
	const shareAt = sharedFilterAt(filter);
	const topicFilter = shareAt > 0 ? filter.slice(shareAt) : filter;
	if (shareAt < 0 || checkTopicFilter(topicFilter) !== Cause.None) return refuse(broker, Cause.FilterInvalid);
	if (tooDeep(topicFilter, limits.topicLevels)) return refuse(broker, Cause.FilterTooLong);
	if (!broker.rights.maySubscribe(session, topicFilter)) return refuse(broker, Cause.NotAuthorized);
	const persist = broker.persist;
	if (persist?.refuses && session.expirySeconds !== 0) return refuse(broker, Cause.FullStorage);
	const qosMax = (session.connection?.listener ?? broker).limits.qosMax;
	const qos = Math.min(options & SubscribeOption.Qos, qosMax); // [5:MQTT-3.2.2-10]
	options = (options & ~SubscribeOption.Qos) | qos;
	const table = broker.table;
	const existing = table.find(session.index, filter);
	let subscription = existing;
	if (existing !== 0) {
		table.options[existing] = options;
		table.identifier[existing] = identifier;
	} else {
		// the program's own subscriptions are kept free for it
		const full = session.handler === undefined && table.count - broker.local.count >= limits.subscriptions;
		subscription = full ? 0 : table.add(session.index, filter, shareAt, bytes, options, identifier);
		if (subscription === 0) return refuse(broker, Cause.FullSubscriptions);
	}
	persist?.subscribed(session, subscription);
	broker.routes.changed(topicFilter);
	if (shareAt === 0 && (retainHandling === 0 || (retainHandling === 1 && existing === 0)))
		queueRetained(broker, session, filter, options, identifier);
	if (shareAt === 0 && retainHandling !== 2 && isSysFilter(filter)) broker.sys?.welcome(session, filter, identifier);
	const told = broker.events.subscribed;
	if (told !== undefined && session.handler === undefined) broker.tell(told, session.clientId, filter);
	return qos;
}

function refuse(broker: Broker, cause: Cause): number {
	broker.counters.refusedSubscriptions++;
	return -cause;
}

/** Queues the Retained Messages that match a new subscription. Spec: [MQTT-3.3.1-6] [MQTT-3.3.1-8] */
function queueRetained(broker: Broker, session: Session, filter: string, options: number, identifier: number): void {
	const retained = broker.retained;
	if (retained.count === 0) return;
	if (!hasWildcard(filter)) {
		const message = retained.get(filter);
		if (message !== 0) queueOne(broker, session, filter, message, options, identifier);
		return;
	}
	for (let place = 1; place <= retained.placeCount; place++) {
		const topic = retained.topicAt(place);
		if (topic !== "" && topicMatches(filter, topic))
			queueOne(broker, session, topic, retained.messageAt(place), options, identifier);
	}
}

function queueOne(
	broker: Broker,
	session: Session,
	topic: string,
	message: number,
	options: number,
	identifier: number,
): void {
	const store = broker.store;
	if (store.isExpired(message, broker.now)) {
		broker.retained.delete(topic);
		return;
	}
	if (broker.rights.judgesReceive && !broker.rights.mayReceive(session.index, topic)) return;
	const limits = broker.limits;
	const fits = session.outbox.hasRoom(store.bytes(message), limits.queueBytes, limits.queueMessages);
	const qos = Math.min(options & SubscribeOption.Qos, store.flags(message) & MessageFlag.Qos);
	if (fits && queueStored(broker, session, message, qos | DeliveryState.Retain, identifier, 0)) return;
	session.drops++;
	if (fits) broker.counters.dropsStore++;
	else broker.counters.dropsQueue++;
}

export function handleUnsubscribe(
	broker: Broker,
	connection: Connection,
	session: Session,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.subscribePacket;
	const cause = packet.decode(bytes, start, end, PacketType.Unsubscribe, connection.version, broker.text);
	if (cause !== Cause.None) return connection.refuse(cause);
	const codes = broker.layout.scratch;
	packet.rewind();
	for (let i = 0; i < packet.filterCount; i++) {
		packet.next();
		const filter = broker.text.decode(packet.bytes, packet.filterStart, packet.filterEnd)!;
		broker.memory[codes + i] = unsubscribe(broker, session, filter);
	}
	sendSuback(broker, connection, PacketType.Unsuback, packet, codes, Cause.None);
}

/** Ends one subscription; what is in flight goes on. @returns the Reason Code of 5.0.
 *  Spec: [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-3] */
export function unsubscribe(broker: Broker, session: Session, filter: string): number {
	const subscription = broker.table.find(session.index, filter);
	if (subscription === 0)
		return isTooLong(broker, filter, broker.text.size(filter)) || checkTopicFilter(filter) !== Cause.None
			? ReasonCode.TopicFilterInvalid
			: ReasonCode.NoSubscriptionExisted;
	removeSubscription(broker, subscription);
	return ReasonCode.Success;
}

/** Ends the subscriptions that the session's client may not have any more. @returns how many */
export function loseSubscriptions(broker: Broker, session: Session): number {
	const table = broker.table;
	let lost = 0;
	for (let s = table.firstOfSession[session.index]!; s !== 0; ) {
		const next = table.nextOfSession[s]!;
		const filter = table.filterOf(s);
		if (!broker.rights.maySubscribe(session, filter.slice(sharedFilterAt(filter)))) {
			removeSubscription(broker, s);
			lost++;
		}
		s = next;
	}
	return lost;
}

/** Takes a subscription out of table and routes. */
export function removeSubscription(broker: Broker, subscription: number): void {
	const table = broker.table;
	const filter = table.filterOf(subscription);
	if (sharedFilterAt(filter) > 0)
		broker.sessions.at(table.session[subscription]!).outbox.keepOwn(table.node[subscription]!);
	broker.persist?.unsubscribes(subscription);
	broker.table.remove(subscription, broker.text.size(filter));
	broker.routes.changed(filter.slice(sharedFilterAt(filter)));
}

/** Sends SUBACK or UNSUBACK with the codes at memory[codes..]. @param refused tells why, where a filter was; None: none
 *  @returns whether it left
 *  Spec: [MQTT-3.8.4-1] [MQTT-3.10.4-4] [MQTT-3.10.4-5]; 5.0 [MQTT-3.9.2-1] */
function sendSuback(
	broker: Broker,
	connection: Connection,
	type: PacketType.Suback | PacketType.Unsuback,
	packet: SubscribePacket,
	codes: number,
	refused: Cause,
): boolean {
	const memory = broker.memory;
	const count = packet.filterCount;
	const version = connection.version;
	// the head goes before the codes, which stay where they are
	const at = broker.layout.head;
	const string = at + 16;
	let end = string;
	if (refused !== Cause.None) end = putReasonString(broker, connection, string, refused, 10 + count);
	const afterHead = encodeSubackHead(memory, at, type, version, packet.packetId, count, memory, string, end);
	const headBytes = afterHead - at;
	memory.copyWithin(codes - headBytes, at, afterHead);
	const withCodes = type === PacketType.Suback || version === Version.V5;
	return connection.sendAnswer(codes - headBytes, withCodes ? codes + count : codes);
}
