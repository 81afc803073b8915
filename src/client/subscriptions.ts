/** The client's subscriptions: asked for, granted, asked for again on a new session, and who gets which message.
 *  Spec: sections 3.8 to 3.11, 4.7 */
import { getVariable } from "../codec/data-types.js";
import { PacketType, PropertyId, Version } from "../codec/packet-types.js";
import { endOfProperty, putNumber } from "../codec/properties.js";
import { sizeOfPacket } from "../codec/publish.js";
import { type FilterEntry, type SubackPacket, sizeOfSubscribe } from "../codec/subscribe.js";
import { checkTopicFilter, sharedFilterAt, topicMatches } from "../codec/topic.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import type { ClientSubscribeOptions } from "./client-options.js";
import type { IncomingMessage } from "./incoming-message.js";

/** Takes a message, whole or the next part of one; it is valid until the handler returns. */
export type MessageHandler = (message: IncomingMessage) => void;

/** Hears how something ended. @param cause None: the server has acknowledged, with this Reason Code; ≥ 0x80 refuses */
export type Done = (cause: Cause, reason: number) => void;

export const enum SubscriptionState {
	/** SUBSCRIBE is to be sent */
	Wanted,
	/** SUBSCRIBE was sent on this connection */
	Asked,
	Granted,
	/** UNSUBSCRIBE is to be sent */
	Unwanted,
	/** UNSUBSCRIBE was sent on this connection */
	Leaving,
	/** not the client's any more */
	Over,
}

export class ClientSubscription {
	state: number = SubscriptionState.Wanted;
	/** of the SUBSCRIBE or UNSUBSCRIBE that waits for its acknowledgement; 0: none does @internal */
	packetId = 0;
	/** told once, by the next acknowledgement @internal */
	done: Done | undefined = undefined;
	/** the server has heard of it; and has granted it: a refusal is told to the listener then @internal */
	asked = false;
	granted = false;
	/** index of the Topic Filter in `filter`, behind `$share/name/` @internal */
	readonly filterAt: number;

	/** @internal */
	constructor(
		readonly filter: string,
		/** @internal */
		readonly handler: MessageHandler | undefined,
		/** SubscribeOption bits @internal */
		public options: number,
		/** the Subscription Identifier: one for each filter @internal */
		readonly identifier: number,
		/** encoded User Properties of SUBSCRIBE */
		readonly properties: Uint8Array | undefined,
	) {
		this.filterAt = Math.max(0, sharedFilterAt(filter));
	}

	/** @returns whether messages may come by it @internal */
	get isLive(): boolean {
		return this.state <= SubscriptionState.Granted;
	}
}

/** Bytes of the property Subscription Identifier. */
const IDENTIFIER_BYTES = 5;

/** All of a client's. @internal */
export class Subscriptions {
	private all: ClientSubscription[];
	/** by Topic Name: whose filters match */
	private readonly routes: Map<string, ClientSubscription[]>;
	/** some are Wanted or Unwanted */
	private pending = false;
	private lastIdentifier = 0;
	/** a SUBSCRIBE or UNSUBSCRIBE waits for its acknowledgement */
	waiting = 0;

	constructor(private readonly client: Client) {
		this.all = [];
		this.routes = new Map();
	}

	get count(): number {
		return this.all.length;
	}

	/** @returns whether the Topic Name has a route, and so is valid */
	isKnown(topic: string): boolean {
		return this.routes.has(topic);
	}

	/** @returns the subscription, or the cause */
	add(
		filter: string,
		handler: MessageHandler | undefined,
		options: ClientSubscribeOptions | undefined,
		done: Done | undefined,
	): ClientSubscription | Cause {
		const at = sharedFilterAt(filter);
		const bad = at < 0 ? Cause.FilterInvalid : checkTopicFilter(at > 0 ? filter.slice(at) : filter);
		if (bad !== Cause.None) return bad;
		const client = this.client;
		if (this.all.length >= client.limits.subscriptions) return Cause.FullSubscriptions;
		if (client.text.size(filter) + (options?.properties?.length ?? 0) + 32 > client.limits.controlBytes)
			return Cause.FilterTooLong;
		const qos = options?.qos ?? 0;
		const handling = options?.retainHandling ?? 0;
		if (qos >>> 0 !== qos || qos > 2 || handling >>> 0 > 2) return Cause.SubscribeOptions;
		let bits = qos | (options?.noLocal ? 4 : 0) | (options?.retainAsPublished ? 8 : 0);
		bits |= handling << 4;
		const same = this.byFilter(filter);
		if (same !== undefined && (same.options & 3) > qos) bits = (bits & ~3) | (same.options & 3);
		const identifier = same?.identifier ?? ++this.lastIdentifier;
		const subscription = new ClientSubscription(filter, handler, bits, identifier, options?.properties);
		subscription.done = done;
		this.all.push(subscription);
		this.routes.clear();
		this.pending = true;
		return subscription;
	}

