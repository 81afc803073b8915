/** Messages between publishers and receivers, each of which is counted: who gets it, in which order, and how late. */
import { setTimeout as sleep } from "node:timers/promises";
import { generate, type IPublishPacket } from "mqtt-packet";
import { Histogram } from "./histogram.js";
import { type Endpoint, type Link, openClient, subscribe } from "./links.js";

export interface Load {
	/** what each publisher publishes to */
	topics: readonly string[];
	/** what each receiver subscribes to */
	filters: readonly string[];
	/** how many receivers get a message; 0: what counts is that it is acknowledged */
	copies: number;
	/** messages of a publisher that are under way: not yet at all receivers, or not acknowledged */
	inFlight: number;
	qos: 0 | 1 | 2;
	/** at least STAMP_BYTES */
	payloadBytes: number;
	/** 5 has two properties and, after a publisher's first message, a Topic Alias in the topic's place */
	version: 4 | 5;
	/** members of a group may each miss what another gets */
	shared?: boolean;
	/** with RETAIN */
	retain?: boolean;
}

/** The end of each payload: which publisher, and which of its messages. */
export const STAMP_BYTES = 8;

const LOST_AFTER_MS = 5_000;

const PUBLISH = 3;
const PUBACK = 4;
const PUBREC = 5;
const PUBREL = 6;
const PUBCOMP = 7;

/** What came of a time of traffic. */
export interface Outcome {
	deliveries: number;
	seconds: number;
	/** deliveries that never came, that came twice, or out of order */
	lost: number;
	repeated: number;
	latency: Histogram;
	/** the share of the time in which the load's process was not waiting, 0 to 1 */
	busy: number;
}

/** Gathers acknowledgements of one read and writes them at once. */
class Acks {
	private bytes = Buffer.alloc(0);
	private length = 0;
	private readonly template: Buffer;

	constructor(private readonly link: Link) {
		this.template = link.wrap(Buffer.from([0, 2, 0, 0]));
	}

	/** @param first a packet's first byte */
	push(first: number, packetId: number): void {
		const { length } = this.template;
		if (this.length + length > this.bytes.length) {
			const larger = Buffer.alloc(2 * this.bytes.length + 64 * length);
			this.bytes.copy(larger, 0, 0, this.length);
			this.bytes = larger;
		}
		this.template.copy(this.bytes, this.length);
		this.length += length;
		this.bytes[this.length - 4] = first;
		this.bytes.writeUInt16BE(packetId, this.length - 2);
	}

	flush(): void {
		if (this.length === 0) return;
		this.link.write(this.bytes.subarray(0, this.length));
		this.bytes = Buffer.alloc(0);
		this.length = 0;
	}
}

class Publisher {
	sent = 0;
	/** deliveries, at all receivers together */
	arrived = 0;
	private settled = 0;
	running = false;
	/** it stands in the list of those that may send again */
	listed = false;
	private readonly acks: Acks;
	private readonly first: Template;
	private readonly next: Template;
	private readonly sentAt: Float64Array;

	constructor(
		private readonly link: Link,
		index: number,
		private readonly load: Load,
		private readonly acknowledged: (sentAt: number) => void,
	) {
		this.acks = new Acks(link);
		this.first = template(link, load, index, true);
		this.next = template(link, load, index, false);
		this.sentAt = new Float64Array(2 ** Math.ceil(Math.log2(2 * load.inFlight + 2)));
		link.onPacket = (bytes, start, body) => this.settle(bytes[start]! >> 4, bytes.readUInt16BE(body));
		link.onRead = () => {
			this.acks.flush();
			this.send();
		};
	}

	private settle(type: number, packetId: number): void {
		if (type === PUBREC) this.acks.push(0x62, packetId);
		else if (type === PUBACK || type === PUBCOMP) {
			if (this.load.copies === 0) this.acknowledged(this.timeOf(this.settled));
			this.settled++;
		}
	}

