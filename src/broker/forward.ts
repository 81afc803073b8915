/** The short way of what comes most: PUBLISHes of QoS 0 to a topic whose route is known, for receivers that take them
 *  as they came. A run of them goes to each receiver at once, and from where it lies if the transports copy what they
 *  write (Platform.copiesWrites). Whatever is unusual is left to handle-publish.ts and deliver.ts, which alone say what
 *  a PUBLISH means. Between connection.ts and the transport. */
import { Version } from "../codec/packet-types.js";
import { decodePublish } from "../codec/publish.js";
import { Busy, type Output } from "../delivery/output.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption, Way } from "./connection.js";
import { deliver } from "./deliver.js";
import { forwardAliased } from "./forward-aliased.js";
import { takeParts } from "./handle-publish.js";
import { ReceiverOption, type RouteCache } from "./route-cache.js";

/** The first bytes of packets that may go a short way. */
export const enum First {
	/** QoS 0, neither DUP nor RETAIN */
	Publish = 0x30,
	/** QoS 1, neither DUP nor RETAIN */
	PublishQos1 = 0x32,
	Puback = 0x40,
	Pingreq = 0xc0,
}

/** A run ends here, so that it fits into an output's buffer. */
const RUN_BYTES = 8_192;

/** @returns a Remaining Length of two bytes; NaN: it has more, or fewer would do, or the packet is too large */
function longLength(connection: Connection, bytes: Uint8Array, at: number): number {
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
	const version = connection.version;
	let at = start;
	let route = 0;
	let count = 0;
	let writes = -1; // a topic is being looked up
	try {
		do {
			let body = at + 2;
			let length = bytes[at + 1]!;
			if (!(length < 127)) {
				length = longLength(connection, bytes, at);
				if (!(at + length - start < broker.limits.outputBytes - 3)) break;
				body++;
			}
			const topicEnd = body + 2 + ((bytes[body]! << 8) | bytes[body + 1]!);
			const after = body + length;
			if (topicEnd > after || after > end) break;
			if (version === Version.V5 && (topicEnd === after || bytes[topicEnd] !== 0)) break;
			const found = routes.routes.get(broker.text.key(bytes, body + 2, topicEnd));
			if (found !== route) {
				if (route !== 0 || found === undefined || routes.knows[found] !== routes.changeCount) break;
				if (broker.rights.judgesPublish && routes.allowed[found] !== broker.sessions.stamps[connection.session!.index])
					break;
				route = found;
			}
			if (routes.bytesOf[route] !== topicEnd - body - 2) break;
			at = after;
			count++;
		} while (at < end && bytes[at] === First.Publish && at - start < RUN_BYTES);
		if (count === 0 && (version !== Version.V5 || connection.way < Way.Direct)) return start;
		writes = 0;
		if (count === 0) return forwardAliased(connection, bytes, start, end);
		broker.counters.packetsReceived += count;
		broker.counters.publishesReceived += count;
		connection.heard = true;
		routes.recent[route] = 1;
		const total = at - start;
		let receiver = routes.first[route]!;
		// what comes behind in this read is gathered into one write a receiver
		const direct = connection.way >= Way.Direct && (at === end || routes.next[receiver] !== 0);
		while (receiver !== 0) {
			if ((routes.options[receiver]! & ReceiverOption.Unusual) !== 0) break;
			const target = broker.sessions.all[routes.session[receiver]!]!;
			const to = target.connection;
			if (to === undefined || target.outbox.waitingFirst !== 0 || to.version !== version) break;
			if (version === Version.V5 && needsMore(routes, receiver, to, total)) break;
			const output = to.output;
			if (direct) {
				if (output.busy !== 0 || total > output.writable) break;
				output.writable = output.transport!.write(bytes, start, at);
			} else if (!gather(broker, output, bytes, start, at)) break;
			writes++;
			broker.counters.publishesSent += count;
			receiver = routes.next[receiver]!;
		}
		if (direct) broker.outputs.bytesSent += writes * total;
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
function gather(broker: Broker, output: Output, bytes: Uint8Array, start: number, end: number): boolean {
	if ((output.busy & ~(Busy.Staged | Busy.Dirty)) !== 0) return false;
	broker.beginTurn();
	if (!output.put(bytes, start, end)) return false;
	broker.touch(output);
	return true;
}

/** From the first receiver on that is not ready, or needs more than the bytes, each packet goes the long way. */
export function deliverRest(
	broker: Broker,
	connection: Connection,
	route: number,
	receiver: number,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.publishPacket;
	const p = broker.publication;
	broker.beginTurn();
	for (let at = start; at < end; at = packet.payloadEnd) {
		const short = bytes[at + 1]! < 127;
		const body = short ? at + 2 : at + 3;
		const length = short ? bytes[at + 1]! : longLength(connection, bytes, at);
		decodePublish(packet, bytes, body, body + length, 0, connection.version);
		takeParts(broker, connection, packet, p);
		p.publisher = connection.session!.index;
		p.route = route;
		deliver(broker, p, receiver);
		if (p.message !== 0) broker.store.release(p.message);
		p.message = 0;
	}
}
