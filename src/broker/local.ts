/** The program's own publishing and subscribing. Handlers are called at the end of the turn, one after the other,
 *  so they
 *  may publish, subscribe and close any client, and messages keep their order. */
import { checkTopicName } from "../codec/topic.js";
import { Cause, causeName, HearthError } from "../errors.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import { endSession } from "./close.js";
import { publish } from "./handle-publish.js";
import { subscribe } from "./handle-subscribe.js";
import {
	type MessageProperties,
	putMessageProperties,
	sizeOfMessageProperties,
	takeMessageProperties,
} from "./local-properties.js";
import type { LocalMessage, MessageHandler, Session } from "./session.js";

export interface PublishOptions extends MessageProperties {
	/** 0, 1 or 2; default 0 */
	qos?: number;
	retain?: boolean;
}

/** A subscription of the program. */
export class LocalSubscription {
	constructor(
		private readonly broker: Broker,
		private session: Session | undefined,
	) {}

	/** Ends the subscription; no call comes any more. */
	close(): void {
		const session = this.session;
		this.session = undefined;
		if (session === undefined) return;
		this.broker.beginTurn();
		this.broker.local.remove(session);
	}
}

export class Local {
	/** sessions with a handler */
	private readonly sessions: Session[];
	/** a message may wait for one of them */
	pending = false;

	constructor(private readonly broker: Broker) {
		this.sessions = [];
	}

	/** Publishes as a client would. @returns Cause.None, or the budget that is used up.
	 *  Throws HearthError for a topic that is not valid, or a message larger than the limits */
	publish(topic: string, payload: Uint8Array | string, options: PublishOptions | undefined): Cause {
		const broker = this.broker;
		const cause = checkTopicName(topic);
		if (cause !== Cause.None)
			throw new HearthError("HEARTH_ERR_TOPIC", `publish: topic "${topic}": ${causeName(cause)}`);
		const text = broker.text;
		const topicBytes = text.size(topic);
		const payloadBytes = typeof payload === "string" ? text.size(payload) : payload.length;
		const bytes = topicBytes + payloadBytes + sizeOfMessageProperties(text, options);
		const limits = broker.limits;
		if (topicBytes > limits.topicBytes || bytes + 16 > limits.packetBytes)
			throw new HearthError("HEARTH_ERR_PACKET_TOO_LARGE", `publish: ${topic}: more than ${limits.packetBytes} bytes`);
		this.compose(topic, payload, options?.qos ?? 0, options?.retain ?? false, broker.layout.assembly, options);
		const p = broker.publication;
		broker.beginTurn();
		p.route = broker.routes.find(topic, topicBytes);
		const route = p.route || broker.routes.build(topic, topicBytes);
		if (p.route === 0) p.route = -route;
		const refused = publish(broker, p, topic, route);
		if (p.message !== 0) broker.store.release(p.message);
		p.message = 0;
		return refused;
	}

	/** Makes the broker's publication of a message of its own, with its texts at memory[at..]. */
	compose(
		topic: string,
		payload: Uint8Array | string,
		qos: number,
		retain: boolean,
		at: number,
		more?: MessageProperties,
	): void {
		const broker = this.broker;
		const text = broker.text;
		const memory = broker.memory;
		const p = broker.publication;
		p.qos = qos;
		p.retain = retain;
		p.publisher = -1;
		p.refusable = true;
		p.message = p.rawEnd = p.route = 0;
		p.expires = 0;
		p.topic = p.properties = memory;
		p.topicStart = at;
		p.topicEnd = p.propertyStart = p.propertyEnd = text.encode(topic, memory, at);
		if (more !== undefined) p.propertyEnd = putMessageProperties(text, more, memory, p.topicEnd);
		if (typeof payload === "string") {
			p.payload = memory;
			p.payloadStart = p.propertyEnd;
			p.payloadEnd = text.encode(payload, memory, p.propertyEnd);
		} else {
			p.payload = payload;
			p.payloadStart = 0;
			p.payloadEnd = payload.length;
		}
	}

	/** Throws HearthError when the filter is not valid or a table is full. */
	subscribe(filter: string, handler: MessageHandler): LocalSubscription {
		const broker = this.broker;
		broker.beginTurn();
		const session =
			this.sessions.length < broker.limits.localSubscriptions ? broker.sessions.add(this.name()) : undefined;
		if (session === undefined)
			throw new HearthError("HEARTH_ERR_FULL", `subscribe: ${filter}: raise limits.localSubscriptions`);
		session.handler = handler;
		const options = 2;
		const granted = subscribe(broker, session, filter, broker.text.size(filter), options, 0, 0);
		if (granted < 0) {
			session.handler = undefined;
			broker.sessions.remove(session);
			if (granted === -Cause.FullSubscriptions)
				throw new HearthError("HEARTH_ERR_FULL", `subscribe: ${filter}: raise limits.subscriptions`);
			throw new HearthError("HEARTH_ERR_TOPIC", `subscribe: filter "${filter}" is not valid: ${causeName(-granted)}`);
		}
		this.sessions.push(session);
		this.pending = true;
		return new LocalSubscription(broker, session);
	}

	/** names given so far */
	private named = 0;

	/** subscriptions of the program */
	get count(): number {
		return this.sessions.length;
	}

	/** No client can have this identifier: U+0000 is never in one. */
	private name(): string {
		return `\0local ${++this.named}`;
	}

	remove(session: Session): void {
		const at = this.sessions.indexOf(session);
		if (at >= 0) this.sessions.splice(at, 1);
		session.handler = undefined;
		endSession(this.broker, session);
	}

	/** Hands out what waits now; what the handlers publish comes in the next turn. */
	run(): void {
		this.pending = false;
		const waiting = this.sessions.slice();
		for (let i = 0; i < waiting.length; i++) {
			const session = waiting[i]!;
			for (let left = session.outbox.count; left > 0 && session.handler !== undefined; left--) this.hand(session);
		}
	}

	private hand(session: Session): void {
		const broker = this.broker;
		const outbox = session.outbox;
		const entry = outbox.nextWaiting(1);
		if (entry === 0) return;
		const store = broker.store;
		const message = broker.deliveries.message[entry]!;
		const flags = store.flags(message);
		const topicBytes = store.topicBytes(message);
		const bytes = new Uint8Array(topicBytes);
		broker.pool.read(message, 0, topicBytes, bytes, 0);
		const properties = new Uint8Array(store.propertyBytes(message));
		broker.pool.read(message, topicBytes, properties.length, properties, 0);
		const payload = new Uint8Array(store.payloadBytes(message));
		broker.pool.read(message, topicBytes + properties.length, payload.length, payload, 0);
		const retain = (broker.deliveries.state[entry]! & 4) !== 0;
		outbox.drop(entry);
		const topic = broker.text.decode(bytes, 0, topicBytes)!;
		const handed: LocalMessage = { topic, payload, qos: flags & MessageFlag.Qos, retain };
		if (properties.length > 0) takeMessageProperties(broker.text, properties, handed);
		const handler = session.handler!;
		try {
			handler(handed);
		} catch (error) {
			broker.counters.handlerErrors++;
			broker.log(0, `handler of ${topic}: ${error}`);
		}
	}
}
