/** PUBLISH from a client: judged, stored where it must be, handed on, and only then acknowledged.
 *  After codec/publish, before access.ts and route-cache.ts. Spec: sections 3.3, 4.3; 5.0 3.3.4 */
import { putBytes } from "../codec/data-types.js";
import { PacketType, PropertyId, PublishFlag, ReasonCode, Version } from "../codec/packet-types.js";
import { endOfProperty } from "../codec/properties.js";
import { decodePublish, type PublishPacket } from "../codec/publish.js";
import { checkTopicName, tooDeep } from "../codec/topic.js";
import { Cause, causeName } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { deliver, type Publication, store } from "./deliver.js";
import { answerRefusal } from "./handle-acks.js";
import { ReceiverOption } from "./route-cache.js";
import type { Session } from "./session.js";
import { isSysFilter } from "./sys-topics.js";

export function handlePublish(
	broker: Broker,
	connection: Connection,
	session: Session,
	bytes: Uint8Array,
	start: number,
	end: number,
	flags: number,
): void {
	const packet = broker.publishPacket;
	let cause = decodePublish(packet, bytes, start, end, flags, connection.version);
	if (cause !== Cause.None) return connection.refuse(cause);
	const p = broker.publication;
	cause = takeParts(broker, connection, packet, p);
	if (cause !== Cause.None) return connection.refuse(cause);
	if (p.retain && broker.limits.retained === 0 && connection.version === Version.V5)
		return connection.refuse(Cause.RetainNotSupported); // as CONNACK said: Retain Available 0
	// as CONNACK said [5:MQTT-3.2.2-11]
	if (p.qos > broker.qosOfAll && p.qos > connection.listener.limits.qosMax)
		return connection.refuse(Cause.QosNotSupported);
	p.publisher = session.index;
	broker.counters.publishesReceived++;
	const topicBytes = p.topicEnd - p.topicStart;
	if (topicBytes > broker.limits.topicBytes) return connection.refuse(Cause.TopicTooLong);
	let topic = broker.text.key(p.topic, p.topicStart, p.topicEnd);
	let route = broker.routes.find(topic, topicBytes);
	p.route = route;
	if (route !== 0 && p.aliasPlace >= 0) broker.aliasesTaken.know(p.aliasPlace, route);
	if (route === 0) {
		const checked = broker.text.decode(p.topic, p.topicStart, p.topicEnd);
		if (checked === undefined) return connection.refuse(Cause.StringIllFormed);
		cause = checkTopicName(checked);
		if (cause === Cause.None && tooDeep(checked, broker.limits.topicLevels)) cause = Cause.TopicTooLong;
		if (cause !== Cause.None) return connection.refuse(cause);
		topic = checked;
	}
	if (packet.qos === 2 && broker.received.has(session.index, packet.packetId))
		// a duplicate [MQTT-4.3.3-2]
		return connection.answer(PacketType.Pubrec, packet.packetId, ReasonCode.Success);
	const own = route === 0 && broker.sys !== undefined && isSysFilter(topic); // never in the cache
	if (own || (broker.rights.judgesPublish && !broker.rights.mayPublish(session, route, topic)))
		return refusePublish(broker, connection, session, packet);
	if (packet.qos === 2) cause = placeFor(broker, connection, session);
	if (cause === Cause.ReceiveMaximumExceeded) return connection.refuse(cause);
	if (cause === Cause.None) {
		if (route === 0) {
			route = broker.routes.build(topic, topicBytes);
			p.route = -route;
			if (broker.rights.judgesPublish) broker.rights.keep(session, route);
		}
		cause = publish(broker, p, topic, route);
		if (p.message !== 0) broker.store.release(p.message);
		p.message = 0;
	}
	acknowledge(broker, connection, session, packet, cause, false);
	if (broker.events.published !== undefined && cause === Cause.None)
		broker.tell(broker.events.published, session.clientId, topic);
}

