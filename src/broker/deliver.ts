/** Hands a message to its receivers: what can leave at once is staged straight from where it came in; what must be kept
 *  or cannot leave is stored once and goes into outboxes. After route-cache.ts, before send-publish.ts. Spec:
 *  3.3.4, 4.3 */
import { putBytes, putVariable } from "../codec/data-types.js";
import { PropertyId, PublishFlag, Version } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { encodePublishHead, remainingOfPublish, sizeOfPacket } from "../codec/publish.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { Cause } from "../errors.js";
import { ALIAS_BYTES, findAlias, putAlias } from "./aliases-given.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { ReceiverOption } from "./route-cache.js";
import { pump, sizeOfIdentifier } from "./send-publish.js";
import type { Session } from "./session.js";

/** A message on its way through the broker: where its parts lie, and whether it is stored. One object serves all. */
export class Publication {
	qos = 0;
	retain = false;
	/** the publisher learns that a message is not taken: at QoS 1 and 2 */
	refusable = false;
	/** index of the session that publishes it; -1: none */
	publisher = -1;
	/** ms on the platform's clock; 0: never */
	expires = 0;
	/** its number in the store; 0: not stored */
	message = 0;
	/** its topic's route; negative: it was built for this message; 0: the topic is not in the cache */
	route = 0;
	/** of QoS 1 and 2: somebody subscribed to it, whether it could be sent or not */
	matched = false;
	/** where its Topic Alias has its place (aliases-taken.ts); -1: it came without one */
	aliasPlace = -1;
	topic: Uint8Array;
	topicStart = 0;
	topicEnd = 0;
	/** encoded properties that go on to 5.0 receivers; empty: none */
	properties: Uint8Array;
	propertyStart = 0;
	propertyEnd = 0;
	payload: Uint8Array;
	payloadStart = 0;
	payloadEnd = 0;
	/** the whole packet as it came, in `payload`, where it may leave as it is: QoS 0, short, without RETAIN and
	 *  properties;
	 *  rawEnd 0: it may not. `rawV5`: it is one of 5.0 */
	rawStart = 0;
	rawEnd = 0;
	rawV5 = false;

	constructor(memory: Uint8Array) {
		this.topic = this.properties = this.payload = memory;
	}
}

/** Stores the publication where it is not stored yet. @returns its number; 0: full */
export function store(broker: Broker, p: Publication): number {
	if (p.message !== 0) return p.message;
	p.message = broker.store.add(
		p.qos | (p.retain ? 4 : 0),
		p.expires,
		p.topic,
		p.topicStart,
		p.topicEnd,
		p.properties,
		p.propertyStart,
		p.propertyEnd,
		p.payload,
		p.payloadStart,
		p.payloadEnd,
	);
	return p.message;
}

/** Hands the publication to a receiver of a route and to those behind it. A publication of QoS 1 or 2 is stored before.
 *  Nothing is freed or closed meanwhile: what must be closed is put off to the end of the turn.
 *  @param receiver 0: none */
export function deliver(broker: Broker, p: Publication, receiver: number): void {
	const routes = broker.routes;
	broker.copy.clear();
	for (let r = receiver; r !== 0; r = routes.next[r]!) {
		const options = routes.options[r]!;
		if ((options & ReceiverOption.More) !== 0) continue;
		if ((options & ReceiverOption.Group) !== 0) {
			broker.shared.deliver(broker, p, routes.session[r]!);
			continue;
		}
		const index = routes.session[r]!;
		let granted = options & ReceiverOption.Qos;
		if (index === p.publisher) {
			if ((options & ReceiverOption.NoLocal) !== 0) continue; // [5:MQTT-3.8.3-3]
			granted = (options >> 4) & 3;
		}
		const retain = p.retain && (options & ReceiverOption.RetainAsPublished) !== 0;
		deliverTo(broker, p, broker.sessions.at(index), granted, retain, routes.identifier[r] === 0 ? 0 : r, 0);
	}
	broker.copy.clear();
}

/** Hands the publication to one session.
 *  @param granted its subscription's QoS; the lower of the two counts [MQTT-3.8.4-6]
 *  @param receiver the receiver in the route whose Subscription Identifiers go along; 0: none
 *  @param group of the Shared Subscription; 0: it is none */
