/** The specification's rules of sessions, subscriptions, Retained Messages and Wills, without a broker: told what the
 *  clients do and shown what the broker sends, it throws where that is not allowed. Where the specification leaves a
 *  choice, the model takes each or follows; where Hearth's documents say which it makes, they count. */
import type { IPublishPacket, Packet } from "mqtt-packet";
import { matches, sharedFilter } from "./matching.js";
import { fail, type Link, type Message, Receiver } from "./receiver.js";
import { NEVER } from "./schedule.js";
import { Token } from "./shared.js";
import type { Connect, Draft, Qos, Subscription, WillDraft } from "./steps.js";

interface Held extends Subscription {
	identifier: number | undefined;
}

/** What most deliveries have. */
const PLAIN = { otherIdentifiers: [] as number[], optional: false, token: undefined, kept: false };

/** Session State. Spec: section 4.1 */
class Session {
	readonly receiver: Receiver;
	readonly subscriptions = new Map<string, Held>();
	/** QoS 2 messages from the client that it has not released */
	readonly received = new Set<number>();
	will: WillDraft | undefined;
	/** when the Will Message is published, and when the session ends: ms */
	willAt = Number.POSITIVE_INFINITY;
	endsAt = Number.POSITIVE_INFINITY;
	/** seconds */
	expiry = 0;

	constructor(readonly clientId: string) {
		this.receiver = new Receiver(clientId);
	}

	get connected(): boolean {
		return this.receiver.link !== undefined;
	}
}

export class Model {
	now = 0;
	private readonly sessions = new Map<string, Session>();
	private readonly retained = new Map<string, Message>();
	/** Wills that are due, and their clients */
	private readonly wills: [WillDraft, string][] = [];

	/** @param window QoS 1 and 2 messages that the broker has in flight to a client at the most */
	constructor(private readonly window: number) {}

	/** CONNECT, which takes over what the client had before. @returns Session Present. Spec: 3.1.4 */
	connect(clientId: string, step: Connect): boolean {
		const v5 = step.version === 5;
		const before = this.sessions.get(clientId);
		if (before?.connected) this.close(before);
		if (step.clean && this.sessions.has(clientId)) this.end(before!);
		const present = this.sessions.has(clientId);
		const session = this.sessions.get(clientId) ?? new Session(clientId);
		this.sessions.set(clientId, session);
		session.endsAt = session.willAt = Number.POSITIVE_INFINITY; // [5:MQTT-3.1.3-9]
		session.will = step.will;
		session.expiry = v5 ? step.expiry : step.clean ? 0 : NEVER;
		const link: Link = {
			version: step.version,
			window: Math.min((v5 ? step.receiveMaximum : undefined) ?? 65_535, this.window),
			packetBytesMax: (v5 ? step.packetBytesMax : undefined) ?? NEVER,
			aliasMaximum: (v5 ? step.aliasMaximum : undefined) ?? 0,
		};
		session.receiver.connect(link);
		this.publishWills();
		return present;
	}

	/** The connection ends. @param byClient DISCONNECT: its reason, and the Session Expiry Interval if it has one */
	disconnect(clientId: string, byClient?: { reason: number; expiry?: number }): void {
		const session = this.sessions.get(clientId)!;
		const { reason, expiry = 0 } = byClient ?? {};
		// an interval of 0 may not become another: that is a protocol error, and no DISCONNECT. Spec: 3.14.2.2.2
		const wrong = session.expiry === 0 && expiry !== 0;
		if (byClient?.expiry !== undefined && !wrong) session.expiry = expiry;
		if (reason === 0 && !wrong) session.will = undefined; // [5:MQTT-3.14.4-3]
		this.close(session);
		this.publishWills();
	}

	/** Spec: 3.1.2.5, 3.1.2.11.2, 3.1.3.2.2 */
	private close(session: Session): void {
		session.receiver.disconnect();
		this.moveShared(session, false);
		const delay = session.will?.delay ?? 0;
		if (session.expiry !== NEVER) session.endsAt = this.now + session.expiry * 1000;
		if (session.will !== undefined) session.willAt = Math.min(this.now + delay * 1000, session.endsAt);
		this.fire(session);
	}

	/** What is due at a session happens. */
	private fire(session: Session): void {
		if (session.willAt <= this.now) this.dueWill(session);
		if (session.endsAt <= this.now) this.end(session);
	}

	private dueWill(session: Session): void {
		session.willAt = Number.POSITIVE_INFINITY;
		if (session.will !== undefined) this.wills.push([session.will, session.clientId]);
		session.will = undefined;
	}

	/** The session ends, and its Will Message does not wait any longer. Spec: [5:MQTT-4.1.0-2] */
	private end(session: Session): void {
		this.sessions.delete(session.clientId);
		this.moveShared(session, true);
		this.dueWill(session);
	}

