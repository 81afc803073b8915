/** The short way of a PUBLISH of QoS 0 that came alone, where the transports copy what they write: it leaves at once,
 *  and from where it lies, to each receiver of a route that is known. As forward.ts, it leaves all that is unusual to
 *  the handlers. Between connection.ts and the transport. */
import { Version } from "../codec/packet-types.js";
import type { Connection } from "./connection.js";
import { deliverRest, forward, longLength, needsMore } from "./forward.js";
import { forwardAliased } from "./forward-aliased.js";
import { putReshaped } from "./reshape.js";
import { ReceiverOption } from "./route-cache.js";

/** A packet of less than 16 KB; several go the way of forward.ts.
 *  @returns index after it; `start`: nothing was done, the long way takes it. Spec: 3.3.4, 4.3.1 */
export function forwardAlone(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	// Opcodes count here (npm run bench -- xs --profile): a call costs ten and six for each argument, a local four, and
	// what is asked with || two more than by itself
	let topicStart = start + 4;
	if (start + 2 + bytes[start + 1]! !== end) {
		topicStart++;
		if (start + 3 + longLength(connection, bytes, start) !== end)
			return forward(connection.broker, connection, bytes, start, end);
	}
	const topicEnd = topicStart + ((bytes[topicStart - 2]! << 8) | bytes[topicStart - 1]!);
	if (topicEnd > end) return start;
	const v5 = connection.version === Version.V5;
	let writes = -1; // the topic is being looked up
	try {
		if (v5) {
			if (topicEnd === end) return start;
			if (bytes[topicEnd] !== 0)
				return topicEnd > topicStart ? start : forwardAliased(connection, bytes, start, topicEnd, end);
		}
		const broker = connection.broker;
		const routes = broker.routes;
		// as RouteCache.find
		const route = routes.routes.get(broker.text.key(bytes, topicStart, topicEnd));
		if (route === undefined) return start;
		if (routes.bytesOf[route] !== topicEnd - topicStart) return start;
		if (routes.knows[route] !== routes.changeCount) return start;
		if (broker.rights.judgesPublish && routes.allowed[route] !== broker.sessions.stamps[connection.session!.index])
			if (!broker.rights.knows(connection.session!, route)) return start;
		writes = 0;
		const total = end - start;
		let other = 0; // where the same packet for the other version ends
		let receiver = routes.first[route]!;
		while (receiver !== 0) {
			if ((routes.options[receiver]! & ReceiverOption.Unusual) !== 0) break;
			const target = broker.sessions.all[routes.session[receiver]!]!;
			const to = target.connection;
			if (to === undefined) break;
			if (target.outbox.waitingFirst !== 0) break;
			const output = to.output;
			if (output.busy !== 0) break;
			if (total + 2 > output.writable) break;
			const to5 = to.version === Version.V5;
			if (to5 && needsMore(routes, receiver, to, total + 2)) break;
			if (to5 === v5) output.writable = output.transport!.write(bytes, start, end);
			else {
				if (other === 0) other = putReshaped(broker, bytes, start, end, v5, to5, 0);
				if (other === 0) break;
				const from = broker.layout.assembly;
				output.writable = output.transport!.write(broker.memory, from, other);
				broker.outputs.bytesSent += other - from - total;
			}
			writes++;
			receiver = routes.next[receiver]!;
		}
		const counters = broker.counters;
		counters.packetsReceived++;
		counters.publishesReceived++;
		counters.publishesSent += writes;
		broker.outputs.bytesSent += writes * total;
		connection.heard = true;
		routes.recent[route] = 1;
		if (receiver !== 0) deliverRest(broker, connection, route, receiver, bytes, start, end);
	} catch (error) {
		if (writes < 0) return start; // Text.key threw: the long way says why
		connection.broker.failed(connection, error);
	}
	return end;
}