export function deliverTo(
	broker: Broker,
	p: Publication,
	session: Session,
	granted: number,
	retain: boolean,
	receiver: number,
	group: number,
): boolean {
	const connection = session.connection;
	const qos = p.qos < granted ? p.qos : granted;
	const outbox = session.outbox;
	if (qos === 0) {
		if (connection === undefined) {
			if (session.handler === undefined) return false; // QoS 0 is for those who are there
		} else if (connection.sending === 0 && outbox.mayPass(connection.receiveMaximum)) {
			const identifiers = receiver !== 0 && connection.version === Version.V5 ? receiver : 0;
			const done = sendAtOnce(broker, p, connection, retain, identifiers);
			if (done === undefined) session.drops++;
			if (done !== false) return done === true;
		}
	}
	const limits = broker.limits;
	const bytes = p.topicEnd - p.topicStart + p.propertyEnd - p.propertyStart + p.payloadEnd - p.payloadStart;
	const fits = outbox.hasRoom(bytes, limits.queueBytes, limits.queueMessages);
	const chain = receiver !== 0 && fits && store(broker, p) !== 0 ? keepIdentifiers(broker, receiver) : 0;
	if (!fits || chain < 0 || store(broker, p) === 0) {
		session.drops++;
		if (fits) broker.counters.dropsStore++;
		else broker.counters.dropsQueue++;
		if (qos > 0 && connection !== undefined) broker.closeLater(connection, Cause.SlowReceiver);
		return false;
	}
	const entry = outbox.push(
		p.message,
		qos | (retain ? DeliveryState.Retain : 0) | (group === 0 ? 0 : DeliveryState.Shared),
	);
	const entries = broker.deliveries;
	if (group !== 0) entries.group[entry] = group;
	if (chain > 0) {
		entries.identifiers[entry] = chain;
		entries.identifierBytes[entry] = identifierBytes(broker, receiver);
	}
	if (connection === undefined) broker.local.pending = broker.local.pending || session.handler !== undefined;
	else if (connection.sending === 0) pump(broker, connection, session);
	return true;
}

/** Stages a QoS 0 PUBLISH straight from where the message lies.
 *  @returns true: staged; false: no room now; undefined: too large for this receiver */
function sendAtOnce(
	broker: Broker,
	p: Publication,
	connection: Connection,
	retain: boolean,
	receiver: number,
): boolean | undefined {
	const version = connection.version;
	const v5 = version === Version.V5;
	const alias =
		v5 && (connection.options & ConnectionOption.TakesAliases) !== 0
			? findAlias(broker, connection, p.payloadEnd - p.payloadStart)
			: 0;
	if (p.rawEnd !== 0 && v5 === p.rawV5 && receiver === 0 && alias === 0) return forward(broker, p, connection);
	let made = v5 ? (p.expires === 0 ? 0 : 5) + (receiver === 0 ? 0 : identifierBytes(broker, receiver)) : 0;
	if (alias !== 0) made += ALIAS_BYTES;
	const propertyBytes = v5 ? made + p.propertyEnd - p.propertyStart : 0;
	const topicStart = alias !== 0 && !broker.aliasesGiven.isNew ? p.topicEnd : p.topicStart;
	const topicBytes = p.topicEnd - topicStart;
	const remaining = remainingOfPublish(version, 0, topicBytes, propertyBytes, p.payloadEnd - p.payloadStart);
	const total = sizeOfPacket(remaining);
	if (total > connection.packetBytesMax) {
		broker.counters.dropsTooLarge++;
		return undefined;
	}
	if (total > broker.limits.outputBytes) return false;
	const output = connection.output;
	const at = output.stage(total);
	if (at < 0) return false;
	const memory = broker.memory;
	const copy = broker.copy;
	const flags = retain ? PublishFlag.Retain : 0;
	const plain = receiver === 0 && alias === 0;
	if (plain && copy.fits(-1, version, flags)) copy.put(memory, at, 0);
	else {
		let q = encodePublishHead(memory, at, flags, remaining, p.topic, topicStart, p.topicEnd);
		if (v5) {
			q = putVariable(memory, q, propertyBytes);
			if (p.expires !== 0)
				q = putNumber(memory, q, PropertyId.MessageExpiryInterval, secondsLeft(p.expires, broker.now));
			if (alias !== 0) q = putAlias(broker, connection, alias, memory, q);
			if (receiver !== 0) q = putIdentifiers(broker, receiver, memory, q);
			if (p.propertyEnd > p.propertyStart) q = putBytes(memory, q, p.properties, p.propertyStart, p.propertyEnd);
		}
		putBytes(memory, q, p.payload, p.payloadStart, p.payloadEnd);
		if (plain) copy.set(-1, version, flags, at, at + total);
	}
	output.staged(at + total);
	broker.counters.publishesSent++;
	broker.touch(output);
	return true;
}

