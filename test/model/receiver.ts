/** What one session is to receive, and what it has received: its queue, what is in flight to it, and the rules
 *  that each
 *  PUBLISH to it is held against. Spec: 5.0, sections 3.3, 4.3 to 4.6, 4.9. */
import { generate, type IPublishPacket } from "mqtt-packet";
import type { Token } from "./shared.js";
import type { Forwarded, Qos } from "./steps.js";

/** An Application Message that was published. */
export interface Message {
	topic: string;
	payload: string;
	qos: Qos;
	retain: boolean;
	properties: Forwarded;
	/** Client Identifier */
	publisher: string;
	/** ms; undefined: never */
	expiresAt: number | undefined;
}

/** One copy of a message for one receiver. */
export interface Delivery {
	message: Message;
	receiver: Receiver;
	qos: Qos;
	/** what RETAIN may be: overlapping subscriptions may differ in Retain As Published */
	retain: boolean[];
	/** Subscription Identifiers that go along, and those that may */
	identifiers: number[];
	otherIdentifiers: number[];
	/** may stay away */
	optional: boolean;
	/** it came by a Shared Subscription and may still go to another of its members */
	token: Token | undefined;
	/** it goes to nobody else, as its receiver has left the group since */
	kept: boolean;
}

/** A PUBLISH of QoS 1 or 2 that was sent and is not acknowledged to its end. */
interface Sent {
	id: number;
	delivery: Delivery;
	/** PUBREC came */
	released: boolean;
	/** sent, or sent again, on this connection */
	here: boolean;
	/** a shared one whose receiver was away: perhaps another has it now */
	uncertain: boolean;
}

/** A packet that must come. */
interface Answer {
	cmd: string;
	id: number;
	/** Reason Codes that are allowed */
	reasons: number[];
	/** of SUBACK and UNSUBACK */
	granted: number[] | undefined;
}

/** What a client said of itself with CONNECT. */
export interface Link {
	version: 4 | 5;
	/** QoS 1 and 2 messages at once: Receive Maximum, or what the broker allows itself where that is less */
	window: number;
	packetBytesMax: number;
	aliasMaximum: number;
}

/** Throws: the broker did what the specification does not allow. */
export function fail(what: string): never {
	throw new Error(what);
}

export class Receiver {
	readonly queue: Delivery[] = [];
	private sent: Sent[] = [];
	link: Link | undefined;
	/** free places in the window. Spec: 5.0, 4.9 */
	private room = 0;
	private readonly aliases = new Map<number, string>();
	private answers: Answer[] = [];

	constructor(readonly clientId: string) {}

	connect(link: Link): void {
		this.link = link;
		this.room = link.window;
		this.aliases.clear(); // [5:MQTT-3.3.2-7]
		for (const sent of this.sent) {
			sent.here = false;
			if (sent.released) this.expect("pubrel", sent.id);
			this.excuse(sent.delivery);
		}
		for (const delivery of this.queue) this.excuse(delivery);
	}

	/** What is QoS 0 has no one to go to. */
	disconnect(): void {
		this.link = undefined;
		this.answers = [];
		for (const delivery of this.queue.filter(({ qos }) => qos === 0)) this.drop(delivery);
		for (const sent of this.sent) sent.uncertain = !sent.released && sent.delivery.token !== undefined;
	}

	/** An answer must come. */
	expect(cmd: string, id: number, reasons = [0], granted?: number[]): void {
		this.answers.push({ cmd, id, reasons, granted });
	}

	/** Queues a message. */
	push(delivery: Delivery): void {
		this.queue.push(delivery);
		this.excuse(delivery);
	}

	/** One that is too large for the receiver may be discarded [5:MQTT-3.1.2-25]. */
	private excuse(delivery: Delivery): void {
		const max = this.link?.packetBytesMax ?? Number.POSITIVE_INFINITY;
		if (max < 0xffffffff && sizeOf(delivery, this.link!.version) > max) delivery.optional = true;
	}

