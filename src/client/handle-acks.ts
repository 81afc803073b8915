/** The acknowledgements of QoS 1 and 2, in both directions. Spec: sections 3.4 to 3.7, 4.3 */
import { PacketType, ReasonCode } from "../codec/packet-types.js";
import { decodeAck } from "../codec/publish.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";

/** PUBACK, PUBREC and PUBCOMP: for what this side sent. */
export function handleAck(
	client: Client,
	type: PacketType.Puback | PacketType.Pubrec | PacketType.Pubcomp,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = client.ackPacket;
	const cause = decodeAck(packet, bytes, start, end, type, client.version, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	const listener = client.listener;
	if (type === PacketType.Puback) listener.publishAck(packet);
	else if (type === PacketType.Pubrec) listener.publishReceived(packet);
	else listener.publishComplete(packet);
	client.acknowledged(type, packet);
}

/** PUBREL: the sender has given the message up; its Packet Identifier is free. Spec: [MQTT-4.3.3-2], 5.0
 *  [MQTT-4.3.3-11] */
export function handlePubrel(client: Client, bytes: Uint8Array, start: number, end: number): void {
	const packet = client.ackPacket;
	const cause = decodeAck(packet, bytes, start, end, PacketType.Pubrel, client.version, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	client.listener.publishRelease(packet);
	const known = client.received.delete(0, packet.packetId);
	const reason = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
	client.answer(PacketType.Pubcomp, packet.packetId, reason);
}
