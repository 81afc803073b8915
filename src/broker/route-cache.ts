/** Topic Names that were seen before, each with its receivers: the bounded cache in front of topic-table.ts.
 *
 *  A receiver is a session with the highest QoS of its matching subscriptions, or a Shared Subscription's group. A
 *  change
 *  of a filter without wildcards takes one route out; changes of filters with wildcards are kept in a short ring, and a
 *  route that is older than some of them is checked against those when it is next used.
 *  After access.ts, before message-store.ts. */
import { SubscribeOption } from "../codec/packet-types.js";
import { hasWildcard, topicMatches } from "../codec/topic.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { MatchTarget, TopicTable } from "./topic-table.js";

/** Bits of a receiver's `options`. */
export const enum ReceiverOption {
	/** highest granted QoS of all the matching subscriptions */
	Qos = 3,
	/** no matching subscription takes what its own session publishes */
	NoLocal = 4,
	RetainAsPublished = 8,
	/** granted QoS for what its own session publishes, << 4 */
	OwnQos = 0x30,
	/** `session` is a group's node */
	Group = 0x40,
	/** only another Subscription Identifier of the receiver before */
	More = 0x80,
	/** NoLocal, Group, More: what a receiver needs more than the bytes for */
	Unusual = 0xc4,
}

/** How many changes of wildcard filters are kept; an older route is built anew. A power of two. */
export const CHANGES_KEPT = 16;

/** Whether a session may receive messages of a topic. */
export interface ReceiveRights {
	/** whether there is anything to ask */
	readonly judgesReceive: boolean;
	mayReceive(session: number, topic: string): boolean;
}

export class RouteCache implements MatchTarget {
	readonly routes: Map<string, number>;
	/** by route: the topic's bytes; changes of wildcard filters that it knows; first receiver; the clock's mark */
	readonly bytesOf: UintArray;
	readonly knows: Uint32Array;
	changeCount = 0;
	readonly first: UintArray;
	readonly recent: Uint8Array;
	/** by receiver */
	readonly options: Uint8Array;
	readonly session: UintArray;
	readonly next: UintArray;
	readonly identifier: Uint32Array;
	/** by route: the stamp (session.ts) of a session that may publish to its topic; 0: none is known */
	readonly allowed: Uint32Array;
	misses = 0;
	/** routes in use */
	count = 0;
	private readonly topicOf: string[];
	/** by route: a number > 0 that no other topic has or had (see aliases-given.ts); of route 0, which is of no
	 *  topic, 0 */
	readonly serial: Uint32Array;
	private serials = 0;
	/** how often the numbers began anew, for all topics */
	serialEra = 0;
	private freeReceiver = 0;
	private usedReceivers = 0;
	private freeCount: number;
	private readonly changes: string[];
	private hand = 0;
	/** while a route is built: its last receiver, and by session the receiver it has */
	private last = 0;
	private building = 0;
	private topic = "";
	private readonly own: UintArray;
	private readonly stamp: Uint32Array;
	private stamps = 0;
	private readonly table: TopicTable;
	readonly routesMax: number;
	private readonly topicBytesMax: number;
	/** who may receive what; undefined: all may */
	private readonly rights: ReceiveRights | undefined;

	/** @param routesMax routes at once @param receiversMax their receivers, ≥ the subscriptions, so that any route fits
	 *  @param topicBytesMax longer Topic Names are not cached */
	constructor(
		table: TopicTable,
		routesMax: number,
		receiversMax: number,
		topicBytesMax: number,
		sessions: number,
		rights?: ReceiveRights,
	) {
		this.table = table;
		this.routesMax = routesMax;
		this.topicBytesMax = topicBytesMax;
		this.rights = rights;
		this.routes = new Map();
		this.topicOf = [];
		this.bytesOf = uintArray(topicBytesMax, routesMax + 2);
		this.knows = new Uint32Array(routesMax + 2);
		this.first = uintArray(receiversMax, routesMax + 2);
		this.recent = new Uint8Array(routesMax + 2);
		this.serial = new Uint32Array(routesMax + 2);
		this.allowed = new Uint32Array(routesMax + 2);
		// one more than the receivers: `single`
		this.session = uintArray(Math.max(sessions, table.nodesMax), receiversMax + 2);
		this.options = new Uint8Array(receiversMax + 2);
		this.identifier = new Uint32Array(receiversMax + 2);
		this.next = uintArray(receiversMax, receiversMax + 2);
		this.freeCount = receiversMax;
		this.changes = [];
		for (let i = 0; i < CHANGES_KEPT; i++) this.changes.push("");
		this.own = uintArray(receiversMax, sessions);
		this.stamp = new Uint32Array(sessions);
	}

