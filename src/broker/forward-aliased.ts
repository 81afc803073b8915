/** The short way of a QoS 0 PUBLISH of 5.0 that came alone, whose topic is a Topic Alias that was used before, for
 *  receivers who have an alias of the topic, too: the packet goes on as it came, but for the number of the alias.
 *  As forward.ts, it leaves all that is unusual to the handlers. After forward-alone.ts. Spec: 5.0, 3.3.2.3.4 */
import { PropertyId } from "../codec/packet-types.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { deliverRest } from "./forward.js";
import { ReceiverOption } from "./route-cache.js";

/** @param at index of the Property Length @returns index after the packet; `start`: nothing was done, the long way
 *  takes it. Throws what Text.key throws */
export function forwardAliased(
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	at: number,
	end: number,
): number {
	const broker = connection.broker;
	const lowAt = placeOfAlias(broker, bytes, at, end);
	if (lowAt === 0) return start;
	const low = bytes[lowAt]!;
	const routes = broker.routes;
	const taken = broker.aliasesTaken;
	if (low === 0) return start;
	if (low > taken.max) return start;
	const place = connection.index * taken.max + low - 1;
	const serial = taken.serials[place]!;
	if (serial === 0) return start;
	const route = taken.routes[place]!;
	if (routes.serial[route] !== serial) return start;
	if (routes.knows[route] !== routes.changeCount) return start;
	if (broker.rights.judgesPublish && !broker.rights.knows(connection.session!, route)) return start;
	const total = end - start;
	let receiver = routes.first[route]!;
	while (receiver !== 0) {
		if ((routes.options[receiver]! & ReceiverOption.Unusual) !== 0) break;
		if (routes.identifier[receiver] !== 0) break;
		const target = broker.sessions.all[routes.session[receiver]!]!;
		const to = target.connection;
		if (to === undefined) break;
		if ((to.options & ConnectionOption.TakesAliases) === 0) break;
		if (total > to.packetBytesMax) break;
		if (target.outbox.waitingFirst !== 0) break;
		const output = to.output;
		if (output.busy !== 0) break;
		if (total > output.writable) break;
		const alias = broker.aliasesGiven.aliasOf(to.index, serial, routes.serialEra);
		if (alias === 0) break;
		bytes[lowAt] = alias;
		output.writable = output.transport!.write(bytes, start, end);
		broker.counters.publishesSent++;
		broker.outputs.bytesSent += total;
		receiver = routes.next[receiver]!;
	}
	broker.counters.packetsReceived++;
	broker.counters.publishesReceived++;
	connection.heard = true;
	routes.recent[route] = 1;
	if (receiver !== 0) {
		bytes[lowAt] = low;
		deliverRest(broker, connection, route, receiver, bytes, start, end);
	}
	return end;
}

/** Looks through properties of which each comes once: a Topic Alias below 256 and, if they are there, Payload Format
 *  Indicator and Content Type, which go on.
 *  @param at index of the Property Length @returns index of the alias's last byte; 0: they are not just these, and
 *  well-formed */
export function placeOfAlias(broker: Broker, bytes: Uint8Array, at: number, end: number): number {
	const length = bytes[at++]!;
	if (length > 127) return 0;
	const after = at + length;
	if (after > end) return 0;
	const taken = broker.aliasesTaken;
	let lowAt = 0;
	let indicated = false;
	let id = 0;
	let value = 0; // where a Content Type begins
	while (at < after) {
		id = bytes[at]!;
		if (id === PropertyId.TopicAlias) {
			if (lowAt !== 0) return 0;
			if (bytes[at + 1] !== 0) return 0;
			lowAt = at + 2;
			at += 3;
		} else if (id === PropertyId.PayloadFormatIndicator) {
			if (indicated) return 0;
			if (bytes[at + 1]! > 1) return 0;
			indicated = true;
			at += 2;
		} else if (id === PropertyId.ContentType) {
			if (value !== 0) return 0;
			value = at + 3;
			at = value + ((bytes[at + 1]! << 8) | bytes[at + 2]!);
			if (at > after) return 0;
			if (at - value !== taken.textBytes || broker.text.key(bytes, value, at) !== taken.text)
				if (!taken.isText(bytes, value, at)) return 0;
		} else return 0;
	}
	return at === after ? lowAt : 0;
}