	/** Messages that wait and are over must not be sent any more [5:MQTT-3.3.2-5]. */
	expire(now: number): void {
		for (const delivery of [...this.queue]) {
			if ((delivery.message.expiresAt ?? Number.POSITIVE_INFINITY) > now) continue;
			if (delivery.token !== undefined) delivery.token.mayBeLost = true;
			this.drop(delivery);
		}
	}

	/** The delivery is not the receiver's any more. */
	drop(delivery: Delivery): void {
		remove(this.queue, delivery);
		this.sent = this.sent.filter((sent) => sent.delivery !== delivery);
		if (delivery.token === undefined) return;
		if (delivery.optional) delivery.token.mayBeLost = true;
		delivery.token.leave(delivery);
	}

	/** The receiver leaves a group: what it has of it, it keeps. */
	keep(group: string): void {
		const all = [...this.queue, ...this.sent.map(({ delivery }) => delivery)];
		for (const delivery of all) if (delivery.token?.group === group) delivery.kept = true;
	}

	/** @returns shared messages of a receiver that is away and did not settle them: what waits, what was sent at QoS 1 */
	unsettled(): Delivery[] {
		const sent = this.sent.filter(({ uncertain }) => uncertain).map(({ delivery }) => delivery);
		return [...sent, ...this.queue.filter(({ token }) => token !== undefined)];
	}

	/** PUBACK, PUBREC or PUBCOMP from the receiver. */
	acknowledge(cmd: string, id: number, refused: boolean): void {
		const sent = this.sent.find((one) => one.id === id);
		if (cmd === "pubrec" && !refused) {
			this.expect("pubrel", id, sent === undefined ? [0x92] : [0]); // [5:MQTT-4.3.3-4]
			if (sent !== undefined) sent.released = true;
			return;
		}
		if (sent === undefined) return;
		remove(this.sent, sent);
		this.room = Math.min(this.room + 1, this.link!.window); // 4.9: never above what it was at first
	}

	/** Any packet but PUBLISH comes. */
	answer(cmd: string, id: number, reason: number, granted: number[] | undefined): void {
		const answer = this.answers.find((one) => one.cmd === cmd && one.id === id);
		if (answer === undefined) return fail(`nothing asked for ${cmd} ${id}`);
		remove(this.answers, answer);
		if (!answer.reasons.includes(reason)) fail(`${cmd} ${id} has reason ${reason} instead of ${answer.reasons}`);
		if (answer.granted !== undefined && `${granted}` !== `${answer.granted}`)
			fail(`${cmd} ${id} says ${granted} instead of ${answer.granted}`);
	}

	/** A PUBLISH comes. */
	publish(packet: IPublishPacket, now: number): void {
		const topic = this.resolve(packet);
		const size = packet.length! + (packet.length! < 128 ? 2 : 3);
		if (size > this.link!.packetBytesMax) fail(`${size} bytes are too large for it [5:MQTT-3.1.2-24]`);
		if (packet.dup) return this.again(packet, topic, now);
		const delivery = this.find(packet, topic, now);
		const at = this.queue.indexOf(delivery);
		for (const before of this.queue.slice(0, at))
			if (!delivery.token && !before.token && sameOrder(before, delivery)) this.drop(before); // it was too large
		remove(this.queue, delivery);
		delivery.token?.choose(delivery);
		if (delivery.qos !== 1) delivery.token = undefined; // at QoS 2 it stays with its member [5:MQTT-4.8.2-4]
		if (delivery.qos === 0) return;
		const id = packet.messageId!;
		const other = this.sent.find((sent) => sent.id === id);
		if (other?.uncertain) this.drop(other.delivery);
		else if (other !== undefined) fail(`Packet Identifier ${id} is in use [5:MQTT-2.2.1-4]`);
		this.sent.push({ id, delivery, released: false, here: true, uncertain: false });
		this.useRoom();
	}

	private useRoom(): void {
		if (this.room-- === 0) fail("more in flight than Receive Maximum [5:MQTT-3.3.4-9]");
	}

