/** Shared Subscriptions: each message goes to one member of a group, the one with the most room. Spec: 5.0, 4.8.2 */

import type { Broker } from "./broker.js";
import { deliverTo, type Publication } from "./deliver.js";
import { ReceiverOption } from "./route-cache.js";

export class Shared {
	/** turns the start of the search on, so that members with the same room take turns */
	private turn = 0;

	/** Hands the publication to one member of the group. Spec: [5:MQTT-4.8.2-3] */
	deliver(broker: Broker, p: Publication, group: number): void {
		const table = broker.table;
		let members = 0;
		for (let s = table.firstOfNode[group]!; s !== 0; s = table.nextOfNode[s]!) members++;
		const start = members === 0 ? 0 : this.turn++ % members;
		let best = 0;
		let bestRoom = -1;
		let position = 0;
		for (let s = table.firstOfNode[group]!; s !== 0; s = table.nextOfNode[s]!, position++) {
			const room = this.room(broker, table.session[s]!);
			// of equal ones, the first at or after `start`
			if (room > bestRoom || (room === bestRoom && position === start)) {
				best = s;
				bestRoom = room;
			}
		}
		if (best === 0) return;
		const options = table.options[best]!;
		const retain = p.retain && (options & ReceiverOption.RetainAsPublished) !== 0;
		const session = broker.sessions.at(table.session[best]!);
		const receiver = table.identifier[best] === 0 ? 0 : broker.routes.single(table.identifier[best]!);
		deliverTo(broker, p, session, options & ReceiverOption.Qos, retain, receiver);
	}

	/** @returns how much a member can take: its free window, none when it is absent */
	private room(broker: Broker, index: number): number {
		const session = broker.sessions.at(index);
		const connection = session.connection;
		if (connection === undefined || connection.sending !== 0) return 0;
		const waiting = session.outbox.count;
		return waiting >= connection.receiveMaximum ? 1 : 1 + connection.receiveMaximum - waiting;
	}
}