/** 5.0 hears 0x87; before, nothing can be refused: acknowledged and dropped, or closed [MQTT-3.3.5-2] */
function refusePublish(broker: Broker, connection: Connection, session: Session, packet: PublishPacket): void {
	broker.counters.refusedPublishes++;
	if (connection.version !== Version.V5 && connection.listener.access.rules.refusedPublish === "close")
		return connection.refuse(Cause.NotAuthorized);
	acknowledge(broker, connection, session, packet, Cause.NotAuthorized, true);
}

/** Whether there is a place for one more QoS 2 message of the client. Beyond Receive Maximum, which some clients don't
 *  know or count wrongly, it gets one as long as half of the places are free: docs/tolerance.md.
 *  Spec: [5:MQTT-3.3.4-7], 3.3.4 */
export function placeFor(broker: Broker, connection: Connection, session: Session): Cause {
	const received = broker.received;
	if (received.count >= received.max) return Cause.FullReceived;
	if (session.receivedCount < broker.limits.receiveMaximum) return Cause.None;
	if (broker.strict && connection.version === Version.V5) return Cause.ReceiveMaximumExceeded;
	return received.count * 2 >= received.max ? Cause.FullReceived : Cause.None;
}

/** Where the publication's parts lie; a Topic Alias is looked up or noted. */
export function takeParts(broker: Broker, connection: Connection, packet: PublishPacket, p: Publication): Cause {
	p.qos = packet.qos;
	p.retain = (packet.flags & PublishFlag.Retain) !== 0;
	p.message = 0;
	p.refusable = packet.qos > 0;
	p.expires = 0;
	p.aliasPlace = -1;
	p.topic = packet.bytes;
	p.topicStart = packet.topicStart;
	p.topicEnd = packet.topicEnd;
	p.payload = packet.bytes;
	p.payloadStart = packet.payloadStart;
	p.payloadEnd = packet.payloadEnd;
	p.propertyStart = p.propertyEnd = p.rawEnd = 0;
	const v5 = connection.version === Version.V5;
	const properties = packet.properties;
	if (v5 && properties.start < properties.end) {
		if (properties.identifierCount > 0) return Cause.SubscriptionIdentifierFromClient;
		if (properties.has(PropertyId.ResponseTopic)) {
			const topic = properties.string(PropertyId.ResponseTopic, broker.text);
			const cause = topic === undefined ? Cause.StringIllFormed : checkTopicName(topic);
			if (cause !== Cause.None) return cause === Cause.TopicEmpty ? Cause.TopicWildcard : cause;
		}
		if (properties.has(PropertyId.MessageExpiryInterval))
			p.expires = broker.expiryOf(properties.number(PropertyId.MessageExpiryInterval, 0));
		keepForwarded(packet, p);
		if (properties.has(PropertyId.TopicAlias))
			return broker.aliasesTaken.use(connection, properties.number(PropertyId.TopicAlias, 0), p);
	}
	if (p.topicStart === p.topicEnd) return Cause.TopicEmpty;
	// a body of less than 128 bytes has its whole fixed header in the two bytes before it
	const start = packet.topicStart - 4;
	const length = packet.payloadEnd - start - 2;
	if (
		packet.flags === 0 &&
		!(v5 && properties.end > 0) &&
		length < 128 &&
		start >= 0 &&
		packet.bytes[start + 1] === length
	) {
		if (packet.bytes[start] !== PacketType.Publish << 4) return Cause.None;
		p.rawStart = start;
		p.rawEnd = packet.payloadEnd;
		p.rawV5 = v5;
	}
	return Cause.None;
}

/** The properties that go on to receivers, in their order: all but Topic Alias and Message Expiry Interval.
 *  Spec: [5:MQTT-3.3.2-4] [5:MQTT-3.3.2-15] [5:MQTT-3.3.2-18] */
function keepForwarded(packet: PublishPacket, p: Publication): void {
	const properties = packet.properties;
	p.properties = packet.bytes;
	p.propertyStart = properties.start;
	p.propertyEnd = properties.end;
	if (!properties.has(PropertyId.TopicAlias) && !properties.has(PropertyId.MessageExpiryInterval)) return;
	// The rest is moved together where it lies: the packet's own bytes are the broker's until the packet is done.
	const bytes = packet.bytes;
	let to = properties.start;
	for (let at = properties.start; at < properties.end; ) {
		const next = endOfProperty(bytes, at, properties.end);
		const id = bytes[at];
		if (id !== PropertyId.TopicAlias && id !== PropertyId.MessageExpiryInterval)
			to = putBytes(bytes, to, bytes, at, next);
		at = next;
	}
	p.propertyEnd = to;
}