	/** all that was sent has come to everybody, and is acknowledged */
	get idle(): boolean {
		return this.done === this.sent;
	}

	private get done(): number {
		const { copies, qos } = this.load;
		const complete = copies === 0 ? this.sent : Math.floor(this.arrived / copies);
		return qos === 0 ? complete : Math.min(complete, this.settled);
	}

	/** deliveries that have not come, or messages that are not acknowledged */
	missing(): number {
		const { copies } = this.load;
		return copies === 0 ? this.sent - this.settled : this.sent * copies - this.arrived;
	}

	/** @returns when a message was sent, ms; 0: too long ago to be remembered */
	timeOf(sequence: number): number {
		return this.sent - sequence > this.sentAt.length ? 0 : this.sentAt[sequence & (this.sentAt.length - 1)]!;
	}

	/** As many as may be under way. */
	send(): void {
		let count = this.load.inFlight - (this.sent - this.done);
		if (count <= 0 || !this.running) return;
		if (this.sent === 0) {
			this.write(this.first, 1);
			count--;
		}
		if (count > 0) this.write(this.next, count);
	}

	private write(template: Template, count: number): void {
		const { length } = template.bytes;
		const bytes = Buffer.allocUnsafe(length * count);
		const now = performance.now();
		for (let i = 0; i < count; i++) {
			const at = i * length;
			template.bytes.copy(bytes, at);
			this.sentAt[this.sent & (this.sentAt.length - 1)] = now;
			bytes.writeUInt32BE(this.sent, at + length - 4);
			if (this.load.qos > 0) bytes.writeUInt16BE(1 + (this.sent % 65_000), at + template.packetIdAt);
			this.sent++;
		}
		this.link.write(bytes);
	}
}

/** A PUBLISH as it lies on the wire, and where its Packet Identifier is. */
interface Template {
	bytes: Buffer;
	packetIdAt: number;
}

const PROPERTIES = { payloadFormatIndicator: true, contentType: "text/plain" };

function template(link: Link, load: Load, index: number, first: boolean): Template {
	const payload = Buffer.alloc(load.payloadBytes, 7);
	payload.writeUInt16BE(index, load.payloadBytes - STAMP_BYTES);
	const topic = load.version === 5 && !first ? "" : load.topics[index]!;
	const packet: IPublishPacket = {
		cmd: "publish",
		topic,
		payload,
		qos: load.qos,
		messageId: 1,
		dup: false,
		retain: load.retain === true,
		...(load.version === 5 ? { properties: { topicAlias: 1, ...PROPERTIES } } : {}),
	};
	const encoded = generate(packet, { protocolVersion: load.version });
	const bytes = link.wrap(encoded);
	let body = 1;
	while (encoded[body]! > 127) body++;
	return { bytes, packetIdAt: bytes.length - encoded.length + body + 1 + 2 + Buffer.byteLength(topic) };
}

class Receiver {
	lost = 0;
	repeated = 0;
	private readonly acks: Acks;
	/** of each publisher, the number that its next message has */
	private readonly expected: Uint32Array;

	constructor(
		link: Link,
		private readonly traffic: Traffic,
		private readonly shared: boolean,
		publishers: number,
	) {
		this.acks = new Acks(link);
		this.expected = new Uint32Array(publishers);
		link.onPacket = (bytes, start, body, end) => this.take(bytes, start, body, end);
		link.onRead = () => {
			this.acks.flush();
			traffic.sendAgain();
		};
	}

	private take(bytes: Buffer, start: number, body: number, end: number): void {
		const first = bytes[start]!;
		if (first >> 4 === PUBREL) this.acks.push(0x70, bytes.readUInt16BE(body));
		if (first >> 4 !== PUBLISH) return;
		const qos = (first >> 1) & 3;
		if (qos > 0) this.acks.push(qos === 1 ? 0x40 : 0x50, bytes.readUInt16BE(body + 2 + bytes.readUInt16BE(body)));
		const publisher = bytes.readUInt16BE(end - STAMP_BYTES);
		const sequence = bytes.readUInt32BE(end - 4);
		const expected = this.expected[publisher]!;
		if (sequence < expected) this.repeated++;
		else {
			if (!this.shared) this.lost += sequence - expected;
			this.expected[publisher] = sequence + 1;
			this.traffic.arrived(publisher, sequence);
		}
	}
}

