/** Shared Subscriptions: each message goes to one member of a group, the one with the most room; what a lost member did
 *  not get goes on to another. Spec: 5.0, 4.8.2 */

import { DeliveryState } from "../delivery/deliveries.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import { deliverTo, type Publication, queueStored } from "./deliver.js";
import { ReceiverOption } from "./route-cache.js";
import type { Session } from "./session.js";

export class Shared {
	/** messages were handed on, and wait to be sent */
	moved = false;
	/** turns the start of the search on, so that members with the same room take turns */
	private turn = 0;
	/** while messages are handed on: who lost them, and whether its session ends */
	private lost: Session | undefined = undefined;
	private ended = false;

	constructor(private readonly broker: Broker) {}

	/** Hands the publication to one member of the group. Spec: [5:MQTT-4.8.2-3] */
	deliver(broker: Broker, p: Publication, group: number): void {
		const topic = broker.rights.judgesReceive ? broker.text.decode(p.topic, p.topicStart, p.topicEnd)! : "";
		const best = this.choose(group, -1, true, topic);
		if (best !== 0) this.deliverTo(p, best, group);
	}

	/** Hands the publication to one member. @param member its subscription */
	deliverTo(p: Publication, member: number, group: number): void {
		const broker = this.broker;
		const table = broker.table;
		const options = table.options[member]!;
		const retain = p.retain && (options & ReceiverOption.RetainAsPublished) !== 0;
		const session = broker.sessions.at(table.session[member]!);
		const receiver = table.identifier[member] === 0 ? 0 : broker.routes.single(table.identifier[member]!);
		deliverTo(broker, p, session, options & ReceiverOption.Qos, retain, receiver, group);
	}

	/** A member's connection or session has ended: its messages go on to members that are there; where its session ends,
	 *  to those that are away, too. Nothing is sent before `serve`. */
	handOn(session: Session, ended: boolean): void {
		if (session.outbox.count === 0) return;
		this.lost = session;
		this.ended = ended;
		session.outbox.handOn(this);
		this.lost = undefined;
	}

	/** A message that the lost member did not get. @returns whether another has it now */
	take(entry: number): boolean {
		const broker = this.broker;
		const entries = broker.deliveries;
		const table = broker.table;
		const group = entries.group[entry]!;
		const message = entries.message[entry]!;
		const best = this.choose(group, this.lost!.index, this.ended, this.topicOf(message));
		if (best === 0) return false;
		const session = broker.sessions.at(table.session[best]!);
		const store = broker.store;
		const limits = broker.limits;
		if (!session.outbox.hasRoom(store.bytes(message), limits.queueBytes, limits.queueMessages)) return false;
		const options = table.options[best]!;
		const qos = Math.min(options & ReceiverOption.Qos, store.flags(message) & MessageFlag.Qos);
		if (qos === 0 && session.connection === undefined && session.handler === undefined) return false;
		const retain =
			(options & ReceiverOption.RetainAsPublished) !== 0 && (store.flags(message) & MessageFlag.Retain) !== 0;
		const state = qos | DeliveryState.Shared | (retain ? DeliveryState.Retain : 0);
		if (!queueStored(broker, session, message, state, table.identifier[best]!, group)) return false;
		if (session.handler !== undefined) broker.local.pending = true;
		this.moved = true;
		return true;
	}

	/** Sends what was handed on. */
	serve(): void {
		if (!this.moved) return;
		this.moved = false;
		const connections = this.broker.connections;
		for (let i = 0; i < connections.length; i++) {
			const session = connections[i]!.session;
			if (session !== undefined && session.outbox.waitingFirst !== 0) connections[i]!.serve();
		}
	}

	/** @param group its node @param without index of a session that gets nothing; -1: all may
	 *  @param absent members that are away may, too @param topic needed where rules judge receiving
	 *  @returns the subscription of the member with the most room; of equal ones each in turn; 0: none */
	choose(group: number, without: number, absent: boolean, topic: string): number {
		const broker = this.broker;
		const table = broker.table;
		let members = 0;
		for (let s = table.firstOfNode[group]!; s !== 0; s = table.nextOfNode[s]!) members++;
		const start = members === 0 ? 0 : this.turn++ % members;
		let best = 0;
		let bestRoom = -1;
		let position = 0;
		for (let s = table.firstOfNode[group]!; s !== 0; s = table.nextOfNode[s]!, position++) {
			if (table.session[s] === without) continue;
			if (broker.rights.judgesReceive && !broker.rights.mayReceive(table.session[s]!, topic)) continue;
			const room = this.room(table.session[s]!);
			if (room === 0 && !absent) continue;
			// of equal ones, the first at or after `start`
			if (room > bestRoom || (room === bestRoom && position === start)) {
				best = s;
				bestRoom = room;
			}
		}
		return best;
	}

	/** @returns a stored message's topic, where the rules ask for it */
	private topicOf(message: number): string {
		const broker = this.broker;
		if (!broker.rights.judgesReceive) return "";
		const bytes = broker.store.topicBytes(message);
		const at = broker.pool.at(message);
		if (bytes <= broker.pool.blockBytes) return broker.text.decode(broker.memory, at, at + bytes)!;
		const topic = new Uint8Array(bytes);
		return broker.text.decode(topic, 0, broker.pool.read(message, 0, bytes, topic, 0))!;
	}

	/** @returns how much a member can take: its free window, none when it is absent */
	private room(index: number): number {
		const session = this.broker.sessions.at(index);
		const connection = session.connection;
		if (connection === undefined || connection.sending !== 0) return 0;
		const waiting = session.outbox.count;
		return waiting >= connection.receiveMaximum ? 1 : 1 + connection.receiveMaximum - waiting;
	}
}
