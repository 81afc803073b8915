/** Will Messages: kept with the session, published when its connection ends abnormally, after the Will Delay Interval.
 *  Spec: 3.1.1 3.1.2.5; 5.0 3.1.2.5, 3.1.3.2 */
import { putBytes } from "../codec/data-types.js";
import { PropertyId } from "../codec/packet-types.js";
import { endOfProperty, type Properties } from "../codec/properties.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import { publish } from "./handle-publish.js";
import { EXPIRY_NEVER, type Session } from "./session.js";

/** Discards the session's Will Message. Spec: [MQTT-3.14.4-3] [MQTT-3.1.2-10] */
export function dropWill(broker: Broker, session: Session): void {
	if (session.will === 0) return;
	broker.store.release(session.will);
	session.will = 0;
	broker.sessions.wills.clear(session.index);
}

/** The connection ended without DISCONNECT: the Will Message is published now, or when its delay or the session is
 *  over.
 *  Spec: [MQTT-3.1.2-8]; 5.0 3.1.3.2.2 */
export function releaseWill(broker: Broker, session: Session): void {
	if (session.will === 0) return;
	const delay = Math.min(session.willDelaySeconds, session.expirySeconds);
	if (delay === 0) publishWill(broker, session);
	else broker.sessions.wills.set(session.index, broker.now + delay * 1000);
}

/** Publishes the session's Will Message, if it still has one. Spec: [MQTT-3.1.2-16] [MQTT-3.1.2-17] */
export function publishWill(broker: Broker, session: Session): void {
	const will = session.will;
	if (will === 0) return;
	session.will = 0;
	broker.sessions.wills.clear(session.index);
	const store = broker.store;
	const memory = broker.memory;
	// put together in the assembly buffer, which no packet needs between two packets
	const at = broker.layout.assembly;
	const end = broker.pool.read(will, 0, store.bytes(will), memory, at);
	const p = broker.publication;
	p.qos = store.flags(will) & MessageFlag.Qos;
	p.retain = (store.flags(will) & MessageFlag.Retain) !== 0;
	p.message = p.rawEnd = 0;
	p.expires = session.willExpirySeconds === EXPIRY_NEVER ? 0 : broker.expiryOf(session.willExpirySeconds);
	p.topic = p.properties = p.payload = memory;
	p.topicStart = at;
	p.topicEnd = p.propertyStart = at + store.topicBytes(will);
	p.propertyEnd = p.payloadStart = p.propertyStart + store.propertyBytes(will);
	p.payloadEnd = end;
	p.publisher = session.index;
	p.refusable = false;
	store.release(will);
	const topic = broker.text.decode(memory, p.topicStart, p.topicEnd)!;
	if (!broker.access.mayPublish(session, topic)) return;
	publish(broker, p, topic, broker.routes.build(topic, p.topicEnd - p.topicStart));
	if (p.message !== 0) store.release(p.message);
	p.message = 0;
	broker.counters.willsPublished++;
}

/** Moves together, where they lie, the Will Properties that go on to receivers.
 *  @returns index after them; they begin at `will.start`. Spec: [5:MQTT-3.1.3-10] */
export function keepWillProperties(will: Properties): number {
	const bytes = will.bytes;
	let to = will.start;
	for (let at = will.start; at < will.end; ) {
		const next = endOfProperty(bytes, at, will.end);
		const id = bytes[at];
		if (id !== PropertyId.WillDelayInterval && id !== PropertyId.MessageExpiryInterval)
			to = putBytes(bytes, to, bytes, at, next);
		at = next;
	}
	return to;
}
