/** The short way of what comes most: PUBLISHes of QoS 0 to a topic whose route is known, for receivers that take them
 *  as they came, or in the other version's form. A run of them goes to each receiver at once. Whatever is unusual is
 *  left to handle-publish.ts and deliver.ts, which alone say what a PUBLISH means. Between connection.ts and the
 *  transport. */
import { Version } from "../codec/packet-types.js";
import { decodePublish } from "../codec/publish.js";
import { Busy, type Output } from "../delivery/output.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { deliver } from "./deliver.js";
import { forwardAliasedRun } from "./forward-aliased-run.js";
import { forwardToGroup } from "./forward-group.js";
import { takeParts } from "./handle-publish.js";
import { putReshaped } from "./reshape.js";
import { ReceiverOption, type RouteCache } from "./route-cache.js";

/** The first bytes of packets that may go a short way. */
export const enum First {
	/** QoS 0, neither DUP nor RETAIN */
	Publish = 0x30,
	/** QoS 1, neither DUP nor RETAIN */
	PublishQos1 = 0x32,
	Puback = 0x40,
	Pubrec = 0x50,
	Pubrel = 0x62,
	Pubcomp = 0x70,
	Pingreq = 0xc0,
}

/** A run ends here, so that it fits into an output's buffer. */
export const RUN_BYTES = 8_192;

/** @returns a Remaining Length of two bytes; NaN: it has more, or fewer would do, or the packet is too large */
export function longLength(connection: Connection, bytes: Uint8Array, at: number): number {
	const high = bytes[at + 2]!;
	if (bytes[at + 1]! < 128 || high === 0 || high > 127) return Number.NaN;
	const length = (bytes[at + 1]! & 127) | (high << 7);
	return length + 3 > connection.listener.limits.packetBytes ? Number.NaN : length;
}

/** Forwards the packets of less than 16 KB that begin at bytes[start], the first byte being First.Publish, and go
 *  to one route. @returns index after them; `start`: none, the long way has to take the first one */
export function forward(broker: Broker, connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	// Opcodes count here (npm run bench -- xs --profile): a call costs ten and six for each argument, a local four
	const routes = broker.routes;
	const v5 = connection.version === Version.V5;
	let at = start;
	let route = 0;
	let count = 0;
	let writes = -1; // a topic is being looked up
	try {
		do {
			let body = at + 2;
			let length = bytes[at + 1]!;
			if (length > 127) {
				length = longLength(connection, bytes, at);
				if (!(at + length - start < broker.limits.outputBytes - 3)) break;
				body++;
			}
			const topicEnd = body + 2 + ((bytes[body]! << 8) | bytes[body + 1]!);
			const after = body + length;
			if (topicEnd > after || after > end) break;
			if (v5 && (topicEnd === after || bytes[topicEnd] !== 0)) break;
			const found = routes.routes.get(broker.text.key(bytes, body + 2, topicEnd));
			if (found !== route) {
				if (route !== 0 || found === undefined || routes.knows[found] !== routes.changeCount) break;
				if (broker.rights.judgesPublish && !broker.rights.knows(connection.session!, found)) break;
				route = found;
			}
			if (routes.bytesOf[route] !== topicEnd - body - 2) break;
			at = after;
			count++;
		} while (at < end && bytes[at] === First.Publish && at - start < RUN_BYTES);
		if (count === 0) return v5 ? forwardAliasedRun(connection, bytes, start, end) : start;
		writes = 0;
		broker.counters.packetsReceived += count;
		broker.counters.publishesReceived += count;
		connection.heard = true;
		routes.recent[route] = 1;
		const total = at - start + 2 * count; // more than any packet of the run has, also for the other version
		let receiver = routes.first[route]!;
		let other = 0; // where the same run for the other version ends
		while (receiver !== 0) {
			const unusual = routes.options[receiver]! & ReceiverOption.Unusual;
			if (unusual !== 0) {
				if (unusual !== ReceiverOption.Group || broker.rights.judgesReceive) break;
				forwardToGroup(broker, connection, route, receiver, bytes, start, at);
				receiver = routes.next[receiver]!;
				continue;
			}
			const target = broker.sessions.all[routes.session[receiver]!]!;
			const to = target.connection;
			if (to === undefined || target.outbox.waitingFirst !== 0) break;
			const to5 = to.version === Version.V5;
			if (to5 && needsMore(routes, receiver, to, total)) break;
			if (to5 === v5) {
				if (!gather(broker, to.output, bytes, start, at)) break;
			} else {
				if (other === 0) other = putReshaped(broker, bytes, start, at, v5, to5, 0);
				if (other === 0 || !gather(broker, to.output, broker.memory, broker.layout.assembly, other)) break;
			}
			writes++;
			receiver = routes.next[receiver]!;
		}
		broker.counters.publishesSent += count * writes;
		if (receiver !== 0) deliverRest(broker, connection, route, receiver, bytes, start, at);
		return at;
	} catch (error) {
		if (writes < 0) return start; // Text.key threw: the long way says why
		broker.failed(connection, error);
		return end;
	}
}

/** @returns whether a receiver of 5.0 takes other bytes (Subscription Identifiers, Topic Aliases) or smaller packets */
export function needsMore(routes: RouteCache, receiver: number, to: Connection, bytes: number): boolean {
	return (
		routes.identifier[receiver] !== 0 || (to.options & ConnectionOption.TakesAliases) !== 0 || bytes > to.packetBytesMax
	);
}

/** @returns false: there is no room now */
export function gather(broker: Broker, output: Output, bytes: Uint8Array, start: number, end: number): boolean {
	if ((output.busy & ~(Busy.Staged | Busy.Dirty)) !== 0) return false;
	broker.beginTurn();
	if (!output.put(bytes, start, end)) return false;
	broker.touch(output);
	return true;
}

/** From the first receiver on that is not ready, or needs more than the bytes, each packet goes the long way.
 *  @param message its number in the store, which is held for it; 0: it is not stored yet */
export function deliverRest(
	broker: Broker,
	connection: Connection,
	route: number,
	receiver: number,
	bytes: Uint8Array,
	start: number,
	end: number,
	message = 0,
): void {
	const p = broker.publication;
	broker.beginTurn();
	for (let at = start; at < end; ) {
		at = takePublish(broker, connection, route, bytes, at);
		p.message = message;
		deliver(broker, p, receiver);
		if (p.message !== 0) broker.store.release(p.message);
		p.message = 0;
	}
}

/** Makes `broker.publication` of a PUBLISH that went a short way until now. @returns index after it */
export function takePublish(
	broker: Broker,
	connection: Connection,
	route: number,
	bytes: Uint8Array,
	at: number,
): number {
	const packet = broker.publishPacket;
	const p = broker.publication;
	const short = bytes[at + 1]! < 128;
	const body = short ? at + 2 : at + 3;
	const length = short ? bytes[at + 1]! : longLength(connection, bytes, at);
	decodePublish(packet, bytes, body, body + length, bytes[at]! & 15, connection.version);
	takeParts(broker, connection, packet, p);
	p.publisher = connection.session!.index;
	p.route = route;
	return packet.payloadEnd;
}