	/** @param key the Topic Name as `Text.key` gives it @param bytes its bytes, which tell an ill-formed one from its key
	 *  @returns the route of a topic that was seen before and is still known to be right; 0: none */
	find(key: string, bytes: number): number {
		const route = this.routes.get(key);
		if (route === undefined) return 0;
		if (this.bytesOf[route] !== bytes) return 0;
		if (this.knows[route] !== this.changeCount && this.isStale(route)) return 0;
		this.recent[route] = 1;
		return route;
	}

	/** @returns the first receiver of a route, 0: none; `next` leads on */
	receivers(route: number): number {
		return this.first[route]!;
	}

	/** Builds the route of a valid Topic Name that `find` did not find.
	 *  @returns the route; a topic that is not cached has it until the next call */
	build(topic: string, bytes: number): number {
		this.misses++;
		const table = this.table;
		this.empty(0); // the uncached topic of the last call
		let route = this.routes.get(topic) ?? 0;
		if (route !== 0) this.empty(route);
		else if (bytes <= this.topicBytesMax && topic.indexOf("\ufffd") < 0) route = this.place(topic, bytes);
		this.knows[route] = this.changeCount;
		this.recent[route] = 1;
		this.building = route;
		this.topic = topic;
		this.last = 0;
		this.stamps++;
		table.match(topic, this);
		return route;
	}

	/** Builds the route of a topic that is not kept. @returns it; good until the next call */
	buildUncached(topic: string): number {
		return this.build(topic, this.topicBytesMax + 1);
	}

	/** @returns a free route number, in the map from now on */
	private place(topic: string, bytes: number): number {
		let route = this.count + 1;
		if (this.count === this.routesMax) route = this.evict(0);
		else this.count++;
		this.routes.set(topic, route);
		this.topicOf[route] = topic;
		this.bytesOf[route] = bytes;
		this.allowed[route] = 0;
		if (this.serials === 0xffffffff) this.renumber();
		this.serial[route] = ++this.serials;
		return route;
	}

	private renumber(): void {
		this.serials = 0;
		this.serialEra++;
		for (let route = 1; route <= this.count; route++) this.serial[route] = ++this.serials;
	}

	/** Second chance: the hand goes round and takes the first route that was not used since it last came by.
	 *  @returns the route's number, which is free now; `count` still has it */
	private evict(keep: number): number {
		for (;;) {
			this.hand = this.hand >= this.count ? 1 : this.hand + 1;
			const route = this.hand;
			if (route === keep) continue;
			if (this.recent[route] !== 0 && this.topicOf[route] !== "") this.recent[route] = 0;
			else {
				this.empty(route);
				if (this.topicOf[route] !== "") this.routes.delete(this.topicOf[route]!);
				this.topicOf[route] = "";
				return route;
			}
		}
	}

	private empty(route: number): void {
		let receiver = this.first[route]!;
		this.first[route] = 0;
		while (receiver !== 0) {
			const next = this.next[receiver]!;
			this.next[receiver] = this.freeReceiver;
			this.freeReceiver = receiver;
			this.freeCount++;
			receiver = next;
		}
	}

	/** A node that matches the topic that is being built. */
	matched(node: number): void {
		const table = this.table;
		for (let s = table.firstOfNode[node]!; s !== 0; s = table.nextOfNode[s]!) this.addSubscription(s);
		for (let group = table.firstGroup[node]!; group !== 0; group = table.nextGroup[group]!)
			this.append(group, ReceiverOption.Group, 0);
	}

