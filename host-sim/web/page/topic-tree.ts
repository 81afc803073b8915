/** Topics as they came, as a tree: values, and for numbers a short history. Made for thousands of topics. */

/** Values of a number that are kept. */
const HISTORY = 300;

export interface Point {
	/** seconds since 1970 */
	at: number;
	value: number;
}

export class TopicNode {
	readonly children = new Map<string, TopicNode>();
	payload: Uint8Array | undefined;
	retained = false;
	qos = 0;
	/** ms of the page's clock */
	at = 0;
	/** messages that came */
	count = 0;
	history: Point[] = [];
	/** topics with a value, at this node and below */
	size = 0;

	constructor(
		readonly name: string,
		readonly topic: string,
		readonly parent: TopicNode | undefined,
	) {}

	/** the payload as text; bytes that are none are shown as hexadecimal digits */
	get text(): string {
		return this.payload === undefined ? "" : textOf(this.payload);
	}
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @returns bytes as text, or as hexadecimal digits */
export function textOf(bytes: Uint8Array): string {
	try {
		return utf8.decode(bytes);
	} catch {
		return [...bytes.subarray(0, 256)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
	}
}

export class TopicTree {
	readonly root = new TopicNode("", "", undefined);
	private readonly byTopic = new Map<string, TopicNode>();

	get size(): number {
		return this.byTopic.size;
	}

	find(topic: string): TopicNode | undefined {
		return this.byTopic.get(topic);
	}

	/** A message came. @returns whether the tree has another shape now */
	take(topic: string, payload: Uint8Array, retained: boolean, qos: number): boolean {
		let node = this.byTopic.get(topic);
		const isNew = node === undefined;
		if (node === undefined) {
			node = this.make(topic);
			this.byTopic.set(topic, node);
			for (let at: TopicNode | undefined = node; at !== undefined; at = at.parent) at.size++;
		}
		node.payload = payload;
		node.retained = retained;
		node.qos = qos;
		node.at = performance.now();
		node.count++;
		const value = numberOf(payload);
		if (value !== undefined) {
			node.history.push({ at: Date.now() / 1000, value });
			if (node.history.length > HISTORY) node.history.shift();
		}
		return isNew;
	}

	private make(topic: string): TopicNode {
		let node = this.root;
		let path = "";
		for (const [i, name] of topic.split("/").entries()) {
			path = i === 0 ? name : `${path}/${name}`;
			let child = node.children.get(name);
			if (child === undefined) {
				child = new TopicNode(name, path, node);
				node.children.set(name, child);
			}
			node = child;
		}
		return node;
	}

	/** @param words all must be in the topic or the value, in any case @returns at most `most` topics */
	search(words: string, most: number): TopicNode[] {
		const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
		const found: TopicNode[] = [];
		for (const node of this.byTopic.values()) {
			const topic = node.topic.toLowerCase();
			if (!wanted.every((word) => topic.includes(word) || node.text.toLowerCase().includes(word))) continue;
			found.push(node);
			if (found.length >= most) break;
		}
		return found;
	}
}

/** @returns the number that a payload is, alone or as the only number of a small JSON object */
export function numberOf(payload: Uint8Array): number | undefined {
	if (payload.length === 0 || payload.length > 64) return undefined;
	const text = textOf(payload).trim();
	const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
	return Number.isFinite(value) ? value : undefined;
}
