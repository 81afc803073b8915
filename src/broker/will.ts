/** Will Messages: kept with the session, published when its connection ends abnormally, after the Will Delay Interval.
 *  Spec: 3.1.1 3.1.2.5; 5.0 3.1.2.5, 3.1.3.2 */
import { putBytes } from "../codec/data-types.js";
import { PropertyId } from "../codec/packet-types.js";
import { endOfProperty, type Properties } from "../codec/properties.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import { publish } from "./handle-publish.js";
import type { Session } from "./session.js";

/** Discards the session's Will Message. Spec: [MQTT-3.14.4-3] [MQTT-3.1.2-10] */
export function dropWill(broker: Broker, session: Session): void {
	if (session.will === 0) return;
	broker.persist?.dropsWill(session);
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
	if (delay === 0) broker.wills.add(session, session.index);
	else broker.sessions.wills.set(session.index, broker.now + delay * 1000);
}

/** Will Messages that are due. They are published between two packets and not within the call that ended a connection:
 *  so deep a call would not fit into a device's stack. */
export class Wills {
	/** message, publishing session or -1: one after the other */
	private readonly due: number[];
	/** some are due */
	any = false;

	constructor(private readonly broker: Broker) {
		this.due = [];
	}

	/** Takes the session's Will Message over, if it has one. @param publisher its index; -1: the session ends */
	add(session: Session, publisher: number): void {
		const will = session.will;
		if (will === 0) return;
		this.broker.persist?.dropsWill(session);
		session.will = 0;
		this.broker.sessions.wills.clear(session.index);
		this.any = true;
		this.due.push(will, publisher);
	}

	/** Publishes all that are due. Spec: [MQTT-3.1.2-16] [MQTT-3.1.2-17] */
	publish(): void {
		const due = this.due;
		for (let i = 0; i < due.length; i += 2) this.publishOne(due[i]!, due[i + 1]!);
		due.length = 0;
		this.any = false;
	}

	private publishOne(will: number, publisher: number): void {
		const broker = this.broker;
		const store = broker.store;
		const memory = broker.memory;
		// put together in the assembly buffer, which no packet needs between two packets
		const at = broker.layout.assembly;
		const end = broker.pool.read(will, 0, store.bytes(will), memory, at);
		const p = broker.publication;
		p.qos = store.flags(will) & MessageFlag.Qos;
		p.retain = (store.flags(will) & MessageFlag.Retain) !== 0;
		p.message = p.rawEnd = p.route = 0;
		const expiry = store.expiresAt(will); // see storeWill in handle-connect.ts
		p.expires = expiry === 0 ? 0 : broker.expiryOf(expiry - 1);
		p.topic = p.properties = p.payload = memory;
		p.topicStart = at;
		p.topicEnd = p.propertyStart = at + store.topicBytes(will);
		p.propertyEnd = p.payloadStart = p.propertyStart + store.propertyBytes(will);
		p.payloadEnd = end;
		p.publisher = publisher;
		p.refusable = false;
		store.release(will);
		const topic = broker.text.decode(memory, p.topicStart, p.topicEnd)!;
		publish(broker, p, topic, broker.routes.build(topic, p.topicEnd - p.topicStart));
		if (p.message !== 0) store.release(p.message);
		p.message = 0;
		broker.counters.willsPublished++;
	}
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
