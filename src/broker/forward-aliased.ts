/** The short way of a QoS 0 PUBLISH of 5.0 that came alone, whose topic is a Topic Alias that was used before, for
 *  receivers who have an alias of the topic, too: the packet goes on as it came, but for the number of the alias.
 *  As forward.ts, it leaves all that is unusual to the handlers. Spec: 5.0, 3.3.2.3.4 */
import { PropertyId, Version } from "../codec/packet-types.js";
import { checkUtf8 } from "../codec/properties.js";
import { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { deliverRest } from "./forward.js";
import { ReceiverOption } from "./route-cache.js";

/** @returns index after the packet; `start`: nothing was done, the long way takes it */
export function forwardAliased(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	// no topic, and lengths of one byte
	if (bytes[start + 3] !== 0 || bytes[start + 2] !== 0 || start + 2 + bytes[start + 1]! !== end) return start;
	const broker = connection.broker;
	const aliasAt = findAliasNumber(broker, bytes, start + 5, start + 5 + bytes[start + 4]!, end);
	if (aliasAt === 0) return start;
	const high = bytes[aliasAt]!;
	const low = bytes[aliasAt + 1]!;
	const routes = broker.routes;
	const route = broker.aliasesTaken.routeOf(connection, (high << 8) | low, routes);
	if (route === 0 || routes.knows[route] !== routes.changeCount) return start;
	if (broker.rights.judgesPublish && routes.allowed[route] !== broker.sessions.stamps[connection.session!.index])
		return start;
	broker.counters.packetsReceived++;
	broker.counters.publishesReceived++;
	connection.heard = true;
	routes.recent[route] = 1;
	const given = broker.aliasesGiven;
	const serial = routes.serial[route]!;
	const total = end - start;
	let receiver = routes.first[route]!;
	for (; receiver !== 0; receiver = routes.next[receiver]!) {
		if ((routes.options[receiver]! & ReceiverOption.Unusual) !== 0 || routes.identifier[receiver] !== 0) break;
		const target = broker.sessions.all[routes.session[receiver]!]!;
		const to = target.connection;
		if (to === undefined || target.outbox.waitingFirst !== 0 || to.version !== Version.V5) break;
		const output = to.output;
		if ((to.options & ConnectionOption.TakesAliases) === 0 || output.busy !== 0) break;
		if (total > output.writable || total > to.packetBytesMax) break;
		const alias = given.find(to.index, serial, routes.serialEra, true);
		if (alias === 0 || given.isNew) break;
		bytes[aliasAt] = alias >> 8;
		bytes[aliasAt + 1] = alias;
		output.writable = output.transport!.write(bytes, start, end);
		broker.counters.publishesSent++;
		broker.outputs.bytesSent += total;
	}
	bytes[aliasAt] = high;
	bytes[aliasAt + 1] = low;
	if (receiver !== 0) deliverRest(broker, connection, route, receiver, bytes, start, end);
	return end;
}

/** Looks through properties of which each comes once: a Topic Alias and, if they are there, Payload Format Indicator
 *  and Content Type, which go on. @returns index of the alias's number; 0: they are not just these, and well-formed */
function findAliasNumber(broker: Broker, bytes: Uint8Array, start: number, end: number, packetEnd: number): number {
	if (end > packetEnd || end - start > 127) return 0;
	let aliasAt = 0;
	let indicatorAt = 0;
	let typeAt = 0;
	let at = start;
	while (at < end) {
		const id = bytes[at]!;
		if (id === PropertyId.TopicAlias && aliasAt === 0) {
			aliasAt = at + 1;
			at += 3;
		} else if (id === PropertyId.PayloadFormatIndicator && indicatorAt === 0 && bytes[at + 1]! < 2) {
			indicatorAt = at;
			at += 2;
		} else if (id === PropertyId.ContentType && typeAt === 0) {
			typeAt = at + 3;
			at = typeAt + ((bytes[at + 1]! << 8) | bytes[at + 2]!);
			if (at > end || checkUtf8(bytes, typeAt, at, broker.text) !== Cause.None) return 0;
		} else return 0;
	}
	return at === end ? aliasAt : 0;
}