	/** @returns the Topic Name; an alias must have been given on this connection [5:MQTT-3.1.2-26] */
	private resolve(packet: IPublishPacket): string {
		const alias = packet.properties?.topicAlias;
		if (alias === undefined) return packet.topic;
		if (alias === 0 || alias > this.link!.aliasMaximum) fail(`Topic Alias ${alias} [5:MQTT-3.1.2-26] [5:MQTT-3.3.2-8]`);
		if (packet.topic !== "") this.aliases.set(alias, packet.topic);
		return this.aliases.get(alias) ?? fail(`Topic Alias ${alias} was not given`);
	}

	/** The message is sent once more: after a reconnect, with its identifier, in the order of the first time
	 *  [5:MQTT-4.4.0-1] [5:MQTT-3.3.1-1] */
	private again(packet: IPublishPacket, topic: string, now: number): void {
		const sent = this.sent.find((one) => one.id === packet.messageId && !one.released);
		if (sent === undefined) return fail(`DUP, but ${packet.messageId} was not sent before [5:MQTT-4.3.2-2]`);
		if (sent.here) fail(`sent again on the same connection [5:MQTT-4.4.0-1]`);
		const wrong = mismatch(sent.delivery, packet, topic, this.link!.version, now);
		if (wrong !== undefined) fail(`sent again with ${wrong}`);
		const before = this.sent.slice(0, this.sent.indexOf(sent)).find((one) => this.mustResend(one));
		if (before !== undefined) fail(`sent again before ${before.id} was [MQTT-4.6.0-1]`);
		sent.here = true;
		if (sent.uncertain) sent.delivery.token!.choose(sent.delivery);
		sent.uncertain = false;
		this.useRoom();
	}

	private mustResend(sent: Sent): boolean {
		return !sent.here && !sent.released && !sent.uncertain && !sent.delivery.optional;
	}

	/** @returns the delivery that a PUBLISH is. Among several that look alike, one that keeps the order */
	private find(packet: IPublishPacket, topic: string, now: number): Delivery {
		const payload = packet.payload.toString();
		const candidates = this.queue.filter(({ message }) => message.topic === topic && message.payload === payload);
		if (candidates.length === 0) fail("nothing like it is due");
		const wrong = candidates.map((delivery) => mismatch(delivery, packet, topic, this.link!.version, now));
		const right = candidates.filter((_, i) => wrong[i] === undefined);
		if (right.length === 0) fail(`it has ${wrong.join("; or ")}`);
		const found = right.find((delivery) => this.before(delivery) === undefined);
		return found ?? fail(`${text(this.before(right[0]!)!)} must come before it [5:MQTT-4.6.0-5]`);
	}

	/** @returns what must be delivered before: the same publisher's, with the same topic and QoS */
	private before(delivery: Delivery): Delivery | undefined {
		if (delivery.token !== undefined) return undefined; // order is for what is not shared [5:MQTT-4.6.0-6]
		const resent = this.sent.filter((sent) => this.mustResend(sent)).map((sent) => sent.delivery);
		const waiting = this.queue.slice(0, this.queue.indexOf(delivery));
		return [...resent, ...waiting].find(
			(other) => !other.optional && other.token === undefined && sameOrder(other, delivery),
		);
	}

	/** All has come that could come now. */
	settle(): void {
		if (this.link === undefined) return;
		if (this.answers.length > 0) fail(`${this.answers.map(({ cmd, id }) => `${cmd} ${id}`)} did not come`);
		if (this.room > 0)
			for (const sent of this.sent.filter((one) => !one.here && !one.released)) {
				if (this.mustResend(sent)) fail(`${text(sent.delivery)} was not sent again [5:MQTT-4.4.0-1]`);
				this.drop(sent.delivery);
			}
		for (const delivery of this.queue.filter(({ qos }) => qos === 0 || this.room > 0)) {
			if (!delivery.optional && delivery.token === undefined) fail(`${text(delivery)} did not come`);
			this.drop(delivery);
		}
	}
}

function remove<T>(list: T[], one: T): void {
	const at = list.indexOf(one);
	if (at >= 0) list.splice(at, 1);
}

