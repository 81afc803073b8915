/** The short way of a PUBLISH of QoS 1 that came alone, where the transports copy what they write and nothing is kept in
 *  a storage: it leaves at once to each receiver of a route that is known, and is acknowledged. As forward.ts, it leaves
 *  all that is unusual to the handlers. Between connection.ts and the transport. */
import { Version } from "../codec/packet-types.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import { deliverRest, First, needsMore } from "./forward.js";
import { putReshaped } from "./reshape.js";
import { ReceiverOption } from "./route-cache.js";

/** A packet of less than 128 bytes: stored, unless all receivers' sessions end with their connections, so that it is
 *  never sent again; sent; and acknowledged, in this order.
 *  @returns index after it; `start`: nothing was done, the long way takes it. Spec: [MQTT-3.3.4-1] [MQTT-4.3.2-2] */
export function forwardQos1(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	const topicEnd = start + 4 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
	const v5 = connection.version === Version.V5;
	const payloadStart = topicEnd + (v5 ? 3 : 2);
	if (start + 2 + bytes[start + 1]! !== end || payloadStart > end) return start;
	if (v5 && bytes[topicEnd + 2] !== 0) return start;
	const high = bytes[topicEnd]!;
	const low = bytes[topicEnd + 1]!;
	if ((high | low) === 0 || connection.output.writable < 4) return start;
	const broker = connection.broker;
	const routes = broker.routes;
	let sent = -1; // the topic is being looked up
	try {
		const route = routes.find(broker.text.key(bytes, start + 4, topicEnd), topicEnd - start - 4);
		let receiver = routes.first[route]!;
		if (route === 0 || receiver === 0 || broker.qosOfAll === 0) return start;
		if (routes.next[receiver] !== 0 && mayRefuse(broker)) return start;
		if (broker.rights.judgesPublish && !broker.rights.knows(connection.session!, route)) return start;
		sent = 0;
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
			const outbox = target.outbox;
			const qos = options & ReceiverOption.Qos;
			if (qos !== 0) {
				if (!outbox.isReady(to.receiveMaximum, end - start, broker.limits)) break;
				let kept = 0;
				if ((to.options & ConnectionOption.SessionEnds) === 0) {
					if (message === 0) message = broker.store.addSmall(1, bytes, start + 4, topicEnd, payloadStart, end);
					if (message === 0) break;
					broker.store.hold(message);
					kept = message;
				}
				const id = outbox.pushSent(kept, kept === 0 ? 0 : broker.store.bytes(kept));
				bytes[topicEnd] = id >> 8;
				bytes[topicEnd + 1] = id;
			} else if (outbox.waitingFirst !== 0) break;
			if (qos !== 0 && to5 === v5) {
				output.writable = output.transport!.write(bytes, start, end);
				broker.outputs.bytesSent += end - start;
			} else writeReshaped(broker, to, bytes, start, end, v5, qos);
			sent++;
			receiver = routes.next[receiver]!;
		} while (receiver !== 0);
		if (sent === 0) return start;
		if (receiver !== 0) deliverRest(broker, connection, route, receiver, bytes, start, end, message);
		else if (message !== 0) broker.store.release(message);
		broker.counters.publishesSent += sent;
		acknowledge(connection, high, low);
	} catch (error) {
		if (sent < 0) return start; // Text.key threw: the long way says why
		broker.failed(connection, error);
	}
	return end;
}

/** @returns whether a publisher might have to hear that a message of several receivers is not taken: then the budgets
 *  are asked before anybody gets it (handle-publish.ts) */
function mayRefuse(broker: Broker): boolean {
	const limits = broker.limits;
	if (limits.whenQueueFull === "refuse") return true;
	return broker.deliveries.freeCount < limits.sessions || broker.pool.freeCount < 2;
}

/** Sends a receiver of the other version, or with a subscription of QoS 0, what it takes. */
function writeReshaped(
	broker: Broker,
	to: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
	fromV5: boolean,
	granted: number,
): void {
	const from = broker.layout.assembly;
	const after = putReshaped(broker, bytes, start, end, fromV5, to.version === Version.V5, granted === 0 ? 0 : 1);
	to.output.writable = to.output.transport!.write(broker.memory, from, after);
	broker.outputs.bytesSent += after - from;
}

/** PUBACK at once. */
function acknowledge(connection: Connection, high: number, low: number): void {
	const broker = connection.broker;
	const memory = broker.memory;
	const at = broker.layout.scratch;
	const output = connection.output;
	memory[at] = First.Puback;
	memory[at + 1] = 2;
	memory[at + 2] = high;
	memory[at + 3] = low;
	output.writable = output.transport!.write(memory, at, at + 4);
	broker.outputs.bytesSent += 4;
	const counters = broker.counters;
	counters.packetsReceived++;
	counters.publishesReceived++;
	connection.heard = true;
}
