/** The short way of a PUBLISH of QoS 1 that came alone, where the transports copy what they write and nothing is kept
 *  in a storage: it leaves at once to each receiver of a route that is known, and is acknowledged. As forward.ts, it
 *  leaves all that is unusual to the handlers. Between connection.ts and the transport. */
import { Version } from "../codec/packet-types.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { deliverRest, First, needsMore } from "./forward.js";
import { putReshaped } from "./reshape.js";
import { ReceiverOption } from "./route-cache.js";

/** A packet of less than 128 bytes. It is stored, but not for receivers whose sessions end with their connections, as
 *  they are never sent it again; then sent; then acknowledged.
 *  @returns index after it; `start`: nothing was done, the long way takes it. Spec: [MQTT-3.3.4-1] [MQTT-4.3.2-2] */
export function forwardQos1(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	const topicEnd = start + 4 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
	const v5 = connection.version === Version.V5;
	const payloadStart = v5 ? topicEnd + 3 : topicEnd + 2;
	if (start + 2 + bytes[start + 1]! !== end || payloadStart > end) return start;
	if (v5 && bytes[topicEnd + 2] !== 0) return start;
	const packetId = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!;
	if (packetId === 0 || connection.output.writable < 4) return start;
	const broker = connection.broker;
	const routes = broker.routes;
	let written = -1; // the topic is being looked up
	try {
		const route = routes.routes.get(broker.text.key(bytes, start + 4, topicEnd)); // as RouteCache.find
		if (route === undefined || routes.bytesOf[route] !== topicEnd - start - 4) return start;
		if (routes.knows[route] !== routes.changeCount) return start;
		let receiver = routes.first[route]!;
		if (receiver === 0) return start;
		if (routes.next[receiver] !== 0 && mayRefuse(broker)) return start;
		if (broker.rights.judgesPublish && !broker.rights.knows(connection.session!, route)) return start;
		written = 0;
		let message = 0;
		do {
			const options = routes.options[receiver]!;
			if ((options & ReceiverOption.Unusual) !== 0) break;
			const target = broker.sessions.all[routes.session[receiver]!]!;
			const to = target.connection;
			if (to === undefined || to === connection) break;
			const output = to.output;
			if (output.busy !== 0 || end - start + 2 > output.writable) break;
			const to5 = to.version === Version.V5;
			if (to5 && needsMore(routes, receiver, to, end - start + 2)) break;
			const qos = options & ReceiverOption.Qos;
			if (qos !== 0) {
				if (target.outbox.count !== 0 && !target.outbox.isReady(to.receiveMaximum, end - start, broker.limits)) break;
				if (broker.deliveries.freeCount === 0) break;
				let kept = 0;
				if ((to.options & ConnectionOption.SessionEnds) === 0) {
					kept = message || broker.store.addSmall(1, bytes, start + 4, topicEnd, payloadStart, end);
					if (kept === 0) break;
					message = kept;
				}
				const id = target.outbox.pushSent(kept);
				bytes[topicEnd] = id >> 8;
				bytes[topicEnd + 1] = id;
			} else if (target.outbox.waitingFirst !== 0) break;
			if (qos === 0 || to5 !== v5) written += writeReshaped(broker, to, bytes, start, end, v5, qos);
			else {
				output.writable = output.transport!.write(bytes, start, end);
				written += end - start;
			}
			broker.counters.publishesSent++;
			receiver = routes.next[receiver]!;
		} while (receiver !== 0);
		if (written === 0) return start;
		if (receiver !== 0) finish(connection, route, receiver, bytes, start, end, message);
		bytes[start] = First.Puback; // where the packet was
		bytes[start + 1] = 2;
		bytes[start + 2] = packetId >> 8;
		bytes[start + 3] = packetId;
		connection.output.writable = connection.output.transport!.write(bytes, start, start + 4);
		broker.outputs.bytesSent += written + 4;
		broker.counters.packetsReceived++;
		broker.counters.publishesReceived++;
		routes.recent[route] = 1;
		connection.heard = true;
	} catch (error) {
		if (written < 0) return start; // Text.key threw: the long way says why
		broker.failed(connection, error);
	}
	return end;
}

/** From the first receiver on that is not ready the message goes the long way.
 *  @param message its number in the store; 0: it is not stored yet */
function finish(
	connection: Connection,
	route: number,
	receiver: number,
	bytes: Uint8Array,
	start: number,
	end: number,
	message: number,
): void {
	const broker = connection.broker;
	if (message !== 0) broker.store.hold(message);
	deliverRest(broker, connection, route, receiver, bytes, start, end, message);
}

/** @returns whether a publisher might have to hear that a message of several receivers is not taken: then the budgets
 *  are asked before anybody gets it (handle-publish.ts) */
function mayRefuse(broker: Broker): boolean {
	const limits = broker.limits;
	if (limits.whenQueueFull === "refuse") return true;
	return broker.deliveries.freeCount < limits.sessions || broker.pool.freeCount < 2;
}

/** Sends a receiver of the other version, or with a subscription of QoS 0, what it takes. @returns its bytes */
function writeReshaped(
	broker: Broker,
	to: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
	fromV5: boolean,
	granted: number,
): number {
	const from = broker.layout.assembly;
	const after = putReshaped(broker, bytes, start, end, fromV5, to.version === Version.V5, granted === 0 ? 0 : 1);
	to.output.writable = to.output.transport!.write(broker.memory, from, after);
	return after - from;
}
