/** The short ways of packets that came alone and ask for little: a PINGREQ, a PUBACK of the oldest message in flight, a
 *  QoS 1 PUBLISH for one receiver who is ready. What is sent leaves at once, so that nothing is left for the end of the
 *  turn. As forward.ts, they leave all that is unusual to the handlers. Only where the transports copy what they write,
 *  and for a connection that has nothing on its way out. Between connection.ts and the transport. */
import { Version } from "../codec/packet-types.js";
import type { Connection } from "./connection.js";
import { First, needsMore } from "./forward.js";
import { ReceiverOption } from "./route-cache.js";

/** PINGREQ. @returns index after it; `start`, as with the others: nothing was done, the long way takes it.
 *  Spec: [MQTT-3.12.4-1] */
export function answerPing(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	if (bytes[start + 1] !== 0 || end !== start + 2) return start;
	const broker = connection.broker;
	try {
		const output = connection.output;
		const at = broker.layout.pingresp;
		if (output.writable < 2) return start;
		output.writable = output.transport!.write(broker.memory, at, at + 2);
		broker.outputs.bytesSent += 2;
		broker.counters.packetsReceived++;
		connection.heard = true;
	} catch (error) {
		broker.failed(connection, error);
	}
	return end;
}

/** PUBACK of the oldest message, where nothing waits behind it. Spec: [MQTT-4.3.2-1] */
export function complete(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	if (bytes[start + 1] !== 2 || end !== start + 4) return start;
	try {
		if (!connection.session!.outbox.completeFirst((bytes[start + 2]! << 8) | bytes[start + 3]!)) return start;
		connection.broker.counters.packetsReceived++;
		connection.heard = true;
	} catch (error) {
		connection.broker.failed(connection, error);
	}
	return end;
}

/** PUBLISH of QoS 1: stored, sent and acknowledged, in this order. Spec: [MQTT-3.3.4-1] [MQTT-4.3.2-2] */
export function forwardQos1(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	if (start + 2 + bytes[start + 1]! !== end) return start;
	const broker = connection.broker;
	const version = connection.version;
	const topicEnd = start + 4 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
	let payloadStart = topicEnd + 2;
	if (payloadStart > end || (version === Version.V5 && bytes[payloadStart++] !== 0) || payloadStart > end) return start;
	const id = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!;
	const answer = connection.output;
	if (id === 0 || answer.writable < 4 || broker.qosOfAll === 0) return start;
	const routes = broker.routes;
	let looking = true;
	try {
		const route = routes.find(broker.text.key(bytes, start + 4, topicEnd), topicEnd - start - 4);
		looking = false;
		const receiver = routes.first[route]!;
		if (receiver === 0 || routes.next[receiver] !== 0) return start;
		if (broker.rights.judgesPublish && routes.allowed[route] !== broker.sessions.stamps[connection.session!.index])
			return start;
		const options = routes.options[receiver]!;
		if ((options & ReceiverOption.Unusual) !== 0 || (options & ReceiverOption.Qos) === 0) return start;
		const target = broker.sessions.all[routes.session[receiver]!]!;
		const to = target.connection;
		if (to === undefined || to === connection || to.version !== version) return start;
		if (version === Version.V5 && needsMore(routes, receiver, to, end - start)) return start;
		const output = to.output;
		if (output.busy !== 0 || end - start > output.writable) return start;
		if (!target.outbox.isReady(to.receiveMaximum, end - start, broker.limits)) return start;
		const message = broker.store.addSmall(1, bytes, start + 4, topicEnd, payloadStart, end);
		if (message === 0) return start;
		const targetId = target.outbox.pushSent(message, topicEnd - start - 4 + end - payloadStart);
		bytes[topicEnd] = targetId >> 8;
		bytes[topicEnd + 1] = targetId;
		output.writable = output.transport!.write(bytes, start, end);
		const memory = broker.memory;
		const at = broker.layout.scratch;
		memory[at] = First.Puback;
		memory[at + 1] = 2;
		memory[at + 2] = id >> 8;
		memory[at + 3] = id;
		answer.writable = answer.transport!.write(memory, at, at + 4);
		const counters = broker.counters;
		counters.packetsReceived++;
		counters.publishesReceived++;
		counters.publishesSent++;
		broker.outputs.bytesSent += end - start + 4;
		connection.heard = true;
	} catch (error) {
		if (looking) return start; // Text.key threw: the long way says why
		broker.failed(connection, error);
	}
	return end;
}