/** Stages the packet as it came. @returns as `sendAtOnce` */
function forward(broker: Broker, p: Publication, connection: Connection): boolean | undefined {
	const total = p.rawEnd - p.rawStart;
	if (total > connection.packetBytesMax) {
		broker.counters.dropsTooLarge++;
		return undefined;
	}
	const output = connection.output;
	const at = output.stage(total);
	if (at < 0) return false;
	const copy = broker.copy;
	if (copy.fits(-1, connection.version, 0)) copy.put(broker.memory, at, 0);
	else {
		putBytes(broker.memory, at, p.payload, p.rawStart, p.rawEnd);
		copy.set(-1, connection.version, 0, at, at + total);
	}
	output.staged(at + total);
	broker.counters.publishesSent++;
	broker.touch(output);
	return true;
}

function secondsLeft(expires: number, now: number): number {
	return Math.max(0, Math.ceil((expires - now) / 1000));
}

/** @returns bytes of the Subscription Identifier properties of a receiver. Spec: [5:MQTT-3.3.4-4] */
function identifierBytes(broker: Broker, receiver: number): number {
	const routes = broker.routes;
	let bytes = 0;
	do {
		bytes += sizeOfIdentifier(routes.identifier[receiver]!);
		receiver = routes.next[receiver]!;
	} while (receiver !== 0 && (routes.options[receiver]! & ReceiverOption.More) !== 0);
	return bytes;
}

function putIdentifiers(broker: Broker, receiver: number, target: Uint8Array, at: number): number {
	const routes = broker.routes;
	do {
		at = putNumber(target, at, PropertyId.SubscriptionIdentifier, routes.identifier[receiver]!);
		receiver = routes.next[receiver]!;
	} while (receiver !== 0 && (routes.options[receiver]! & ReceiverOption.More) !== 0);
	return at;
}

/** Keeps Subscription Identifiers for a message that is queued. @returns the chain's first block; -1: the store is
 *  full */
function keepIdentifiers(broker: Broker, receiver: number): number {
	const routes = broker.routes;
	const pool = broker.pool;
	const first = pool.take(1);
	if (first === 0) return -1;
	let last = first;
	let bytes = 0;
	const scratch = broker.layout.head; // not `scratch`: a SUBACK's codes may lie there
	do {
		const end = putNumber(broker.memory, scratch, PropertyId.SubscriptionIdentifier, routes.identifier[receiver]!);
		const used = bytes % pool.blockBytes;
		last = pool.append(last, used === 0 && bytes > 0 ? pool.blockBytes : used, broker.memory, scratch, end);
		if (last === 0) {
			pool.giveBack(first);
			return -1;
		}
		bytes += end - scratch;
		receiver = routes.next[receiver]!;
	} while (receiver !== 0 && (routes.options[receiver]! & ReceiverOption.More) !== 0);
	return first;
}

/** Queues a stored message apart from its publishing: a retained one, or one that another member did not get. The
 *  caller asked whether the outbox has room. @param identifier Subscription Identifier; 0: none
 *  @returns false: the store has no place for that */
export function queueStored(
	broker: Broker,
	session: Session,
	message: number,
	state: number,
	identifier: number,
	group: number,
): boolean {
	const chain = identifier === 0 ? 0 : keepIdentifiers(broker, broker.routes.single(identifier));
	if (chain < 0) return false;
	const entries = broker.deliveries;
	const entry = session.outbox.push(message, state);
	entries.group[entry] = group;
	if (chain === 0) return true;
	entries.identifiers[entry] = chain;
	entries.identifierBytes[entry] = sizeOfIdentifier(identifier);
	return true;
}
