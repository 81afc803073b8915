/** The short ways of packets that came alone and ask for little: a PINGREQ, a PUBACK of the oldest message in flight,
 *  QoS 2's PUBREC, PUBREL and PUBCOMP of what is known. As forward.ts, they leave all that is unusual to the handlers.
 *  Only where the transports copy what they write, and for a connection that has nothing on its way out. Between
 *  connection.ts and the transport. */
import type { Connection } from "./connection.js";
import { First } from "./forward.js";

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
	if (bytes[start + 1] !== 2) return start;
	if (end !== start + 4) return start;
	try {
		if (!connection.session!.outbox.completeFirst((bytes[start + 2]! << 8) | bytes[start + 3]!)) return start;
		connection.broker.counters.packetsReceived++;
		connection.heard = true;
	} catch (error) {
		connection.broker.failed(connection, error);
	}
	return end;
}

/** PUBREC, PUBREL or PUBCOMP of a message that is known, where nothing waits behind it. The answer has the same
 *  Packet Identifier and takes the packet's place. Spec: [MQTT-4.3.3-1] [MQTT-4.3.3-2] */
export function answerQos2(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
	if (bytes[start + 1] !== 2 || end !== start + 4 || connection.sending !== 0) return start;
	const output = connection.output;
	if (output.writable < 4) return start;
	const broker = connection.broker;
	try {
		const session = connection.session!;
		const outbox = session.outbox;
		const id = (bytes[start + 2]! << 8) | bytes[start + 3]!;
		const first = bytes[start];
		let answer = 0;
		if (first === First.Pubrel) {
			if (!broker.received.delete(session.index, id)) return start;
			session.receivedCount--;
			answer = First.Pubcomp;
		} else if (first === First.Pubrec || first === First.Pubcomp) {
			if (outbox.waitingFirst !== 0 || outbox.resendNext !== 0) return start;
			if (first === First.Pubcomp) {
				if (!outbox.complete(id, 2, true)) return start;
			} else {
				if (!outbox.receive(id)) return start;
				answer = First.Pubrel;
			}
		} else return start;
		broker.counters.packetsReceived++;
		connection.heard = true;
		if (answer === 0) return end;
		bytes[start] = answer;
		output.writable = output.transport!.write(bytes, start, end);
		broker.outputs.bytesSent += 4;
	} catch (error) {
		broker.failed(connection, error);
	}
	return end;
}
