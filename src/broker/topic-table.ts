/** Who subscribed to what: subscriptions by session and by Topic Filter, and the filters that match a Topic Name.
 *
 *  A node is a path. A filter without wildcards is one node, found by the Topic Name itself. A filter with
 *  wildcards has
 *  a node for the literal levels before the first wildcard ("a/b/" of "a/b/+/c"; "" of "#") and one for each level from
 *  there on ("a/b/+", "a/b/+/c"). So a search costs some look-ups a level, whatever the number of subscriptions, and
 *  memory is spent only where wildcards are. A Shared Subscription's group is a node of its own ("$share/g/a/b") that
 *  hangs on its filter's node. After route-cache.ts (on a miss). Spec: section 4.7, 5.0 4.8.2 */
import { hasWildcard, sharedFilterAt } from "../codec/topic.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";

/** What a search finds. */
export interface MatchTarget {
	/** A node with subscriptions matches. */
	matched(node: number): void;
}

export class TopicTable {
	/** subscriptions, nodes and filter bytes in use */
	count = 0;
	nodeCount = 0;
	filterBytes = 0;
	/** subscriptions to what the broker says of itself (sys-topics.ts) */
	sysCount = 0;
	/** wildcard filters in use */
	private wildcards = 0;
	private readonly paths: Map<string, number>;
	private readonly pathOf: string[];
	/** by node: first subscription; how many wildcard filters go on below; first group, next group of the same filter,
	 *  filter node of a group */
	readonly firstOfNode: UintArray;
	private readonly branches: UintArray;
	readonly firstGroup: UintArray;
	readonly nextGroup: UintArray;
	private readonly filterOfGroup: UintArray;
	/** by subscription */
	readonly session: UintArray;
	readonly node: UintArray;
	readonly options: Uint8Array;
	/** Subscription Identifier, 0: none */
	readonly identifier: Uint32Array;
	readonly nextOfNode: UintArray;
	private readonly previousOfNode: UintArray;
	readonly nextOfSession: UintArray;
	private readonly previousOfSession: UintArray;
	/** by session: first subscription */
	readonly firstOfSession: UintArray;
	private freeNode = 0;
	private usedNodes = 0;
	private freeSubscription = 0;
	private usedSubscriptions = 0;

	constructor(
		readonly max: number,
		readonly nodesMax: number,
		readonly filterBytesMax: number,
		sessions: number,
	) {
		this.paths = new Map();
		this.pathOf = [];
		this.firstOfNode = uintArray(max, nodesMax + 1);
		this.branches = uintArray(max, nodesMax + 1);
		this.firstGroup = uintArray(nodesMax, nodesMax + 1);
		this.nextGroup = uintArray(nodesMax, nodesMax + 1);
		this.filterOfGroup = uintArray(nodesMax, nodesMax + 1);
		this.session = uintArray(sessions, max + 1);
		this.node = uintArray(nodesMax, max + 1);
		this.options = new Uint8Array(max + 1);
		this.identifier = new Uint32Array(max + 1);
		this.nextOfNode = uintArray(max, max + 1);
		this.previousOfNode = uintArray(max, max + 1);
		this.nextOfSession = uintArray(max, max + 1);
		this.previousOfSession = uintArray(max, max + 1);
		this.firstOfSession = uintArray(max, sessions);
	}

	/** @returns the session's subscription to the filter (with its `$share/name/`, if any); 0: none. Spec:
	 *  [MQTT-3.10.4-1] */
	find(session: number, filter: string): number {
		const node = this.paths.get(filter);
		if (node === undefined) return 0;
		let subscription = this.firstOfNode[node]!;
		while (subscription !== 0 && this.session[subscription] !== session) subscription = this.nextOfNode[subscription]!;
		return subscription;
	}

	/** Adds a subscription that `find` did not find.
	 *  @param shareAt index of the Topic Filter within `filter`; 0: not shared @param bytes the filter's bytes in UTF-8
	 *  @returns it; 0: full, and nothing is changed */
	add(session: number, filter: string, shareAt: number, bytes: number, options: number, identifier: number): number {
		const pathBytes = bytes * pathCount(filter, shareAt);
		if (this.count >= this.max || this.filterBytes + pathBytes > this.filterBytesMax) return 0;
		const existing = this.paths.get(filter);
		let node = existing ?? 0;
		if (existing === undefined || this.firstOfNode[existing] === 0) {
			node = shareAt === 0 ? this.plant(filter) : this.plantGroup(filter, filter.slice(shareAt));
			if (node === 0) return 0;
		}
		let subscription = this.freeSubscription;
		if (subscription === 0) subscription = ++this.usedSubscriptions;
		else this.freeSubscription = this.nextOfNode[subscription]!;
		this.count++;
		if (filter.startsWith("$SYS/", shareAt)) this.sysCount++;
		this.filterBytes += pathBytes;
		this.session[subscription] = session;
		this.node[subscription] = node;
		this.options[subscription] = options;
		this.identifier[subscription] = identifier;
		this.link(subscription, node, session);
		return subscription;
	}

