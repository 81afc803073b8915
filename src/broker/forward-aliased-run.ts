/** The short way of QoS 0 PUBLISHes of 5.0 that came in one read, whose topic is the same Topic Alias, used before,
 *  for receivers who have an alias of the topic, too: they go on as they came, but for the number of the alias, in one
 *  write a receiver at the end of the turn. As forward.ts, it leaves all that is unusual to the handlers. After
 *  forward.ts; forward-aliased.ts is for one that came alone. Spec: 5.0, 3.3.2.3.4 */
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { deliverRest, First, gather, longLength, RUN_BYTES } from "./forward.js";
import { placeOfAlias } from "./forward-aliased.js";
import { ReceiverOption } from "./route-cache.js";

/** Forwards the packets that begin at bytes[start], the first byte being First.Publish.
 *  @returns index after them; `start`: nothing was done, the long way takes the first one. Throws what Text.key throws
 */
export function forwardAliasedRun(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	const broker = connection.broker;
	let lowAt = aliasAt(broker, connection, bytes, start, end);
	if (lowAt === 0) return start;
	const low = bytes[lowAt]!;
	const route = routeOf(broker, connection, low);
	if (route === 0) return start;
	// where the alias is in a packet: the same in each that one program makes
	const offset = lowAt - start;
	let count = 0;
	let at = start;
	do {
		at = endOfPacket(connection, bytes, at);
		count++;
		if (at >= end || bytes[at] !== First.Publish || at - start > RUN_BYTES) break;
		lowAt = aliasAt(broker, connection, bytes, at, end);
	} while (lowAt === at + offset && bytes[lowAt] === low);
	broker.counters.packetsReceived += count;
	broker.counters.publishesReceived += count;
	connection.heard = true;
	const routes = broker.routes;
	routes.recent[route] = 1;
	const serial = routes.serial[route]!;
	let receiver = routes.first[route]!;
	let alias = low;
	while (receiver !== 0) {
		const to = aliasedReceiver(broker, receiver, at - start);
		if (to === undefined) break;
		const theirs = broker.aliasesGiven.aliasOf(to.index, serial, routes.serialEra);
		if (theirs === 0) break;
		if (theirs !== alias) putAliases(connection, bytes, start, at, offset, theirs);
		alias = theirs;
		if (!gather(broker, to.output, bytes, start, at)) break;
		broker.counters.publishesSent += count;
		receiver = routes.next[receiver]!;
	}
	if (receiver === 0) return at;
	if (alias !== low) putAliases(connection, bytes, start, at, offset, low);
	deliverRest(broker, connection, route, receiver, bytes, start, at);
	return at;
}

/** @returns the connection of a receiver that takes the packets as they come, with an alias of its own; undefined: it
 *  does not, or not now. @param most bytes that no packet of the run exceeds */
function aliasedReceiver(broker: Broker, receiver: number, most: number): Connection | undefined {
	const routes = broker.routes;
	if ((routes.options[receiver]! & ReceiverOption.Unusual) !== 0 || routes.identifier[receiver] !== 0) return undefined;
	const target = broker.sessions.all[routes.session[receiver]!]!;
	const to = target.connection;
	if (to === undefined || (to.options & ConnectionOption.TakesAliases) === 0) return undefined;
	return most > to.packetBytesMax || target.outbox.waitingFirst !== 0 ? undefined : to;
}

/** @returns the route of the topic that a client's alias stands for; 0: it has to be looked for, or publishing to be
 *  judged */
function routeOf(broker: Broker, connection: Connection, alias: number): number {
	const taken = broker.aliasesTaken;
	const routes = broker.routes;
	if (alias === 0 || alias > taken.max) return 0;
	const place = connection.index * taken.max + alias - 1;
	const serial = taken.serials[place]!;
	const route = taken.routes[place]!;
	if (serial === 0 || routes.serial[route] !== serial || routes.knows[route] !== routes.changeCount) return 0;
	return broker.rights.judgesPublish && !broker.rights.knows(connection.session!, route) ? 0 : route;
}

/** @returns index of the last byte of a packet's alias; 0: it is not whole, too large for an output's buffer, has a
 *  Topic Name, or properties that don't go on as they are */
function aliasAt(broker: Broker, connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	const after = endOfPacket(connection, bytes, start);
	if (!(after <= end && after - start <= broker.limits.outputBytes - 3)) return 0;
	const body = bytes[start + 1]! < 128 ? start + 2 : start + 3;
	if (body + 2 >= after || bytes[body] !== 0 || bytes[body + 1] !== 0) return 0;
	return placeOfAlias(broker, bytes, body + 2, after);
}

/** @returns index after a packet; NaN: its length takes more than two bytes, or it is too large */
function endOfPacket(connection: Connection, bytes: Uint8Array, start: number): number {
	const short = bytes[start + 1]!;
	return short < 128 ? start + 2 + short : start + 3 + longLength(connection, bytes, start);
}

/** Writes an alias's number into each packet. */
function putAliases(
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
	offset: number,
	alias: number,
): void {
	for (let at = start; at < end; at = endOfPacket(connection, bytes, at)) bytes[at + offset] = alias;
}