	private addSubscription(subscription: number): void {
		const table = this.table;
		const session = table.session[subscription]!;
		if (this.rights?.judgesReceive && !this.rights.mayReceive(session, this.topic)) return;
		const options = table.options[subscription]!;
		const qos = options & SubscribeOption.Qos;
		const local = (options & SubscribeOption.NoLocal) === 0;
		const rest = options & (SubscribeOption.NoLocal | SubscribeOption.RetainAsPublished);
		const identifier = table.identifier[subscription]!;
		if (this.stamp[session] !== this.stamps) {
			this.stamp[session] = this.stamps;
			this.own[session] = this.append(session, qos | rest | (local ? qos << 4 : 0), identifier);
			return;
		}
		// another filter of the same session: one delivery at the highest QoS [MQTT-3.3.5-1], all identifiers
		const receiver = this.own[session]!;
		const had = this.options[receiver]!;
		let ownQos = (had >> 4) & 3;
		if (local && qos > ownQos) ownQos = qos;
		const highest = Math.max(had & ReceiverOption.Qos, qos);
		const noLocal = local ? 0 : had & ReceiverOption.NoLocal;
		// what does not take its own session's messages does not say how those come [5:MQTT-3.3.1-12]
		const onlyBefore = !local && (had & ReceiverOption.NoLocal) === 0;
		const onlyThis = local && (had & ReceiverOption.NoLocal) !== 0;
		const asPublished = (onlyBefore ? had : onlyThis ? rest : had | rest) & ReceiverOption.RetainAsPublished;
		this.options[receiver] = highest | noLocal | asPublished | (ownQos << 4);
		if (identifier === 0) return;
		if (this.identifier[receiver] === 0) this.identifier[receiver] = identifier;
		else this.insertAfter(receiver, session, ReceiverOption.More, identifier);
	}

	private append(session: number, options: number, identifier: number): number {
		const receiver = this.take(session, options, identifier);
		if (this.last === 0) this.first[this.building] = receiver;
		else this.next[this.last] = receiver;
		this.last = receiver;
		return receiver;
	}

	private insertAfter(before: number, session: number, options: number, identifier: number): void {
		const receiver = this.take(session, options, identifier);
		this.next[receiver] = this.next[before]!;
		this.next[before] = receiver;
		if (this.last === before) this.last = receiver;
	}

	private take(session: number, options: number, identifier: number): number {
		// other routes give way one by one: there are as many receivers as subscriptions, so that any route fits
		while (this.freeCount === 0) this.evict(this.building);
		let receiver = this.freeReceiver;
		if (receiver === 0) receiver = ++this.usedReceivers;
		else this.freeReceiver = this.next[receiver]!;
		this.freeCount--;
		this.session[receiver] = session;
		this.options[receiver] = options;
		this.identifier[receiver] = identifier;
		this.next[receiver] = 0;
		return receiver;
	}

	/** @returns a receiver outside of any route that has just this Subscription Identifier; good until the next call */
	single(identifier: number): number {
		const receiver = this.next.length - 1;
		this.identifier[receiver] = identifier;
		return receiver;
	}

	/** No route is known to be right any more. */
	forgetAll(): void {
		this.changeCount = (this.changeCount + CHANGES_KEPT + 1) >>> 0;
	}

	/** A subscription to the filter (without `$share/name/`) came, changed or went. */
	changed(filter: string): void {
		if (hasWildcard(filter)) {
			this.changes[this.changeCount & (CHANGES_KEPT - 1)] = filter;
			this.changeCount = (this.changeCount + 1) >>> 0;
			return;
		}
		const route = this.routes.get(filter);
		if (route === undefined) return;
		this.empty(route);
		this.knows[route] = (this.changeCount - CHANGES_KEPT - 1) >>> 0; // never right again before it is built
		this.recent[route] = 0;
	}

	/** Holds the changes that a route does not know against its topic. */
	private isStale(route: number): boolean {
		const behind = (this.changeCount - this.knows[route]!) >>> 0;
		if (behind > CHANGES_KEPT) return true;
		const topic = this.topicOf[route]!;
		for (let i = 1; i <= behind; i++)
			if (topicMatches(this.changes[(this.changeCount - i) & (CHANGES_KEPT - 1)]!, topic)) return true;
		this.knows[route] = this.changeCount;
		return false;
	}
}