/** Publishes what `p` describes: retained, stored, handed on. Also for Will Messages and the application's own.
 *  @param route as `routes.build` gave it @returns Cause.None, or the budget that is used up */
export function publish(broker: Broker, p: Publication, topic: string, route: number): Cause {
	if (p.retain || p.qos > 0) {
		const refused = p.qos > 0 ? mustRefuse(broker, p, route) : Cause.None;
		if (refused !== Cause.None) return refused;
		const empty = p.payloadStart === p.payloadEnd;
		let keep = p.retain && !empty;
		if (keep && !broker.retained.hasRoom(topic, p.topicEnd - p.topicStart)) {
			broker.counters.dropsRetained++;
			if (p.refusable) return Cause.FullRetained;
			// who cannot be told has its message delivered, but not kept
			broker.log(0, `${topic}: not retained: ${causeName(Cause.FullRetained)}`);
			keep = false;
		}
		if ((keep || (p.qos > 0 && broker.routes.receivers(route) !== 0)) && store(broker, p) === 0) {
			broker.counters.dropsStore++;
			if (p.qos > 0) return Cause.FullStore;
			keep = false;
			broker.retained.delete(topic); // the one before is discarded all the same [MQTT-3.3.1-7]
		}
		if (keep) broker.retained.set(topic, p.message);
		else if (p.retain && empty) broker.retained.delete(topic); // and never stored [MQTT-3.3.1-10] [MQTT-3.3.1-11]
	}
	const receiver = broker.routes.receivers(route);
	p.matched = receiver !== 0;
	deliver(broker, p, receiver);
	return Cause.None;
}

/** Whether a QoS 1 or 2 message is refused at the publisher because a receiver cannot take it. */
function mustRefuse(broker: Broker, p: Publication, route: number): Cause {
	const limits = broker.limits;
	if (limits.whenQueueFull !== "refuse" && broker.deliveries.freeCount >= limits.sessions) return Cause.None;
	const routes = broker.routes;
	const bytes = p.topicEnd - p.topicStart + p.propertyEnd - p.propertyStart + p.payloadEnd - p.payloadStart;
	let needed = 0;
	for (let r = routes.receivers(route); r !== 0; r = routes.next[r]!) {
		const options = routes.options[r]!;
		if ((options & (ReceiverOption.More | ReceiverOption.Group)) !== 0 || (options & ReceiverOption.Qos) === 0)
			continue;
		needed++;
		const outbox = broker.sessions.at(routes.session[r]!).outbox;
		if (limits.whenQueueFull === "refuse" && !outbox.hasRoom(bytes, limits.queueBytes, limits.queueMessages)) {
			broker.counters.dropsQueue++;
			return Cause.FullQueue;
		}
	}
	if (needed <= broker.deliveries.freeCount) return Cause.None;
	broker.counters.dropsQueue++;
	return Cause.FullQueue;
}

/** PUBACK or PUBREC, after the store said yes. Spec: [MQTT-3.3.4-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2] */
function acknowledge(
	broker: Broker,
	connection: Connection,
	session: Session,
	packet: PublishPacket,
	cause: Cause,
	silently: boolean,
): void {
	if (packet.qos === 0) return;
	const v5 = connection.version === Version.V5;
	// before 5.0 a message that is not taken cannot be refused: not acknowledged, it comes again [MQTT-4.8.0-2]
	if (cause !== Cause.None && !v5 && !silently) return connection.refuse(cause);
	const id = packet.packetId;
	const type = packet.qos === 1 ? PacketType.Puback : PacketType.Pubrec;
	if (cause !== Cause.None && v5) return answerRefusal(broker, connection, type, id, cause);
	if (packet.qos === 2) {
		broker.received.add(session.index, id);
		session.receivedCount++;
	}
	const unmatched = v5 && !broker.publication.matched;
	connection.answer(type, id, unmatched ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success);
}