function sameOrder(a: Delivery, b: Delivery): boolean {
	return a.qos === b.qos && a.message.topic === b.message.topic && a.message.publisher === b.message.publisher;
}

function text({ message, qos, receiver }: Delivery): string {
	return `${receiver.clientId}: ${message.topic} ${JSON.stringify(message.payload.slice(0, 8))} at QoS ${qos}`;
}

/** @returns properties as mqtt-packet takes them */
export function forwarded({ correlationData, ...rest }: Forwarded): object {
	return correlationData === undefined ? rest : { ...rest, correlationData: Buffer.from(correlationData) };
}

/** @returns bytes of the PUBLISH at the most, without a Topic Alias */
function sizeOf({ message, qos, identifiers, otherIdentifiers }: Delivery, version: 4 | 5): number {
	const { topic, payload, expiresAt } = message;
	const all = [...identifiers, ...otherIdentifiers];
	const properties = {
		...forwarded(message.properties),
		...(expiresAt === undefined ? {} : { messageExpiryInterval: 1 }),
		...(all.length === 0 ? {} : { subscriptionIdentifier: all }), // mqtt-packet makes nothing of an empty list
	};
	const id = qos > 0 ? { messageId: 1 } : {};
	const packet = {
		cmd: "publish",
		topic,
		payload,
		qos,
		dup: false,
		retain: false,
		...id,
		properties,
	} as IPublishPacket;
	return generate(packet, { protocolVersion: version }).length;
}

/** @returns in what the PUBLISH differs from the delivery; undefined: in nothing */
function mismatch(
	delivery: Delivery,
	packet: IPublishPacket,
	topic: string,
	version: 4 | 5,
	now: number,
): string | undefined {
	const { message } = delivery;
	if (topic !== message.topic) return `topic ${topic}`;
	if (packet.payload.toString() !== message.payload) return `payload ${packet.payload}`;
	if (packet.qos !== delivery.qos) return `QoS ${packet.qos} instead of ${delivery.qos}`;
	if (!delivery.retain.includes(packet.retain)) return `RETAIN ${packet.retain}`;
	if (version === 4) return undefined;
	const { subscriptionIdentifier, topicAlias: _, messageExpiryInterval, ...rest } = packet.properties ?? {};
	const came = canonical({ ...rest, correlationData: rest.correlationData?.toString() } as Forwarded);
	if (came !== canonical(message.properties)) return `properties ${came} instead of ${canonical(message.properties)}`;
	return (
		wrongIdentifiers(delivery, [subscriptionIdentifier ?? []].flat()) ??
		wrongExpiry(message, messageExpiryInterval, now)
	);
}

/** User Properties keep their order: those of one name, and the names [5:MQTT-3.3.2-18] */
function canonical({ userProperties, ...rest }: Forwarded): string {
	const others = Object.entries(rest).filter(([, value]) => value !== undefined);
	return JSON.stringify([others.sort(), Object.entries(userProperties ?? {})]);
}

/** All identifiers of the matching subscriptions come along [5:MQTT-3.3.4-3] [5:MQTT-3.3.4-4] */
function wrongIdentifiers({ identifiers, otherIdentifiers }: Delivery, came: number[]): string | undefined {
	const left = [...came];
	for (const identifier of identifiers) {
		if (!left.includes(identifier)) return `Subscription Identifiers ${came} instead of ${identifiers}`;
		remove(left, identifier);
	}
	for (const identifier of otherIdentifiers) remove(left, identifier);
	return left.length === 0 ? undefined : `Subscription Identifiers ${came} instead of ${identifiers}`;
}

/** What is left of the Message Expiry Interval [5:MQTT-3.3.2-6] */
function wrongExpiry({ expiresAt }: Message, came: number | undefined, now: number): string | undefined {
	if (expiresAt === undefined)
		return came === undefined ? undefined : `Message Expiry Interval ${came} instead of none`;
	const left = Math.max(0, (expiresAt - now) / 1000);
	if (came === Math.floor(left) || came === Math.ceil(left)) return undefined;
	return `Message Expiry Interval ${came} instead of ${left}`;
}