	/** The handler gets nothing from now on; the server hears of it unless another handler has the same filter. */
	remove(subscription: ClientSubscription, done: Done | undefined): void {
		if (!subscription.isLive) return done?.(Cause.None, 0);
		this.routes.clear();
		if (subscription.packetId !== 0) {
			// its SUBACK is not waited for any more
			subscription.packetId = 0;
			this.waiting--;
		}
		const before = subscription.done;
		subscription.done = done;
		subscription.state = SubscriptionState.Unwanted;
		before?.(Cause.AdministrativeAction, 0);
		if (!subscription.asked || this.byFilter(subscription.filter) !== undefined) this.end(subscription, Cause.None, 0);
		else this.pending = true;
	}

	/** @returns the first live subscription with this filter */
	byFilter(filter: string): ClientSubscription | undefined {
		return this.all.find((one) => one.filter === filter && one.isLive);
	}

	/** A new session, or the old one: what the server doesn't know is asked for. */
	connected(sessionPresent: boolean): void {
		const again = !sessionPresent;
		for (let i = this.all.length - 1; i >= 0; i--) {
			const subscription = this.all[i]!;
			if (subscription.state === SubscriptionState.Granted && again) {
				if (this.client.options.resubscribe) subscription.state = SubscriptionState.Wanted;
				else this.end(subscription, Cause.None, 0);
			} else if (subscription.state === SubscriptionState.Unwanted && again) this.end(subscription, Cause.None, 0);
		}
		this.pending = true;
	}

	/** What was asked on this connection is to be asked again. */
	disconnected(): void {
		this.waiting = 0;
		for (let i = 0; i < this.all.length; i++) {
			const subscription = this.all[i]!;
			subscription.packetId = 0;
			if (subscription.state === SubscriptionState.Asked) subscription.state = SubscriptionState.Wanted;
			else if (subscription.state === SubscriptionState.Leaving) subscription.state = SubscriptionState.Unwanted;
		}
	}

	/** The client has ended: nobody is waited for. */
	clear(cause: Cause): void {
		const all = this.all;
		this.all = [];
		this.waiting = 0;
		this.routes.clear();
		for (let i = 0; i < all.length; i++) this.tell(all[i]!, cause, 0);
	}

	/** @returns whether a SUBSCRIBE or UNSUBSCRIBE has the Packet Identifier */
	hasId(id: number): boolean {
		return this.waiting > 0 && this.byId(id) !== undefined;
	}

	/** Sends what is to be asked, as far as there is room. */
	send(): void {
		if (!this.pending) return;
		// from the last one on: one that cannot be asked for is taken out
		for (let i = this.all.length - 1; i >= 0; i--) {
			const subscription = this.all[i]!;
			const state = subscription.state;
			if (state !== SubscriptionState.Wanted && state !== SubscriptionState.Unwanted) continue;
			if (!this.ask(subscription, state === SubscriptionState.Wanted)) return;
		}
		this.pending = false;
	}

	private ask(subscription: ClientSubscription, wanted: boolean): boolean {
		const client = this.client;
		const v5 = client.version === Version.V5;
		const type = wanted ? PacketType.Subscribe : PacketType.Unsubscribe;
		const options = v5 ? subscription.options : subscription.options & 3;
		const entries: FilterEntry[] = [{ filter: subscription.filter, options }];
		let properties: Uint8Array | undefined;
		if (v5 && wanted) {
			const more = subscription.properties;
			properties = new Uint8Array(IDENTIFIER_BYTES + (more?.length ?? 0));
			let p = 0;
			if (client.server.subscriptionIdentifiers)
				p = putNumber(properties, 0, PropertyId.SubscriptionIdentifier, subscription.identifier);
			if (more !== undefined) properties.set(more, p);
			properties = properties.subarray(0, p + (more?.length ?? 0));
		}
		const remaining = sizeOfSubscribe(type, client.version, entries, properties?.length ?? 0, client.text);
		if (!client.link.output.free && !client.mayWait(remaining)) return false;
		const most = Math.min(client.limits.controlBytes, client.server.packetBytes); // [5:MQTT-3.2.2-15]
		if (sizeOfPacket(remaining) > most) {
			this.end(subscription, Cause.PacketTooLarge, 0);
			return true;
		}
		const id = client.packets.ask(type, entries, properties);
		if (id === 0) return false;
		subscription.packetId = id;
		subscription.asked = true;
		subscription.state = wanted ? SubscriptionState.Asked : SubscriptionState.Leaving;
		this.waiting++;
		return true;
	}