	private publishWills(): void {
		for (const [will, clientId] of this.wills.splice(0)) this.send(will, clientId);
	}

	/** @returns when the next session or Will is due, ms */
	nextDue(): number {
		const times = [...this.sessions.values()].map(({ willAt, endsAt }) => Math.min(willAt, endsAt));
		return Math.min(...times, Number.POSITIVE_INFINITY);
	}

	/** The clock moves. */
	tick(now: number): void {
		this.now = now;
		for (const { receiver } of this.sessions.values()) receiver.expire(now);
		for (const session of [...this.sessions.values()]) this.fire(session);
		this.publishWills();
	}

	/** PUBLISH from a client: at QoS 2 taken only once, whether DUP is set or not [5:MQTT-4.3.3-10] */
	publish(clientId: string, draft: Draft, id: number): void {
		const session = this.sessions.get(clientId)!;
		const known = draft.qos === 2 && session.received.has(id);
		const taken = known || this.send(draft, clientId);
		if (draft.qos === 2) session.received.add(id);
		// 0x10: no matching subscribers
		const reasons = taken || session.receiver.link!.version === 4 ? [0] : [0, 0x10];
		if (draft.qos > 0) session.receiver.expect(draft.qos === 1 ? "puback" : "pubrec", id, reasons);
	}

	/** PUBREL from a client. */
	release(clientId: string, id: number): void {
		const { received, receiver } = this.sessions.get(clientId)!;
		const known = received.delete(id);
		receiver.expect("pubcomp", id, known || receiver.link!.version === 4 ? [0] : [0x92]);
	}

	/** Retains and hands out. @returns whether somebody certainly gets it */
	private send(draft: Draft, publisher: string): boolean {
		const { topic, payload, qos, retain, properties, expiry } = draft;
		const expiresAt = expiry === undefined ? undefined : this.now + expiry * 1000;
		const message: Message = { topic, payload, qos, retain, properties, publisher, expiresAt };
		if (retain && payload === "")
			this.retained.delete(topic); // [5:MQTT-3.3.1-6] [5:MQTT-3.3.1-7]
		else if (retain) this.retained.set(topic, message); // [5:MQTT-3.3.1-5]
		let taken = false;
		const groups = new Set<string>();
		for (const session of this.sessions.values()) {
			if (this.deliver(message, session)) taken = true;
			for (const filter of session.subscriptions.keys()) {
				const shared = sharedFilter(filter);
				if (shared !== undefined && matches(shared, topic)) groups.add(filter);
			}
		}
		for (const group of groups) if (this.share(message, group)) taken = true;
		return taken;
	}

	/** One copy for all matching subscriptions of a session: at their highest QoS, with all their identifiers.
	 *  Spec: 3.3.4 [5:MQTT-3.3.4-2] [5:MQTT-3.3.4-4] */
	private deliver(message: Message, { clientId, subscriptions, receiver }: Session): boolean {
		const matching = [...subscriptions.values()].filter(
			({ filter }) => sharedFilter(filter) === undefined && matches(filter, message.topic),
		);
		const own = message.publisher === clientId;
		const taking = matching.filter(({ noLocal }) => !(own && noLocal)); // [5:MQTT-3.8.3-3]
		if (taking.length === 0) return false;
		const qos = Math.min(message.qos, Math.max(...taking.map((one) => one.qos))) as Qos;
		if (qos === 0 && receiver.link === undefined) return false; // 4.1: Hearth keeps no QoS 0 for later
		// [5:MQTT-3.3.1-12] [5:MQTT-3.3.1-13]
		const retain = [...new Set(taking.map(({ retainAsPublished }) => message.retain && retainAsPublished))];
		const identifiersOf = (list: Held[]) => list.flatMap(({ identifier }) => identifier ?? []);
		const identifiers = identifiersOf(taking);
		// it matches, though it does not take: the specification does not say whether its identifier goes along
		const otherIdentifiers = identifiersOf(matching.filter((one) => !taking.includes(one)));
		receiver.push({ ...PLAIN, message, receiver, qos, retain, identifiers, otherIdentifiers });
		return !receiver.queue.at(-1)!.optional;
	}

	/** One of the members gets it; Hearth: of those that are there, where some are. @returns whether it may be kept */
	private share(message: Message, group: string): boolean {
		const members = this.members(group);
		const present = members.filter(({ connected }) => connected);
		return this.offer(new Token(message, group), present.length > 0 ? present : members);
	}

	private members(group: string): Session[] {
		return [...this.sessions.values()].filter(({ subscriptions }) => subscriptions.has(group));
	}