export class Traffic {
	private publishers: Publisher[] = [];
	private receivers: Receiver[] = [];
	private readonly links: Link[] = [];
	/** those of whose messages some have come in this read */
	private readonly touched: Publisher[] = [];
	private deliveries = 0;
	private readonly latency = new Histogram();
	/** the time of this read, ms; 0: not yet looked at */
	private time = 0;
	private started = 0;
	private utilization = performance.eventLoopUtilization();

	private constructor() {}

	/** Connects everybody and subscribes. */
	static async open(endpoint: Endpoint, load: Load): Promise<Traffic> {
		const traffic = new Traffic();
		const { topics, filters, version, qos } = load;
		const acknowledged = (sentAt: number) => traffic.count(sentAt, performance.now());
		for (const [i, filter] of filters.entries()) {
			const link = await openClient(endpoint, `receiver-${i}`, version);
			traffic.links.push(link);
			await subscribe(link, [filter], qos, version);
			traffic.receivers.push(new Receiver(link, traffic, load.shared === true, topics.length));
		}
		for (const i of topics.keys()) {
			const link = await openClient(endpoint, `publisher-${i}`, version);
			traffic.links.push(link);
			traffic.publishers.push(new Publisher(link, i, load, acknowledged));
		}
		return traffic;
	}

	/** A message has come to one of its receivers. */
	arrived(index: number, sequence: number): void {
		const publisher = this.publishers[index]!;
		publisher.arrived++;
		if (this.time === 0) this.time = performance.now();
		this.count(publisher.timeOf(sequence), this.time);
		if (publisher.listed) return;
		publisher.listed = true;
		this.touched.push(publisher);
	}

	private count(sentAt: number, now: number): void {
		this.deliveries++;
		if (sentAt > 0) this.latency.add(1_000 * (now - sentAt));
	}

	/** A read has been taken: whose messages came may send others. */
	sendAgain(): void {
		for (let i = 0; i < this.touched.length; i++) {
			const publisher = this.touched[i]!;
			publisher.listed = false;
			publisher.send();
		}
		this.touched.length = 0;
		this.time = 0;
	}

	start(): void {
		this.started = performance.now();
		this.utilization = performance.eventLoopUtilization();
		for (const publisher of this.publishers) {
			publisher.running = true;
			publisher.send();
		}
	}

	/** Sends no more and waits until all has come.
	 *  @param lostAfterMs nothing comes for so long: what is missing is lost */
	async finish(lostAfterMs = LOST_AFTER_MS): Promise<Outcome> {
		for (const publisher of this.publishers) publisher.running = false;
		let last = this.deliveries;
		let since = performance.now();
		while (this.publishers.some((publisher) => !publisher.idle)) {
			await sleep(1);
			if (this.deliveries !== last) since = performance.now();
			last = this.deliveries;
			if (performance.now() - since > lostAfterMs) break;
		}
		const seconds = (performance.now() - this.started) / 1_000;
		const busy = performance.eventLoopUtilization(this.utilization).utilization;
		let repeated = 0;
		let gaps = 0;
		for (const receiver of this.receivers) {
			repeated += receiver.repeated;
			gaps += receiver.lost;
		}
		let missing = 0;
		for (const publisher of this.publishers) missing += publisher.missing();
		const { deliveries, latency } = this;
		return { deliveries, seconds, lost: Math.max(missing, gaps), repeated, latency, busy };
	}

	close(): void {
		for (const link of this.links) link.end();
	}
}