	acknowledged(packet: SubackPacket, type: PacketType.Suback | PacketType.Unsuback): void {
		const client = this.client;
		const subscribed = type === PacketType.Suback;
		if (subscribed) client.listener.subscribeAck(packet);
		else client.listener.unsubscribeAck(packet);
		const subscription = this.byId(packet.packetId);
		if (subscription === undefined) {
			client.counters.unexpectedAcks++;
			return;
		}
		const count = packet.codesEnd - packet.codesStart;
		const wrong = (subscription.state === SubscriptionState.Asked) !== subscribed;
		if (wrong || (count !== 1 && (subscribed || count !== 0))) return client.fail(Cause.PacketNotAllowed);
		const reason = count === 0 ? 0 : packet.bytes[packet.codesStart]!;
		subscription.packetId = 0;
		this.waiting--;
		if (!subscribed) return this.end(subscription, Cause.None, reason);
		if (reason < 0x80) {
			subscription.state = SubscriptionState.Granted;
			subscription.granted = true;
			return this.tell(subscription, Cause.None, reason);
		}
		if (subscription.granted) client.listener.subscriptionLost(subscription.filter, reason);
		this.end(subscription, Cause.None, reason);
	}

	private byId(id: number): ClientSubscription | undefined {
		return this.all.find((one) => one.packetId === id);
	}

	private tell(subscription: ClientSubscription, cause: Cause, reason: number): void {
		const done = subscription.done;
		subscription.done = undefined;
		if (done !== undefined) this.client.tell(done, cause, reason);
	}

	private end(subscription: ClientSubscription, cause: Cause, reason: number): void {
		subscription.state = SubscriptionState.Over;
		const at = this.all.indexOf(subscription);
		if (at >= 0) this.all.splice(at, 1);
		this.routes.clear();
		this.tell(subscription, cause, reason);
	}

	/** Calls the handlers of the subscriptions that the message came by: those whose filters match, and if the server
	 *  says by which ones it came, only those of them. */
	hand(message: IncomingMessage): void {
		const route = this.routes.get(message.topic) ?? this.route(message.topic);
		const told = this.client.version === Version.V5 && message.properties.identifierCount > 0;
		for (let i = 0; i < route.length; i++) {
			const subscription = route[i]!;
			if (told && !hasIdentifier(message, subscription.identifier) && anyIdentifier(message, route)) continue;
			if (subscription.handler === undefined || !subscription.isLive) continue; // a handler before may have ended it
			try {
				subscription.handler(message);
			} catch (error) {
				this.client.handlerFailed(error);
			}
		}
	}

	private route(topic: string): ClientSubscription[] {
		if (this.routes.size >= this.client.limits.routes) this.routes.clear();
		const route: ClientSubscription[] = [];
		for (let i = 0; i < this.all.length; i++) {
			const subscription = this.all[i]!;
			const filter = subscription.filterAt > 0 ? subscription.filter.slice(subscription.filterAt) : subscription.filter;
			if (subscription.isLive && topicMatches(filter, topic)) route.push(subscription);
		}
		this.routes.set(topic, route);
		return route;
	}
}

/** @returns whether one of the message's Subscription Identifiers is a subscription's of the route: those of an earlier
 *  program, whose session went on, are nobody's */
function anyIdentifier(message: IncomingMessage, route: readonly ClientSubscription[]): boolean {
	for (let i = 0; i < route.length; i++) if (hasIdentifier(message, route[i]!.identifier)) return true;
	return false;
}

function hasIdentifier(message: IncomingMessage, identifier: number): boolean {
	const properties = message.properties;
	if (properties.identifierCount === 1) return properties.number(PropertyId.SubscriptionIdentifier, 0) === identifier;
	const bytes = properties.bytes;
	for (let at = properties.start; at < properties.end; at = endOfProperty(bytes, at, properties.end))
		if (bytes[at] === PropertyId.SubscriptionIdentifier && getVariable(bytes, at + 1, properties.end) === identifier)
			return true;
	return false;
}