	/** Some more may have it, at their own QoS [5:MQTT-4.8.2-3] @returns whether each of them would take it */
	private offer(token: Token, members: readonly Session[]): boolean {
		const { message } = token;
		let certain = members.length > 0;
		const over = message.expiresAt !== undefined && message.expiresAt <= this.now;
		for (const { receiver, subscriptions } of members) {
			const { qos: granted, retainAsPublished, identifier } = subscriptions.get(token.group)!;
			const qos = Math.min(message.qos, granted) as Qos;
			const retain = [message.retain && retainAsPublished];
			const identifiers = identifier === undefined ? [] : [identifier];
			if (over || (qos === 0 && receiver.link === undefined)) token.mayBeLost = true;
			else if (token.add({ ...PLAIN, message, receiver, qos, retain, identifiers, token }).optional) certain = false;
		}
		return certain && !token.mayBeLost;
	}

	/** A member has gone: what it has not acknowledged may go to another; when its session ends it must, but for what
	 *  was begun at QoS 2. Spec: 4.8.2 [5:MQTT-4.8.2-4] [5:MQTT-4.8.2-5] */
	private moveShared(session: Session, ended: boolean): void {
		for (const delivery of session.receiver.unsettled()) {
			const token = delivery.token!;
			const all = delivery.kept ? [] : this.members(token.group);
			const others = all.filter((other) => other !== session && (ended || other.connected));
			this.offer(token, others);
			if (!ended) continue;
			if (others.length === 0) token.mayBeLost = true;
			session.receiver.drop(delivery);
		}
	}

	/** SUBSCRIBE: its filters one after the other. Spec: 3.8.4 */
	subscribe(clientId: string, list: Subscription[], identifier: number | undefined, id: number): void {
		const session = this.sessions.get(clientId)!;
		const { subscriptions, receiver } = session;
		for (const subscription of list) {
			const isNew = !subscriptions.has(subscription.filter);
			subscriptions.set(subscription.filter, { ...subscription, identifier }); // [5:MQTT-3.8.4-3]
			const { retainHandling } = subscription;
			if (sharedFilter(subscription.filter) !== undefined) continue; // 4.8.2: no Retained Messages
			if (retainHandling === 0 || (retainHandling === 1 && isNew)) this.sendRetained(session, subscription, identifier);
		}
		const granted = list.map(({ qos }) => qos);
		receiver.expect("suback", id, [0], granted);
	}

	/** Spec: [5:MQTT-3.3.1-9] */
	private sendRetained({ receiver, clientId }: Session, subscription: Subscription, identifier?: number): void {
		for (const message of this.retained.values()) {
			if (!matches(subscription.filter, message.topic)) continue;
			if ((message.expiresAt ?? Number.POSITIVE_INFINITY) <= this.now) continue;
			const qos = Math.min(message.qos, subscription.qos) as Qos;
			const identifiers = identifier === undefined ? [] : [identifier];
			// whether No Local holds for a Retained Message, too, is open
			const optional = subscription.noLocal && message.publisher === clientId;
			receiver.push({ ...PLAIN, message, receiver, qos, retain: [true], identifiers, optional });
		}
	}

	/** UNSUBSCRIBE: what waits already is still delivered, as Hearth has chosen. Spec: 3.10.4 */
	unsubscribe(clientId: string, filters: string[], id: number): void {
		const { subscriptions, receiver } = this.sessions.get(clientId)!;
		const codes = filters.map((filter) => (subscriptions.delete(filter) ? 0 : 0x11));
		for (const filter of filters) receiver.keep(filter);
		receiver.expect("unsuback", id, [0], receiver.link!.version === 5 ? codes : undefined);
	}

	/** PUBACK, PUBREC or PUBCOMP from a client. */
	acknowledge(clientId: string, cmd: string, id: number, refused: boolean): void {
		this.sessions.get(clientId)!.receiver.acknowledge(cmd, id, refused);
	}

	/** A packet comes to a client. */
	observe(clientId: string, packet: Packet): void {
		const { receiver } = this.sessions.get(clientId)!;
		if (packet.cmd === "publish") return receiver.publish(packet as IPublishPacket, this.now);
		if (packet.cmd === "disconnect")
			return fail(`the broker ended the connection: 0x${(packet.reasonCode ?? 0).toString(16)}`);
		const reason = "reasonCode" in packet ? (packet.reasonCode ?? 0) : 0;
		receiver.answer(
			packet.cmd,
			packet.messageId!,
			reason,
			"granted" in packet ? (packet.granted as number[]) : undefined,
		);
	}

	/** All has come that could come now. */
	settle(): void {
		for (const { receiver } of this.sessions.values()) receiver.settle();
	}
}
