/** The short way of a run of PUBLISHes of QoS 0 to a Shared Subscription: each goes to one member of the group, as it
 *  came. A member that needs more than the bytes gets its message the long way. After forward.ts. Spec: 5.0, 4.8.2 */
import { Version } from "../codec/packet-types.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { gather, takePublish } from "./forward.js";

/** Hands out the packets that lie at bytes[start..end), which are whole, of less than 16 KB and without properties, to
 *  the group of a receiver of their route. Where no rules judge receiving. */
export function forwardToGroup(
	broker: Broker,
	connection: Connection,
	route: number,
	receiver: number,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const group = broker.routes.session[receiver]!;
	const shared = broker.shared;
	const sessions = broker.table.session;
	broker.beginTurn();
	for (let at = start; at < end; ) {
		const short = bytes[at + 1]! < 128;
		const length = short ? bytes[at + 1]! + 2 : (bytes[at + 1]! & 127) + (bytes[at + 2]! << 7) + 3;
		const member = shared.choose(group, -1, true, "");
		if (member === 0) return; // nobody is left
		const target = broker.sessions.all[sessions[member]!]!;
		const to = target.connection;
		const plain = to !== undefined && target.outbox.waitingFirst === 0 && to.version === connection.version;
		if (plain && takesAsItIs(broker, to, member, length) && gather(broker, to.output, bytes, at, at + length))
			broker.counters.publishesSent++;
		else {
			takePublish(broker, connection, route, bytes, at);
			broker.copy.clear();
			shared.deliverTo(broker.publication, member, group);
			release(broker);
		}
		at += length;
	}
}

/** @param member a subscription */
function takesAsItIs(broker: Broker, to: Connection, member: number, bytes: number): boolean {
	if (to.version !== Version.V5) return true;
	if (broker.table.identifier[member] !== 0 || bytes > to.packetBytesMax) return false;
	return (to.options & ConnectionOption.TakesAliases) === 0;
}

/** What a member did not take at once was stored; it has it now. */
function release(broker: Broker): void {
	const p = broker.publication;
	if (p.message !== 0) broker.store.release(p.message);
	p.message = 0;
	broker.copy.clear();
}
