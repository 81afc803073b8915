/** The acknowledgements of QoS 1 and 2, in both directions. Spec: sections 3.4 to 3.7, 4.3 */
import { PacketType, ReasonCode, Version } from "../codec/packet-types.js";
import { decodeAck, encodeAck } from "../codec/publish.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { Cause, causeReason } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { putReasonString, REASON_STRING_BYTES } from "./reason-string.js";
import { pump } from "./send-publish.js";
import type { Session } from "./session.js";

/** Sends a 5.0 client PUBACK or PUBREC with the reason why its message was not taken. Spec: 5.0, 3.4.2.2.2,
 *  3.5.2.2.2 */
export function answerRefusal(
	broker: Broker,
	connection: Connection,
	type: PacketType.Puback | PacketType.Pubrec,
	id: number,
	cause: Cause,
): void {
	const memory = broker.memory;
	const string = broker.layout.scratch;
	const start = string + REASON_STRING_BYTES;
	const end = putReasonString(broker, connection, string, cause, 5);
	const reason = causeReason(cause);
	connection.sendAnswer(start, encodeAck(memory, start, type, id, Version.V5, reason, memory, string, end));
}

/** PUBACK, PUBREC and PUBCOMP: for what this side sent. */
export function handleAck(
	broker: Broker,
	connection: Connection,
	session: Session,
	type: PacketType,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.ackPacket;
	const cause = decodeAck(packet, bytes, start, end, type, connection.version, broker.text);
	if (cause !== Cause.None) return connection.refuse(cause);
	const id = packet.packetId;
	const outbox = session.outbox;
	if (connection.sending !== 0 && isBeingSent(broker, connection.sending, id))
		return connection.refuse(Cause.PacketIdUnknown); // acknowledged before it was sent whole
	if (type === PacketType.Puback) outbox.complete(id, 1, false);
	else if (type === PacketType.Pubcomp) outbox.complete(id, 2, true);
	else if (packet.reason >= ReasonCode.UnspecifiedError) outbox.complete(id, 2, false);
	else {
		const known = outbox.receive(id);
		connection.answer(PacketType.Pubrel, id, known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
		return;
	}
	if (outbox.waitingFirst !== 0 || outbox.resendNext !== 0) pump(broker, connection, session);
}

/** @returns whether the entry, whose PUBLISH is sent in parts, has this Packet Identifier; at QoS 0 it has none */
export function isBeingSent(broker: Broker, entry: number, id: number): boolean {
	const entries = broker.deliveries;
	return (entries.state[entry]! & DeliveryState.Qos) !== 0 && entries.packetId[entry] === id;
}

/** PUBREL: the sender has given the message up; its Packet Identifier is free. Spec: [MQTT-4.3.3-2], 5.0
 *  [MQTT-4.3.3-11] */
export function handlePubrel(
	broker: Broker,
	connection: Connection,
	session: Session,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.ackPacket;
	const cause = decodeAck(packet, bytes, start, end, PacketType.Pubrel, connection.version, broker.text);
	if (cause !== Cause.None) return connection.refuse(cause);
	const known = broker.received.delete(session.index, packet.packetId);
	if (known) session.receivedCount--;
	const reason = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
	connection.answer(PacketType.Pubcomp, packet.packetId, reason);
}
