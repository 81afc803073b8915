/** The short ways of packets that came alone and ask for little: a PINGREQ, a PUBACK of the oldest message in flight, a
 *  QoS 1 PUBLISH for one receiver who is ready. What is sent leaves at once, so that nothing is left for the end of the
 *  turn. As forward.ts, they leave all that is unusual to the handlers. Only where the transports copy what they write.
 *  Between connection.ts and the transport. */
import { PacketType, Version } from "../codec/packet-types.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { needsMore } from "./forward.js";
import type { Output } from "./output.js";
import { ReceiverOption } from "./route-cache.js";

const PUBACK = PacketType.Puback << 4;
const PUBLISH_QOS1 = (PacketType.Publish << 4) | (1 << 1);
const PINGREQ = PacketType.Pingreq << 4;
const PINGRESP = PacketType.Pingresp << 4;

/** What a QoS 1 receiver needs more for than the bytes and a Packet Identifier. */
const UNUSUAL = ReceiverOption.Group | ReceiverOption.More | ReceiverOption.NoLocal;

/** Takes a packet that fills bytes[start..end), of a connection that has nothing on its way out.
 *  @returns false: nothing was done, the long way takes it */
export function takeAlone(
	broker: Broker,
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
): boolean {
	if (start + 2 + bytes[start + 1]! !== end) return false;
	const first = bytes[start];
	try {
		if (first === PUBACK) {
			if (end !== start + 4) return false;
			const outbox = connection.session!.outbox;
			if (outbox.waitingFirst !== 0 || outbox.resendNext !== 0) return false;
			if (!outbox.completeFirst((bytes[start + 2]! << 8) | bytes[start + 3]!)) return false;
		} else if (first === PUBLISH_QOS1) {
			if (!forwardQos1(broker, connection, bytes, start, end)) return false;
		} else {
			if (first !== PINGREQ || end !== start + 2 || connection.output.writable < 2) return false;
			const at = broker.layout.scratch;
			broker.memory[at] = PINGRESP; // [MQTT-3.12.4-1]
			broker.memory[at + 1] = 0;
			write(connection.output, broker.memory, at, at + 2);
		}
		broker.counters.packetsReceived++;
		broker.deadlines.heard[connection.index] = 1;
	} catch (error) {
		broker.failed(connection, error);
	}
	return true;
}

function write(output: Output, bytes: Uint8Array, start: number, end: number): void {
	output.outputs.bytesSent += end - start;
	output.writable = output.transport!.write(bytes, start, end);
}

/** @returns false: nothing was done. Spec: [MQTT-3.3.4-1] [MQTT-4.3.2-2] */
function forwardQos1(broker: Broker, connection: Connection, bytes: Uint8Array, start: number, end: number): boolean {
	const version = connection.version;
	const topicEnd = start + 4 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
	let payloadStart = topicEnd + 2;
	if (version === Version.V5 && bytes[payloadStart++] !== 0) return false;
	if (payloadStart > end) return false;
	const id = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!;
	if (id === 0 || broker.qosOfAll === 0) return false;
	const routes = broker.routes;
	const route = routeOf(broker, connection, bytes, start + 4, topicEnd);
	const receiver = routes.first[route]!;
	if (receiver === 0 || routes.next[receiver] !== 0) return false;
	const options = routes.options[receiver]!;
	if ((options & UNUSUAL) !== 0 || (options & ReceiverOption.Qos) === 0) return false;
	const target = broker.sessions.all[routes.session[receiver]!]!;
	const to = target.connection;
	if (to === undefined || to === connection || to.version !== version) return false;
	if (version === Version.V5 && needsMore(routes, receiver, to, end - start)) return false;
	const output = to.output;
	const outbox = target.outbox;
	if (output.busy !== 0 || end - start > output.writable || connection.output.writable < 4) return false;
	if (outbox.waitingFirst !== 0 || outbox.resendNext !== 0 || outbox.inFlight >= to.receiveMaximum) return false;
	const limits = broker.limits;
	if (!outbox.hasRoom(end - start, limits.queueBytes, limits.queueMessages)) return false;
	const message = broker.store.addSmall(1, bytes, start + 4, topicEnd, payloadStart, end);
	if (message === 0) return false;
	const targetId = outbox.pushSent(message);
	bytes[topicEnd] = targetId >> 8;
	bytes[topicEnd + 1] = targetId;
	write(output, bytes, start, end);
	const memory = broker.memory;
	const at = broker.layout.scratch;
	memory[at] = PUBACK;
	memory[at + 1] = 2;
	memory[at + 2] = id >> 8;
	memory[at + 3] = id;
	write(connection.output, memory, at, at + 4);
	broker.counters.publishesReceived++;
	broker.counters.publishesSent++;
	return true;
}

/** @returns the route of a Topic Name that the client may publish to; 0: it has to be looked at */
function routeOf(broker: Broker, connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	const routes = broker.routes;
	let key: string;
	try {
		key = broker.text.key(bytes, start, end);
	} catch {
		return 0;
	}
	const route = routes.find(key, end - start);
	if (broker.rights.judgesPublish && routes.allowed[route] !== broker.sessions.stamps[connection.session!.index])
		return 0;
	return route;
}