	/** The next `add` makes this subscription. At start only; `closeGaps` follows. */
	claim(subscription: number): void {
		this.nextOfNode[subscription] = this.freeSubscription;
		this.freeSubscription = subscription;
		if (subscription > this.usedSubscriptions) this.usedSubscriptions = subscription;
	}

	/** The subscriptions below the last that was claimed are free, where taken[from + subscription] has not the bit. */
	closeGaps(taken: Uint8Array, from: number, bit: number): void {
		this.freeSubscription = 0;
		for (let s = this.usedSubscriptions; s > 0; s--) {
			if ((taken[from + s]! & bit) !== 0) continue;
			this.nextOfNode[s] = this.freeSubscription;
			this.freeSubscription = s;
		}
	}

	private link(subscription: number, node: number, session: number): void {
		let next = this.firstOfNode[node]!;
		this.nextOfNode[subscription] = next;
		this.previousOfNode[subscription] = 0;
		if (next !== 0) this.previousOfNode[next] = subscription;
		this.firstOfNode[node] = subscription;
		next = this.firstOfSession[session]!;
		this.nextOfSession[subscription] = next;
		this.previousOfSession[subscription] = 0;
		if (next !== 0) this.previousOfSession[next] = subscription;
		this.firstOfSession[session] = subscription;
	}

	/** Takes a subscription out. @param bytes the filter's bytes, as at `add` */
	remove(subscription: number, bytes: number): void {
		const node = this.node[subscription]!;
		const filter = this.pathOf[node]!;
		let next = this.nextOfNode[subscription]!;
		let previous = this.previousOfNode[subscription]!;
		if (previous === 0) this.firstOfNode[node] = next;
		else this.nextOfNode[previous] = next;
		if (next !== 0) this.previousOfNode[next] = previous;
		next = this.nextOfSession[subscription]!;
		previous = this.previousOfSession[subscription]!;
		if (previous === 0) this.firstOfSession[this.session[subscription]!] = next;
		else this.nextOfSession[previous] = next;
		if (next !== 0) this.previousOfSession[next] = previous;
		this.nextOfNode[subscription] = this.freeSubscription;
		this.freeSubscription = subscription;
		this.count--;
		const shareAt = this.filterOfGroup[node] === 0 ? 0 : sharedFilterAt(filter);
		if (filter.startsWith("$SYS/", shareAt)) this.sysCount--;
		this.filterBytes -= bytes * pathCount(filter, shareAt);
		if (this.firstOfNode[node] !== 0) return;
		const parent = this.filterOfGroup[node]!;
		if (parent === 0) {
			if (this.firstGroup[node] === 0) this.uproot(filter, node);
			return;
		}
		this.unhang(parent, node);
		this.filterOfGroup[node] = 0;
		this.fell(node);
		if (this.firstGroup[parent] === 0 && this.firstOfNode[parent] === 0) this.uproot(this.pathOf[parent]!, parent);
	}

	/** @returns the node of a Shared Subscription with its `$share/name/`; 0: there is none */
	groupOf(shared: string): number {
		const node = this.paths.get(shared) ?? 0;
		return this.filterOfGroup[node] === 0 ? 0 : node;
	}

	/** @returns the filter of a subscription, with its `$share/name/` */
	filterOf(subscription: number): string {
		return this.pathOf[this.node[subscription]!]!;
	}

	/** @returns a node's path */
	path(node: number): string {
		return this.pathOf[node]!;
	}

	/** @returns the node of a filter that has subscriptions or groups, planted where it is missing; 0: full */
	private plant(filter: string): number {
		const existing = this.paths.get(filter);
		if (existing !== undefined && (this.firstOfNode[existing] !== 0 || this.firstGroup[existing] !== 0))
			return existing;
		if (!hasWildcard(filter)) return existing ?? this.grow(filter);
		const ends = pathEnds(filter);
		const last = ends.length - 1;
		let missing = 0;
		for (let i = 0; i <= last; i++) if (!this.paths.has(filter.slice(0, ends[i]!))) missing++;
		if (this.nodeCount + missing > this.nodesMax) return 0;
		for (let i = 0; i < last; i++) {
			const path = filter.slice(0, ends[i]!);
			this.branches[this.paths.get(path) ?? this.grow(path)]!++;
		}
		this.wildcards++;
		return this.paths.get(filter) ?? this.grow(filter);
	}

	private plantGroup(shared: string, filter: string): number {
		if (this.nodeCount + 1 > this.nodesMax) return 0;
		const parent = this.plant(filter);
		if (parent === 0) return 0;
		const group = this.grow(shared);
		if (group === 0) {
			if (this.firstOfNode[parent] === 0 && this.firstGroup[parent] === 0) this.uproot(filter, parent);
			return 0;
		}
		this.filterOfGroup[group] = parent;
		this.nextGroup[group] = this.firstGroup[parent]!;
		this.firstGroup[parent] = group;
		return group;
	}

	private unhang(parent: number, group: number): void {
		let at = this.firstGroup[parent]!;
		if (at === group) {
			this.firstGroup[parent] = this.nextGroup[group]!;
			return;
		}
		while (this.nextGroup[at] !== group) at = this.nextGroup[at]!;
		this.nextGroup[at] = this.nextGroup[group]!;
	}

	private grow(path: string): number {
		if (this.nodeCount >= this.nodesMax) return 0;
		let node = this.freeNode;
		if (node === 0) node = ++this.usedNodes;
		else this.freeNode = this.nextGroup[node]!;
		this.nextGroup[node] = 0;
		this.paths.set(path, node);
		this.pathOf[node] = path;
		this.nodeCount++;
		return node;
	}

	/** The last subscription to a filter is gone: its nodes go where nothing else needs them. */
	private uproot(filter: string, node: number): void {
		if (hasWildcard(filter)) {
			this.wildcards--;
			const ends = pathEnds(filter);
			for (let i = ends.length - 2; i >= 0; i--) {
				const at = this.paths.get(filter.slice(0, ends[i]!))!;
				this.branches[at]!--;
				this.fellUnused(at);
			}
		}
		this.fellUnused(node);
	}

	private fellUnused(node: number): void {
		if (this.branches[node] === 0 && this.firstOfNode[node] === 0 && this.firstGroup[node] === 0) this.fell(node);
	}

	private fell(node: number): void {
		this.paths.delete(this.pathOf[node]!);
		this.pathOf[node] = "";
		this.nextGroup[node] = this.freeNode;
		this.freeNode = node;
		this.nodeCount--;
	}

	/** Tells the target every node with subscriptions or groups that matches a valid Topic Name. Spec: [MQTT-4.7.2-1] */
	match(topic: string, target: MatchTarget): void {
		this.hit(topic, target);
		if (this.wildcards === 0) return;
		const levels = topic.split("/");
		const count = levels.length;
		let open: string[] = []; // paths that match the levels so far
		let prefix = "";
		for (let i = 0; i <= count; i++) {
			const last = i === count;
			const level = last ? "" : levels[i]!;
			const found: string[] = [];
			for (let k = 0, n = open.length; k < n; k++) {
				const path = open[k]!;
				this.hit(`${path}/#`, target);
				if (last) continue;
				this.step(`${path}/${level}`, i === count - 1, found, target);
				this.step(`${path}/+`, i === count - 1, found, target);
			}
			if (i > 0 || !topic.startsWith("$")) {
				const entry = this.paths.get(prefix);
				if (entry !== undefined && this.branches[entry]! > 0) {
					this.hit(`${prefix}#`, target);
					if (!last) this.step(`${prefix}+`, i === count - 1, found, target);
				}
			}
			open = found;
			prefix = `${prefix}${level}/`;
		}
	}

	private step(path: string, whole: boolean, found: string[], target: MatchTarget): void {
		const node = this.paths.get(path);
		if (node === undefined) return;
		if (whole) this.report(node, target);
		found.push(path);
	}

	private hit(path: string, target: MatchTarget): void {
		const node = this.paths.get(path);
		if (node !== undefined) this.report(node, target);
	}

	private report(node: number, target: MatchTarget): void {
		// a publish to "$share/…" must not reach a group by the name of its node
		if (this.filterOfGroup[node] !== 0) return;
		if (this.firstOfNode[node] !== 0 || this.firstGroup[node] !== 0) target.matched(node);
	}
}

/** @returns how many paths of at most its own length a filter takes, so that their bytes are bounded, too
 *  @param shareAt index of the Topic Filter within `filter`; 0: not shared */
function pathCount(filter: string, shareAt: number): number {
	const paths = hasWildcard(filter) ? pathEnds(filter.slice(shareAt)).length : 1;
	return shareAt === 0 ? paths : paths + 1;
}

/** @returns where the paths of a filter with wildcards end: the literal levels with their "/", then each level on */
function pathEnds(filter: string): number[] {
	const levels = filter.split("/");
	const ends: number[] = [];
	let at = 0;
	let wild = false;
	for (let i = 0; i < levels.length; i++) {
		const level = levels[i]!;
		if (!wild && (level === "+" || level === "#")) {
			wild = true;
			ends.push(at);
		}
		at += level.length;
		if (wild) ends.push(at);
		at++;
	}
	return ends;
}
